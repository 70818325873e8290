"""Long answers: a server that sends them piece by piece, and agents that never hold one whole."""

import functools
import hashlib
import http.client
import json
import subprocess
import sys
import time
from pathlib import Path

from support.gateway import binary
from support.scripted import answer, chunk, event, event_stream, result
from support.wire import LEGACY, MODERN, modern_headers, modern_message

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


def parts(tool):
    """A tool's name: the form of the answer, where its rows are, and how many thousand if not as many as `rounds` says."""
    form, place = tool.split(" ", 1)
    place, _, count = place.partition(" times ")
    return form, place, int(count) if count else (rounds(place) if place in PLACES else 0)


def pieces(place, count, value):
    quote, head, tail = PLACES[place]
    yield head
    for round in range(count):
        yield rows(value, round * ROWS, quote)
    yield tail


@functools.cache
def expected(tool):
    """How long what the server sends is, how long what the agent gets, and its digest: worked out once."""
    _, place, count = parts(tool)
    sent = sum(len(piece) for piece in pieces(place, count, secret))
    digest, length = hashlib.sha256(), 0
    for piece in pieces(place, count, redacted):
        digest.update(piece)
        length += len(piece)
    return sent, length, digest.hexdigest()


def serve(connection, request, gate=None):
    """Answers by the tool's name. With a gate, only the head and the first thousand rows leave before it opens."""
    if request.message["method"] != "tools/call":
        return serve_other(connection, request)
    form, place, count = parts(request.tool)
    if form == "small":
        connection.sendall(answer(result(request.id, "small")))
    elif form == "json":
        length = expected(request.tool)[0]
        connection.sendall(answer(b"").replace(b"Content-Length: 0", b"Content-Length: %d" % length))
        for number, piece in enumerate(pieces(place, count, secret)):
            if gate and number == 2:
                gate.wait()
            connection.sendall(piece)
    elif form == "event":
        connection.sendall(event_stream() + chunk(b"event: message\ndata: "))
        for piece in pieces(place, count, secret):
            connection.sendall(chunk(piece))
        connection.sendall(chunk(b"\n\n") + b"0\r\n\r\n")
    elif form == "broken":
        connection.sendall(answer(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked"))
        for number, piece in enumerate(pieces(place, count, secret)):
            connection.sendall(chunk(piece if number != 200 else b"nonsense"))
        connection.sendall(b"0\r\n\r\n")
    else:
        assert form == "many"
        connection.sendall(event_stream())
        for round in range(count):
            message = {"jsonrpc": "2.0", "method": "notifications/message", "params": {
                "level": "info", "data": json.loads("[" + rows(secret, round * ROWS, '"').decode() + "0]")}}
            connection.sendall(chunk(event(message)))
        last = {"jsonrpc": "2.0", "id": request.id, "result": {
            "resultType": "complete", "content": [], "structuredContent": {"ssn": SECRET}}}
        connection.sendall(chunk(event(last)) + b"0\r\n\r\n")
    return True


def serve_other(connection, request):
    """What a session begins with, in either era."""
    said = {
        "initialize": {
            "protocolVersion": LEGACY, "capabilities": {"tools": {}},
            "serverInfo": {"name": "large", "version": "1"}},
        "server/discover": {
            "supportedVersions": [MODERN], "capabilities": {"tools": {}}, "resultType": "complete",
            "serverInfo": {"name": "large", "version": "1"}},
        "tools/list": {"tools": [], "resultType": "complete"},
    }
    if request.id is None:
        connection.sendall(answer(b"", "202 Accepted"))
    else:
        connection.sendall(answer({
            "jsonrpc": "2.0", "id": request.id, "result": said[request.message["method"]]}))
    return True


class Message:
    """The one message of an answer, told by its digest: the body itself, or the data of its only event."""

    def __init__(self, is_stream):
        self.hash = hashlib.sha256()
        self.count = 0
        self.is_stream = is_stream
        self.before = b"" if is_stream else None
        self.behind = b""

    def add(self, piece):
        if self.before is not None:
            self.before += piece
            _, found, piece = self.before.partition(b"data: ")
            if not found:
                return
            self.before = None
        if self.is_stream:
            # The blank line that ends the event is no part of the message.
            piece = self.behind + piece
            piece, self.behind = piece[:-2], piece[-2:]
        self.hash.update(piece)
        self.count += len(piece)

    @property
    def told(self):
        return self.count, self.hash.hexdigest()


class Got:
    """What an agent got: read in pieces, never held whole. `begun` is called when the first of it is there.

    `headers` make it an agent of the legacy era; with a `context` it speaks TLS.
    """

    def __init__(
            self, gateway, account, tool, pause=0, server="big", context=None, headers=None, begun=None):
        body = modern_message("tools/call", {"name": tool, "arguments": {}}, 7)
        if headers is None:
            headers = {**modern_headers("tools/call", tool), **account.headers}
        else:
            del body["params"]["_meta"]
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=600)
        if context:
            connection = http.client.HTTPSConnection(
                "127.0.0.1", gateway.port, timeout=600, context=context)
        self.count, self.leaked, self.messages, self.broken = 0, False, 0, False
        self.last = b""
        try:
            connection.request("POST", f"/{server}/mcp", json.dumps(body), headers)
            response = connection.getresponse()
            self.status = response.status
            self.type = response.headers["content-type"]
            self.message = Message(self.type == "text/event-stream")
            while True:
                piece = response.read1(1 << 16)
                if not piece:
                    break
                self.take(piece)
                if begun:
                    begun(self)
                    begun = None
                if pause and self.count < MEGABYTE:
                    time.sleep(pause)
        except (http.client.IncompleteRead, ConnectionError):
            self.broken = True
        finally:
            connection.close()

    def take(self, piece):
        self.message.add(piece)
        self.count += len(piece)
        self.leaked = self.leaked or SECRET.encode() in self.last + piece
        self.messages += (self.last[-6:] + piece).count(b"data: ") - self.last[-6:].count(b"data: ")
        self.last = (self.last + piece)[-200:]

    def is_whole(self, tool):
        return self.status == 200 and not self.broken and self.message.told == expected(tool)[1:]


def memory(gateway, name):
    for line in Path(f"/proc/{gateway.process.pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no {name}")


def resident_after_a_call(gateway, accounts, **options):
    assert Got(gateway, accounts.analyst, "small answer", **options).status == 200
    return memory(gateway, "VmRSS:")


def forget_peak(gateway):
    Path(f"/proc/{gateway.process.pid}/clear_refs").write_text("5")


# Starts a program from one that is small: what it had before it became the other would count as well.
LAUNCHER = """
import os, sys
child = os.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
print(usage.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def peak_memory(command, output):
    """Runs a program to its end; the most bytes it had resident."""
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LAUNCHER, *map(str, command)], stdout=output, stderr=subprocess.PIPE,
        text=True)
    assert ran.returncode == 0, ran.stderr
    return int(ran.stderr.split()[-1]) * 1024
