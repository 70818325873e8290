"""Agents that speak HTTP+SSE (2024-11-05), with servers of every kind: nothing of what they say goes round the gateway."""

import asyncio
import http.client
import json
import signal
import threading
import time

import pytest

from support.one_server import OneServer
from support.scripted import answer, chunk, event, event_stream, result
from support.sdk import Call, use, use_old
from support.sse_agent import EventStreamAgent
from support.upstreams import FOLDER, PYTHON
from support.wire import LEGACY, http_request
from test_approvals import Reviewing, ask
from test_reload import rewrite, wait_for

RULES = [
    {"name": "no-wiping", "match": {"servers": ["*"], "tools": ["wipe"]}, "effect": "block"},
    {
        "name": "personal", "match": {"servers": ["*"]}, "effect": "mask",
        "mask": [{"fields": ["ssn"], "with": "redact"}],
    },
]
CALLS = [("find_person", {"name": "Ada"}), ("wipe", {})]
KINDS = ["json", "streams", "sse", "modern", "command"]


def url(gateway, server):
    return gateway.url(server).removesuffix("/mcp") + "/sse"


def use_fastmcp(url, account, calls):
    async def main():
        from fastmcp import Client
        from fastmcp.client.transports import SSETransport
        async with Client(SSETransport(url, headers=account.headers)) as session:
            tools = [tool.name for tool in await session.list_tools()]
            return tools, [
                Call((await session.call_tool_mcp(*call)).model_dump(mode="json", by_alias=True))
                for call in calls]

    return asyncio.run(asyncio.wait_for(main(), 240))


def check(tools, calls):
    person, wiped = calls
    assert "find_person" in tools
    assert person.structured["ssn"] == "[redacted]" and person.structured["name"] == "Ada"
    assert "078-05" not in person.everything
    assert wiped.is_error and "no-wiping" in wiped.text


@pytest.fixture(scope="module")
def servers(tmp_path_factory, upstreams):
    """A server of each kind, as the configuration names it."""
    folder = tmp_path_factory.mktemp("sse-agents")
    with OneServer(folder, "plain_server.py", "sse", folder / "wiped") as sse, \
            OneServer(folder, "modern_only.py", folder / "wiped") as modern:
        kinds = {
            "json": {"url": upstreams.urls["people"]},
            "streams": {"url": upstreams.urls["people-sse"]},
            "sse": {"url": sse.url("/sse"), "transport": "sse", "client_requests": ["elicitation"]},
            "modern": {"url": modern.url(), "era": "modern", "client_requests": ["elicitation"]},
            "command": {"command": [
                str(PYTHON), str(FOLDER / "servers/plain_server.py"), "0", "stdio", str(folder / "wiped")],
                "client_requests": ["elicitation"]},
        }
        yield kinds
        assert not (folder / "wiped").exists() and not upstreams.marker.exists()


@pytest.mark.parametrize("client", ["mcp 2 auto", "mcp 2 legacy", "mcp 1", "fastmcp"])
def test_real_clients(make_gateway, accounts, servers, client):
    with make_gateway(servers, RULES) as gateway:
        for kind in ("json", "command"):
            where = url(gateway, kind)
            if client == "fastmcp":
                tools, calls = use_fastmcp(where, accounts.analyst, CALLS)
            elif client == "mcp 1":
                seen = use_old(where, accounts.analyst, CALLS, sse=True)
                tools, calls = seen.tools, seen.calls
            else:
                seen = use(where, accounts.analyst, CALLS, client.split()[2], sse=True)
                assert seen.protocol == LEGACY
                tools, calls = seen.tools, seen.calls
            check(tools, calls)
        assert gateway.stop() == 0
        assert len(gateway.calls(rule="no-wiping", principal="analyst")) == 2
        # One record for each message, and one for each stream: none for its way to the door.
        assert len(gateway.calls(server="json", method="initialize")) == 1
        assert [call["method"] for call in gateway.calls(server="json") if call["method"].endswith("/sse")] \
            == ["GET /json/sse"]
        assert "078-05" not in gateway.recorded_bytes().decode(errors="replace")
        gateway.verify()


