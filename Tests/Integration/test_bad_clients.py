"""Agents that send what they should not, too much of it, or too slowly."""

import json
import socket
import threading
import time

import pytest

from support.gateway import Gateway
from support.scripted import ScriptedServer, answer, result
from support.settings import configuration
from support.wire import (
    connect, modern_call, modern_headers, modern_message, read_all, read_answer, statuses)

LIMITS = {
    "head_timeout": "3s", "body_timeout": "3s", "idle_timeout": "4s", "request_size": "64KiB",
    "head_size": "8KiB", "upstream_idle_timeout": "2s",
}


@pytest.fixture(scope="module")
def strict(io, tmp_path_factory, accounts):
    def script(connection, request):
        if request.tool == "large":
            connection.sendall(answer(result(request.id, "x" * 1_000_000)))
        else:
            connection.sendall(answer(result(request.id, str(request.tool))))
        return True

    server = ScriptedServer(script)
    settings = configuration(accounts, {"echo": server.url}, limits=LIMITS)
    with Gateway(tmp_path_factory.mktemp(f"strict-{io}"), io, settings) as gateway:
        gateway.server = server
        before = gateway.descriptors()
        yield gateway
        assert gateway.is_running(), gateway.log_text()
        gateway.settle(before + 2)
        gateway.verify()
    server.close()


@pytest.fixture(autouse=True)
def nothing_slips_through(request):
    """Whatever a test sends, the server behind sees sound requests only, and the next call works."""
    yield
    if "strict" in request.fixturenames and "accounts" in request.fixturenames:
        strict, accounts = request.getfixturevalue("strict"), request.getfixturevalue("accounts")
        assert modern_call(strict, "echo", accounts.analyst, "after").text == "after"
        for seen in strict.server.requests:
            assert seen.path == "/mcp" and seen.tool != "forbidden"


def fields(account, body, **changes):
    named = {"Host": "127.0.0.1", **modern_headers("tools/call", "t"), **account.headers,
             "Content-Length": str(len(body))}
    for name, value in changes.items():
        name = name.replace("_", "-")
        named = {old: kept for old, kept in named.items() if old.lower() != name.lower()}
        if value is not None:
            named[name] = value
    return "".join(f"{name}: {value}\r\n" for name, value in named.items())


def call_bytes(account, tool="t", id=1, line="POST /echo/mcp HTTP/1.1", more="", **changes):
    body = json.dumps(modern_message("tools/call", {"name": tool, "arguments": {}}, id))
    changes.setdefault("Mcp_Name", tool)
    return f"{line}\r\n{fields(account, body, **changes)}{more}\r\n{body}".encode()


def send(gateway, data, timeout=60):
    """Sends bytes, ends our direction, and reads what comes until the gateway ends its own."""
    with connect(gateway.port, timeout) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return read_all(connection)


def send_open(gateway, data, timeout=60):
    """Sends bytes and reads until the gateway ends the connection, without ending our direction."""
    with connect(gateway.port, timeout) as connection:
        try:
            connection.sendall(data)
        except OSError:
            pass
        return read_all(connection)


