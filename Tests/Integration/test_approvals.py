"""Calls that a person has to approve: real clients wait, a reviewer decides, and the call runs once or not at all."""

import asyncio
import hashlib
import json
import os
import random
import sqlite3
import struct
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
import rfc8785

from support.gateway import Account, reference, sluice
from support.ports import free_ports
from support.processes import eventually
from support.scripted import answer, result
from support.sdk import use, use_old
from support.wire import connect

CLIENTS = ["auto", "legacy", "2026-07-28", "mcp 1", "fastmcp"]


def ask(tools, expires="10m", quorum=1):
    return {
        "name": "ask", "match": {"servers": ["*"], "tools": tools}, "effect": "require_approval",
        "message": "Ask #dba.",
        "approval": {"reviewers": ["dba"], "quorum": quorum, "expires": expires},
    }


class Reviewing:
    """A gateway with a store, and a reviewer who decides through `sluice approvals`."""

    def __init__(self, make_gateway, servers, policies, **more):
        self.reviewer = Account("reviewer", "dba")
        self.console, = free_ports(1)
        self.gateway = make_gateway(
            servers, policies, store="sqlite:./sluice.db",
            console={"address": f"127.0.0.1:{self.console}", "api_keys": [self.reviewer.entry]},
            approvals={"url": "https://sluice.example/approvals", **more.pop("approvals", {})},
            **more).start()

    def rows(self, state=None):
        """What the store holds, oldest first, read by SQLite itself."""
        database = sqlite3.connect(f"file:{self.gateway.folder}/sluice.db?mode=ro", uri=True)
        database.row_factory = sqlite3.Row
        try:
            rows = database.execute("SELECT * FROM approval ORDER BY created, id").fetchall()
        finally:
            database.close()
        return [row for row in rows if state in (None, row["state"])]

    def pending(self, count=1, seconds=60):
        """Waits until so many requests wait for a decision."""
        deadline = time.monotonic() + seconds
        while True:
            rows = self.rows("pending")
            if len(rows) >= count:
                return rows
            assert time.monotonic() < deadline, f"{len(rows)} of {count} requests: {self.gateway.log_text()}"
            time.sleep(0.05)

    def decide(self, word, id, reason, check=True):
        environment = {
            **os.environ, "SLUICE_URL": f"http://127.0.0.1:{self.console}",
            "SLUICE_TOKEN": self.reviewer.key}
        return sluice("approvals", word, id, "--reason", reason, env=environment, check=check)

    def decide_soon(self, word, reason="it looks right"):
        """Decides the next request as soon as it is there, while the client waits."""
        def work():
            self.decide(word, self.pending()[0]["id"], reason)
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread


def call(url, account, client, tool, arguments):
    """One call with one of the clients; the result, however it came."""
    if client == "mcp 1":
        return use_old(url, account, [[tool, arguments]]).calls[0]
    if client != "fastmcp":
        return use(url, account, [(tool, arguments)], client).calls[0]

    async def main():
        from fastmcp import Client
        from fastmcp.client.transports import StreamableHttpTransport
        transport = StreamableHttpTransport(url, headers=account.headers)
        async with Client(transport) as session:
            return await session.call_tool_mcp(tool, arguments)

    from support.sdk import Call
    seen = asyncio.run(asyncio.wait_for(main(), 240))
    return Call(seen.model_dump(mode="json", by_alias=True))


@pytest.mark.parametrize("client", CLIENTS)
def test_a_call_waits_and_runs_once_it_is_approved(make_gateway, accounts, upstreams, client):
    reviewing = Reviewing(make_gateway, {"people": upstreams.urls["people"]}, [ask(["greet"])])
    gateway = reviewing.gateway
    approving = reviewing.decide_soon("approve")
    seen = call(gateway.url("people"), accounts.analyst, client, "greet", {"name": "Zoë"})
    approving.join()
    assert not seen.is_error and seen.text == "Hello, Zoë!"
    row, = reviewing.rows()
    assert row["state"] == "consumed" and row["principal"] == "analyst"
    assert json.loads(row["arguments"]) == {"name": "Zoë"}
    recorded, = eventually(lambda: gateway.calls(tool="greet"), what=gateway.log_text)
    recorded = gateway.show(recorded["ref"])
    assert (recorded["decision"], recorded["rule"]) == ("allow", "ask")
    assert recorded["approval"] == row["id"]
    review = recorded["review"]
    assert review["state"] == "approved" and review["reviewers"] == ["reviewer"]
    assert review["reason"] == "it looks right" and review["held_microseconds"] > 0
    assert "approved by reviewer (it looks right)" in gateway.audit("show", recorded["ref"]).stdout


