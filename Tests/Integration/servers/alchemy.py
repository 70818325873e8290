"""mcp-alchemy over HTTP instead of its standard input and output: alchemy.py PORT, with DB_URL set.

With TOKEN set too, whoever does not bring it as a bearer token is turned away.
"""

import asyncio
import os
import sys

import uvicorn
from mcp_alchemy.server import mcp
from starlette.responses import PlainTextResponse

port, token = int(sys.argv[1]), os.environ.get("TOKEN")
app = mcp.streamable_http_app()


async def guarded(scope, receive, send):
    if scope["type"] == "http" and token is not None:
        if dict(scope["headers"]).get(b"authorization") != f"Bearer {token}".encode():
            return await PlainTextResponse("who are you?", 401)(scope, receive, send)
    await app(scope, receive, send)


asyncio.run(uvicorn.Server(uvicorn.Config(guarded, host="127.0.0.1", port=port, log_level="warning")).serve())