HEADS = {
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300), 400),
    "rubbish": (bytes(range(128, 256)) * 8, (400, 408)),
    "no version": (b"POST /echo/mcp\r\n\r\n", 400),
    "http 2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "http 3.0": (b"POST /echo/mcp HTTP/3.0\r\nHost: localhost\r\n\r\n", 505),
    "no host": (b"POST /echo/mcp HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400),
    "two hosts": (b"POST /echo/mcp HTTP/1.1\r\nHost: localhost\r\nHost: y\r\nContent-Length: 0\r\n\r\n", 400),
    "bare line feed": (b"POST /echo/mcp HTTP/1.1\nHost: x\n\n", 400),
    "folded line": (b"POST /echo/mcp HTTP/1.1\r\nHost: localhost\r\nA: b\r\n c\r\n\r\n", 400),
    "space before colon": (b"POST /echo/mcp HTTP/1.1\r\nHost : x\r\n\r\n", 400),
    "nul in a value": (b"POST /echo/mcp HTTP/1.1\r\nHost: localhost\r\nA: b\0c\r\n\r\n", 400),
    "bare carriage return": (b"POST /echo/mcp HTTP/1.1\r\nHost: localhost\r\nA: b\rc\r\n\r\n", 400),
    "no field name": (b"POST /echo/mcp HTTP/1.1\r\nHost: localhost\r\n: c\r\n\r\n", 400),
    "absolute form": (b"POST http://127.0.0.1:1/mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 400),
    "connect": (b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: localhost\r\n\r\n", (400, 405)),
    "long target": (b"POST /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", (414, 431)),
    "long head": (b"POST /echo/mcp HTTP/1.1\r\nHost: localhost\r\nA: " + b"a" * 20000 + b"\r\n\r\n", 431),
    "endless head": (b"POST /echo/mcp HTTP/1.1\r\nHost: localhost\r\nA: " + b"a" * 100_000, 431),
    "many fields": (b"POST /echo/mcp HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 500 + b"\r\n", 431),
}


@pytest.mark.parametrize("name", HEADS)
def test_heads_that_are_not_sound(strict, accounts, name):
    data, expected = HEADS[name]
    expected = expected if isinstance(expected, tuple) else (expected,)
    answered = send_open(strict, data)
    assert len(statuses(answered)) == 1 and statuses(answered)[0] in expected, answered
    assert b"connection: close" in answered.lower()
    body = json.loads(answered.split(b"\r\n\r\n", 1)[1])
    assert body["error"]["message"], "an error that says what it was"


FRAMINGS = {
    "length and chunks": ({"Transfer_Encoding": "chunked"}, 400),
    "two codings": ({"Content_Length": None, "Transfer_Encoding": "gzip, chunked"}, (400, 501)),
    "other coding": ({"Content_Length": None, "Transfer_Encoding": "identity"}, (400, 501)),
    "negative length": ({"Content_Length": "-1"}, 400),
    "plus length": ({"Content_Length": "+5"}, 400),
    "list of lengths": ({"Content_Length": "5, 5"}, 400),
    "length in hex": ({"Content_Length": "0x10"}, 400),
    "huge length": ({"Content_Length": "9" * 30}, (400, 413)),
    "too large": ({"Content_Length": "65537"}, 413),
    "no length": ({"Content_Length": None}, (400, 411)),
    "compressed": ({"Content_Encoding": "gzip"}, 415),
    "another type": ({"Content_Type": "text/plain"}, 415),
    "two types": ({"Content_Type": "application/json, text/plain"}, 415),
    "another charset": ({"Content_Type": "application/json; charset=utf-16"}, 415),
    "no type": ({"Content_Type": None}, 415),
    "takes no stream": ({"Accept": "application/json"}, 406),
    "takes nothing we have": ({"Accept": "text/html"}, 406),
    "expects the unexpected": ({"Expect": "the-unexpected"}, 417),
    "upgrade": ({"Connection": "Upgrade", "Upgrade": "h2c"}, (200, 400)),
}


@pytest.mark.parametrize("name", FRAMINGS)
def test_requests_that_are_not_for_us(strict, accounts, name):
    changes, expected = FRAMINGS[name]
    expected = expected if isinstance(expected, tuple) else (expected,)
    answered = send(strict, call_bytes(accounts.analyst, "t", **changes))
    assert statuses(answered)[0] in expected, answered


@pytest.mark.parametrize("method, status", [
    ("GET", 400), ("DELETE", 400), ("PUT", 405), ("PATCH", 405), ("HEAD", 405), ("OPTIONS", 405),
    ("TRACE", 405), ("BREW", 405),
])
def test_other_methods(strict, accounts, method, status):
    # Without a revision, GET would open a stream of HTTP+SSE.
    revision = "MCP-Protocol-Version: 2025-11-25\r\n"
    data = f"{method} /echo/mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{revision}" + "".join(
        f"{name}: {value}\r\n" for name, value in accounts.analyst.headers.items()) + "\r\n"
    answered = send(strict, data.encode())
    assert statuses(answered)[0] in (status, 405), answered


BODIES = {
    "empty": (b"", (400,)), "blank": (b"   ", (400,)), "not json": (b"hello", (400,)),
    "cut": (b'{"jsonrpc":"2.0","id":1', (400,)), "bom": (b"\xef\xbb\xbf{}", (400,)),
    "utf-16": ('{"a":1}'.encode("utf-16"), (400,)), "trailing": (b"{} {}", (400,)),
    "not utf-8": (b'{"a":"\xff"}', (400,)), "overlong": (b'{"a":"\xc0\xaf"}', (400,)),
    "encoded surrogate": (b'{"a":"\xed\xa0\x80"}', (400,)),
    "lone surrogate": (b'{"a":"\\ud800"}', (400,)), "nan": (b'{"a":NaN}', (400,)),
    "comment": (b'{/**/}', (400,)), "control character": (b'{"a":"\x01"}', (400,)),
    "deep": (b'{"a":' * 5000 + b"1" + b"}" * 5000, (400,)),
    "long number": (b'{"a":' + b"1" * 1000 + b"}", (400,)),
    "batch": (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', (400,)),
    "twice": (b'{"jsonrpc":"2.0","id":1,"method":"ping","m\\u0065thod":"tools/call"}', (400,)),
    "number": (b"5", (400,)), "text": (b'"x"', (400,)),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies_that_are_not_one_message(strict, accounts, name):
    body, expected = BODIES[name]
    head = f"POST /echo/mcp HTTP/1.1\r\n{fields(accounts.analyst, body)}\r\n".encode()
    with connect(strict.port) as connection:
        connection.sendall(head + body)
        status, answered, _ = read_answer(connection)
        assert status in expected
        error = json.loads(answered)["error"]
        assert error["code"] in (-32700, -32600) and error["message"]
        # The connection is in step still: what follows is a request of its own.
        connection.sendall(call_bytes(accounts.analyst, "next"))
        assert read_answer(connection)[0] == 200


def test_too_much_in_chunks(strict, accounts):
    head = call_bytes(
        accounts.analyst, Content_Length=None, Transfer_Encoding="chunked").split(b"\r\n\r\n")[0]
    answered = send_open(strict, head + b"\r\n\r\n" + (b"1000\r\n" + b" " * 4096 + b"\r\n") * 30)
    assert statuses(answered) == [413]


@pytest.mark.parametrize("chunks", [
    b"zz\r\n{}\r\n0\r\n\r\n", b"2\r\n{}xx0\r\n\r\n", b"2 \r\n{}\r\n0\r\n\r\n", b"-2\r\n{}\r\n0\r\n\r\n",
    b"FFFFFFFFFFFFFFFFF\r\n", b"2\n{}\n0\n\n", b"2;" + b"x" * 100_000,
])
def test_chunks_that_are_not_sound(strict, accounts, chunks):
    head = call_bytes(
        accounts.analyst, Content_Length=None, Transfer_Encoding="chunked").split(b"\r\n\r\n")[0]
    assert statuses(send_open(strict, head + b"\r\n\r\n" + chunks))[0] == 400


def test_a_slow_head_is_408(strict, accounts):
    with connect(strict.port) as connection:
        connection.sendall(b"POST /echo/mcp HTTP/1.1\r\nHost")
        answered = read_all(connection)
    assert statuses(answered) == [408]


def test_a_head_that_trickles_is_408(strict, accounts):
    """Each byte in time, the whole too late."""
    with connect(strict.port) as connection:
        start = time.monotonic()
        try:
            for byte in call_bytes(accounts.analyst):
                connection.sendall(bytes([byte]))
                time.sleep(0.05)
                if time.monotonic() - start > 30:
                    break
        except OSError:
            pass
        assert statuses(read_all(connection)) == [408]


def test_a_slow_body_is_408(strict, accounts):
    with connect(strict.port) as connection:
        connection.sendall(call_bytes(accounts.analyst)[:-5])
        assert statuses(read_all(connection)) == [408]


def test_a_slow_chunked_body_is_408(strict, accounts):
    head = call_bytes(
        accounts.analyst, Content_Length=None, Transfer_Encoding="chunked").split(b"\r\n\r\n")[0]
    assert statuses(send_open(strict, head + b"\r\n\r\n5\r\n{")) == [408]


def test_an_idle_connection_is_closed(strict, accounts):
    with connect(strict.port) as connection:
        connection.sendall(call_bytes(accounts.analyst))
        assert read_answer(connection)[0] == 200
        start = time.monotonic()
        assert read_all(connection) == b""
        assert time.monotonic() - start < 60


def test_an_agent_that_leaves(strict, accounts):
    """At every place of its request and of the answer; the gateway goes on."""
    data = call_bytes(accounts.analyst, "large")
    for length in list(range(0, len(data), 97)) + [len(data)] * 5:
        with connect(strict.port) as connection:
            connection.sendall(data[:length])
            if length % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def test_one_byte_at_a_time(strict, accounts):
    with connect(strict.port) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in call_bytes(accounts.analyst, "slowly"):
            connection.sendall(bytes([byte]))
        status, body, _ = read_answer(connection)
    assert status == 200 and b"slowly" in body


def test_chunked_requests_and_pipelining(strict, accounts):
    """Several requests in one segment are answered one after the other, in their order."""
    head, body = call_bytes(
        accounts.analyst, "chunky", 100, Content_Length=None,
        Transfer_Encoding="chunked").split(b"\r\n\r\n", 1)
    pieces = b"".join(b"%x;e=1\r\n%s\r\n" % (len(body[at:at + 7]), body[at:at + 7])
                      for at in range(0, len(body), 7))
    chunked = head + b"\r\n\r\n" + pieces + b"0\r\nTrailer: x\r\n\r\n"
    requests = [call_bytes(accounts.analyst, f"t{number}", number) for number in range(20)]
    last = call_bytes(accounts.analyst, "last", 200, Connection="close")
    answered = send_open(strict, b"".join(requests[:10]) + chunked + b"".join(requests[10:]) + last)
    bodies = [part for part in answered.split(b"\r\n\r\n")[1:]]
    ids = [json.loads(part[:part.rindex(b"}") + 1])["id"] for part in bodies]
    assert ids == [*range(10), 100, *range(10, 20), 200]


def test_waiting_for_the_hundred(strict, accounts):
    data = call_bytes(accounts.analyst, "patient", Expect="100-continue")
    head, body = data.split(b"\r\n\r\n", 1)
    with connect(strict.port) as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert read_answer(connection)[0] == 200
    # Nobody is asked for a body that would not be taken.
    refused = call_bytes(accounts.analyst, Expect="100-continue", Authorization="Bearer no")
    with connect(strict.port) as connection:
        connection.sendall(refused.split(b"\r\n\r\n")[0] + b"\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 401 ")


def test_http_1_0(strict, accounts):
    answered = send_open(strict, call_bytes(accounts.analyst, line="POST /echo/mcp HTTP/1.0"))
    assert statuses(answered) == [200]
    assert b"transfer-encoding" not in answered.lower()


def test_a_smuggled_request_reaches_nobody(strict, accounts):
    """Both framings at once, and a second request in what one of them would call the body."""
    smuggled = call_bytes(accounts.analyst, "forbidden")
    for changes in ({"Transfer_Encoding": "chunked", "Content_Length": "5"},
                    {"Transfer_Encoding": " chunked", "Content_Length": "5"},
                    {"Transfer_Encoding": "xchunked", "Content_Length": "5"}):
        head = call_bytes(accounts.analyst, **changes).split(b"\r\n\r\n")[0]
        answered = send_open(strict, head + b"\r\n\r\n0\r\n\r\n" + smuggled)
        assert len(statuses(answered)) == 1 and statuses(answered)[0] in (400, 501)


def test_an_agent_that_reads_slowly_gets_all_of_it(strict, accounts):
    with connect(strict.port) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.sendall(call_bytes(accounts.analyst, "large", Connection="close"))
        data = b""
        while True:
            piece = connection.recv(65536)
            if not piece:
                break
            data += piece
            if len(data) < 400_000:
                time.sleep(0.01)
    assert len(json.loads(data.split(b"\r\n\r\n", 1)[1])["result"]["content"][0]["text"]) == 1_000_000


def test_many_connections_at_once(strict, accounts):
    failures = []

    def one(number):
        try:
            for turn in range(5):
                reply = modern_call(strict, "echo", accounts.analyst, f"n{number}-{turn}", id=number)
                assert reply.text == f"n{number}-{turn}"
        except Exception as failure:  # reported in the main thread
            failures.append(failure)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[:3]


def test_more_connections_than_the_limit(make_gateway, scripted, accounts):
    server = scripted(lambda connection, request: connection.sendall(
        answer(result(request.id, "fine"))) or True)
    with make_gateway(
            {"echo": server.url}, arguments=["--workers", "1", "--max-connections", "16"]) as gateway:
        held = [connect(gateway.port) for _ in range(60)]
        time.sleep(0.3)
        assert gateway.is_running()
        for connection in held:
            connection.close()
        deadline = time.monotonic() + 60
        while True:
            try:
                assert modern_call(gateway, "echo", accounts.analyst, "t").text == "fine"
                break
            except OSError:
                assert time.monotonic() < deadline, "no room again after everybody left"
                time.sleep(0.1)
