"""Agents of the earlier revisions with a server that has dropped them, and the other way round."""

import json
import re
import time

import pytest

from support.one_server import OneServer
from support.processes import eventually
from support.scripted import answer
from support.sdk import MODES, use, use_old
from support.wire import LEGACY, Session, http_request, modern, modern_call, open_stream

NO_WIPING = {
    "name": "no-wiping", "match": {"servers": ["*"], "tools": ["wipe"]}, "effect": "block",
}
PERSONAL = {
    "name": "personal", "match": {"servers": ["*"]}, "effect": "mask",
    "mask": [{"fields": ["ssn"], "with": "redact"}],
}
EVERYTHING = {
    "everything": {
        "groups": ["analysts"],
        "allow": [{"server": "*", "tools": ["*"], "resources": ["*"], "prompts": ["*"]}],
    },
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("modern")
    with OneServer(folder, "modern_only.py", folder / "wiped") as running:
        running.marker = folder / "wiped"
        yield running


@pytest.fixture
def gateway(make_gateway, server):
    """In front of a server that is said to be modern only, and may ask its agents' users."""
    servers = {"m": {"url": server.url(), "era": "modern", "client_requests": ["elicitation"]}}
    with make_gateway(servers, [NO_WIPING, PERSONAL], profiles=EVERYTHING) as gateway:
        yield gateway


CALLS = [("find_person", {"name": "Ada"}), ("wipe", {}), ("names", {})]
# An argument that the server wants repeated in a header field, which agents of the earlier revisions know nothing of.
REGION = ("region", {"where": "Zürich"})


def check(seen, server):
    person, wiped, names = seen.calls[:3]
    assert person.structured == {"name": "Ada", "ssn": "[redacted]"}
    assert "078-05" not in person.everything
    assert wiped.is_error and "no-wiping" in wiped.text
    assert not server.marker.exists()
    assert names.structured["result"] == ["Ada", "Zoë"]
    assert "find_person" in seen.tools


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_of_the_new_client(gateway, accounts, server, mode):
    seen = use(gateway.url("m"), accounts.analyst, CALLS, mode)
    assert seen.protocol == (LEGACY if mode == "legacy" else "2026-07-28")
    check(seen, server)
    assert gateway.stop() == 0
    # Judged and recorded in the era it came in: by the same rules.
    assert len(gateway.calls(rule="no-wiping")) == 1
    gateway.verify()


def test_the_old_client(gateway, accounts, server):
    seen = use_old(gateway.url("m"), accounts.analyst, [*CALLS, REGION])
    assert seen.protocol == LEGACY and seen.session
    check(seen, server)
    assert seen.calls[3].text == "in Zürich"


def test_header_fields_of_arguments_are_learnt_when_the_server_wants_them(gateway, accounts):
    # The session has not listed the tools.
    session = Session(gateway, "m", accounts.analyst)
    assert session.call("region", {"where": "Zürich"}).text == "in Zürich"
    assert session.call("region", {"where": "Bern"}).text == "in Bern"


def test_without_being_told_so_the_server_answers_for_itself(make_gateway, accounts, server):
    with make_gateway({"m": server.url()}, profiles=EVERYTHING) as gateway:
        hello = Session(gateway, "m", accounts.analyst).hello
        assert hello.status == 400 and hello.error["code"] == -32022
        assert hello.error["data"]["supported"] == ["2026-07-28"]


@pytest.mark.parametrize("client", ["new", "old"])
def test_what_the_server_asks_for_becomes_a_request_to_the_agent(gateway, accounts, client):
    answer = {"sure": True, "why": "spring cleaning"}
    calls = [("delete", {"name": "Ada"})]
    if client == "new":
        seen = use(gateway.url("m"), accounts.analyst, calls, "legacy", answer=answer)
    else:
        seen = use_old(gateway.url("m"), accounts.analyst, calls, answer=answer)
    assert seen.questions == ["Really delete Ada?"]
    assert seen.calls[0].structured == {
        "name": "Ada", "sure": True, "why": "spring cleaning", "ssn": "[redacted]"}
    assert "078-05" not in seen.calls[0].everything
    assert gateway.stop() == 0
    # The call is one; the agent's answer is a record of its own.
    assert len([call for call in gateway.calls() if call.get("tool") == "delete"]) == 1


def test_an_agent_that_cannot_be_asked_gets_a_result_that_says_so(gateway, accounts):
    seen = use(gateway.url("m"), accounts.analyst, [("delete", {"name": "Ada"})], "legacy")
    assert seen.calls[0].is_error and "cannot do" in seen.calls[0].text


def test_a_question_that_is_not_allowed_does_not_reach_the_agent(make_gateway, accounts, server):
    servers = {"m": {"url": server.url(), "era": "modern"}}
    with make_gateway(servers, profiles=EVERYTHING) as gateway:
        session = Session(gateway, "m", accounts.analyst)
        session.delete()
        hello = session.request("initialize", {
            "protocolVersion": LEGACY, "capabilities": {"elicitation": {}},
            "clientInfo": {"name": "integration", "version": "1"}}, version=None)
        session.id = hello.headers["mcp-session-id"]
        session.notify("notifications/initialized")
        reply = session.call("delete", {"name": "Ada"})
        assert b"Really delete" not in reply.body
        # The server is told of no capability that it may not use, so it says what it lacks instead of asking.
        result = reply.messages[-1]["result"]
        assert result["isError"] is True and "elicitation capability" in result["content"][0]["text"]


def test_what_the_modern_era_does_not_have_is_answered_by_the_gateway(gateway, accounts):
    session = Session(gateway, "m", accounts.analyst)
    assert session.hello.result["protocolVersion"] == LEGACY
    assert session.hello.result["serverInfo"]["name"] == "modern"
    assert session.hello.result["instructions"] == "Only the newest revision."
    assert session.request("ping").result == {}
    listed = session.request("tools/list").result
    assert not {"resultType", "ttlMs", "cacheScope"} & set(listed)
    read = session.request("resources/read", {"uri": "note://one"}).result
    assert read["contents"][0]["text"] == "a note" and "ttlMs" not in read
    prompt = session.request("prompts/get", {"name": "greeting", "arguments": {"name": "Ada"}}).result
    assert prompt["messages"][0]["content"]["text"] == "Greet Ada."
    missing = session.request("resources/read", {"uri": "note://none"})
    assert missing.status == 200 and missing.error["code"] in (-32002, -32602)
    assert session.request("tools/unheard").error["code"] == -32601
    assert session.delete().status in (200, 204)
    assert session.request("ping").status == 404


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2099-01-01"])
def test_each_earlier_revision_is_agreed_on(gateway, accounts, version):
    session = Session(gateway, "m", accounts.analyst)
    hello = session.request("initialize", {
        "protocolVersion": version, "capabilities": {},
        "clientInfo": {"name": "integration", "version": "1"}}, version=None)
    agreed = hello.result["protocolVersion"]
    assert agreed == (LEGACY if version.startswith("2099") else version)
    session.id = hello.headers["mcp-session-id"]
    named = None if agreed <= "2025-03-26" else agreed
    reply = session.request("tools/call", {"name": "find_person", "arguments": {"name": "Ada"}}, named)
    assert reply.result["structuredContent"]["ssn"] == "[redacted]"


def test_a_session_is_nobody_elses(gateway, accounts):
    session = Session(gateway, "m", accounts.analyst)
    session.account = accounts.colleague
    assert session.request("ping").status == 404


def test_cancelling_ends_the_call_at_the_server_and_going_away_does_not(gateway, accounts, server):
    session = Session(gateway, "m", accounts.analyst)

    def cancelled():
        seen = modern_call(gateway, "m", accounts.analyst, "were_cancelled").result
        return seen["content"][0]["text"].count("slow")

    before = cancelled()
    # A POST whose client goes away without a word, after its progress has begun to come.
    connection = post_by_hand(gateway, session, "slow", {"seconds": 0.8}, 70)
    connection.recv(65536)
    connection.close()
    # And one that is cancelled as the legacy era does it.
    other = post_by_hand(gateway, session, "slow", {"seconds": 60}, 71)
    other.recv(65536)
    session.notify("notifications/cancelled", {"requestId": 71, "reason": "enough"})
    eventually(lambda: cancelled() == before + 1)
    other.close()
    time.sleep(1)
    assert cancelled() == before + 1


def post_by_hand(gateway, session, tool, arguments, id):
    from support.wire import connect
    body = json.dumps({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {
        "name": tool, "arguments": arguments, "_meta": {"progressToken": f"p{id}"}}}).encode()
    connection = connect(gateway.port)
    head = ["POST /m/mcp HTTP/1.1", f"Host: 127.0.0.1:{gateway.port}", f"Content-Length: {len(body)}"]
    head += [f"{name}: {value}" for name, value in session.headers().items()]
    connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)
    return connection


