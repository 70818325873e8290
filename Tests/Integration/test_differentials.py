"""A forbidden tool, asked for in every way that some parser reads differently, at servers made with the official SDKs.

Each row is sent in each era and over each framing, once directly, where the tool runs in the rows that say so, and through
the gateway, whose policy blocks the tool: there it never runs. The SDK for TypeScript, whose servers fall for other rows,
is not among the servers: it needs packages that Debian does not have.
"""

import http.client
import json
import os
import subprocess
import time

import pytest

from support.differentials import (
    BLOCKED, ERAS, FIRST_STREAMABLE, FRAMINGS, ROWS, Answer, Request, framed, send)
from support.gateway import Gateway
from support.ports import free_ports
from support.settings import configuration
from support.sse_agent import EventStreamAgent
from support.upstreams import FOLDER, LEGACY_PYTHON, PYTHON
from support.wire import LEGACY, MODERN

KINDS = ["mcp2", "mcp1", "fastmcp"]
REVISIONS = {LEGACY: LEGACY, FIRST_STREAMABLE: "2024-11-05"}
NO_EVIL = {"name": "no-evil", "match": {"servers": ["*"], "tools": ["evil"]}, "effect": "block"}


class Servers:
    """One server per SDK, each with a count of how often its forbidden tool has run."""

    def __init__(self, folder):
        self.folder = folder
        self.ports = dict(zip(KINDS, free_ports(len(KINDS))))
        self.processes = []
        for kind, port in self.ports.items():
            python = LEGACY_PYTHON if kind == "mcp1" else PYTHON
            with open(folder / f"{kind}.log", "wb") as log:
                self.processes.append(subprocess.Popen(
                    [str(python), str(FOLDER / "servers/evil.py"), kind, str(port), str(self.counter(kind))],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, env=dict(os.environ)))
        for kind in KINDS:
            self._await(kind)

    def counter(self, kind):
        return self.folder / f"{kind}.ran"

    def runs(self, kind):
        counter = self.counter(kind)
        return counter.read_text().count("\n") if counter.exists() else 0

    def _await(self, kind):
        import socket
        deadline = time.monotonic() + 60
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.ports[kind]), timeout=1).close()
            except OSError:
                log = (self.folder / f"{kind}.log").read_text()
                assert all(process.poll() is None for process in self.processes), log
                assert time.monotonic() < deadline, log
                time.sleep(0.1)

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    started = Servers(tmp_path_factory.mktemp("evil"))
    yield started
    started.stop()


def begin(port, path, era, headers=()):
    """A session of a legacy revision; its id."""
    hello = Request(era)
    hello.message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": era, "capabilities": {}, "clientInfo": {"name": "matrix", "version": "1"}}}
    lines, pieces = framed(hello.bytes(), "length")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", path, pieces[0], dict([*hello.headers, *headers]))
    answer = connection.getresponse()
    session = answer.getheader("mcp-session-id")
    assert answer.status == 200 and session, answer.read()
    connection.close()
    ready = Request(era, session)
    ready.message = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert send(port, path, ready, "length", headers).status == 202
    return session


@pytest.fixture(scope="module")
def guarded(io, tmp_path_factory, accounts, servers):
    """The gateway whose policy blocks the tool, and the sessions of its agent."""
    urls = {kind: f"http://127.0.0.1:{port}/mcp" for kind, port in servers.ports.items()}
    with Gateway(
            tmp_path_factory.mktemp(f"guarded-{io}"), io, configuration(accounts, urls, [NO_EVIL])) as gateway:
        gateway.credential = list(accounts.analyst.headers.items())
        gateway.sessions = {
            (kind, era): begin(gateway.port, f"/{kind}/mcp", era, gateway.credential)
            for kind in KINDS for era in (LEGACY, FIRST_STREAMABLE)}
        # Agents of HTTP+SSE: of the last revision with sessions, and of the transport's own.
        gateway.agents = {
            (kind, era): EventStreamAgent(gateway, kind, accounts.analyst).begin(REVISIONS[era])
            for kind in KINDS for era in REVISIONS}
        yield gateway
        assert gateway.is_running(), gateway.log_text()


def through(gateway, kind, request, framing):
    return send(gateway.port, f"/{kind}/mcp", request, framing, gateway.credential)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("row, era", [(row, era) for row in ROWS for era in row.eras], ids=str)
def test_it_never_runs(guarded, servers, row, era, kind):
    before = servers.runs(kind)
    for framing in row.framings or FRAMINGS:
        answer = through(guarded, kind, row.request(era, guarded.sessions.get((kind, era))), framing)
        assert answer is not None, f"no answer over {framing}"
        assert answer.meets(row.expectation(era)), (framing, answer)
    assert servers.runs(kind) == before