@pytest.mark.parametrize("client", CLIENTS)
def test_a_denied_call_does_not_run_and_says_why(make_gateway, accounts, upstreams, client):
    reviewing = Reviewing(make_gateway, {"people": upstreams.urls["people"]}, [ask(["wipe"])])
    denying = reviewing.decide_soon("deny", "the \"backup\" is old")
    seen = call(reviewing.gateway.url("people"), accounts.analyst, client, "wipe", {})
    denying.join()
    assert seen.is_error and 'the "backup" is old' in seen.text
    assert not upstreams.marker.exists()
    recorded = reviewing.gateway.show(reference(seen.text))
    assert (recorded["decision"], recorded["outcome"]["result"]) == ("hold", "refused")
    assert recorded["review"]["state"] == "denied"
    assert "upstream_sent_microseconds" not in recorded["outcome"]


def counting(scripted):
    """A server that answers every call and counts them."""
    return scripted(lambda connection, request: connection.sendall(
        answer(result(request.id, "done"))) or True)


def body(arguments, tool="run", id=1):
    return {"jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": {"name": tool, "arguments": arguments}}


def raw_call(account, arguments, **more):
    """The bytes of one call, for clients that do not wait for its answer."""
    content = json.dumps(body(arguments, **more))
    return (
        f"POST /counter/mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {account.key}\r\n"
        "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
        f"Content-Length: {len(content)}\r\n\r\n{content}").encode()


def post(gateway, account, message, server="counter", timeout=60):
    """A legacy call without a session, as the simplest of clients sends it; the result's text."""
    raw = message if isinstance(message, (bytes, str)) else json.dumps(message)
    reply = httpx2.post(
        gateway.url(server), content=raw, timeout=timeout,
        headers={**account.headers, "Content-Type": "application/json",
                 "Accept": "application/json, text/event-stream"})
    assert reply.status_code == 200, reply.text
    text = reply.text
    if "text/event-stream" in reply.headers["content-type"]:
        text = [line for line in text.splitlines() if line.startswith("data: ")][-1][6:]
    return json.loads(text)["result"]


def text(result):
    return result["content"][0]["text"]


def test_an_approval_that_comes_late_is_for_the_next_identical_call(make_gateway, accounts, scripted):
    server = counting(scripted)
    reviewing = Reviewing(
        make_gateway, {"counter": server.url}, [ask(["*"])], limits={"approval_wait": "1s"})
    gateway = reviewing.gateway
    first = post(gateway, accounts.analyst, body({"a": 1}))
    row, = reviewing.pending()
    assert first["isError"] and f"https://sluice.example/approvals/{row['id']}" in text(first)
    assert "Ask #dba." in text(first)
    # The same call joins; another call, and another caller's, are requests of their own.
    post(gateway, accounts.analyst, '{"jsonrpc":"2.0","id":"x","method":"tools/call",'
         '"params":{"arguments":{ "a":1.0 },"name":"run"}}')
    assert [row["id"]] == [row["id"] for row in reviewing.rows()]
    post(gateway, accounts.analyst, body({"a": 2}))
    post(gateway, accounts.colleague, body({"a": 1}))
    assert len(reviewing.rows("pending")) == 3
    assert server.requests == []
    reviewing.decide("approve", row["id"], "fine")
    assert text(post(gateway, accounts.analyst, body({"a": 1}))) == "done"
    assert len(server.requests) == 1
    again = post(gateway, accounts.analyst, body({"a": 1}))
    assert again["isError"] and row["id"] not in text(again)
    assert len(server.requests) == 1


