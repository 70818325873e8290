"""Events of the record on their way to receivers that nobody here wrote, or that die on the way."""

import hashlib
import hmac
import json
import os
import signal
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from support.gateway import sluice
from support.ports import free_ports
from support.processes import eventually
from support.tls import Authority
from support.wire import modern_call

pytestmark = pytest.mark.any_backend

SECRET = "a-secret-that-both-sides-know"


def refs(gateway):
    return {event["ref"] for event in gateway.events() if "ref" in event}


def sinks_status(gateway):
    return sluice(
        "sinks", "status", "--config", gateway.file, env={**os.environ, "HOOK_SECRET": SECRET}).stdout


class Hook:
    """A webhook receiver: answers with the statuses given, then with 200; checks every signature."""

    def __init__(self, statuses=(), port=0):
        self.statuses, self.events, self.batches, self.problems = list(statuses), [], [], []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                status = hook.take(self.headers, body)
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, headers, body):
        stamp = headers["sluice-timestamp"]
        expected = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        if headers["sluice-signature"] != f"v1={expected}":
            self.problems.append("signature")
        if abs(time.time() - int(stamp)) > 60:
            self.problems.append("timestamp")
        if self.statuses:
            return self.statuses.pop(0)
        batch = json.loads(body)["events"]
        first, last = batch[0]["sequence"], batch[-1]["sequence"]
        if headers["idempotency-key"] != f"hook:{first}-{last}":
            self.problems.append("key")
        self.batches.append(len(batch))
        self.events += batch
        return 200

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def hook_sink(port, **more):
    return {"name": "hook", "start": "beginning", "webhook": {
        "url": f"http://127.0.0.1:{port}/events", "secret": "env:HOOK_SECRET", "batch": 7}, **more}


def greet(gateway, accounts, count, start=0):
    for number in range(start, start + count):
        modern_call(gateway, "people", accounts.analyst, "greet", {"name": f"n{number}"})


def change(gateway, **sections):
    """Other sections in the configuration, as editors put them there: a new file, renamed over the old."""
    settings = yaml.safe_load(gateway.file.read_text()) | sections
    new = gateway.file.with_suffix(".new")
    new.write_text(yaml.safe_dump(settings, sort_keys=False))
    os.replace(new, gateway.file)


def test_a_webhook_that_fails_and_then_takes(make_gateway, upstreams, accounts):
    hook = Hook(statuses=[500, 503, 301, 404])
    gateway = make_gateway(
        {"people": upstreams.urls["people"]}, sinks=[hook_sink(hook.port, contents="full")],
        environment={"HOOK_SECRET": SECRET})
    with gateway:
        greet(gateway, accounts, 30)
        modern_call(gateway, "people", None, "greet", {"name": "x"})
        eventually(lambda: len(hook.events) >= 31)
        assert gateway.stop() == 0
    assert not hook.problems and not hook.statuses
    assert {event["ref"] for event in hook.events} == refs(gateway)
    assert max(hook.batches) <= 7
    assert [event["sequence"] for event in hook.events] == sorted(
        event["sequence"] for event in hook.events)
    denied, = [event for event in hook.events if event["decision"] == "unauthenticated"]
    assert denied["result"] == "refused" and denied["http_status"] == 401
    greeted = [event for event in hook.events if event["decision"] == "allow"]
    assert "greet" in greeted[0]["request"] and "Hello" in greeted[0]["answer"]
    assert greeted[0]["client"] == "integration/1"
    assert SECRET not in gateway.log_text()
    assert any("cannot deliver" in line["message"] for line in gateway.log())
    # What was sent proves the record that it came from.
    last = hook.events[-1]
    assert gateway.audit("verify", "--anchor", f"{last['sequence']}:{last['hash']}").returncode == 0
    wrong = gateway.audit("verify", "--anchor", f"{last['sequence'] + 99}:{last['hash']}", check=False)
    assert wrong.returncode == 1 and "cut off" in wrong.stdout
    hook.close()


