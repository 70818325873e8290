"""Answers of 50 MB pass, masked, in the memory of a small one; what goes wrong on the way cuts them."""

import hashlib
import http.client
import json
import time
from pathlib import Path

import pytest

from support.gateway import binary
from support.scripted import answer, chunk, event, event_stream, result
from support.settings import PERSONAL
from support.wire import modern_headers, modern_message

# A debug build on a busy machine takes its time.
pytestmark = pytest.mark.timeout(1200)

MEGABYTE = 1_000_000
SECRET = "078-05-1120"
ROWS = 1000


def rows(value, start, quote):
    """A thousand rows; `quote` is the quotation mark, as deep in strings as they are."""
    q = quote
    text = "".join(
        f"{{{q}id{q}:{start + number},{q}ssn{q}:{value(q)},{q}city{q}:{q}Köln am Rhein{q},"
        f"{q}contact{q}:{{{q}email{q}:{value(q)},{q}since{q}:1999.5,{q}active{q}:true}}}},"
        for number in range(ROWS))
    return text.encode()


def secret(q):
    return f"{q}{SECRET}{q}"


def redacted(q):
    return f"{q}[redacted]{q}"


HEAD = b'{"jsonrpc":"2.0","id":7,"result":{"resultType":"complete","content":'
# Where the rows stand, how they are quoted there, and what is before and behind them.
PLACES = {
    "structured": ('"', HEAD + b'[],"structuredContent":{"rows":[', b'null]}}}'),
    "text": ('\\"', HEAD + b'[{"type":"text","text":"[', b'null]"}]}}'),
    "nested text": (
        '\\\\\\"', HEAD + b'[{"type":"text","text":"{\\"inner\\":\\"[', b'null]\\"}"}]}}'),
}


def rounds(place):
    """How many times a thousand rows: 53 MB or a little more, quotes and all, and less than the limit of 64 MiB. A debug build is
    many times slower, and shows the same with less of the rest."""
    if place != "structured" and "release" not in binary().parts:
        return 60
    return 300 if place == "nested text" else 440


def pieces(place, value):
    quote, head, tail = PLACES[place]
    yield head
    for round in range(rounds(place)):
        yield rows(value, round * ROWS, quote)
    yield tail


class Expected:
    """Length and digest of what the server sends and of what the agent gets, worked out once."""

    def __init__(self):
        self.known = {}

    def of(self, place):
        if place not in self.known:
            sent = sum(len(piece) for piece in pieces(place, secret))
            digest, count = hashlib.sha256(), 0
            for piece in pieces(place, redacted):
                digest.update(piece)
                count += len(piece)
            self.known[place] = (sent, count, digest.hexdigest())
        return self.known[place]


EXPECTED = Expected()


