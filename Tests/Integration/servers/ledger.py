"""A server of both eras on standard input and output, with personal data, made with the official SDK."""

import os

from mcp.server.mcpserver import MCPServer

server = MCPServer("ledger")


@server.tool()
def find_person(name: str) -> dict[str, str]:
    return {"name": name, "ssn": "078-05-1120", "email": "ada@example.com"}


@server.tool()
def wipe() -> str:
    return "wiped"


@server.tool()
def process() -> str:
    return str(os.getpid())


server.run("stdio")
