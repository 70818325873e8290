"""Who one is, and whose session it is."""

import json
import re
import time

import pytest

from support.scripted import answer, chunk, event, event_stream, result
from support.settings import PERSONAL
from support.wire import (
    LEGACY, Session, connect, http_request, modern, modern_call, modern_headers,
    modern_message, open_stream, read_answer)

OWN_ID = "the-servers-own-session-id-0001"


class Bearer:
    def __init__(self, value):
        self.headers = {"Authorization": value}


@pytest.mark.parametrize("value", [
    "Bearer sluice_" + "A" * 43, "Bearer", "Bearer ", "Basic YTpi", "", "Bearer a b", "sluice_x",
    "Bearer " + "x" * 5000,
])
def test_what_is_no_key_of_ours_is_401(gateway, value):
    reply = modern_call(gateway, "people", Bearer(value), "greet", {"name": "x"})
    assert reply.status == 401
    assert reply.headers["www-authenticate"].startswith("Bearer")
    assert "ref" in reply.error["data"]


def test_no_key_at_all_is_401(gateway):
    assert modern_call(gateway, "people", None, "greet", {"name": "x"}).status == 401


def test_a_key_with_one_other_character_is_401(gateway, accounts):
    key = accounts.analyst.key
    wrong = key[:-2] + ("A" if key[-2] != "A" else "B") + key[-1]
    assert modern_call(gateway, "people", Bearer(f"Bearer {wrong}"), "greet").status == 401


def test_without_a_profile_there_is_nothing(gateway, accounts):
    listed = modern(gateway, "people", accounts.stranger, "tools/list")
    assert "no profile" in listed.error["message"]
    called = modern_call(gateway, "people", accounts.stranger, "greet", {"name": "x"})
    assert called.result["isError"] and "no profile" in called.text
    found = modern(gateway, "people", accounts.stranger, "server/discover")
    assert "no profile" in found.error["message"]
    assert Session(gateway, "people", accounts.stranger).id is None


def test_no_such_path(gateway, accounts):
    assert modern_call(gateway, "nothing-here", accounts.analyst, "greet").status == 404
    for path in ("/", "/people", "/people/mcp//", "/people/../people/mcp", "/people/mcp/x"):
        reply = http_request(
            gateway.port, "POST", path,
            {**modern_headers("tools/list"), **accounts.analyst.headers},
            json.dumps(modern_message("tools/list")))
        assert reply.status in (400, 404), path


def test_the_session_id_is_the_gateways_own(make_gateway, scripted, accounts):
    seen = []

    def script(connection, request):
        seen.append((request.method, request.headers.get("mcp-session-id")))
        if request.method == "DELETE":
            connection.sendall(answer(b"", "204 No Content").replace(b"Content-Length: 0\r\n", b""))
        elif request.message.get("method") == "initialize":
            connection.sendall(answer({"jsonrpc": "2.0", "id": request.id, "result": {
                "protocolVersion": LEGACY, "capabilities": {"tools": {}},
                "serverInfo": {"name": "s", "version": "1"}}},
                "200 OK", "application/json", f"Mcp-Session-Id: {OWN_ID}"))
        elif request.id is None:
            connection.sendall(answer(b"", "202 Accepted"))
        else:
            # A ghost id on another answer, as real servers send: it must mean nothing.
            connection.sendall(answer(
                result(request.id, "done"), "200 OK", "application/json", "Mcp-Session-Id: ghost"))
        return True

    server = scripted(script)
    with make_gateway({"own": server.url}) as gateway:
        first = Session(gateway, "own", accounts.analyst)
        second = Session(gateway, "own", accounts.analyst)
        assert first.id and second.id and first.id != second.id
        assert OWN_ID not in first.id and re.fullmatch(r"[\x21-\x7e]+", first.id)
        reply = first.call("x")
        assert reply.text == "done" and "mcp-session-id" not in reply.headers
        assert OWN_ID not in str(reply.headers) + str(first.hello.headers)
        assert first.delete().status in (200, 204)
        # The server itself saw its own id each time, and nothing of the agent's key.
        assert seen[0] == ("POST", None)
        assert {id for _, id in seen if id} == {OWN_ID}
        for request in server.requests:
            assert accounts.analyst.key not in str(request.headers)