def test_a_modern_client_repeats_by_itself_until_it_is_approved(make_gateway, accounts, upstreams):
    reviewing = Reviewing(
        make_gateway, {"people": upstreams.urls["people"]}, [ask(["greet"])],
        limits={"approval_leg": "3s"})

    def late():
        row, = reviewing.pending()
        # The client has repeated the call twice, of the ten times that it would by itself.
        eventually(lambda: len(reviewing.gateway.calls(tool="greet")) >= 2, what=reviewing.gateway.log_text)
        reviewing.decide("approve", row["id"], "")
    thread = threading.Thread(target=late, daemon=True)
    thread.start()
    seen = call(reviewing.gateway.url("people"), accounts.analyst, "auto", "greet", {"name": "Bo"})
    thread.join()
    assert seen.text == "Hello, Bo!"
    assert reviewing.gateway.stop() == 0
    records = reviewing.gateway.calls(tool="greet")
    assert [record["decision"] for record in records][-1] == "allow"
    assert len(records) >= 3 and {record["decision"] for record in records[:-1]} == {"hold"}
    assert len({record["approval"] for record in records}) == 1


def test_a_grant_survives_a_crash_and_is_used_once(make_gateway, accounts, scripted):
    server = counting(scripted)
    reviewing = Reviewing(
        make_gateway, {"counter": server.url}, [ask(["*"])], limits={"approval_wait": "1s"})
    gateway = reviewing.gateway
    post(gateway, accounts.analyst, body({"a": 1}))
    row, = reviewing.pending()
    reviewing.decide("approve", row["id"], "")
    gateway.kill()
    gateway.start()
    assert text(post(gateway, accounts.analyst, body({"a": 1}))) == "done"
    gateway.kill()
    gateway.start()
    assert post(gateway, accounts.analyst, body({"a": 1}))["isError"]
    assert len(server.requests) == 1


def test_a_crash_after_the_grant_was_used_up_never_runs_it_twice(make_gateway, accounts, scripted):
    reached = threading.Event()

    def script(connection, request):
        reached.set()
        time.sleep(30)
    server = scripted(script)
    reviewing = Reviewing(
        make_gateway, {"counter": server.url}, [ask(["*"])], limits={"approval_wait": "100s"})
    gateway = reviewing.gateway
    deciding = reviewing.decide_soon("approve")
    with pytest.raises(httpx2.HTTPError):
        threading.Thread(target=lambda: reached.wait(60) and gateway.kill(), daemon=True).start()
        post(gateway, accounts.analyst, body({"a": 1}))
    deciding.join()
    assert [row["state"] for row in reviewing.rows()] == ["consumed"]
    gateway.start()
    # The grant is gone with the crash; a new request waits, and nothing was sent.
    with connect(gateway.port) as waiting:
        waiting.sendall(raw_call(accounts.analyst, {"a": 1}))
        reviewing.pending()
        assert len(server.requests) == 1


def test_whoever_went_away_is_not_run_for(make_gateway, accounts, scripted):
    server = counting(scripted)
    reviewing = Reviewing(make_gateway, {"counter": server.url}, [ask(["*"])])
    gateway = reviewing.gateway
    with connect(gateway.port) as leaving:
        leaving.sendall(raw_call(accounts.analyst, {"a": 1}))
        row, = reviewing.pending()
        held = gateway.descriptors()
    eventually(lambda: gateway.descriptors() < held)
    reviewing.decide("approve", row["id"], "")
    time.sleep(1)
    assert server.requests == [] and reviewing.rows()[0]["state"] == "approved"
    assert text(post(gateway, accounts.analyst, body({"a": 1}))) == "done"


def random_value(random, depth):
    kind = random.randrange(8 if depth else 6)
    if kind == 0:
        return random.choice([True, False, None])
    if kind == 1:
        return random.randrange(-2**53 + 1, 2**53)
    if kind == 2:
        return random.choice([
            0.1, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 123456789.125, -0.0, 1e16, 4.35,
            random.uniform(-1e6, 1e6), struct.unpack("<d", struct.pack("<Q", random.getrandbits(62)))[0]])
    if kind < 6:
        return random_text(random)
    if kind == 6:
        return [random_value(random, depth - 1) for _ in range(random.randrange(5))]
    return {random_text(random): random_value(random, depth - 1) for _ in range(random.randrange(6))}


def random_text(random):
    letters = "abZ09 \"\\/\n\t\x01é€\ufb33\U0001f600\ue000"
    return "".join(random.choice(letters) for _ in range(random.randrange(8)))