@pytest.mark.parametrize("kind", KINDS)
def test_servers_of_every_kind(make_gateway, accounts, servers, kind):
    with make_gateway({kind: servers[kind]}, RULES) as gateway:
        agent = EventStreamAgent(gateway, kind, accounts.analyst).begin()
        assert agent.hello["result"]["protocolVersion"] == LEGACY
        tools = [tool["name"] for tool in agent.request("tools/list")["result"]["tools"]]
        check(tools, [Call(agent.call(*call)["result"]) for call in CALLS])
        assert agent.call("nonsense")["id"] == agent.last_id
        agent.close()


def test_lists_are_filtered(gateway, accounts):
    agent = EventStreamAgent(gateway, "people", accounts.analyst).begin()
    tools = [tool["name"] for tool in agent.request("tools/list")["result"]["tools"]]
    assert "find_person" in tools and "slow_person" in tools
    assert agent.call("wipe")["result"]["isError"]
    agent.close()
    # Who has no profile for the server has no stream.
    refused = http_request(
        gateway.port, "GET", "/people/sse", {"Accept": "text/event-stream", **accounts.stranger.headers})
    assert refused.status == 403 and "profile" in refused.error["message"]


@pytest.mark.parametrize("kind", ["sse", "modern", "command"])
def test_what_a_server_asks_for(make_gateway, accounts, servers, kind):
    with make_gateway({kind: servers[kind]}, RULES) as gateway:
        agent = EventStreamAgent(gateway, kind, accounts.analyst)
        agent.begin(capabilities={"elicitation": {"form": {}}})
        id = agent.send("tools/call", {"name": "delete", "arguments": {"name": "Ada"}})
        asked = agent.message()
        assert asked["method"] == "elicitation/create" and "Ada" in asked["params"]["message"]
        # Somebody else's answer is nobody's.
        said = {"jsonrpc": "2.0", "id": asked["id"], "result": {
            "action": "accept", "content": {"sure": True, "why": "cleaning"}}}
        assert agent.post(said, account=accounts.colleague).status == 404
        assert agent.post(said).status == 202
        answered = agent.answer(id)["result"]
        assert "cleaning" in json.dumps(answered) and "078-05" not in json.dumps(answered)
        agent.close()


def session_server(got):
    """A server with sessions, which says and asks something on a session's stream."""
    def script(connection, request):
        got.append((request.method, request.message.get("method"), request.headers.get("mcp-session-id")))
        if request.method == "GET":
            connection.sendall(event_stream())
            for message in [
                {"jsonrpc": "2.0", "method": "notifications/message", "params": {
                    "level": "info", "data": {"ssn": "078-05-1120", "city": "Ulm"}}},
                {"jsonrpc": "2.0", "id": "s1", "method": "sampling/createMessage", "params": {
                    "maxTokens": 9, "messages": [
                        {"role": "user", "content": {"type": "text", "text": '{"ssn": "078-05-1120"}'}}]}},
            ]:
                connection.sendall(chunk(event(message)))
            script.open.wait(240)
            connection.sendall(b"0\r\n\r\n")
            return False
        if request.method == "DELETE":
            connection.sendall(answer(b"", "200 OK"))
            script.ended.set()
            return True
        if request.message.get("method") == "initialize":
            connection.sendall(answer({"jsonrpc": "2.0", "id": request.id, "result": {
                "protocolVersion": LEGACY, "capabilities": {"tools": {}, "logging": {}},
                "serverInfo": {"name": "s", "version": "1"}}}, "200 OK", "application/json", "Mcp-Session-Id: inner"))
        elif request.id is None or "method" not in request.message:
            if "result" in request.message:
                script.answers.append(request.message)
                script.answered.set()
            connection.sendall(answer(b"", "202 Accepted"))
        elif request.tool == "slow":
            script.asked.set()
            script.open.wait(240)
            connection.sendall(answer(result(request.id, "done")))
        elif request.tool == "large":
            connection.sendall(answer(result(request.id, "x" * (3 << 20))))
        elif request.tool == "gone":
            connection.sendall(answer(b"", "404 Not Found"))
        else:
            connection.sendall(answer(result(request.id, request.tool or "?")))
        return True
    script.open, script.ended, script.answered, script.asked = (threading.Event() for _ in range(4))
    script.answers = []
    return script


