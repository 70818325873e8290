"""What a mask rule covers does not reach the agent: both eras, JSON and event streams, text and structure."""

import json

import pytest

from support.scripted import answer, chunk, event, event_stream
from support.settings import PERSONAL
from support.sdk import MODES, use
from support.upstreams import Upstreams
from support.wire import Session, modern_call

SSN, EMAIL, CARD = Upstreams.SSN, Upstreams.EMAIL, "4111 1111 1111 1234"
CALLS = [("find_person", {"name": "Ada"}), ("slow_person", {"name": "Ada", "seconds": 0.1})]


def check_person(person):
    assert person["ssn"] == "[redacted]" and person["email"] == "[redacted]"
    number = person["card"]["number"]
    assert number.endswith("1234") and "4111" not in number
    assert person["card"]["network"] == "visa"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("server", ["people", "people-sse"])
def test_structure_and_text_are_masked(gateway, accounts, server, mode):
    seen = use(gateway.url(server), accounts.analyst, CALLS, mode)
    for call in seen.calls:
        check_person(call.structured)
        check_person(json.loads(call.text))
        for secret in (SSN, EMAIL, "4111"):
            assert secret not in call.everything


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
@pytest.mark.parametrize("server", ["people", "people-sse"])
@pytest.mark.parametrize("count", [1, 50, 2000])
def test_many_of_them(gateway, accounts, server, mode, count):
    """Up to a megabyte, in which every string needs care: quotes, escapes, other alphabets."""
    seen = use(gateway.url(server), accounts.analyst, [("list_people", {"count": count})], mode)
    people = seen.calls[0].structured["result"]
    assert len(people) == count and len(seen.calls[0].texts) == count
    for number, person in enumerate(people):
        assert person["name"] == f"Zoë {number} \"\\/\u2028 🎈"
        check_person(person)
    for text in seen.calls[0].texts:
        check_person(json.loads(text))
    assert SSN not in seen.calls[0].everything


def test_what_is_not_masked_passes_as_it_came(make_gateway, scripted, accounts):
    """Byte for byte: odd spacing, escapes and the order of keys stay as the server wrote them."""
    odd = (b'{ "id" :1 ,"result":{"content":[ {"text":"\\u0041\\/\\u00e9 \xc3\xa9","type":"text"} ],'
           b'"n":1.0e2,"resultType":"complete"},\t"jsonrpc":"2.0"}')
    fields = ["Set-Cookie: a=b", "Server: secret/1", "X-Internal: 10.0.0.1", "Location: http://x/"]
    whole = answer(odd, "200 OK", "application/json", *fields)
    server = scripted(lambda connection, request: connection.sendall(whole) or True)
    with make_gateway({"odd": server.url}, [PERSONAL]) as gateway:
        reply = modern_call(gateway, "odd", accounts.analyst, "anything")
        assert reply.body == odd
        # Of the head nothing does.
        assert not {"set-cookie", "server", "x-internal", "location"} & set(reply.headers)


def person_message(id):
    person = {"SSN": SSN, "nested": {"e\u006dail": [EMAIL, None, 5, True]}}
    # Written with escapes, as some servers do, and JSON within JSON within a text.
    inner = json.dumps({"deep": json.dumps(person)})
    text = json.dumps({"jsonrpc": "2.0", "id": id, "result": {
        "resultType": "complete", "content": [{"type": "text", "text": inner}],
        "structuredContent": person, "isError": False}})
    return text.replace("078-05", "078\\u002d05").replace('"SSN"', '"SS\\u004e"').encode()


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("kind", ["length", "chunked", "until-close", "stream", "stream-crlf"])
def test_split_anywhere(make_gateway, scripted, accounts, kind, size):
    """The answer arrives in small pieces: in TCP segments and, where there are any, in chunks."""
    def script(connection, request):
        body = person_message(request.id)
        if kind.startswith("stream"):
            line = b"\r\n" if kind.endswith("crlf") else b"\n"
            half = body.index(b", ") + 1
            body = line.join([
                b"\xef\xbb\xbf: comment", b"id: 1", b"data:", b"", b"event: message",
                b"data: " + body[:half], b"data:" + body[half:], b"", b""])
            head = event_stream()
        elif kind == "length":
            head = answer(b"").replace(b"Content-Length: 0", b"Content-Length: %d" % len(body))
        elif kind == "chunked":
            head = answer(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        else:
            head = answer(b"").replace(b"Content-Length: 0\r\n", b"Connection: close\r\n")
        pieces = [body[at:at + size] for at in range(0, len(body), size)]
        connection.sendall(head)
        for piece in pieces:
            framed = kind == "chunked" or kind.startswith("stream")
            connection.sendall(chunk(piece) if framed else piece)
        if kind == "chunked" or kind.startswith("stream"):
            connection.sendall(b"0\r\n\r\n")
            return True
        return kind == "length"

    server = scripted(script)
    with make_gateway({"split": server.url}, [PERSONAL]) as gateway:
        for _ in range(3):
            reply = modern_call(gateway, "split", accounts.analyst, "anything")
            assert SSN not in reply.body.decode() and EMAIL not in json.dumps(reply.message)
            structured = reply.result["structuredContent"]
            assert structured["SSN"] == "[redacted]"
            assert structured["nested"]["email"] == ["[redacted]", None, 0, False]
            inner = json.loads(json.loads(reply.text)["deep"])
            assert inner == structured


def test_notifications_and_errors_are_masked_too(make_gateway, scripted, accounts):
    notification = {"jsonrpc": "2.0", "method": "notifications/message", "params": {
        "level": "info", "data": {"ssn": SSN, "note": json.dumps({"email": EMAIL})}}}

    def script(connection, request):
        error = {"jsonrpc": "2.0", "id": request.id, "error": {
            "code": -32000, "message": json.dumps({"ssn": SSN}), "data": {"email": EMAIL}}}
        connection.sendall(event_stream())
        connection.sendall(chunk(event(notification)) + chunk(event(error)) + b"0\r\n\r\n")
        return True

    server = scripted(script)
    with make_gateway({"loud": server.url}, [PERSONAL]) as gateway:
        reply = modern_call(gateway, "loud", accounts.analyst, "anything")
        first, last = reply.messages
        assert first["params"]["data"]["ssn"] == "[redacted]"
        assert last["error"]["data"]["email"] == "[redacted]"
        assert SSN not in reply.body.decode() and EMAIL not in reply.body.decode()


def test_masks_in_a_legacy_session(gateway, accounts):
    for server in ("people", "people-sse"):
        session = Session(gateway, server, accounts.analyst)
        reply = session.call("find_person", {"name": "Ada"})
        check_person(reply.result["structuredContent"])
        assert SSN not in reply.body.decode()
        session.delete()