def test_nothing_is_lost_when_the_gateway_is_killed(make_gateway, upstreams, accounts):
    """Receiver down, gateway killed in the middle, both back: every recorded call arrives."""
    port, = free_ports(1)
    gateway = make_gateway(
        {"people": upstreams.urls["people"]}, sinks=[hook_sink(port)],
        environment={"HOOK_SECRET": SECRET})
    with gateway:
        greet(gateway, accounts, 20)
        time.sleep(0.3)
        gateway.kill()
    hook = Hook(port=port)
    with gateway:
        greet(gateway, accounts, 5, start=20)
        eventually(lambda: len({event["id"] for event in hook.events}) >= 10)
        gateway.kill()
    with gateway:
        greet(gateway, accounts, 5, start=25)
        assert gateway.stop() == 0
    got = {event["ref"] for event in hook.events}
    assert got == refs(gateway), sinks_status(gateway) + gateway.log_text()
    seen, distinct = set(), []
    for event in hook.events:
        if event["id"] not in seen:
            seen.add(event["id"])
            distinct.append(event["sequence"])
    assert distinct == sorted(distinct)
    assert not hook.problems
    hook.close()


def test_a_file_of_lines(make_gateway, upstreams, accounts, tmp_path):
    path = tmp_path / "events.jsonl"
    sinks = [{"name": "lines", "jsonl": {"path": str(path)}, "include": ["allow"]}]
    with make_gateway({"people": upstreams.urls["people"]}, sinks=sinks) as gateway:
        greet(gateway, accounts, 3)
        modern_call(gateway, "people", None, "greet", {"name": "x"})
        eventually(lambda: path.exists() and path.read_text().count("\n") == 3)
        assert gateway.stop() == 0
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert {event["decision"] for event in events} == {"allow"}
    assert all(event["schema"] == "sluice.event/1" for event in events)


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_rsyslog_that_is_killed_and_comes_back(
        make_gateway, upstreams, accounts, testbed, transport):
    """RFC 5424 over TCP and TLS, read by rsyslog, which dies with kill -9 in between."""
    testbed.up("sinks", "rsyslog")
    port = testbed.ports["RSYSLOG_PORT" if transport == "tcp" else "RSYSLOG_TLS_PORT"]
    syslog = {"address": f"127.0.0.1:{port}", "app_name": f"sluice-{transport}"}
    if transport == "tls":
        syslog["tls"] = {"authorities": str(testbed.state / "tls/ca.crt")}
    log = testbed.state / "rsyslog/audit.log"
    start = log.stat().st_size if log.exists() else 0

    def received():
        if not log.exists():
            return []
        with open(log, errors="replace") as file:
            file.seek(start)
            lines = [json.loads(line) for line in file if line.endswith("\n")]
        mine = [line for line in lines if line["app"] == f"sluice-{transport}"]
        return [(line, json.loads(line["message"])) for line in mine]

    gateway = make_gateway(
        {"people": upstreams.urls["people"]}, sinks=[{"name": "siem", "syslog": syslog}])
    with gateway:
        greet(gateway, accounts, 20)
        modern_call(gateway, "people", None, "greet", {"name": "x"})
        eventually(lambda: len(received()) >= 21)
        os.kill(int((testbed.state / "run/rsyslog.pid").read_text().split()[0]), signal.SIGKILL)
        greet(gateway, accounts, 20, start=20)
        eventually(lambda: any("cannot deliver" in line["message"] for line in gateway.log()))
        testbed.down("sinks", "rsyslog")
        testbed.up("sinks", "rsyslog")
        greet(gateway, accounts, 5, start=40)
        eventually(lambda: {event["ref"] for _, event in received()} == refs(gateway))
        assert gateway.stop() == 0
    lines = received()
    line, denied = next(
        (line, event) for line, event in lines if event["decision"] == "unauthenticated")
    assert (line["severity"], line["msgid"]) == ("warning", "unauthenticated")
    assert line["sd"].startswith("[sluice@32473 ") and f'id="{denied["ref"]}"' in line["sd"]
    assert line["time"].startswith(denied["time"][:19])
    allowed = [line for line, event in lines if event["decision"] == "allow"]
    assert {line["severity"] for line in allowed} == {"info"}
    seen, distinct = set(), []
    for _, event in lines:
        if event["id"] not in seen:
            seen.add(event["id"])
            distinct.append(event["sequence"])
    assert distinct == sorted(distinct)
    status = sluice("sinks", "status", "--config", gateway.file).stdout
    assert "siem" in status and "level" in status


