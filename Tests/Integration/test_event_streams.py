"""Servers of the transport HTTP+SSE (2024-11-05), behind agents of every kind."""

import pytest

from support.one_server import OneServer
from support.sdk import MODES, use, use_old
from support.upstreams import LEGACY_PYTHON, PYTHON
from support.wire import LEGACY, Session, modern

RULES = [
    {"name": "no-wiping", "match": {"servers": ["*"], "tools": ["wipe"]}, "effect": "block"},
    {
        "name": "personal", "match": {"servers": ["*"]}, "effect": "mask",
        "mask": [{"fields": ["ssn"], "with": "redact"}],
    },
]
CALLS = [("find_person", {"name": "Ada"}), ("wipe", {})]


@pytest.fixture(scope="module", params=["mcp 2", "mcp 1"])
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sse")
    python = PYTHON if request.param == "mcp 2" else LEGACY_PYTHON
    with OneServer(folder, "plain_server.py", "sse", folder / "wiped", python=python) as running:
        running.marker, running.sdk = folder / "wiped", request.param
        yield running


@pytest.fixture
def gateway(make_gateway, server):
    servers = {"s": {
        "url": server.url("/sse"), "transport": "sse", "client_requests": ["elicitation"]}}
    with make_gateway(servers, RULES) as gateway:
        yield gateway


def check(seen, server):
    person, wiped = seen.calls
    assert person.structured == {"name": "Ada", "ssn": "[redacted]"}
    assert "078-05" not in person.everything
    assert wiped.is_error and "no-wiping" in wiped.text
    assert not server.marker.exists()


@pytest.mark.parametrize("mode", MODES[:2])
def test_new_clients(gateway, accounts, server, mode):
    seen = use(gateway.url("s"), accounts.analyst, CALLS, mode)
    # The transport is older than the revision that is spoken over it: mcp 2 speaks them all.
    speaks_both = mode == "auto" and server.sdk == "mcp 2"
    assert seen.protocol == ("2026-07-28" if speaks_both else LEGACY)
    check(seen, server)
    assert gateway.stop() == 0
    assert len(gateway.calls(rule="no-wiping")) == 1
    gateway.verify()


def test_old_clients(gateway, accounts, server):
    seen = use_old(gateway.url("s"), accounts.analyst, CALLS)
    check(seen, server)


def test_what_the_server_asks_for_reaches_the_agent(gateway, accounts):
    answer = {"sure": True, "why": "cleaning"}
    seen = use(gateway.url("s"), accounts.analyst, [("delete", {"name": "Ada"})], "legacy", answer=answer)
    assert seen.questions == ["Really delete Ada?"]
    assert seen.calls[0].structured == {"name": "Ada: cleaning", "ssn": "[redacted]"}


def test_sessions_do_not_mix(gateway, accounts):
    first, second = (Session(gateway, "s", account) for account in (accounts.analyst, accounts.colleague))
    for session, name in [(first, "Ada"), (second, "Grace"), (first, "Zoë")]:
        assert session.call("find_person", {"name": name}).result["structuredContent"]["name"] == name
    assert first.delete().status in (200, 204)
    assert first.call("find_person", {"name": "Ada"}).status == 404
    assert second.call("find_person", {"name": "Grace"}).status == 200


def test_progress_comes_before_its_answer(gateway, accounts):
    seen = []

    async def progress(step, total, message):
        seen.append(step)

    used = use(gateway.url("s"), accounts.analyst, [("slow", {"seconds": 0.2})], "legacy", progress)
    assert used.calls[0].text == "done" and len(seen) >= 3


def test_a_server_that_goes_away_ends_its_sessions(make_gateway, accounts, tmp_path):
    with OneServer(tmp_path, "plain_server.py", "sse", tmp_path / "wiped") as server:
        servers = {"s": {"url": server.url("/sse"), "transport": "sse"}}
        with make_gateway(servers, RULES) as gateway:
            session = Session(gateway, "s", accounts.analyst)
            assert session.call("find_person", {"name": "Ada"}).status == 200
            server.process.kill()
            server.process.wait()
            reply = session.call("find_person", {"name": "Ada"})
            # Either the session's end was seen already, or the call met it.
            assert reply.status == 404 or reply.error["code"] == -32603, reply
            hello = Session(gateway, "s", accounts.analyst).hello
            assert hello.status == 200 and hello.error["code"] == -32603
            probe = modern(gateway, "s", accounts.analyst, "server/discover")
            assert probe.status in (200, 400) and "error" in probe.message


EVIL = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: endpoint\ndata: {}\n\n"


@pytest.mark.parametrize("address", ["http://127.0.0.1:{other}/messages", "//127.0.0.1:{other}/messages"])
def test_an_address_elsewhere_is_not_used(make_gateway, accounts, scripted, address):
    other = scripted(lambda connection, request: connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"))
    server = scripted(lambda connection, request: connection.sendall(
        EVIL.format(address.format(other=other.port)).encode()))
    servers = {"s": {"url": f"http://127.0.0.1:{server.port}/sse", "transport": "sse"}}
    with make_gateway(servers, RULES) as gateway:
        hello = Session(gateway, "s", accounts.analyst).hello
        assert hello.error["code"] == -32603
        assert not other.requests
