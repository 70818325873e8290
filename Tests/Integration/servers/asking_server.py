"""A server of mcp 2.3 whose tool asks twice before it does something: asking_server.py PORT.

In the modern era what it was told first comes back to it in its state (`requestState`).
"""

import sys
from typing import Annotated

from mcp.server.mcpserver import Elicit, MCPServer, Resolve
from pydantic import BaseModel


class Confirmation(BaseModel):
    sure: bool


class Reason(BaseModel):
    why: str


class Removed(BaseModel):
    name: str
    why: str
    ssn: str


async def confirm() -> Elicit[Confirmation]:
    return Elicit("Really?", Confirmation)


async def explain(sure: Annotated[Confirmation, Resolve(confirm)]) -> Elicit[Reason]:
    return Elicit("Why?", Reason)


server = MCPServer("asking")


@server.tool()
async def remove(
    name: str, sure: Annotated[Confirmation, Resolve(confirm)],
    reason: Annotated[Reason, Resolve(explain)],
) -> Removed:
    """Removes somebody."""
    return Removed(name=name, why=reason.why, ssn="078-05-1120")


server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
