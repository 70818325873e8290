"""Requests that one parser reads as a harmless call and another as a call of `evil`: the rows, the framings, the sending."""

import copy
import gzip
import http.client
import json
import socket
import zlib

from support.wire import BOTH, LEGACY, MODERN, modern_message

FIRST_STREAMABLE = "2025-03-26"
ERAS = [MODERN, LEGACY, FIRST_STREAMABLE]
# An answer of policy: HTTP 200 and a result that is an error. Any other expectation is (status, codes), without codes where
# any will do; a list of them leaves the choice.
BLOCKED = "blocked by policy"


class Request:
    """One POST: header lines in order, which may repeat, and a body."""

    def __init__(self, era, session=None, id=7):
        self.era, self.id = era, id
        self.message = {"jsonrpc": "2.0", "id": id, "method": "tools/call",
                        "params": {"name": "evil", "arguments": {"text": "x"}}}
        self.headers = [("Content-Type", "application/json"), ("Accept", BOTH)]
        if era == MODERN:
            self.message = modern_message("tools/call", self.message["params"], id)
            self.headers += [("MCP-Protocol-Version", era), ("Mcp-Method", "tools/call"), ("Mcp-Name", "evil")]
        elif era == LEGACY:
            self.headers += [("MCP-Protocol-Version", era)]
        if session:
            self.headers += [("Mcp-Session-Id", session)]
        self.body = None

    @property
    def params(self):
        return self.message["params"]

    def set(self, name, value):
        """Replaces a header, or takes it out."""
        self.headers = [(old, kept) for old, kept in self.headers if old.lower() != name.lower()]
        if value is not None:
            self.headers.append((name, value))

    def text(self, old=None, new=None):
        """The body as JSON text, with one piece of it written differently."""
        text = json.dumps(self.message)
        if old is not None:
            assert text.count(old) == 1, (old, text)
            text = text.replace(old, new)
        return text

    def bytes(self):
        return self.body if self.body is not None else self.text().encode()


class Row:
    """A row of the matrix: how the request is made, and how the gateway answers it in each era."""

    def __init__(self, name, change, expected, legacy=None, runs="", eras=ERAS, framings=None):
        self.name, self.change = name, change
        self.expected, self.legacy = expected, legacy or expected
        # Where the tool runs when nothing stands in between, as kind/era with era m(odern) or l(egacy).
        self.runs = set(runs.split())
        self.eras, self.framings = eras, framings

    def request(self, era, session=None):
        request = Request(era, session)
        self.change(request)
        return request

    def expectation(self, era):
        return self.expected if era == MODERN else self.legacy

    def __str__(self):
        return self.name


def body(make):
    """A change of the body alone."""
    def change(request):
        made = make(request)
        request.body = made if isinstance(made, bytes) else made.encode()
    return change


def name(text):
    """A call of a tool of another name, in the body and where the header repeats it."""
    def change(request):
        request.params["name"] = text
        if request.era == MODERN:
            request.set("Mcp-Name", text if text.isascii() and text == text.strip() else sentinel(text))
    return change


def sentinel(text):
    import base64
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


def named_in_base64(request):
    request.set("Mcp-Name", sentinel("evil"))


def encoded(encoding, type=None):
    def change(request):
        request.body = request.text().encode(encoding)
        if type:
            request.set("Content-Type", type)
    return change


def header(name, value, compress=None):
    def change(request):
        request.set(name, value)
        if compress:
            request.body = compress(request.text().encode())
    return change


def safe_in_the_header(request):
    request.set("Mcp-Name", "safe")


def two_versions(request):
    """A legacy version first, so that servers which read the first take the request for a legacy one."""
    own = request.era if request.era != FIRST_STREAMABLE else LEGACY
    request.set("MCP-Protocol-Version", None)
    request.headers += [("MCP-Protocol-Version", LEGACY), ("MCP-Protocol-Version", MODERN if own == LEGACY else own)]


def legacy_header_over_modern_body(request):
    request.message = modern_message("tools/call", copy.deepcopy(request.params), request.id)
    request.set("MCP-Protocol-Version", LEGACY)


def deep(request):
    request.params["arguments"]["more"] = json.loads("[" * 150 + "]" * 150)