@pytest.mark.parametrize("server", ["people", "people-sse", "time"])
def test_the_life_of_a_session(gateway, accounts, server):
    session = Session(gateway, server, accounts.analyst)
    assert session.hello.status == 200 and session.id
    assert not re.fullmatch("[0-9a-f]{32}", session.id), "that is the server's own"
    assert session.request("tools/list").result["tools"]
    assert session.delete().status in (200, 204)
    ended = session.request("tools/list")
    assert ended.status == 404, "an ended session is gone"


def test_other_methods_of_a_session(gateway, accounts):
    session = Session(gateway, "people-sse", accounts.analyst)
    assert session.request("ping").result == {}
    assert session.notify("notifications/cancelled", {"requestId": 1}).status == 202
    assert session.notify("notifications/made-up").status in (202, 400)
    # The profile grants tools only: of the rest, lists are empty and everything else is refused, under 200 as this era's
    # clients need it.
    assert session.request("resources/list").result == {"resources": []}
    refused = {}
    for method, parameters in (
            ("prompts/get", {"name": "p"}), ("resources/read", {"uri": "people://1"}),
            ("completion/complete", {"ref": {"type": "ref/prompt", "name": "p"},
                                     "argument": {"name": "a", "value": ""}}),
            ("vendor/anything", {})):
        reply = session.request(method, parameters)
        assert reply.status == 200
        refused[method] = reply.error["code"]
    assert refused == {
        "prompts/get": -31403, "resources/read": -31403, "completion/complete": -31403,
        "vendor/anything": -32601,
    }
    assert modern(gateway, "people-sse", accounts.analyst, "vendor/anything").status == 404
    # A call without an id, which servers would run without telling anybody.
    wordless = session.notify("tools/call", {"name": "greet", "arguments": {"name": "x"}})
    assert wordless.status == 400
    session.delete()


def test_a_request_that_lacks_its_session(gateway, accounts):
    """The server refuses it with 400; that status is what clients go by."""
    session = Session(gateway, "people", accounts.analyst)
    id, session.id = session.id, None
    assert session.request("tools/list").status == 400
    session.id = id
    session.delete()


@pytest.mark.parametrize("asked, agreed", [
    ("2025-03-26", "2025-03-26"), ("2025-06-18", "2025-06-18"), ("2025-11-25", "2025-11-25"),
    ("1999-01-01", "2025-11-25"),
])
def test_the_version_that_is_agreed_on(gateway, accounts, asked, agreed):
    session = Session(gateway, "people", accounts.analyst)
    session.delete()
    session.id = None
    hello = session.request("initialize", {
        "protocolVersion": asked, "capabilities": {}, "clientInfo": {"name": "i", "version": "1"}},
        version=None)
    assert hello.result["protocolVersion"] == agreed
    session.id = hello.headers["mcp-session-id"]
    assert session.request("tools/list", version=agreed).result["tools"]
    others = {"2025-03-26", "2025-06-18", "2025-11-25"} - {agreed}
    for other in others:
        assert session.request("tools/list", version=other).status == 400
    assert session.delete().status in ((200, 204) if agreed == LEGACY else (400,))


