"""Crashes, full disks and stops: what was answered is in the record, and nothing goes on without it."""

import errno
import os
import socket
import subprocess
import threading
import time

import pytest

from support.processes import eventually
from support.scripted import answer, result
from support.settings import PERSONAL
from support.wire import (
    Session, http_request, modern_call, modern_headers, modern_message, open_stream, read_all)


def echo(connection, request):
    connection.sendall(answer(result(request.id, f"answer to {request.id}")))
    return True


def refuses(gateway):
    """Whether new connections are turned away."""
    try:
        socket.create_connection(("127.0.0.1", gateway.port), timeout=60).close()
        return False
    except ConnectionRefusedError:
        return True


class Load:
    """Agents that call without pause and note which calls were answered."""

    def __init__(self, gateway, account, agents=4, tool="t"):
        self.gateway, self.account, self.tool = gateway, account, tool
        self.answered = []
        self.refused = []
        self.stopping = threading.Event()
        self.threads = [
            threading.Thread(target=self._agent, args=(number,)) for number in range(agents)]
        for thread in self.threads:
            thread.start()

    def _agent(self, number):
        turn = 0
        while not self.stopping.is_set():
            turn += 1
            id = f"{number}-{turn}"
            try:
                reply = modern_call(
                    self.gateway, "echo", self.account, self.tool, {"n": turn}, id=id)
            except (OSError, EOFError):
                return
            except Exception:
                # The gateway was killed in the middle of an answer: not an answered call.
                return
            (self.answered if reply.status == 200 and "result" in reply.message else
             self.refused).append(id)

    def wait_for(self, count):
        deadline = time.monotonic() + 60
        while len(self.answered) < count:
            assert time.monotonic() < deadline, f"only {len(self.answered)} calls in a minute"
            time.sleep(0.01)
        return self

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        return self


def test_kill_9_loses_no_answered_call_when_synced(make_gateway, scripted, accounts):
    server = scripted(echo)
    gateway = make_gateway({"echo": server.url}, [PERSONAL], audit={"durability": "synced"})
    answered = []
    for _ in range(3):
        with gateway:
            load = Load(gateway, accounts.analyst).wait_for(60)
            gateway.kill()
            load.stop()
        answered.append(load.answered)
    with gateway:
        assert modern_call(gateway, "echo", accounts.analyst, "t").text == "answer to 1"
        assert gateway.stop() == 0
    calls = gateway.calls(tool="t")
    for round in answered:
        assert len(round) >= 60
    # The same ids come in every round: each must be there as often as it was answered.
    recorded = {}
    for call in calls:
        if call.get("outcome", {}).get("result") == "success":
            recorded[call["request_id"]] = recorded.get(call["request_id"], 0) + 1
    for id in {id for round in answered for id in round}:
        times = sum(round.count(id) for round in answered)
        assert recorded.get(f'"{id}"', 0) >= times, f"{id} was answered {times} times"
    gateway.verify()


def test_kill_9_with_the_default_keeps_the_chain_whole(make_gateway, scripted, accounts):
    gateway = make_gateway({"echo": scripted(echo).url})
    with gateway:
        first = Load(gateway, accounts.analyst).wait_for(60)
        time.sleep(0.5)
        safe = list(first.answered)
        # Older than the interval of 50 ms, with a margin for a busy machine.
        time.sleep(1)
        gateway.kill()
        first.stop()
    with gateway:
        assert gateway.stop() == 0
    recorded = {call["request_id"] for call in gateway.calls()}
    missing = [id for id in safe if f'"{id}"' not in recorded]
    assert not missing
    gateway.verify()