def key(text):
    """The harmless name, and a key beside it that a careless reader takes for `name`."""
    def make(request):
        return request.text('"name": "evil"', f'"name": "safe", "{text}": "evil"')
    def change(request):
        request.body = make(request).encode()
        if request.era == MODERN:
            request.set("Mcp-Name", "safe")
    return change


def method(text):
    def change(request):
        request.message["method"] = text
        if request.era == MODERN:
            request.set("Mcp-Method", text)
    return change


def identity(literal):
    return body(lambda request: request.text('"id": 7', f'"id": {literal}'))


def without_id(request):
    del request.message["id"]


def as_task(request):
    request.params["task"] = {"ttl": 60000}


UNREAD = (400, {-32700})
INVALID = (400, {-32600})
TYPE = (415, None)
UNKNOWN = (404, {-32601})
UNKNOWN_LEGACY = (200, {-32601})
MISMATCH = (400, {-32020})
MODERN_ONLY, LEGACY_ONLY = [MODERN], [LEGACY, FIRST_STREAMABLE]
EVERYWHERE = "mcp2/m fastmcp/m mcp2/l mcp1/l fastmcp/l"
IN_LEGACY = "mcp2/l mcp1/l fastmcp/l"

ROWS = [
    Row("plain", lambda request: None, BLOCKED, runs=EVERYWHERE),
    Row("utf-16", encoded("utf-16"), UNREAD, runs="mcp2/m fastmcp/m mcp1/l"),
    Row("utf-16 without a mark", encoded("utf-16-le"), UNREAD, runs="mcp2/m fastmcp/m mcp1/l"),
    Row("utf-32", encoded("utf-32"), UNREAD, runs="mcp2/m fastmcp/m mcp1/l"),
    Row("byte order mark", encoded("utf-8-sig"), UNREAD, runs="mcp2/m fastmcp/m mcp1/l"),
    Row("name twice", body(lambda request: request.text('"name": "evil"', '"name": "safe", "name": "evil"')),
        UNREAD, runs=EVERYWHERE),
    Row("name twice, once escaped",
        body(lambda request: request.text('"name": "evil"', '"name": "safe", "n\\u0061me": "evil"')),
        UNREAD, runs=EVERYWHERE),
    Row("params twice",
        body(lambda request: request.text('"params": {', '"params": {"name": "safe"}, "params": {')),
        UNREAD, runs=EVERYWHERE),
    Row("escaped key", body(lambda request: request.text('"name": "evil"', '"n\\u0061me": "evil"')), BLOCKED, runs=EVERYWHERE),
    Row("escaped value", body(lambda request: request.text('"evil"', '"ev\\u0069l"')), BLOCKED, runs=EVERYWHERE),
    Row("escaped method", body(lambda request: request.text("tools/call", "tools\\/call")), BLOCKED, runs=EVERYWHERE),
    Row("invalid utf-8", body(lambda request: request.text().encode().replace(b'"x"', b'"\xff"')), UNREAD),
    Row("overlong utf-8", body(lambda request: request.text().encode().replace(b'"x"', b'"\xc0\xaf"')), UNREAD),
    Row("lone surrogate", body(lambda request: request.text('"x"', '"\\ud800"')), UNREAD, runs="mcp2/m fastmcp/m"),
    Row("nan", body(lambda request: request.text('"x"', '"x", "more": NaN')), UNREAD, runs=EVERYWHERE),
    Row("batch", body(lambda request: f"[{request.text()}]"), INVALID, eras=[MODERN, LEGACY]),
    Row("gzip", header("Content-Encoding", "gzip", gzip.compress), TYPE),
    Row("deflate", header("Content-Encoding", "deflate", zlib.compress), TYPE),
    Row("plain, called deflate", header("Content-Encoding", "deflate"), TYPE, runs=EVERYWHERE),
    Row("utf-16, and said so", encoded("utf-16", "application/json; charset=utf-16"), TYPE,
        runs="mcp2/m fastmcp/m mcp1/l"),
    Row("two types", header("Content-Type", "application/json, text/plain"), TYPE, runs=EVERYWHERE),
    Row("almost the type", header("Content-Type", "application/jsonX"), TYPE, runs="mcp2/m fastmcp/m"),
    Row("length and chunks", lambda request: None, (400, None), runs=EVERYWHERE, framings=["both"]),
    Row("another name in the header", safe_in_the_header, MISMATCH, eras=MODERN_ONLY),
    Row("the name in base64 in the header", named_in_base64, BLOCKED, eras=MODERN_ONLY, runs="mcp2/m fastmcp/m"),
    # Which of the eras it is for, nobody can say.
    Row("version header twice", two_versions, (400, {-32020, -32600}), runs=IN_LEGACY),
    Row("legacy header over a modern body", legacy_header_over_modern_body, MISMATCH, runs=IN_LEGACY),
    Row("depth 150", deep, UNREAD, runs=EVERYWHERE),
    Row("id null", identity("null"), INVALID),
    Row("id 1.0", identity("1.0"), INVALID),
    Row("id 1e400", identity("1e400"), INVALID),
    Row("id true", identity("true"), INVALID),
    Row("no id", without_id, (400, None), legacy=((202, 400), None)),
    Row("method in another case", method("Tools/Call"), UNKNOWN, UNKNOWN_LEGACY),
    Row("name in another case", name("EVIL"), BLOCKED),
    Row("name and a blank", name("evil "), BLOCKED),
    Row("name in full width", name("\uff45\uff56\uff49\uff4c"), BLOCKED),
    Row("name with a soft hyphen", name("ev\u00adil"), BLOCKED),
    Row("key in another case", key("Name"), INVALID),
    Row("key in full width", key("\\uff4eame"), INVALID),
    Row("key with a zero", key("name\\u0000"), UNREAD),
    # Who asks for a task expects no tool's result.
    Row("as a task", as_task, [(200, {-31403}), (400, None)], runs=EVERYWHERE),
]


