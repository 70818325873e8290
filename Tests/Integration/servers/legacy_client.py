"""The official client of mcp 1.30.0, in an environment of its own.

Reads {"url", "key", "calls": [[tool, arguments], …]} from standard input and writes what it saw, both as JSON.
"""

import asyncio
import json
import sys

import httpx
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client


async def main():
    wanted = json.load(sys.stdin)
    headers = {"Authorization": f"Bearer {wanted['key']}"}
    seen = {"calls": []}
    async with httpx.AsyncClient(headers=headers, timeout=30) as http:
        async with streamable_http_client(wanted["url"], http_client=http) as (read, write, session_id):
            async with ClientSession(read, write) as session:
                hello = await session.initialize()
                seen["protocol"] = hello.protocolVersion
                seen["session"] = session_id()
                seen["tools"] = [tool.name for tool in (await session.list_tools()).tools]
                for tool, arguments in wanted["calls"]:
                    result = await session.call_tool(tool, arguments)
                    seen["calls"].append(result.model_dump(mode="json", by_alias=True))
    json.dump(seen, sys.stdout)


asyncio.run(main())