def test_a_torn_tail_is_repaired_and_said_so(make_gateway, scripted, accounts):
    gateway = make_gateway({"echo": scripted(echo).url})
    with gateway:
        for number in range(5):
            modern_call(gateway, "echo", accounts.analyst, "t", id=number)
            time.sleep(0.1)
        gateway.kill()
    # As a crash in the middle of a write leaves it: the last frame is not whole.
    segment = max(gateway.recordings.glob("*.sluice"))
    size = segment.stat().st_size
    os.truncate(segment, size - 5)
    with gateway:
        warnings = [line for line in gateway.log() if line["level"] == "warning"]
        assert any("torn" in line["message"] and "bytes" in line["repair"] for line in warnings)
        assert modern_call(gateway, "echo", accounts.analyst, "t", id=99).text == "answer to 99"
        assert gateway.stop() == 0
    assert "REPAIR" in gateway.verify()
    assert [event for event in gateway.events() if event.get("notice") == "repair"]
    ids = [call["request_id"] for call in gateway.calls()]
    assert "99" in ids and "0" in ids
    # A whole end needs no repair.
    with gateway:
        assert not [line for line in gateway.log() if "repair" in line]


def test_sigterm_lets_calls_finish(make_gateway, scripted, accounts):
    begun, refused = threading.Event(), threading.Event()

    def script(connection, request):
        if request.tool == "slow":
            begun.set()
            refused.wait(60)
        return echo(connection, request) and True

    gateway = make_gateway({"echo": scripted(script).url})
    with gateway:
        replies = []
        agent = threading.Thread(target=lambda: replies.append(
            modern_call(gateway, "echo", accounts.analyst, "slow", id=7)))
        agent.start()
        assert begun.wait(60)
        gateway.terminate()
        eventually(lambda: refuses(gateway), what=gateway.log_text)
        assert gateway.is_running()
        refused.set()
        agent.join()
        assert replies[0].text == "answer to 7"
        assert gateway.wait() == 0
    messages = [line["message"] for line in gateway.log()]
    assert messages[-2:] == ["stopping", "stopped"]
    call, = gateway.calls()
    assert call["outcome"]["result"] == "success"
    gateway.verify()


def test_sigterm_does_not_wait_for_ever(make_gateway, scripted, accounts):
    release = threading.Event()
    server = scripted(lambda connection, request: release.wait(120))
    gateway = make_gateway({"echo": server.url}, limits={"drain_timeout": "500ms"})
    with gateway:
        agent = threading.Thread(target=lambda: pytest.raises(
            Exception, modern_call, gateway, "echo", accounts.analyst, "stuck"))
        agent.start()
        while not server.requests:
            time.sleep(0.01)
        gateway.terminate()
        # The server would be silent for two minutes more.
        assert gateway.wait() == 0
        release.set()
        agent.join()
    call, = gateway.calls()
    assert call["tool"] == "stuck"
    gateway.verify()


def test_sigterm_ends_the_streams_of_sessions(make_gateway, upstreams, accounts):
    """Each legacy client holds one open: they must not make every stop take the whole drain timeout."""
    # Longer than the wait for the end below.
    gateway = make_gateway({"people-sse": upstreams.urls["people-sse"]}, limits={"drain_timeout": "10m"})
    with gateway:
        sessions = [Session(gateway, "people-sse", accounts.analyst) for _ in range(3)]
        streams = [open_stream(gateway, "people-sse", session) for session in sessions]
        time.sleep(0.5)
        gateway.terminate()
        answers = [read_all(stream) for stream in streams]
        assert gateway.wait() == 0
        for answered in answers:
            assert answered.endswith(b"0\r\n\r\n"), "an end, not a cut"
    gateway.verify()


def test_restarts_go_on_in_one_chain(make_gateway, scripted, accounts):
    gateway = make_gateway({"echo": scripted(echo).url})
    for number in range(3):
        with gateway:
            assert modern_call(gateway, "echo", accounts.analyst, "t", id=number).status == 200
            assert gateway.stop() == 0
    assert [call["request_id"] for call in gateway.calls()] == ["0", "1", "2"]
    refs = {call["ref"] for call in gateway.calls()}
    assert len(refs) == 3
    gateway.verify()


