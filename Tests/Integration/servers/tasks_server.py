"""A server of mcp 1.30.0 whose tool may run as a task (revision 2025-11-25): tasks_server.py PORT."""

import contextlib
import sys

import uvicorn
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.routing import Mount

server = Server("tasks")
server.experimental.enable_tasks()


@server.list_tools()
async def tools():
    return [
        types.Tool(
            name=name, description="One person, in a while.", inputSchema={"type": "object"},
            execution=types.ToolExecution(taskSupport="optional"))
        for name in ("find_person", "wipe")
    ]


@server.call_tool()
async def call(name, arguments):
    async def work(task):
        return types.CallToolResult(
            content=[types.TextContent(type="text", text="found")],
            structuredContent={"name": "Zoë", "ssn": "078-05-1120"})

    context = server.request_context.experimental
    return await context.run_task(work) if context.is_task else await work(None)


def main():
    manager = StreamableHTTPSessionManager(app=server)

    @contextlib.asynccontextmanager
    async def life(app):
        async with manager.run():
            yield

    app = Starlette(routes=[Mount("/mcp", app=manager.handle_request)], lifespan=life)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")


main()