def test_progress_comes_on_the_stream_of_its_call(gateway, accounts):
    seen = []

    async def progress(step, total, message):
        seen.append((step, message))

    used = use(gateway.url("m"), accounts.analyst, [("slow", {"seconds": 0.2})], "legacy", progress)
    assert used.calls[0].text == "done"
    assert seen and seen[-1][1].startswith("step")


def test_a_stream_that_broke_off_is_taken_up_again(gateway, accounts):
    session = Session(gateway, "m", accounts.analyst)
    connection = post_by_hand(gateway, session, "slow", {"seconds": 0.8}, 80)
    data = b""
    while not re.search(rb"\nid: \S+\n", data):
        piece = connection.recv(65536)
        assert piece, data
        data += piece
    connection.close()
    # Any event will do, but the first leaves the most to be said again.
    event = re.search(rb"\nid: (\S+)\n", data).group(1).decode()

    def take_up(event, account=accounts.analyst):
        headers = {**session.headers(), **account.headers, "Last-Event-ID": event}
        return http_request(gateway.port, "GET", "/m/mcp", headers)

    answer = take_up(event)
    assert answer.status == 200, answer.body
    text = answer.body.decode()
    assert '"id":80' in text and "done" in text and "step 3" in text and "step 0" not in text, text
    # All of it is known for a while, to whom it was told.
    assert take_up(event).body.decode().count("step 3") == 1
    assert take_up(event, accounts.colleague).status == 404
    assert take_up(event[:-2] + ("AA" if event[-2:] != "AA" else "BB")).status == 400


