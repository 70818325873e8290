"""Runs a tool as a task with the client of mcp 1.30.0.

Reads {"url", "key", "tool"} from standard input and writes what it saw, both as JSON; with "task", it asks about that one.
"""

import asyncio
import json
import sys

import httpx
from mcp import ClientSession, McpError, types
from mcp.client.streamable_http import streamable_http_client


async def main():
    wanted = json.load(sys.stdin)
    seen = {}
    headers = {"Authorization": f"Bearer {wanted['key']}"}
    async with httpx.AsyncClient(headers=headers, timeout=30, follow_redirects=True) as http:
        async with streamable_http_client(wanted["url"], http_client=http) as (read, write, _):
            async with ClientSession(read, write) as session:
                hello = await session.initialize()
                seen["capabilities"] = hello.capabilities.model_dump(mode="json", exclude_none=True)
                try:
                    await run(session, wanted, seen)
                except McpError as error:
                    seen["error"] = error.error.model_dump(mode="json")
    json.dump(seen, sys.stdout)


async def run(session, wanted, seen):
    tasks = session.experimental
    task = wanted.get("task")
    if task is None:
        task = (await tasks.call_tool_as_task(wanted["tool"], {})).task.taskId
    seen["task"] = task
    async for status in tasks.poll_task(task):
        seen["status"] = status.status
        seen["polled"] = status.taskId
    result = await tasks.get_task_result(task, types.CallToolResult)
    seen["result"] = result.model_dump(mode="json", by_alias=True)
    try:
        await tasks.list_tasks()
    except McpError as error:
        seen["list"] = error.error.code


asyncio.run(main())
