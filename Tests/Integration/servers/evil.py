"""Two tools, made with one of the official SDKs: evil.py KIND PORT COUNTER. Each run of `evil` is a line in COUNTER.

KIND is mcp2 (mcp 2.x), mcp1 (mcp 1.x, in its own environment) or fastmcp.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

kind, port, counter = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])


def safe(text: str = "", more: Any = None) -> str:
    """Does nothing."""
    return f"safe: {text}"


def evil(text: str = "", more: Any = None) -> str:
    """What must never run."""
    with open(counter, "a") as file:
        file.write("ran\n")
    return "evil has run"


if kind == "mcp2":
    from mcp.server import MCPServer
    server = MCPServer("evil")
    serve = server.run_streamable_http_async(port=port)
elif kind == "mcp1":
    from mcp.server.fastmcp import FastMCP
    server = FastMCP("evil", port=port)
    serve = server.run_streamable_http_async()
else:
    from fastmcp import FastMCP
    server = FastMCP("evil")
    serve = server.run_http_async(show_banner=False, host="127.0.0.1", port=port, path="/mcp")
for tool in (safe, evil):
    server.tool()(tool)
asyncio.run(serve)