def test_subscriptions_come_on_the_session_stream(gateway, accounts):
    session = Session(gateway, "m", accounts.analyst)
    stream = open_stream(gateway, "m", session)
    assert session.request("resources/subscribe", {"uri": "note://one"}).result == {}
    data = b""
    stream.settimeout(1)
    deadline = time.monotonic() + 60
    # The subscription is under way when it is answered: touched until it is seen.
    while b"note://one" not in data:
        assert time.monotonic() < deadline, data
        session.call("touch")
        try:
            data += stream.recv(65536)
        except TimeoutError:
            continue
    assert b"notifications/resources/updated" in data and b"subscriptionId" not in data


def test_a_server_that_is_away_is_an_error_with_a_reason(make_gateway, accounts):
    servers = {"m": {"url": "http://127.0.0.1:1/mcp", "era": "modern"}}
    with make_gateway(servers, profiles=EVERYTHING) as gateway:
        hello = Session(gateway, "m", accounts.analyst).hello
        assert hello.status == 200 and hello.error["code"] == -32603
        assert "cannot be reached" in hello.error["message"]


def test_over_tls_the_bridge_trusts_whom_the_file_says(make_gateway, accounts, tmp_path):
    from support.tls import Authority
    authority, other = Authority(tmp_path / "ca"), Authority(tmp_path / "other")
    local = authority.issue("IP:127.0.0.1")
    with OneServer(tmp_path, "modern_only.py", tmp_path / "wiped", local.chain, local.key) as server:
        def settings(trusted):
            url = server.url().replace("http:", "https:")
            return {"m": {"url": url, "era": "modern", "tls": {"authorities": trusted.reference}}}

        with make_gateway(settings(authority), [PERSONAL], profiles=EVERYTHING) as gateway:
            session = Session(gateway, "m", accounts.analyst)
            for _ in range(3):
                reply = session.call("find_person", {"name": "Ada"})
                assert reply.result["structuredContent"]["ssn"] == "[redacted]"
        with make_gateway(settings(other), name="other", profiles=EVERYTHING) as gateway:
            hello = Session(gateway, "m", accounts.analyst).hello
            assert "secure connection" in hello.error["message"], hello