@pytest.mark.any_backend
def test_arguments_and_digests_are_what_others_compute(make_gateway, accounts, scripted):
    """RFC 8785 as another implementation writes it, and the digest from its definition."""
    reviewing = Reviewing(
        make_gateway, {"counter": counting(scripted).url}, [ask(["*"])],
        limits={"approval_wait": "200ms"})
    source = random.Random(8785)
    wanted, bodies = {}, []
    for number in range(80):
        arguments = {"n": number, "v": random_value(source, 3)}
        canonical = rfc8785.dumps(arguments)
        wanted[number] = canonical
        ascii = bool(source.randrange(2))
        raw = json.dumps(body(arguments), ensure_ascii=ascii, indent=source.choice([None, 1]))
        bodies.append(raw.encode())
    with ThreadPoolExecutor(8) as pool:
        for answered in pool.map(lambda raw: post(reviewing.gateway, accounts.analyst, raw), bodies):
            assert answered["isError"]
    rows = reviewing.pending(80)
    assert len(rows) == 80
    for row in rows:
        canonical = row["arguments"].encode()
        assert canonical == wanted[json.loads(canonical)["n"]]
        parts = b""
        for part in (b"sluice call 2", b"analyst", b"", b"counter", b"run"):
            parts += struct.pack("<Q", len(part)) + part
        parts += struct.pack("<Q", 0) + struct.pack("<Q", len(canonical)) + canonical
        parts += struct.pack("<Q", int(row["policy_revision"], 16))
        assert row["digest"] == hashlib.sha256(parts).hexdigest()


def test_a_number_that_doubles_cannot_hold_is_refused(make_gateway, accounts, scripted):
    reviewing = Reviewing(make_gateway, {"counter": counting(scripted).url}, [ask(["*"])])
    for number in ("9007199254740993", "1e400", "0.1000000000000000055511"):
        refused = post(
            reviewing.gateway, accounts.analyst,
            '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"run","arguments":{"n":%s}}}' % number)
        assert refused["isError"] and "cannot be compared exactly" in text(refused)
    assert reviewing.rows() == []


def test_another_policy_makes_requests_void(make_gateway, accounts, scripted):
    reviewing = Reviewing(
        make_gateway, {"counter": counting(scripted).url}, [ask(["*"])],
        limits={"approval_wait": "1s"})
    gateway = reviewing.gateway
    post(gateway, accounts.analyst, body({"a": 1}))
    row, = reviewing.pending()
    changed = gateway.file.read_text().replace("quorum: 1", "quorum: 2")
    gateway.file.write_text(changed)
    deadline = time.monotonic() + 60
    while reviewing.rows()[0]["state"] == "pending":
        assert time.monotonic() < deadline, gateway.log_text()
        time.sleep(0.1)
    assert reviewing.rows()[0]["state"] == "cancelled"
    late = reviewing.decide("approve", row["id"], "", check=False)
    assert late.returncode != 0


def test_a_rule_without_a_store_does_not_start(make_gateway, scripted):
    from support.gateway import StartFailed
    gateway = make_gateway({"counter": counting(scripted).url}, [ask(["*"])])
    with pytest.raises(StartFailed, match="approvals have nowhere to be kept"):
        gateway.start()


def test_many_held_calls_cost_little_and_slow_nobody(make_gateway, accounts, scripted):
    """2,000 calls wait; others go on, and what waiting costs is bounded."""
    import socket
    reviewing = Reviewing(
        make_gateway, {"counter": counting(scripted).url}, [ask(["hold"])],
        approvals={"max_pending_per_caller": 5000}, limits={"approval_wait": "100s"})
    gateway = reviewing.gateway

    def resident():
        with open(f"/proc/{gateway.process.pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) * 1024

    sockets = []
    count = 2000
    for _ in range(count):
        sockets.append(socket.create_connection(("127.0.0.1", gateway.port)))
    for _ in range(20):
        assert text(post(gateway, accounts.analyst, body({}))) == "done"
    before = resident()
    for number, connection in enumerate(sockets):
        connection.sendall(raw_call(accounts.analyst, {"n": number}, tool="hold"))
    reviewing.pending(count, seconds=60)
    each = (resident() - before) / count
    # Beside the workers: the store's cache and what the desk knows of each call, which are the control plane's.
    print(f"{each:.0f} bytes for each held call")
    assert each < 16384
    for _ in range(20):
        assert text(post(gateway, accounts.analyst, body({}))) == "done"
    for connection in sockets:
        connection.close()
    gateway.settle(200, seconds=30)