def test_another_principals_session_does_not_exist(gateway, accounts):
    session = Session(gateway, "people", accounts.analyst)
    unknown = Session(gateway, "people", accounts.colleague)
    unknown.id = "A" * len(session.id)
    stolen = Session(gateway, "people", accounts.colleague)
    stolen.id = session.id
    # Exactly as one that never was: for calls, for the stream, and for the end.
    for act in (lambda s: s.request("tools/list"), lambda s: s.call("greet", {"name": "x"}),
                lambda s: s.delete()):
        one, other = act(stolen), act(unknown)
        assert one.status == other.status == 404
        assert one.error["message"] == other.error["message"]
    headers = {**accounts.colleague.headers, "Accept": "text/event-stream",
               "MCP-Protocol-Version": LEGACY, "Mcp-Session-Id": session.id}
    assert http_request(gateway.port, "GET", "/people/mcp", headers).status == 404
    # Its owner still has it, but not at another server.
    assert session.call("greet", {"name": "x"}).text == "Hello, x!"
    session.server = "people-sse"
    assert session.call("greet", {"name": "x"}).status == 404
    session.server = "people"
    session.delete()


def test_a_session_keeps_to_its_version(gateway, accounts):
    session = Session(gateway, "people", accounts.analyst)
    assert session.request("tools/list", version="2025-06-18").status == 400
    assert session.request("tools/list").status == 200
    session.id = session.id[:-1] + ("A" if session.id[-1] != "A" else "B")
    assert session.request("tools/list").status == 404
    session.id = "no base64 !"
    assert session.request("tools/list").status in (400, 404)


def test_the_stream_of_a_session_begins_at_once(gateway, accounts):
    """Clients and proxies wait for the head of the answer, long before there is an event."""
    session = Session(gateway, "people-sse", accounts.analyst)
    with open_stream(gateway, "people-sse", session) as stream:
        stream.settimeout(5)
        head = stream.recv(65536)
        assert head.startswith(b"HTTP/1.1 200"), head
        assert b"text/event-stream" in head.lower()
        # Calls go on beside it.
        assert session.call("greet", {"name": "x"}).text == "Hello, x!"
    session.delete()


def test_a_stream_that_the_agent_left_is_ended(gateway, accounts):
    """Servers allow one stream per session: the agent must be able to come back for it."""
    session = Session(gateway, "people-sse", accounts.analyst)
    for _ in range(3):
        with open_stream(gateway, "people-sse", session) as stream:
            stream.settimeout(5)
            assert stream.recv(65536).startswith(b"HTTP/1.1 200")
        time.sleep(0.3)
    session.delete()


def test_events_of_the_stream_are_masked(make_gateway, scripted, accounts):
    sent = {"jsonrpc": "2.0", "method": "notifications/message",
            "params": {"level": "info", "data": {"ssn": "078-05-1120", "fine": 1}}}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "sampling/createMessage", "params": {}}
    listed = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}

    def script(connection, request):
        if request.method == "GET":
            connection.sendall(event_stream())
            for message in (sent, asked, listed):
                connection.sendall(chunk(event(message)))
            connection.sendall(b"0\r\n\r\n")
        elif request.message.get("method") == "initialize":
            connection.sendall(answer({"jsonrpc": "2.0", "id": request.id, "result": {
                "protocolVersion": LEGACY, "capabilities": {"tools": {}},
                "serverInfo": {"name": "s", "version": "1"}}},
                "200 OK", "application/json", f"Mcp-Session-Id: {OWN_ID}"))
        else:
            connection.sendall(answer(b"", "202 Accepted"))
        return True

    server = scripted(script)
    with make_gateway({"chatty": server.url}, [PERSONAL]) as gateway:
        session = Session(gateway, "chatty", accounts.analyst)
        reply = http_request(gateway.port, "GET", "/chatty/mcp", {
            **accounts.analyst.headers, "Accept": "text/event-stream",
            "MCP-Protocol-Version": LEGACY, "Mcp-Session-Id": session.id})
        assert reply.status == 200 and reply.is_stream
        assert b"078-05-1120" not in reply.body
        methods = [message["method"] for message in reply.messages]
        # The server's own requests are not let through in this version.
        assert methods == ["notifications/message", "notifications/tools/list_changed"]
        assert reply.messages[0]["params"]["data"] == {"ssn": "[redacted]", "fine": 1}