# Sending

FRAMINGS = ["length", "two segments", "chunked", "small chunks", "bytes"]


def framed(body, framing):
    """Header lines, and what is sent after the head, piece by piece."""
    length = ("Content-Length", str(len(body)))
    chunked = ("Transfer-Encoding", "chunked")
    end = b"0\r\n\r\n"
    if framing == "length":
        return [length], [body]
    if framing == "two segments":
        return [length], [b"", body]
    if framing == "bytes":
        return [length], [b"", *(body[at:at + 1] for at in range(len(body)))]
    if framing == "both":
        return [length, chunked], [b"%x\r\n%s\r\n%s" % (len(body), body, end)]
    size = len(body) if framing == "chunked" else 7
    pieces = [body[at:at + size] for at in range(0, len(body), size)]
    return [chunked], [b"", *(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces), end]


class Answer:
    """Status and JSON-RPC message of an answer, whichever way it came."""

    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        text = body.decode(errors="replace")
        if headers.get("content-type", "").startswith("text/event-stream"):
            lines = [line[5:] for line in text.splitlines() if line.startswith("data:") and line[5:].strip()]
            text = lines[-1] if lines else ""
        try:
            self.message = json.loads(text) if text.strip() else None
        except ValueError:
            self.message = None

    @property
    def code(self):
        error = self.message.get("error") if isinstance(self.message, dict) else None
        return error["code"] if error else None

    @property
    def is_blocked(self):
        result = self.message.get("result") if isinstance(self.message, dict) else None
        return self.status == 200 and bool(result) and result.get("isError") is True \
            and "Ref " in json.dumps(result)

    def meets(self, expectation):
        if expectation == BLOCKED:
            return self.is_blocked
        if isinstance(expectation, list):
            return any(self.meets(one) for one in expectation)
        status, codes = expectation
        statuses = status if isinstance(status, tuple) else (status,)
        return self.status in statuses and (codes is None or self.code in codes)

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


def send(port, path, request, framing, headers=()):
    """Sends the request over a connection of its own and reads the answer, or None when there is none."""
    lines, pieces = framed(request.bytes(), framing)
    head = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}",
            *(f"{name}: {value}" for name, value in [*request.headers, *headers, *lines])]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + pieces[0])
            for piece in pieces[1:]:
                connection.sendall(piece)
        except OSError:
            pass  # The other side has answered and hung up before all of it was sent.
        answer = http.client.HTTPResponse(connection, method="POST")
        try:
            answer.begin()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            return None
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)