def test_two_gateways_do_not_write_one_record(make_gateway, scripted, accounts):
    from support.gateway import StartFailed
    server = scripted(echo)
    first = make_gateway({"echo": server.url}, name="first")
    second = make_gateway(
        {"echo": server.url}, name="second", audit={"directory": str(first.recordings)})
    with first:
        with pytest.raises(StartFailed, match="record cannot be kept"):
            second.start()
        assert modern_call(first, "echo", accounts.analyst, "t").status == 200


@pytest.fixture
def small_disk(tmp_path):
    """A file system of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    # Whoever still has a file open there must not keep the mount point.
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(file):
    """Takes all the room that is left, to the last page."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(descriptor, bytes(4096))
    except OSError as error:
        assert error.errno == errno.ENOSPC
    finally:
        os.close(descriptor)


def test_a_full_disk_with_drop_and_count(make_gateway, scripted, accounts, small_disk):
    """The other choice: calls go on, and the record says how many are missing."""
    gateway = make_gateway(
        {"echo": scripted(echo).url}, arguments=["--audit-ring-size", "64KiB", "--workers", "1"],
        audit={"directory": str(small_disk / "recordings"), "on_failure": "drop_and_count"})
    with gateway:
        filler = small_disk / "filler"
        fill(filler)
        for number in range(60):
            reply = modern_call(
                gateway, "echo", accounts.analyst, "t", {"pad": "x" * 4000}, id=number)
            assert reply.text == f"answer to {number}"
        filler.unlink()
        time.sleep(2)
        assert modern_call(gateway, "echo", accounts.analyst, "t", id="after").status == 200
        assert gateway.stop() == 0
    gaps = [event for event in gateway.events() if event.get("notice") == "gap"]
    assert gaps and sum(gap["drops"] for gap in gaps) + len(gateway.calls()) == 61
    assert '"after"' in {call["request_id"] for call in gateway.calls()}
    gateway.verify()


@pytest.mark.parametrize("durability", ["interval", "synced"])
def test_a_full_disk_refuses_calls_and_recovers(
        make_gateway, scripted, accounts, small_disk, durability):
    server = scripted(echo)
    gateway = make_gateway(
        {"echo": server.url}, arguments=["--audit-ring-size", "64KiB"],
        audit={"directory": str(small_disk / "recordings"), "durability": durability})
    with gateway:
        assert modern_call(gateway, "echo", accounts.analyst, "t", id="before").status == 200
        filler = small_disk / "filler"
        fill(filler)
        refused = None
        seen = []
        deadline = time.monotonic() + 60
        while refused is None:
            assert time.monotonic() < deadline, "calls go on with a full disk"
            try:
                reply = modern_call(
                    gateway, "echo", accounts.analyst, "t", {"pad": "x" * 4000}, timeout=2)
            except TimeoutError:
                # Accepted before the trouble was known; its answer waits for the record.
                continue
            seen.append(reply)
            if "error" in reply.message:
                refused = reply
        assert refused.status == 200 and refused.error["code"] == -32603
        assert "audit" in refused.error["message"], refused
        ran = len(server.requests)
        for _ in range(5):
            assert "error" in modern_call(
                gateway, "echo", accounts.analyst, "t", {"pad": "x" * 4000}).message
        assert len(server.requests) == ran, "a refused call reached the server"
        # A call that policy would refuse anyway is refused as well.
        unknown = http_request(gateway.port, "POST", "/echo/mcp", modern_headers("tools/list"),
                               str(modern_message("tools/list")))
        assert unknown.status in (401, 503)
        filler.unlink()
        deadline = time.monotonic() + 60
        while True:
            assert time.monotonic() < deadline, "no recovery after there was room again"
            try:
                reply = modern_call(gateway, "echo", accounts.analyst, "t", id="after", timeout=5)
            except TimeoutError:
                continue
            if "result" in reply.message:
                break
            time.sleep(0.1)
        assert gateway.stop() == 0
    recorded = {call.get("request_id") for call in gateway.calls()}
    assert {'"before"', '"after"'} <= recorded
    gateway.verify()
