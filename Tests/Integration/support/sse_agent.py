"""An agent of HTTP+SSE (2024-11-05), step by step: one stream, and posts to the address that it names."""

import http.client
import json

from support.wire import LEGACY, http_request


class EventStreamAgent:
    """Opens the stream and reads the address; `begin` shakes hands."""

    def __init__(self, gateway, server, account, path=None, timeout=60, context=None):
        """`context` is what TLS is spoken with, where it is."""
        self.gateway, self.account = gateway, account
        self.others = []
        self.last_id = 0
        self.context = context
        self.connection = self._connect(timeout)
        self.connection.request(
            "GET", path or f"/{server}/sse", headers={"Accept": "text/event-stream", **account.headers})
        self.stream = self.connection.getresponse()
        assert self.stream.status == 200, (self.stream.status, self.stream.read())
        assert self.stream.getheader("content-type") == "text/event-stream"
        name, self.address = self.event()
        assert name == "endpoint"

    def _connect(self, timeout):
        if self.context:
            return http.client.HTTPSConnection("127.0.0.1", self.gateway.port, timeout=timeout, context=self.context)
        return http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=timeout)

    def event(self):
        """The next event: its name and data. None at the stream's end."""
        name, data = "message", []
        while True:
            line = self.stream.readline().decode()
            if not line:
                return None
            line = line.rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data.append(line[6:])
            elif not line and data:
                return name, "\n".join(data)

    def message(self):
        """The next message; None at the stream's end."""
        event = self.event()
        if event is None:
            return None
        assert event[0] == "message", event
        return json.loads(event[1])

    def answer(self, id):
        """The answer to a request; what comes before it is kept in `others`."""
        while True:
            message = self.message()
            assert message is not None, "the stream ended without the answer"
            if message.get("id") == id and "method" not in message:
                return message
            self.others.append(message)

    def post(self, message, account=None, address=None, headers=()):
        body = message if isinstance(message, bytes) else json.dumps(message)
        fields = {"Content-Type": "application/json", **(account or self.account).headers, **dict(headers)}
        return http_request(
            self.gateway.port, "POST", address or self.address, fields, body, timeout=60, context=self.context)

    def send(self, method, params=None):
        """Posts a request; its id."""
        self.last_id += 1
        message = {"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params or {}}
        posted = self.post(message)
        assert (posted.status, posted.body) == (202, b""), posted
        return self.last_id

    def request(self, method, params=None):
        return self.answer(self.send(method, params))

    def notify(self, method, params=None):
        posted = self.post({"jsonrpc": "2.0", "method": method, "params": params or {}})
        assert posted.status == 202, posted

    def begin(self, version=LEGACY, capabilities=None):
        hello = self.request("initialize", {
            "protocolVersion": version, "capabilities": capabilities or {},
            "clientInfo": {"name": "integration", "version": "1"},
        })
        self.notify("notifications/initialized")
        self.hello = hello
        return self

    def call(self, tool, arguments=None):
        return self.request("tools/call", {"name": tool, "arguments": arguments or {}})

    def close(self):
        """Goes away: the socket itself, which the answer would keep open."""
        self.stream.close()
        self.connection.close()