class SyslogOverTLS:
    """A receiver that takes messages from holders of a certificate of its authority only (RFC 5425 section 4.2.1)."""

    def __init__(self, server, clients):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server.chain, server.key)
        context.load_verify_locations(clients.pem)
        context.verify_mode = ssl.CERT_REQUIRED
        self.messages, self.refusals, self.subjects = [], [], set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, args=[context], daemon=True).start()

    def accept(self, context):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.receive, args=[context, plain], daemon=True).start()

    def receive(self, context, plain):
        try:
            with context.wrap_socket(plain, server_side=True) as stream:
                self.subjects.add(str(stream.getpeercert()["subjectAltName"]))
                rest = b""
                while piece := stream.recv(65536):
                    rest += piece
                    while b" " in rest:
                        length, _, tail = rest.partition(b" ")
                        if len(tail) < int(length):
                            break
                        self.messages.append(tail[:int(length)])
                        rest = tail[int(length):]
        except (ssl.SSLError, OSError) as error:
            self.refusals.append(str(error))

    def close(self):
        self.listener.close()


def test_a_receiver_that_asks_for_a_certificate(make_gateway, upstreams, accounts, tmp_path):
    ours, theirs = Authority(tmp_path / "ours"), Authority(tmp_path / "theirs")
    client = ours.issue("DNS:gateway.example", usage="clientAuth")
    stranger = theirs.issue("DNS:gateway.example", usage="clientAuth")
    receiver = SyslogOverTLS(theirs.issue("IP:127.0.0.1"), ours)

    def sink(issued):
        tls = {"authorities": str(theirs.pem)}
        if issued:
            tls |= issued.settings
        return [{"name": "siem", "start": "beginning", "syslog": {
            "address": f"127.0.0.1:{receiver.port}", "tls": tls}}]

    gateway = make_gateway({"people": upstreams.urls["people"]}, sinks=sink(None))
    with gateway:
        greet(gateway, accounts, 5)
        for issued in (None, stranger):
            if issued:
                change(gateway, sinks=sink(issued))
            before = len(receiver.refusals)
            eventually(lambda: len(receiver.refusals) > before)
        assert receiver.messages == []
        assert any("cannot deliver" in line["message"] for line in gateway.log())
        # With the right one everything arrives, from the beginning on.
        change(gateway, sinks=sink(client))
        eventually(lambda: len(receiver.messages) >= 5)
        assert gateway.stop() == 0
    assert receiver.subjects == {"(('DNS', 'gateway.example'),)"}
    assert all(message.startswith(b"<") for message in receiver.messages)
    receiver.close()


def test_old_segments_go_when_they_are_delivered(make_gateway, upstreams, accounts):
    """The record stays below its bound, except for what a receiver that is down has not got."""
    port, = free_ports(1)
    gateway = make_gateway(
        {"people": upstreams.urls["people"]}, sinks=[hook_sink(port)],
        environment={"HOOK_SECRET": SECRET}, audit={
            "segment_size": "64KiB", "ring_size": "1MiB", "interval": "1ms",
            "retention": {"size": "1MiB"}})
    with gateway:
        for _ in range(40):
            modern_call(gateway, "people", accounts.analyst, "greet", {"name": "x" * 20_000})
        assert gateway.stop() == 0
    before = len(list(gateway.recordings.glob("*.sluice")))
    assert before > 3
    assert sum(path.stat().st_size for path in gateway.recordings.glob("*.sluice")) > 1 << 20
    with gateway:
        eventually(lambda: any("should be removed and stay" in line["message"] for line in gateway.log()))
        assert len(list(gateway.recordings.glob("*.sluice"))) >= before
        hook = Hook(port=port)
        eventually(lambda: len({event["id"] for event in hook.events}) == 40)
        assert gateway.stop() == 0
    with gateway:
        eventually(lambda: len(list(gateway.recordings.glob("*.sluice"))) < before)
        assert gateway.stop() == 0
    sizes = [path.stat().st_size for path in gateway.recordings.glob("*.sluice")]
    # The segment that is written now, and what the one before it held, may come on top.
    assert sum(sizes) <= (1 << 20) + max(sizes)
    assert "begins with segment" in gateway.verify()
    hook.close()
