"""The official client of mcp 1.30.0, in an environment of its own.

Reads {"url", "key", "calls": [[tool, arguments], …]} from standard input and writes what it saw, both as JSON. With
"answer", that is what its user answers to every question; with "sse", the transport is HTTP+SSE; "authorities" is a file
with whom it trusts over TLS.
"""

import asyncio
import contextlib
import json
import ssl
import sys

import httpx
from mcp import ClientSession, types
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client


@contextlib.asynccontextmanager
async def transport(wanted, headers):
    """Both transports as streams, with what tells the session."""
    verify = ssl.create_default_context(cafile=wanted["authorities"]) if "authorities" in wanted else True

    def client(headers=None, timeout=None, auth=None):
        return httpx.AsyncClient(headers=headers, timeout=timeout, auth=auth, verify=verify)

    if wanted.get("sse"):
        async with sse_client(
                wanted["url"], headers=headers, timeout=120, httpx_client_factory=client) as (read, write):
            yield read, write, lambda: None
    else:
        async with client(headers, 120) as http:
            async with streamable_http_client(wanted["url"], http_client=http) as streams:
                yield streams


async def main():
    wanted = json.load(sys.stdin)
    headers = {"Authorization": f"Bearer {wanted['key']}"}
    seen = {"calls": [], "questions": []}

    async def answer(context, params):
        seen["questions"].append(params.message)
        return types.ElicitResult(action="accept", content=wanted["answer"])

    more = {"elicitation_callback": answer} if "answer" in wanted else {}
    async with transport(wanted, headers) as (read, write, session_id):
        async with ClientSession(read, write, **more) as session:
            hello = await session.initialize()
            seen["protocol"] = hello.protocolVersion
            seen["session"] = session_id()
            seen["tools"] = [tool.name for tool in (await session.list_tools()).tools]
            for tool, arguments in wanted["calls"]:
                result = await session.call_tool(tool, arguments)
                seen["calls"].append(result.model_dump(mode="json", by_alias=True))
    json.dump(seen, sys.stdout)


asyncio.run(main())
