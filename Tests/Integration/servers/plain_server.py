"""One small server for either SDK: mcp 2.x (MCPServer) and mcp 1.x (FastMCP), over either transport.

plain_server.py PORT http|sse|stdio MARKER: the marker is written by the tool that must not run.
"""

import asyncio
import sys
from pathlib import Path

from pydantic import BaseModel

try:
    from mcp.server import MCPServer as Server
    from mcp.server.mcpserver import Context
    IS_NEW = True
except ImportError:
    from mcp.server.fastmcp import Context
    from mcp.server.fastmcp import FastMCP as Server
    IS_NEW = False

SSN = "078-05-1120"


class Person(BaseModel):
    name: str
    ssn: str


class Confirmation(BaseModel):
    sure: bool
    why: str = ""


def make(marker, **settings):
    server = Server("plain", **settings)

    @server.tool()
    def find_person(name: str) -> Person:
        """One person."""
        return Person(name=name, ssn=SSN)

    @server.tool()
    async def delete(name: str, context: Context) -> Person:
        """Asks before it does something."""
        answer = await context.elicit(f"Really delete {name}?", Confirmation)
        return Person(name=f"{name}: {answer.data.why}", ssn=SSN)

    @server.tool()
    async def slow(seconds: float, context: Context) -> str:
        """Reports progress meanwhile."""
        for step in range(4):
            await context.report_progress(step, 4, f"step {step}")
            await asyncio.sleep(seconds / 4)
        return "done"

    @server.tool()
    def wipe() -> str:
        """Destroys something."""
        marker.write_text("wiped")
        return "gone"

    return server


def main():
    port, transport, marker = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    where = {} if IS_NEW else {"host": "127.0.0.1", "port": port}
    server = make(marker, **where)
    if transport == "stdio":
        return server.run("stdio")
    name = "sse" if transport == "sse" else "streamable-http"
    if IS_NEW:
        server.run(name, host="127.0.0.1", port=port)
    else:
        server.run(name)


main()
