"""A small server on raw sockets that can break every promise a real one keeps."""

import json
import socket
import threading


class Request:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.message = json.loads(body) if body else {}
        self.tool = (self.message.get("params") or {}).get("name")

    @property
    def id(self):
        return self.message.get("id")


def answer(body, status="200 OK", type="application/json", *more):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"HTTP/1.1 {status}", f"Content-Type: {type}", f"Content-Length: {len(body)}", *more]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def event_stream(*more):
    head = ["HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked", *more]
    return "\r\n".join(head).encode() + b"\r\n\r\n"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(message):
    return b"data: " + json.dumps(message).encode() + b"\n\n"


def result(id, text, **more):
    return {"jsonrpc": "2.0", "id": id, "result": {
        "resultType": "complete", "content": [{"type": "text", "text": text}], **more}}


class ScriptedServer:
    """Listens on a port of its own; `script(connection, request)` answers each request.

    The script returns True to keep the connection. What was asked is kept in `requests`. With a `context` it speaks TLS.
    """

    def __init__(self, script, context=None):
        self.script = script
        self.context = context
        self.requests = []
        self.stopping = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}/mcp"

    def close(self):
        self.stopping.set()
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            # For a peer that has gone; a slow one is waited for.
            connection.settimeout(300)
            held = b""
            try:
                if self.context:
                    connection = self.context.wrap_socket(connection, server_side=True)
                while True:
                    request, held = self._read(connection, held)
                    if request is None:
                        return
                    self.requests.append(request)
                    if not self.script(connection, request):
                        return
            except OSError:
                return

    @staticmethod
    def _read(connection, held):
        while b"\r\n\r\n" not in held:
            piece = connection.recv(65536)
            if not piece:
                return None, held
            held += piece
        head, rest = held.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        method, path, _ = lines[0].split(" ")
        headers = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        while len(rest) < length:
            piece = connection.recv(65536)
            if not piece:
                return None, rest
            rest += piece
        return Request(method, path, headers, rest[:length]), rest[length:]