def over_a_stream(gateway, kind, era, request, framing):
    """The same at the address of an agent's event stream: its answer is the status, or comes on the stream."""
    agent = gateway.agents[kind, era]
    answer = send(gateway.port, agent.address, request, framing, gateway.credential)
    if answer is None or answer.status != 202:
        return answer
    # What has no answer is followed by something that has one.
    agent.last_id += 1
    last = 1000 + agent.last_id
    assert agent.post({"jsonrpc": "2.0", "id": last, "method": "tools/list"}).status == 202
    is_answered = is_last = False
    while not is_last or not is_answered:
        message = agent.message()
        assert message is not None, "the stream has ended"
        if message.get("id") == last:
            is_last = True
            is_answered = is_answered or not isinstance(request.message, dict) or "id" not in request.message
        else:
            is_answered = True
            answer = Answer(200, {}, json.dumps(message).encode())
    return answer


def meets_on_a_stream(answer, expectation):
    """On a stream an answer has no status of its own."""
    expectations = expectation if isinstance(expectation, list) else [expectation]
    return answer.meets(expectation) or any(
        codes is not None and answer.status == 200 and answer.code in codes
        for status, codes in (one for one in expectations if one != BLOCKED))


# The messages go through the workers as those above do, which are tried on both.
@pytest.mark.any_backend
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("row, era", [
    (row, era) for row in ROWS for era in row.eras if era in REVISIONS], ids=str)
def test_it_never_runs_for_an_agent_of_http_sse(guarded, servers, row, era, kind):
    before = servers.runs(kind)
    for framing in row.framings or FRAMINGS:
        answer = over_a_stream(guarded, kind, era, row.request(era), framing)
        assert answer is not None, f"no answer over {framing}"
        assert meets_on_a_stream(answer, row.expectation(era)), (framing, answer)
    assert servers.runs(kind) == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("era", REVISIONS)
def test_what_is_not_forbidden_runs_for_an_agent_of_http_sse(guarded, era, kind):
    for framing in FRAMINGS:
        request = Request(era)
        request.params["name"] = "safe"
        answer = over_a_stream(guarded, kind, era, request, framing)
        assert answer.message["result"]["content"][0]["text"] == "safe: x"


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_of_an_agent_of_http_sse(guarded, servers, accounts, kind):
    before = servers.runs(kind)
    agent = EventStreamAgent(guarded, kind, accounts.analyst).begin(FIRST_STREAMABLE)
    one = Request(FIRST_STREAMABLE).message
    harmless = {**one, "id": 8, "params": {"name": "safe", "arguments": {}}}
    for members in ([one], [harmless, one], [one, harmless]):
        assert agent.post(json.dumps(members).encode()).status == 202
        answers = {}
        for _ in members:
            message = agent.message()
            answers[message["id"]] = message["result"]
        assert answers[7]["isError"]
    for members in ([one] * 3, [[one]], [harmless, {**one, "id": 8}]):
        assert agent.post(json.dumps(members).encode()).status == 202
        assert agent.message()["error"]["code"] == -32600
    agent.close()
    assert servers.runs(kind) == before


@pytest.mark.parametrize("kind, era", [
    # mcp 1.x does not speak the modern revision.
    (kind, era) for kind in KINDS for era in ERAS if (kind, era) != ("mcp1", MODERN)])
def test_what_is_not_forbidden_runs(guarded, era, kind):
    """The same request for the other tool gets through, over each framing: what was refused was refused for a reason."""
    for framing in FRAMINGS:
        request = Request(era, guarded.sessions.get((kind, era)))
        request.params["name"] = "safe"
        if era == MODERN:
            request.set("Mcp-Name", "safe")
        answer = through(guarded, kind, request, framing)
        assert answer.status == 200 and not answer.is_blocked, answer
        assert answer.message["result"]["content"][0]["text"] == "safe: x"


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_of_the_revision_that_has_them(guarded, servers, kind):
    """Whatever its members are, and however many: each is judged, or none is taken."""
    before = servers.runs(kind)
    one = Request(FIRST_STREAMABLE, guarded.sessions[kind, FIRST_STREAMABLE])
    harmless = {**one.message, "id": 8, "params": {"name": "safe", "arguments": {}}}
    for members in ([one.message], [harmless, one.message], [one.message, harmless], [one.message] * 3,
                    [[one.message]], [harmless, {**one.message, "id": 8}]):
        one.body = json.dumps(members).encode()
        for framing in FRAMINGS:
            answer = through(guarded, kind, one, framing)
            assert answer.status in (200, 400), answer
            assert b"evil has run" not in answer.body
    assert servers.runs(kind) == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("era", [MODERN, LEGACY])
def test_what_it_is_that_the_gateway_keeps_away(servers, era, kind):
    """Without the gateway the rows do what they are there for, which shows that the counters count."""
    session = None if era == MODERN else begin(servers.ports[kind], "/mcp", era)
    letter = f"{kind}/{'m' if era == MODERN else 'l'}"
    ran = set()
    for row in ROWS:
        if era in row.eras and row.name != "lone surrogate":
            before = servers.runs(kind)
            send(servers.ports[kind], "/mcp", row.request(era, session), (row.framings or ["length"])[0])
            if servers.runs(kind) > before:
                ran.add(row.name)
    assert ran == {row.name for row in ROWS if letter in row.runs and row.name != "lone surrogate"}