def test_the_server_sees_its_own_credential_and_never_the_agents(make_gateway, accounts, scripted):
    found = {"supportedVersions": ["2026-07-28"], "capabilities": {}, "resultType": "complete"}
    server = scripted(lambda connection, request: connection.sendall(answer(
        {"jsonrpc": "2.0", "id": request.id, "result": found})))
    settings = {"m": {
        "url": server.url, "era": "modern",
        "credential": {"header": "X-Key", "value": "env:SERVER_KEY"}}}
    with make_gateway(settings, profiles=EVERYTHING, environment={"SERVER_KEY": "s3cr3t"}) as gateway:
        assert Session(gateway, "m", accounts.analyst).hello.result["protocolVersion"] == LEGACY
        asked = server.requests[0]
        fields = {name.lower(): value for name, value in asked.headers.items()}
        assert fields["x-key"] == "s3cr3t" and "authorization" not in fields
        assert fields["mcp-method"] == "server/discover" and "mcp-session-id" not in fields
        assert "s3cr3t" not in gateway.log_text()


BAD = [
    ("an answer to another request", lambda id: answer({"jsonrpc": "2.0", "id": 999999, "result": {}})),
    ("no JSON", lambda id: answer(b"{nonsense")),
    ("a duplicate key", lambda id: answer(b'{"jsonrpc":"2.0","id":%d,"result":{},"result":{"a":1}}' % id)),
    ("HTML", lambda id: answer(b"<html>", type="text/html")),
    ("a redirect", lambda id: answer(b"", "307 Temporary Redirect", "text/plain", "Location: http://127.0.0.1:1/")),
    ("a refused credential", lambda id: answer(b"", "401 Unauthorized")),
    ("a compressed answer", lambda id: answer(b"x", "200 OK", "application/json", "Content-Encoding: gzip")),
    ("an end without an answer", lambda id: b""),
    ("a cut answer", lambda id: answer({"jsonrpc": "2.0", "id": id, "result": {}})[:-3]),
    ("a stream without the answer", lambda id: answer(b": nothing\n\n", type="text/event-stream")),
    ("no HTTP", lambda id: b"hello\r\n\r\n"),
]


@pytest.mark.parametrize("name,bad", BAD, ids=[name for name, _ in BAD])
def test_what_a_bad_server_says_is_an_error_with_a_reason(make_gateway, accounts, scripted, name, bad):
    found = {"supportedVersions": ["2026-07-28"], "capabilities": {}, "resultType": "complete"}

    def script(connection, request):
        if request.message["method"] == "server/discover":
            # Whoever closes a connection behind its answer says so: else the call may be lost on its way, and stays lost.
            connection.sendall(
                answer({"jsonrpc": "2.0", "id": request.id, "result": found}, "200 OK", "application/json",
                       "Connection: close"))
        else:
            connection.sendall(bad(request.id))

    server = scripted(script)
    with make_gateway({"m": {"url": server.url, "era": "modern"}}, profiles=EVERYTHING) as gateway:
        session = Session(gateway, "m", accounts.analyst)
        reply = session.call("anything")
        assert reply.status == 200 and reply.error["code"] == -32603, reply
        # A call is never sent twice.
        assert sum(request.tool == "anything" for request in server.requests) == 1
        assert session.request("ping").result == {}


def test_a_server_that_asks_for_ever_is_stopped(make_gateway, accounts, scripted):
    found = {"supportedVersions": ["2026-07-28"], "capabilities": {}, "resultType": "complete"}

    def script(connection, request):
        again = {"resultType": "input_required", "requestState": "x"}
        result = found if request.message["method"] == "server/discover" else again
        connection.sendall(answer({"jsonrpc": "2.0", "id": request.id, "result": result}))

    server = scripted(script)
    with make_gateway({"m": {"url": server.url, "era": "modern"}}, profiles=EVERYTHING) as gateway:
        reply = Session(gateway, "m", accounts.analyst).call("anything")
        assert "keeps asking" in reply.error["message"]
        asked = [request for request in server.requests if request.tool == "anything"]
        assert len(asked) == 16
        assert asked[-1].message["params"]["requestState"] == "x"


# The other way round: a server of the earlier revisions says so itself, and clients that speak both fall back.

@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_new_client_falls_back_to_an_old_server(make_gateway, accounts, upstreams, mode):
    with make_gateway({"time": upstreams.urls["time"]}) as gateway:
        seen = use(gateway.url("time"), accounts.analyst, [("get_current_time", {"timezone": "UTC"})], mode)
        assert seen.protocol == LEGACY and not seen.calls[0].is_error
        probe = modern(gateway, "time", accounts.analyst, "server/discover")
        assert probe.status == 400 and probe.error["code"] not in (-32020, -32021, -32022)
