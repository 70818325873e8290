"""Made with the official SDK, and cut down to revision 2026-07-28: what older agents say is refused, as a server will that
has dropped the earlier revisions.

modern_only.py PORT MARKER [CERTIFICATE KEY]: the marker is written by the tool that must not run; with a certificate it
speaks TLS.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated

import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, Resolve
from pydantic import BaseModel, Field

SSN = "078-05-1120"
MODERN = "2026-07-28"
cancelled = []


class Person(BaseModel):
    name: str
    ssn: str


class Deletion(BaseModel):
    name: str
    sure: bool
    why: str
    ssn: str


class Confirmation(BaseModel):
    sure: bool
    why: str = ""


def ask(name: str):
    """What the user is asked before something happens."""
    return Elicit(f"Really delete {name}?", Confirmation)


def make(marker):
    server = MCPServer("modern", instructions="Only the newest revision.")

    @server.tool()
    def find_person(name: str) -> Person:
        """One person."""
        return Person(name=name, ssn=SSN)

    @server.tool()
    def names() -> list[str]:
        """No object."""
        return ["Ada", "Zoë"]

    @server.tool()
    def delete(name: str, confirmation: Annotated[Confirmation, Resolve(ask)]) -> Deletion:
        """Asks before it does something."""
        return Deletion(name=name, sure=confirmation.sure, why=confirmation.why, ssn=SSN)

    @server.tool()
    async def slow(seconds: float, context: Context) -> str:
        """Reports progress, and notes when it is cancelled."""
        try:
            for step in range(4):
                await context.report_progress(step, 4, f"step {step}")
                await asyncio.sleep(seconds / 4)
        except asyncio.CancelledError:
            cancelled.append("slow")
            raise
        return "done"

    @server.tool()
    def were_cancelled() -> str:
        """Which calls were cancelled."""
        return ",".join(cancelled)

    @server.tool()
    def region(where: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})]) -> str:
        """One of its arguments is repeated in a header field."""
        return f"in {where}"

    @server.tool()
    def wipe() -> str:
        """Destroys something."""
        marker.write_text("wiped")
        return "gone"

    @server.tool()
    async def touch(context: Context) -> str:
        """Changes a resource that agents may have subscribed to."""
        await context.notify_resource_updated("note://one")
        return "touched"

    @server.resource("note://one")
    def note() -> str:
        """A note."""
        return "a note"

    @server.prompt()
    def greeting(name: str) -> str:
        """A prompt."""
        return f"Greet {name}."

    return server


def only_modern(app):
    """Lets through what says that it is of the newest revision, and answers the rest as the specification says."""

    async def serve(scope, receive, send):
        if scope["type"] != "http":
            return await app(scope, receive, send)
        fields = dict(scope["headers"])
        if scope["method"] == "POST" and fields.get(b"mcp-protocol-version", b"").decode() == MODERN:
            return await app(scope, receive, send)
        status, headers = (405, [(b"allow", b"POST")]) if scope["method"] != "POST" else (400, [])
        body = json.dumps({"jsonrpc": "2.0", "id": None, "error": {
            "code": -32022, "message": "Unsupported protocol version",
            "data": {"supported": [MODERN], "requested": ""}}}).encode()
        await send({"type": "http.response.start", "status": status, "headers": [
            *headers, (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode())]})
        await send({"type": "http.response.body", "body": body})

    return serve


if __name__ == "__main__":
    app = make(Path(sys.argv[2])).streamable_http_app()
    tls = dict(zip(["ssl_certfile", "ssl_keyfile"], sys.argv[3:]))
    uvicorn.run(only_modern(app), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", **tls)