def serve(connection, request):
    """The tool's name is the form, and the place of the rows."""
    form, place = request.tool.split(" ", 1)
    if form == "small":
        connection.sendall(answer(result(request.id, "small")))
    elif form == "json":
        head = answer(b"").replace(b"Content-Length: 0", b"Content-Length: %d" % EXPECTED.of(place)[0])
        connection.sendall(head)
        for piece in pieces(place, secret):
            connection.sendall(piece)
    elif form == "event":
        connection.sendall(event_stream() + chunk(b"event: message\ndata: "))
        for piece in pieces(place, secret):
            connection.sendall(chunk(piece))
        connection.sendall(chunk(b"\n\n") + b"0\r\n\r\n")
    elif form == "broken":
        connection.sendall(answer(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked"))
        for number, piece in enumerate(pieces(place, secret)):
            connection.sendall(chunk(piece if number != 200 else b"nonsense"))
        connection.sendall(b"0\r\n\r\n")
    else:
        assert form == "many"
        connection.sendall(event_stream())
        for round in range(rounds(place)):
            message = {"jsonrpc": "2.0", "method": "notifications/message", "params": {
                "level": "info", "data": json.loads("[" + rows(secret, round * ROWS, '"').decode() + "0]")}}
            connection.sendall(chunk(event(message)))
        last = {"jsonrpc": "2.0", "id": request.id, "result": {
            "resultType": "complete", "content": [], "structuredContent": {"ssn": SECRET}}}
        connection.sendall(chunk(event(last)) + b"0\r\n\r\n")
    return True


class Got:
    """What an agent got: read in pieces, never held whole."""

    def __init__(self, gateway, account, tool, pause=0):
        body = modern_message("tools/call", {"name": tool, "arguments": {}}, 7)
        headers = modern_headers("tools/call", tool)
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=120)
        self.count, self.leaked, self.messages, self.broken = 0, False, 0, False
        digest, last = hashlib.sha256(), b""
        try:
            connection.request(
                "POST", "/big/mcp", json.dumps(body), {**headers, **account.headers})
            response = connection.getresponse()
            self.status = response.status
            self.type = response.headers["content-type"]
            while True:
                piece = response.read1(1 << 16)
                if not piece:
                    break
                digest.update(piece)
                self.count += len(piece)
                self.leaked = self.leaked or SECRET.encode() in last + piece
                self.messages += (last[-6:] + piece).count(b"data: ") - last[-6:].count(b"data: ")
                last = (last + piece)[-200:]
                if pause and self.count < MEGABYTE:
                    time.sleep(pause)
        except (http.client.IncompleteRead, ConnectionError):
            self.broken = True
        finally:
            connection.close()
        self.digest, self.last = digest.hexdigest(), last


def memory(gateway, name):
    for line in Path(f"/proc/{gateway.process.pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no {name}")


def resident_after_a_call(gateway, accounts):
    assert Got(gateway, accounts.analyst, "small answer").status == 200
    return memory(gateway, "VmRSS:")


def forget_peak(gateway):
    Path(f"/proc/{gateway.process.pid}/clear_refs").write_text("5")


@pytest.fixture
def big(make_gateway, scripted):
    def make(**more):
        more.setdefault("limits", {"response_hold": "1MiB"})
        # Small, because it becomes resident as it is used.
        audit = {"ring_size": "1MiB", "segment_size": "64MiB"}
        return make_gateway(
            {"big": scripted(serve).url}, [PERSONAL], audit=audit, arguments=["--workers", 1], **more)
    return make


@pytest.mark.parametrize("tool", ["json structured", "json text", "json nested text", "event text"])
def test_one_message_of_50_megabytes(big, accounts, tool):
    place = tool.split(" ", 1)[1]
    _, count, digest = EXPECTED.of(place)
    with big() as gateway:
        before = resident_after_a_call(gateway, accounts)
        forget_peak(gateway)
        got = Got(gateway, accounts.analyst, tool)
        assert got.status == 200 and got.type == "application/json" and not got.broken
        assert not got.leaked
        assert (got.count, got.digest) == (count, digest)
        # The most there was while it passed, not only what is left.
        assert memory(gateway, "VmHWM:") - before < 24 * MEGABYTE
        gateway.stop()
        call, = gateway.calls(tool=tool)
        assert call["outcome"]["result"] == "success"
        assert call["outcome"]["masked_values"] == 2 * ROWS * rounds(place)
        assert SECRET.encode() not in gateway.recorded_bytes()
        gateway.verify()
        # The record holds all of what the agent got.
        recorded = gateway.show(call["ref"])["answer"].encode()
        assert hashlib.sha256(recorded).hexdigest() == digest


def test_a_stream_of_50_megabytes_in_many_messages(big, accounts):
    with big() as gateway:
        before = resident_after_a_call(gateway, accounts)
        forget_peak(gateway)
        got = Got(gateway, accounts.analyst, "many structured")
        assert got.type == "text/event-stream" and not got.broken and not got.leaked
        assert got.count > 45 * MEGABYTE and got.messages == rounds("structured") + 1
        assert memory(gateway, "VmHWM:") - before < 24 * MEGABYTE
        gateway.stop()
        assert SECRET.encode() not in gateway.recorded_bytes()
        gateway.verify()


def test_a_slow_agent_stops_the_server(big, accounts):
    with big() as gateway:
        before = resident_after_a_call(gateway, accounts)
        forget_peak(gateway)
        got = Got(gateway, accounts.analyst, "json text", pause=0.05)
        assert (got.count, got.digest) == EXPECTED.of("text")[1:]
        assert memory(gateway, "VmHWM:") - before < 24 * MEGABYTE


def test_a_late_violation_cuts_the_answer(big, accounts):
    with big() as gateway:
        got = Got(gateway, accounts.analyst, "broken structured")
        assert got.broken and got.count > 10 * MEGABYTE and not got.leaked
        assert not got.last.endswith(b"}}}")
        gateway.stop()
        call, = gateway.calls(server="big")
        assert call["outcome"]["result"] == "transport_error"
        assert call["outcome"]["failed_side"] == "server"
        assert SECRET.encode() not in gateway.recorded_bytes()
        gateway.verify()


def test_over_the_maximum_nothing_passes_for_complete(big, accounts):
    with big(limits={"response_hold": "1MiB", "response_size": "20MiB"}) as gateway:
        refused = Got(gateway, accounts.analyst, "json structured")
        assert refused.count < 1000 and b"larger than the gateway's limit" in refused.last
        cut = Got(gateway, accounts.analyst, "event structured")
        assert cut.broken and cut.count < 24 * MEGABYTE and not cut.leaked