@pytest.fixture
def told(scripted):
    got = []
    script = session_server(got)
    server = scripted(script)
    server.got = got
    yield server
    script.open.set()


def test_what_a_server_says_by_itself(make_gateway, accounts, told):
    with make_gateway({"s": {"url": told.url, "client_requests": ["sampling"]}}, RULES) as gateway:
        agent = EventStreamAgent(gateway, "s", accounts.analyst).begin(capabilities={"sampling": {}})
        said, asked = agent.message(), agent.message()
        assert said["params"]["data"] == {"ssn": "[redacted]", "city": "Ulm"}
        assert asked["method"] == "sampling/createMessage" and "078-05" not in json.dumps(asked)
        assert asked["id"] != "s1"
        assert agent.post({"jsonrpc": "2.0", "id": asked["id"], "result": {
            "role": "assistant", "model": "m", "content": {"type": "text", "text": "hello"}}}).status == 202
        assert told.script.answered.wait(60) and told.script.answers[0]["id"] == "s1"
        # The session at the server is the agent's stream: it ends with it.
        agent.close()
        assert told.script.ended.wait(60)
        assert {session for _, method, session in told.got if method != "initialize"} == {"inner"}


def test_calls_run_side_by_side_and_can_be_cancelled(make_gateway, accounts, told):
    with make_gateway({"s": told.url}) as gateway:
        agent = EventStreamAgent(gateway, "s", accounts.analyst).begin()
        slow = agent.send("tools/call", {"name": "slow", "arguments": {}})
        assert told.script.asked.wait(60)
        assert agent.call("quick")["result"]["content"][0]["text"] == "quick"
        agent.notify("notifications/cancelled", {"requestId": slow, "reason": "enough"})
        assert agent.call("quick")["result"]
        wait_for(lambda: any(method == "notifications/cancelled" for _, method, _ in told.got), "the news", 60)
        told.script.open.set()
        assert agent.call("last")["id"] == agent.last_id
        assert not any(message.get("id") == slow for message in agent.others)
        agent.close()


def test_a_stream_that_is_closed_in_the_middle_of_a_call(make_gateway, accounts, told):
    """Going away cancels nothing that runs: it comes to its end, in the record as well."""
    with make_gateway({"s": told.url}) as gateway:
        agent = EventStreamAgent(gateway, "s", accounts.analyst).begin()
        address = agent.address
        agent.send("tools/call", {"name": "slow", "arguments": {}})
        assert told.script.asked.wait(60)
        agent.close()
        # Nobody's any more, as soon as the gateway has seen it go.
        ping = {"jsonrpc": "2.0", "id": 9, "method": "ping"}
        wait_for(lambda: agent.post(ping, address=address).status == 404, "the end of the stream", 60)
        told.script.open.set()
        assert gateway.stop() == 0
        record, = gateway.calls(tool="slow")
        assert record["outcome"]["result"] == "success"
        assert not any(method == "DELETE" for method, _, _ in told.got)


def test_a_session_that_its_server_has_ended(make_gateway, accounts, told):
    with make_gateway({"s": told.url}) as gateway:
        agent = EventStreamAgent(gateway, "s", accounts.analyst).begin()
        assert "error" in agent.answer(agent.send("tools/call", {"name": "gone", "arguments": {}}))
        # The agent begins again, with another stream.
        while agent.message() is not None:
            pass


