"""What the record says of all this, and what it must never hold."""

import json
import time

from support.gateway import reference
from support.sdk import use
from support.scripted import answer, result
from support.segments import check_chain
from support.settings import PERSONAL
from support.upstreams import Upstreams
from support.wire import (
    BOTH, Session, connect, http_request, modern, modern_call, modern_headers, modern_message)

CREDENTIAL = "the-servers-secret-credential-4711"


def test_every_kind_of_call_is_there(make_gateway, upstreams, accounts):
    wiping = {"name": "no-wiping", "match": {"tools": ["wipe"]}, "effect": "block"}
    with make_gateway({"people": upstreams.urls["people"]}, [wiping, PERSONAL]) as gateway:
        allowed = modern_call(
            gateway, "people", accounts.analyst, "find_person", {"name": "Ada"}, id="one")
        blocked = modern_call(gateway, "people", accounts.colleague, "wipe", id=2)
        forged = modern_call(gateway, "people", None, "greet", {"name": "x"})
        homeless = modern_call(gateway, "people", accounts.stranger, "greet", {"name": "x"})
        broken = http_request(gateway.port, "POST", "/people/mcp", {
            **modern_headers("tools/call", "greet"), **accounts.analyst.headers}, b'{"a":')
        failed = modern_call(gateway, "people", accounts.analyst, "fail")
        listed = modern(gateway, "people", accounts.analyst, "tools/list")
        assert [reply.status for reply in (allowed, blocked, forged, homeless, broken, failed)] == [
            200, 200, 401, 200, 400, 200]
        # From the answer's reference to its record.
        block = gateway.show(reference(blocked.text))
        assert (block["decision"], block["rule"], block["principal"]) == (
            "block", "no-wiping", "colleague")
        assert (block["tool"], block["request_id"], block["era"]) == ("wipe", "2", "modern")
        assert json.loads(block["request"])["params"]["name"] == "wipe"
        assert json.loads(block["answer"]) == blocked.message
        assert block["outcome"]["result"] == "refused" and "failed_side" not in block["outcome"]
        missing = gateway.show(forged.error["data"]["ref"])
        assert missing["decision"] == "unauthenticated" and "principal" not in missing
        assert missing["outcome"]["http_status"] == 401
        assert missing["outcome"]["failed_side"] == "agent"
        alone = gateway.show(reference(homeless.text))
        assert alone["decision"] == "block" and alone["principal"] == "stranger"
        assert "failed_side" not in alone["outcome"]
        malformed = gateway.show(broken.error["data"]["ref"])
        assert malformed["decision"] == "malformed" and malformed["outcome"]["http_status"] == 400
        assert gateway.stop() == 0
    # A clean stop completes the record.
    person, = gateway.calls(request_id='"one"')
    assert (person["decision"], person["tool"], person["server"]) == (
        "allow", "find_person", "people")
    assert person["outcome"]["result"] == "success" and person["outcome"]["complete"]
    assert person["outcome"]["masked_values"] == 6
    assert json.loads(person["answer"]) == allowed.message
    times = [person["outcome"][f"{name}_microseconds"] for name in (
        "decided", "upstream_sent", "first_byte", "done")]
    assert times == sorted(times) and times[0] >= 0
    trouble, = gateway.calls(tool="fail")
    assert trouble["outcome"]["result"] == "tool_error"
    assert trouble["outcome"]["failed_side"] == "server"
    listing, = gateway.calls(method="tools/list")
    assert json.loads(listing["answer"]) == listed.message
    assert len(gateway.calls()) == 7
    assert "intact" in gateway.verify()


def test_the_record_of_sessions(make_gateway, upstreams, accounts):
    with make_gateway({"people-sse": upstreams.urls["people-sse"]}, [PERSONAL]) as gateway:
        session = Session(gateway, "people-sse", accounts.analyst)
        session.call("find_person", {"name": "Ada"})
        session.delete()
        assert gateway.stop() == 0
    # Each worker writes its own calls in their order; between workers the time tells.
    calls = sorted(gateway.calls(), key=lambda call: call["time"])
    assert [call["method"] for call in calls] == [
        "initialize", "notifications/initialized", "tools/call", "DELETE /people-sse/mcp"]
    assert {call["era"] for call in calls} == {"legacy"}
    assert [call.get("session") for call in calls][1:] == [session.id] * 3


def test_streams_are_recorded_as_the_agent_saw_them(make_gateway, upstreams, accounts):
    with make_gateway({"people-sse": upstreams.urls["people-sse"]}, [PERSONAL]) as gateway:
        seen = use(gateway.url("people-sse"), accounts.analyst, [
            ("slow_person", {"name": "Ada", "seconds": 0.2})], "legacy", lambda *_: _nothing())
        assert gateway.stop() == 0
    call, = gateway.calls(tool="slow_person")
    assert call["outcome"]["complete"] and call["outcome"]["result"] == "success"
    assert call["answer"].count("notifications/progress") == 4
    assert "[redacted]" in call["answer"] and Upstreams.SSN not in call["answer"]
    assert seen.calls[0].structured["ssn"] == "[redacted]"


async def _nothing():
    pass


