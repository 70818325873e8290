"""Made with the official SDK: personal data in structured results, on two ports.

people.py JSON_PORT SSE_PORT MARKER: the first port answers the legacy revisions with JSON, the second with event
streams.
"""

import asyncio
import sys
from pathlib import Path

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from pydantic import BaseModel

SSN = "078-05-1120"
EMAIL = "ada@example.com"


class Card(BaseModel):
    number: str
    network: str


class Person(BaseModel):
    name: str
    ssn: str
    email: str
    card: Card


def person(name):
    return Person(
        name=name, ssn=SSN, email=EMAIL, card=Card(number="4111 1111 1111 1234", network="visa"))


def make(marker):
    server = MCPServer("people")

    @server.tool()
    def find_person(name: str) -> Person:
        """One person."""
        return person(name)

    @server.tool()
    def list_people(count: int) -> list[Person]:
        """Many of them."""
        return [person(f"Zoë {number} \"\\/\u2028 🎈") for number in range(count)]

    @server.tool()
    async def slow_person(name: str, seconds: float, context: Context) -> Person:
        """One person after a while, with progress meanwhile."""
        for step in range(4):
            await context.report_progress(step, 4, f"step {step}")
            await asyncio.sleep(seconds / 4)
        return person(name)

    @server.tool()
    def fail() -> str:
        """Fails."""
        raise ValueError("the tool broke")

    @server.tool()
    def greet(name: str) -> str:
        """Nothing personal."""
        return f"Hello, {name}!"

    @server.tool()
    def wipe() -> str:
        """Destroys something."""
        marker.write_text("wiped")
        return "gone"

    return server


async def main():
    first, second, marker = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    await asyncio.gather(
        make(marker).run_streamable_http_async(port=first, json_response=True),
        make(marker).run_streamable_http_async(port=second))


if __name__ == "__main__":
    asyncio.run(main())