def test_an_agent_that_does_not_read(make_gateway, accounts, told):
    """What waits for it is bounded: its stream is cut, and others go on."""
    with make_gateway({"s": told.url}) as gateway:
        agent = EventStreamAgent(gateway, "s", accounts.analyst).begin()
        deadline = time.monotonic() + 240
        for number in range(100, 400):
            posted = agent.post({
                "jsonrpc": "2.0", "id": number, "method": "tools/call",
                "params": {"name": "large", "arguments": {}}})
            if posted.status == 404:
                break
            assert posted.status in (202, 429) and time.monotonic() < deadline
            time.sleep(0.02)
        else:
            pytest.fail("the stream was not cut")
        other = EventStreamAgent(gateway, "s", accounts.colleague).begin()
        assert other.call("quick")["result"]
        other.close()
        agent.close()


def test_who_may_post(make_gateway, accounts, told):
    with make_gateway({"s": told.url, "other": told.url}) as gateway:
        agent = EventStreamAgent(gateway, "s", accounts.analyst).begin()
        ping = {"jsonrpc": "2.0", "id": 5, "method": "ping"}
        assert agent.post(ping, account=accounts.colleague).status == 404
        assert agent.post(ping, address=agent.address.replace("/s/", "/other/")).status == 404
        assert agent.post(ping, address=agent.address[:-4] + "AAAA").status == 404
        assert agent.post(ping, address="/s/sse").status == 405
        assert agent.post(ping, address=f"{agent.address}&{agent.address.split('?')[1]}").status == 405
        for headers in ({}, {"Authorization": "Bearer nonsense"}):
            for method in ("GET", "POST"):
                refused = http_request(
                    gateway.port, method, agent.address,
                    {"Content-Type": "application/json", "Accept": "text/event-stream", **headers},
                    None if method == "GET" else json.dumps(ping))
                assert refused.status == 401 and refused.headers["www-authenticate"].startswith("Bearer")
        assert http_request(gateway.port, "DELETE", agent.address, accounts.analyst.headers).status == 405
        assert agent.post(ping).status == 202
        assert agent.answer(5)["id"] == 5
        agent.close()


def test_what_is_no_message_is_answered_at_once(make_gateway, accounts, told):
    with make_gateway({"s": told.url}) as gateway:
        agent = EventStreamAgent(gateway, "s", accounts.analyst).begin()
        for body in (b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"ping"}', b"\xff", b"nonsense", b"{}"):
            refused = agent.post(body)
            assert refused.status == 400 and refused.error["code"] in (-32700, -32600), refused
        # A batch is none of this revision, which has to be told on the stream, between what the server says by itself.
        assert agent.post(b'[{"jsonrpc":"2.0","id":3,"method":"ping"}]').status == 202
        while "method" in (refused := agent.message()):
            pass
        assert refused["error"]["code"] == -32600
        # Of the wrong type, or too long, it is not even read.
        assert agent.post(b"{}", headers={"Content-Type": "text/plain"}).status == 415
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
        connection.putrequest("POST", agent.address)
        for name, value in {**accounts.analyst.headers, "Content-Type": "application/json",
                            "Content-Length": str(5 << 20)}.items():
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == 413
        connection.close()
        assert agent.call("quick")["result"]
        agent.close()
        assert gateway.stop() == 0
        assert len(gateway.calls(decision="malformed")) >= 5


def test_batches_of_the_revision_that_has_them(make_gateway, accounts, upstreams):
    with make_gateway({"people": upstreams.urls["people"]}, RULES) as gateway:
        agent = EventStreamAgent(gateway, "people", accounts.analyst).begin("2025-03-26")
        assert agent.hello["result"]["protocolVersion"] == "2025-03-26"
        calls = [
            {"jsonrpc": "2.0", "id": 20 + number, "method": "tools/call",
             "params": {"name": tool, "arguments": arguments}}
            for number, (tool, arguments) in enumerate(CALLS)]
        assert agent.post(json.dumps(calls).encode()).status == 202
        answers = {message["id"]: Call(message["result"]) for message in (agent.message(), agent.message())}
        check(["find_person"], [answers[20], answers[21]])
        assert not upstreams.marker.exists()
        agent.close()