def test_no_secret_in_records_logs_or_answers(make_gateway, scripted, accounts):
    """Masked data, agents' keys and the server's credential: none of them anywhere."""
    def script(connection, request):
        connection.sendall(answer(result(
            request.id, json.dumps({"ssn": Upstreams.SSN}),
            structuredContent={"email": Upstreams.EMAIL})))
        return True

    server = scripted(script)
    servers = {"vault": {"url": server.url, "credential": {
        "header": "Authorization", "scheme": "Bearer", "value": "env:VAULT_CREDENTIAL"}}}
    gateway = make_gateway(
        servers, [PERSONAL], arguments=["--log-level", "trace"],
        environment={"VAULT_CREDENTIAL": CREDENTIAL})
    answers = b""
    with gateway:
        for tool in ("first", "second"):
            answers += modern_call(gateway, "vault", accounts.analyst, tool).body
        forged = "sluice_" + "B" * 43
        for key in (forged, accounts.analyst.key + "x"):
            account = type("Forged", (), {"headers": {"Authorization": f"Bearer {key}"}})
            answers += modern_call(gateway, "vault", account, "third").body
        session = Session(gateway, "vault", accounts.analyst)
        answers += session.hello.body
        assert gateway.stop() == 0
    # The server got its own credential, and nothing of the agent's.
    assert {request.headers["authorization"] for request in server.requests} == {
        f"Bearer {CREDENTIAL}"}
    places = {
        "the record": gateway.recorded_bytes(), "the log": gateway.log_text().encode(),
        "an answer": answers, "audit tail": gateway.audit("tail", "--json").stdout.encode(),
    }
    secrets = [CREDENTIAL, forged, Upstreams.SSN, Upstreams.EMAIL]
    secrets += [account.key for account in accounts.all]
    secrets += [account.key.removeprefix("sluice_") for account in accounts.all]
    for place, data in places.items():
        assert data, place
        for secret in secrets:
            assert secret.encode() not in data, f"{secret} is in {place}"
    assert b"[redacted]" in places["the record"]


def test_agents_that_leave(make_gateway, scripted, accounts):
    """A modern call is cancelled by going away; a legacy one runs to its end, for the record."""
    ended = []

    def script(connection, request):
        connection.settimeout(3)
        try:
            ended.append((request.id, connection.recv(1) == b""))
        except TimeoutError:
            ended.append((request.id, False))
            connection.sendall(answer(result(request.id, "late")))
        return True

    with make_gateway({"slow": scripted(script).url}) as gateway:
        modern_body = json.dumps(modern_message("tools/call", {"name": "t", "arguments": {}}, 1))
        legacy_body = json.dumps({
            "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "t"}})
        legacy_headers = {"Content-Type": "application/json", "Accept": BOTH}
        for body, headers in [
                (modern_body, modern_headers("tools/call", "t")), (legacy_body, legacy_headers)]:
            lines = {**headers, **accounts.analyst.headers, "Host": "localhost", "Content-Length": len(body)}
            head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
            with connect(gateway.port) as connection:
                connection.sendall(f"POST /slow/mcp HTTP/1.1\r\n{head}\r\n{body}".encode())
                time.sleep(0.5)
        time.sleep(3.5)
        assert sorted(ended) == [(1, True), (2, False)]
        assert gateway.stop() == 0
    modern_call_, = gateway.calls(request_id="1")
    assert modern_call_["outcome"]["result"] == "cancelled"
    assert modern_call_["outcome"]["failed_side"] == "agent"
    legacy_call, = gateway.calls(request_id="2")
    assert legacy_call["outcome"]["result"] == "success"


def test_large_requests_and_answers(make_gateway, scripted, accounts):
    """Up to the limits of four megabytes, which are the defaults."""
    def script(connection, request):
        text = request.message["params"]["arguments"]["text"]
        connection.sendall(answer(result(request.id, text, structuredContent={"ssn": "1", "n": len(text)})))
        return True

    with make_gateway({"echo": scripted(script).url}, [PERSONAL]) as gateway:
        for size in (100_000, 1_000_000, 4_000_000):
            text = "äb\"\\" * (size // 12)
            reply = modern_call(gateway, "echo", accounts.analyst, "t", {"text": text})
            assert reply.text == text and reply.result["structuredContent"]["ssn"] == "[redacted]"
        reply = modern_call(gateway, "echo", accounts.analyst, "t", {"text": "x" * 4_200_000})
        assert reply.status == 413
        assert gateway.stop() == 0
    calls = gateway.calls(tool="t")
    assert [call["outcome"]["result"] for call in calls] == ["success"] * 3
    for call in calls:
        assert json.loads(call["request"])["params"]["arguments"]["text"] == json.loads(
            call["answer"])["result"]["content"][0]["text"]
    # By the description of the format alone, with another program's SHA-256; ten megabytes are some thousands of leaves.
    entries, leaves = check_chain(gateway.recordings)
    assert leaves > 2000 and f"{entries} entries" in gateway.verify().replace(",", "")


def test_a_record_that_was_changed_is_found_out(make_gateway, upstreams, accounts):
    with make_gateway({"people": upstreams.urls["people"]}) as gateway:
        for number in range(20):
            modern_call(gateway, "people", accounts.analyst, "greet", {"name": f"n{number}"})
        assert gateway.stop() == 0
    gateway.verify()
    segment = max(gateway.recordings.glob("*.sluice"))
    data = bytearray(segment.read_bytes())
    at = data.index(b"Hello, n7!")
    data[at] ^= 0x20
    segment.write_bytes(data)
    result = gateway.audit("verify", check=False)
    assert result.returncode != 0 and "BROKEN" in result.stdout + result.stderr
