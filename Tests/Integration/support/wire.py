"""MCP over plain HTTP, written by hand: for what an official client would never send."""

import http.client
import json
import socket

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
BOTH = "application/json, text/event-stream"


class Reply:
    """An HTTP answer and the JSON-RPC messages in it."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def is_stream(self):
        return self.headers.get("content-type", "").startswith("text/event-stream")

    @property
    def messages(self):
        """Every message of the answer: one as JSON, or those of an event stream."""
        text = self.body.decode()
        if not self.is_stream:
            return [json.loads(text)] if text.strip() else []
        data = []
        for event in text.replace("\r\n", "\n").split("\n\n"):
            lines = [line[5:].lstrip(" ") for line in event.split("\n") if line.startswith("data:")]
            if "".join(lines).strip():
                data.append(json.loads("\n".join(lines)))
        return data

    @property
    def message(self):
        """The answer itself: the last message."""
        return self.messages[-1]

    @property
    def result(self):
        assert self.status == 200 and "result" in self.message, (self.status, self.body)
        return self.message["result"]

    @property
    def error(self):
        assert "error" in self.message, (self.status, self.body)
        return self.message["error"]

    @property
    def text(self):
        return "\n".join(part.get("text", "") for part in self.result["content"])

    def __repr__(self):
        return f"<Reply {self.status} {self.body[:300]!r}>"


def http_request(port, method, path, headers=None, body=None, timeout=60, context=None):
    """`context` is what TLS is spoken with, where it is."""
    connection = (
        http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=context) if context
        else http.client.HTTPConnection("127.0.0.1", port, timeout=timeout))
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, named, answer.read())
    finally:
        connection.close()


def modern_message(method, params=None, id=1):
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "integration", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": {**(params or {}), "_meta": meta}}


def modern_headers(method, name=None):
    headers = {
        "Content-Type": "application/json", "Accept": BOTH, "MCP-Protocol-Version": MODERN,
        "Mcp-Method": method,
    }
    if name is not None:
        headers["Mcp-Name"] = name
    return headers


def modern(gateway, server, account, method, params=None, id=1, headers=None, timeout=60):
    """A request of revision 2026-07-28. `headers` change those that belong; None takes one out."""
    message = modern_message(method, params, id)
    given = modern_headers(method, (params or {}).get("name"))
    if account:
        given.update(account.headers)
    for name, value in (headers or {}).items():
        given.pop(name, None)
        if value is not None:
            given[name] = value
    return http_request(
        gateway.port, "POST", f"/{server}/mcp", given, json.dumps(message), timeout)


def modern_call(gateway, server, account, tool, arguments=None, **options):
    params = {"name": tool, "arguments": arguments or {}}
    return modern(gateway, server, account, "tools/call", params, **options)


class Session:
    """A session of revision 2025-11-25, step by step."""

    def __init__(self, gateway, server, account):
        self.gateway, self.server, self.account, self.id = gateway, server, account, None
        self.last_id = 0
        hello = self.request("initialize", {
            "protocolVersion": LEGACY, "capabilities": {},
            "clientInfo": {"name": "integration", "version": "1"},
        }, version=None)
        self.hello = hello
        self.id = hello.headers.get("mcp-session-id")
        if hello.status == 200 and "result" in hello.message:
            self.notify("notifications/initialized")

    def headers(self, version=LEGACY):
        headers = {"Content-Type": "application/json", "Accept": BOTH, **self.account.headers}
        if version:
            headers["MCP-Protocol-Version"] = version
        if self.id:
            headers["Mcp-Session-Id"] = self.id
        return headers

    def post(self, message, version=LEGACY):
        return http_request(
            self.gateway.port, "POST", f"/{self.server}/mcp", self.headers(version),
            json.dumps(message))

    def request(self, method, params=None, version=LEGACY):
        self.last_id += 1
        message = {"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params or {}}
        return self.post(message, version)

    def notify(self, method, params=None):
        return self.post({"jsonrpc": "2.0", "method": method, "params": params or {}})

    def call(self, tool, arguments=None):
        return self.request("tools/call", {"name": tool, "arguments": arguments or {}})

    def delete(self):
        return http_request(
            self.gateway.port, "DELETE", f"/{self.server}/mcp", self.headers())


def connect(port, timeout=60):
    return socket.create_connection(("127.0.0.1", port), timeout=timeout)


def open_stream(gateway, server, session):
    """The session's GET stream, as a socket that has read nothing yet."""
    connection = connect(gateway.port)
    head = [f"GET /{server}/mcp HTTP/1.1", f"Host: 127.0.0.1:{gateway.port}",
            "Accept: text/event-stream", f"MCP-Protocol-Version: {LEGACY}",
            f"Mcp-Session-Id: {session.id}"]
    head += [f"{name}: {value}" for name, value in session.account.headers.items()]
    connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n")
    return connection


def read_all(connection):
    """Everything until the other side ends the connection (or has reset it)."""
    data = b""
    while True:
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            return data
        if not piece:
            return data
        data += piece


def read_answer(connection):
    """One answer with a Content-Length from a connection that stays open: status and body."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise EOFError(f"the connection ended after {data!r}")
        data += piece
    head, rest = data.split(b"\r\n\r\n", 1)
    status = int(head.split(b" ", 2)[1])
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, value = line.split(b":", 1)
        if name.lower() == b"content-length":
            length = int(value)
    while len(rest) < length:
        piece = connection.recv(65536)
        if not piece:
            raise EOFError(f"the connection ended after {rest!r}")
        rest += piece
    return status, rest[:length], rest[length:]


def statuses(data):
    """The statuses of all answers in what was read from a connection."""
    import re
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3})", data)]