@pytest.mark.parametrize("headers, status, code", [
    ({"Mcp-Name": "wipe"}, 400, -32020),
    ({"Mcp-Name": None}, 400, -32020),
    ({"Mcp-Method": "tools/list"}, 400, -32020),
    ({"Mcp-Method": None}, 400, -32020),
    ({"MCP-Protocol-Version": LEGACY}, 400, -32020),
    ({"MCP-Protocol-Version": None}, 400, -32020),
    ({"MCP-Protocol-Version": "2031-01-01"}, 400, -32020),
    ({"Mcp-Name": "=?base64?!!!?="}, 400, -32020),
])
def test_headers_that_disagree_with_the_body(gateway, accounts, headers, status, code):
    reply = modern_call(
        gateway, "people", accounts.analyst, "greet", {"name": "x"}, headers=headers)
    assert (reply.status, reply.error["code"]) == (status, code)
    assert reply.message["id"] == 1


def test_headers_that_agree_in_another_spelling(gateway, accounts):
    reply = modern_call(gateway, "people", accounts.analyst, "greet", {"name": "x"}, headers={
        "Mcp-Name": "  =?base64?Z3JlZXQ=?=  "})
    assert reply.text == "Hello, x!"


def test_a_header_twice(gateway, accounts):
    body = json.dumps(modern_message("tools/call", {"name": "greet", "arguments": {"name": "x"}}))
    for twice in ("MCP-Protocol-Version: 2026-07-28", "Mcp-Name: greet", "Mcp-Method: tools/call"):
        fields = {**modern_headers("tools/call", "greet"), **accounts.analyst.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        with connect(gateway.port) as connection:
            connection.sendall(
                f"POST /people/mcp HTTP/1.1\r\nHost: localhost\r\n{head}{twice}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
            status, answered, _ = read_answer(connection)
        assert status == 400 and json.loads(answered)["error"]["code"] in (-32020, -32600), twice


@pytest.mark.parametrize("change, status, code", [
    (lambda m: m["params"]["_meta"].pop("io.modelcontextprotocol/protocolVersion"), 400, -32602),
    (lambda m: m["params"]["_meta"].pop("io.modelcontextprotocol/clientCapabilities"), 400, -32602),
    (lambda m: m["params"].pop("_meta"), 400, -32602),
    (lambda m: m.update(method="tools/destroy"), 404, -32601),
    (lambda m: m.update(id=None), 400, -32600),
    (lambda m: m.update(id=1.5), 400, -32600),
    (lambda m: m.update(extra=1), 400, -32600),
    (lambda m: m.update(jsonrpc="1.0"), 400, -32600),
    (lambda m: m["params"].update(Name="wipe"), 400, -32600),
])
def test_messages_that_are_not_right(gateway, accounts, change, status, code):
    message = modern_message("tools/call", {"name": "greet", "arguments": {"name": "x"}})
    change(message)
    headers = modern_headers(message["method"], "greet")
    reply = http_request(gateway.port, "POST", "/people/mcp", {
        **headers, **accounts.analyst.headers}, json.dumps(message))
    assert reply.status == status
    assert reply.error["code"] in (code, -32700 if code == -32600 else code)


def test_ids_come_back_as_they_were(gateway, accounts):
    for id in ("1", 1, "a\"\\\u2028", 9007199254740991, -5, "x" * 200):
        reply = modern_call(gateway, "people", accounts.analyst, "greet", {"name": "x"}, id=id)
        assert reply.message["id"] == id and type(reply.message["id"]) is type(id)
        refused = modern_call(gateway, "people", accounts.analyst, "wipe", {}, id=id)
        assert refused.message["id"] == id and refused.result["isError"]


def test_web_pages_are_kept_out(gateway, accounts):
    reply = modern_call(gateway, "people", accounts.analyst, "greet", {"name": "x"}, headers={
        "Origin": "https://evil.example"})
    assert reply.status == 403
