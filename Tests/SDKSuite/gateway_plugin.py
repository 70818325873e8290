"""pytest plugin: runs the interaction suite of the MCP SDK for Python through a gateway.

The suite connects the SDK's client to the SDK's server in one process. Here each test's server listens on a real
socket, behind a gateway, and the client (or the test's own HTTP requests) talk to that gateway. What passes says that the
gateway changes nothing of the protocol where its policy lets everything through.

Settings, from the environment:

    SUITE_SERVER_PORT   the port on 127.0.0.1 on which the tests' servers listen, one after the other
    SUITE_GATEWAY       the URL of the gateway's route to it, which ends in /mcp
    SUITE_EXPECTED      the list of tests that fail, with reasons; a test that does not do what it says breaks the run
"""

import contextlib
import os
import socket
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import httpx2
import pytest
import uvicorn

SERVER_PORT = int(os.environ["SUITE_SERVER_PORT"])
GATEWAY = os.environ["SUITE_GATEWAY"]
ORIGIN = GATEWAY.removesuffix("/mcp")
CLIENT_TIMEOUT_SECONDS = 60
# The suite's deadlines are meant for one process on a machine of its own. They end what hangs; nothing waits for them.
DEADLINE_FACTOR = 10


@asynccontextmanager
async def served(app):
    """Serves an application on the current event loop, as the suite's own bridge does: tests look into their servers."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=SERVER_PORT, log_level="error", lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", SERVER_PORT))
    listener.listen(128)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(listener.close)
        tasks = await stack.enter_async_context(anyio.create_task_group())
        tasks.start_soon(server.serve, [listener])
        while not server.started:
            await anyio.sleep(0.005)
        try:
            yield
        finally:
            server.should_exit = True
            server.force_exit = True
            with anyio.move_on_after(3, shield=True):
                while any(each.is_serving() for each in getattr(server, "servers", [])):
                    await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()


def connect_through_gateway():
    """Puts the gateway into the places where the suite connects client and server."""
    import tests.interaction._connect as connect
    from mcp.client.client import Client
    from mcp.client.streamable_http import streamable_http_client
    from mcp.server.mcpserver import MCPServer
    from mcp_types.version import LATEST_HANDSHAKE_VERSION, MODERN_PROTOCOL_VERSIONS

    @asynccontextmanager
    async def client(
        server,
        *,
        stateless_http=False,
        json_response=False,
        event_store=None,
        retry_interval=None,
        spec_version=LATEST_HANDSHAKE_VERSION,
        **options,
    ):
        app = server.streamable_http_app(
            stateless_http=stateless_http,
            json_response=json_response,
            event_store=event_store,
            retry_interval=retry_interval,
            transport_security=connect.NO_DNS_REBINDING_PROTECTION,
        )
        mode = spec_version if spec_version in MODERN_PROTOCOL_VERSIONS else "legacy"
        async with (
            server.session_manager.run(),
            served(app),
            httpx2.AsyncClient(timeout=CLIENT_TIMEOUT_SECONDS) as http,
            Client(streamable_http_client(GATEWAY, http_client=http), mode=mode, **options) as connected,
        ):
            yield connected

    @asynccontextmanager
    async def mounted(
        server,
        *,
        stateless_http=False,
        json_response=False,
        event_store=None,
        retry_interval=None,
        transport_security=connect.NO_DNS_REBINDING_PROTECTION,
        on_request=None,
        on_response=None,
        headers=None,
        auth=None,
        token_verifier=None,
        auth_server_provider=None,
    ):
        low = server._lowlevel_server if isinstance(server, MCPServer) else server
        app = low.streamable_http_app(
            stateless_http=stateless_http,
            json_response=json_response,
            event_store=event_store,
            retry_interval=retry_interval,
            transport_security=transport_security,
            auth=auth,
            token_verifier=token_verifier,
            auth_server_provider=auth_server_provider,
        )
        hooks = {}
        if on_request:
            hooks["request"] = [on_request]
        if on_response:
            hooks["response"] = [on_response]
        async with (
            server.session_manager.run(),
            served(app),
            httpx2.AsyncClient(
                base_url=ORIGIN, event_hooks=hooks, headers=headers or {}, timeout=CLIENT_TIMEOUT_SECONDS
            ) as http,
        ):
            yield http, server.session_manager

    connect.connect_over_streamable_http = client
    connect.connect_over_streamable_http_stateless = partial(client, stateless_http=True)
    connect.mounted_app = mounted
    connect.BASE_URL = ORIGIN


connect_through_gateway()


def lengthen_deadlines():
    fail_after = anyio.fail_after

    def longer(delay, *arguments, **options):
        return fail_after(delay and delay * DEADLINE_FACTOR, *arguments, **options)

    anyio.fail_after = longer


lengthen_deadlines()


def is_left_out(test):
    """Other transports, the SDK's authorization server, the bridge itself, and clocks that sockets do not follow."""
    return any(
        part in test
        for part in ("[in-memory", "[sse", "trio", "interaction/auth", "test_stdio", "test_bridge")
    )


def pytest_collection_modifyitems(config, items):
    items[:] = [item for item in items if not is_left_out(item.nodeid)]


def read_expected():
    """Maps tests to reasons: lines `test`, each under comments that say why it fails."""
    expected, reason, is_open = {}, [], False
    for line in Path(os.environ["SUITE_EXPECTED"]).read_text().splitlines():
        line = line.strip()
        if line.startswith("#"):
            if is_open:
                reason, is_open = [], False
            reason.append(line.removeprefix("#").strip())
        elif line:
            expected[line] = " ".join(reason)
            is_open = True
    return expected


class Outcomes:
    """What became of each test: failed when one of its phases did."""

    def __init__(self):
        self.failed = set()
        self.seen = set()

    def pytest_runtest_logreport(self, report):
        self.seen.add(report.nodeid)
        if report.failed:
            self.failed.add(report.nodeid)

    def pytest_sessionfinish(self, session):
        surprises = self.surprises()
        if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED if any(surprises) else pytest.ExitCode.OK

    def surprises(self):
        expected = read_expected()
        failed = sorted(self.failed - expected.keys())
        passed = sorted((self.seen & expected.keys()) - self.failed)
        return failed, passed

    def pytest_terminal_summary(self, terminalreporter):
        failed, passed = self.surprises()
        line = terminalreporter.write_line
        line(
            f"sdk suite: {len(self.seen - self.failed)} passed, {len(self.failed)} failed, "
            f"{len(self.failed) - len(failed)} of them as listed"
        )
        for test in failed:
            line(f"failed and should not: {test}")
        for test in passed:
            line(f"passed though listed as failing: {test}")


def pytest_configure(config):
    config.pluginmanager.register(Outcomes(), "sdk-suite-outcomes")