def test_at_the_path_of_streamable_http(make_gateway, accounts, told):
    """A GET there that names no session and no revision can be nothing else."""
    with make_gateway({"s": told.url, "off": {"url": told.url, "client_sse": False}}) as gateway:
        agent = EventStreamAgent(gateway, "s", accounts.analyst, path="/s/mcp").begin()
        assert agent.address.startswith("/s/sse?session_id=")
        assert agent.call("quick")["result"]
        agent.close()
        asking = {"Accept": "text/event-stream", **accounts.analyst.headers}
        named = http_request(gateway.port, "GET", "/s/mcp", {**asking, "MCP-Protocol-Version": LEGACY})
        assert named.status == 400
        # Where it is switched off there is nothing.
        assert http_request(gateway.port, "GET", "/off/sse", asking).status == 404
        assert http_request(gateway.port, "GET", "/off/mcp", asking).status == 400


def test_calls_that_wait_for_a_person(make_gateway, accounts, upstreams):
    reviewing = Reviewing(make_gateway, {"people": upstreams.urls["people"]}, [ask(["greet", "wipe"])])
    gateway = reviewing.gateway
    agent = EventStreamAgent(gateway, "people", accounts.analyst, timeout=120).begin()
    approved = agent.send("tools/call", {"name": "greet", "arguments": {"name": "Zoë"}})
    reviewing.decide("approve", reviewing.pending()[0]["id"], "fine")
    assert Call(agent.answer(approved)["result"]).text == "Hello, Zoë!"
    denied = agent.send("tools/call", {"name": "wipe", "arguments": {}})
    reviewing.decide("deny", reviewing.pending()[0]["id"], "not today")
    assert "not today" in Call(agent.answer(denied)["result"]).text
    # A call that nobody waits for any more does not run, however that came.
    cancelled = agent.send("tools/call", {"name": "wipe", "arguments": {"x": 1}})
    reviewing.pending()
    agent.notify("notifications/cancelled", {"requestId": cancelled})
    given_up(gateway, 1)
    agent.send("tools/call", {"name": "wipe", "arguments": {"x": 2}})
    reviewing.pending(2)
    agent.close()
    given_up(gateway, 2)
    for row in reviewing.pending(2):
        reviewing.decide("approve", row["id"], "too late")
    assert gateway.stop() == 0
    assert not upstreams.marker.exists()
    assert [row["state"] for row in reviewing.rows()] == ["consumed", "denied", "approved", "approved"]


def given_up(gateway, count):
    def is_recorded():
        reviews = [record.get("review", {}).get("state") for record in gateway.calls(tool="wipe")]
        return reviews.count("cancelled") == count
    wait_for(is_recorded, "the end of the call that is held", 90)


def test_a_stream_outlasts_reloads_and_is_judged_by_what_is_in_force(make_gateway, accounts, upstreams):
    with make_gateway({"people": upstreams.urls["people"]}) as gateway:
        agent = EventStreamAgent(gateway, "people", accounts.analyst).begin()
        assert agent.call("greet", {"name": "Bo"})["result"]["content"][0]["text"] == "Hello, Bo!"
        for number in range(10):
            rule = {"name": f"no-{number}", "match": {"servers": ["*"], "tools": ["greet"]}, "effect": "block"}
            rewrite(gateway, lambda settings: settings.update(policies=[rule]))
            gateway.process.send_signal(signal.SIGHUP)
            wait_for(
                lambda: f"no-{number}" in Call(agent.call("greet", {"name": "Bo"})["result"]).text,
                "the reload", 60)
        agent.close()


def test_a_stop_waits_for_calls_and_not_for_streams(make_gateway, accounts, told):
    with make_gateway({"s": told.url}, limits={"drain_timeout": "120s"}) as gateway:
        idle = EventStreamAgent(gateway, "s", accounts.colleague).begin()
        agent = EventStreamAgent(gateway, "s", accounts.analyst).begin()
        id = agent.send("tools/call", {"name": "slow", "arguments": {}})
        assert told.script.asked.wait(60)
        gateway.terminate()
        while (message := idle.message()) is not None:
            assert "method" in message
        told.script.open.set()
        assert agent.answer(id)["result"]["content"][0]["text"] == "done"
        while agent.message() is not None:
            pass
        assert gateway.wait(60) == 0
