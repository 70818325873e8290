"""The official Python SDK as the agent: mcp 2.3.0 here, mcp 1.30.0 in a process of its own."""

import asyncio
import json
import subprocess
from pathlib import Path

import httpx2
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitResult

from support.upstreams import FOLDER, LEGACY_PYTHON

MODES = ["auto", "legacy", "2026-07-28"]


class Seen:
    """What the client saw of one server."""

    def __init__(self, protocol, tools, calls, questions=()):
        self.protocol, self.tools, self.calls, self.questions = protocol, tools, calls, questions


class Call:
    """One tool's result, the same for both clients."""

    def __init__(self, result):
        self.is_error = bool(result.get("isError"))
        self.text = "\n".join(part.get("text", "") for part in result["content"])
        self.texts = [part.get("text", "") for part in result["content"]]
        self.structured = result.get("structuredContent")
        self.everything = json.dumps(result, ensure_ascii=False)


def use(url, account, calls, mode="auto", progress=None, verify=True, answer=None, sse=False):
    """Connects with mcp 2.3.0, lists the tools, makes the calls, and ends the session.

    `answer` is what its user answers to every question; without, it cannot be asked. With `sse`, the transport is HTTP+SSE.
    """
    questions = []

    async def asked(context, params):
        questions.append(params.message)
        return ElicitResult(action="accept", content=answer)

    more = {} if answer is None else {"elicitation_callback": asked}

    def make_http(headers=None, timeout=None, auth=None):
        return httpx2.AsyncClient(headers=headers, timeout=timeout, auth=auth, verify=verify)

    async def main():
        async with make_http(account.headers, 120) as http:
            transport = (
                sse_client(url, headers=account.headers, timeout=120, httpx_client_factory=make_http) if sse
                else streamable_http_client(url, http_client=http))
            async with Client(transport, mode=mode, **more) as client:
                protocol = client.session.protocol_version
                tools = [tool.name for tool in (await client.list_tools()).tools]
                results = []
                for tool, arguments in calls:
                    result = await client.call_tool(tool, arguments, progress_callback=progress)
                    results.append(Call(result.model_dump(mode="json", by_alias=True)))
                return Seen(protocol, tools, results, questions)

    # As long as a test may take: machines differ.
    return asyncio.run(asyncio.wait_for(main(), 240))


def use_old(url, account, calls, **more):
    """The same with mcp 1.30.0; `more` as its program says."""
    ran = subprocess.run(
        [str(LEGACY_PYTHON), str(Path(FOLDER) / "servers/legacy_client.py")],
        input=json.dumps({"url": url, "key": account.key, "calls": calls, **more}),
        capture_output=True, text=True, timeout=240)
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(ran.stdout)
    found = Seen(seen["protocol"], seen["tools"], [Call(result) for result in seen["calls"]])
    found.session = seen["session"]
    found.questions = seen["questions"]
    return found


def root_cause(error):
    """The error inside the groups that task groups wrap it in."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
