"""Long answers on every way that an answer can take: TLS on both sides, behind an approval, from servers of one era, from servers
behind the bridge; and many of them at once."""

import threading

import pytest

from support.large import (
    MEGABYTE, ROWS, SECRET, Got, expected, forget_peak, memory, parts, resident_after_a_call, serve)
from support.settings import PERSONAL
from support.upstreams import FOLDER, PYTHON
from support.wire import Session
from test_approvals import Reviewing, ask

# A debug build on a busy machine takes its time.
pytestmark = pytest.mark.timeout(1200)

HELD = {"response_hold": "256KiB"}
# Small, because it becomes resident as it is used.
AUDIT = {"ring_size": "1MiB", "segment_size": "64MiB"}


# So many at once keep a small machine busy for a while.
PATIENT = {
    name: "20m" for name in (
        "head_timeout", "body_timeout", "write_timeout", "connect_timeout", "first_byte_timeout",
        "stream_idle_timeout")
}


def check_record(gateway, tool):
    gateway.stop()
    call, = gateway.calls(tool=tool, decision="allow")
    assert call["outcome"]["result"] == "success"
    assert call["outcome"]["masked_values"] == 2 * ROWS * parts(tool)[2]
    assert SECRET.encode() not in gateway.recorded_bytes()
    gateway.verify()


@pytest.mark.parametrize("tool", ["json text", "event structured times 60"])
def test_over_tls_on_both_sides(make_gateway, accounts, scripted, authority, local, tool):
    server = scripted(serve, local.server_context())
    settings = {"big": {"url": server.url, "tls": {"authorities": authority.reference}}}
    context = authority.client_context()
    with make_gateway(
            settings, [PERSONAL], arguments=["--workers", 1], audit=AUDIT, limits=HELD,
            listener={"tls": local.settings}) as gateway:
        before = resident_after_a_call(gateway, accounts, context=context)
        forget_peak(gateway)
        got = Got(gateway, accounts.analyst, tool, context=context)
        assert got.is_whole(tool) and not got.leaked
        assert memory(gateway, "VmHWM:") - before < 24 * MEGABYTE
        check_record(gateway, tool)


def test_a_cut_is_seen_over_tls(make_gateway, accounts, scripted, authority, local):
    """Neither a last chunk nor an orderly end of TLS."""
    tool = "broken structured times 210"
    server = scripted(serve, local.server_context())
    settings = {"big": {"url": server.url, "tls": {"authorities": authority.reference}}}
    with make_gateway(
            settings, [PERSONAL], audit=AUDIT, limits=HELD,
            listener={"tls": local.settings}) as gateway:
        got = Got(gateway, accounts.analyst, tool, context=authority.client_context())
        assert got.broken and got.count > 10 * MEGABYTE and not got.leaked
        gateway.stop()
        call, = gateway.calls(tool=tool)
        assert call["outcome"]["failed_side"] == "server"
        assert SECRET.encode() not in gateway.recorded_bytes()


@pytest.mark.parametrize("form", ["json", "event"])
@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_after_an_approval(make_gateway, accounts, scripted, era, form):
    tool = f"{form} text times 20"
    reviewing = Reviewing(
        make_gateway, {"big": scripted(serve).url}, [ask([tool]), PERSONAL], audit=AUDIT,
        limits={**HELD, "approval_wait": "10m", "approval_leg": "10m"})
    gateway = reviewing.gateway
    headers = None
    if era == "legacy":
        headers = Session(gateway, "big", accounts.analyst).headers()
    deciding = reviewing.decide_soon("approve")
    got = Got(gateway, accounts.analyst, tool, headers=headers)
    deciding.join()
    assert got.is_whole(tool) and not got.leaked
    assert reviewing.rows()[0]["state"] == "consumed"
    check_record(gateway, tool)


@pytest.mark.parametrize("form", ["json", "event"])
def test_from_a_server_of_the_modern_era(make_gateway, accounts, scripted, form):
    """A modern agent reaches it through the worker alone; a legacy one through the bridge, which holds answers whole."""
    tool = f"{form} text times 20"
    settings = {"big": {"url": scripted(serve).url, "era": "modern"}}
    with make_gateway(settings, [PERSONAL], audit=AUDIT, limits=HELD) as gateway:
        got = Got(gateway, accounts.analyst, tool)
        assert got.is_whole(tool) and not got.leaked
        session = Session(gateway, "big", accounts.analyst)
        refused = session.call(tool)
        assert refused.status == 200 and "answer" in refused.error["message"], refused
        assert session.call("small answer").text == "small"
        check_record_of_refusal(gateway, tool)


def check_record_of_refusal(gateway, tool):
    gateway.stop()
    results = [call["outcome"]["result"] for call in gateway.calls(tool=tool)]
    assert results.count("success") == 1 and len(results) == 2
    assert SECRET.encode() not in gateway.recorded_bytes()
    gateway.verify()


def test_a_command_is_told_that_its_answer_is_too_long(make_gateway, accounts):
    settings = {"s": {"command": [str(PYTHON), str(FOLDER / "servers/stubborn.py")]}}
    with make_gateway(settings, [PERSONAL], limits=HELD) as gateway:
        session = Session(gateway, "s", accounts.analyst)
        refused = session.call("huge")
        assert refused.status == 200 and "answer" in refused.error["message"], refused
        # The session and its process go on.
        assert session.call("pid").text == session.call("pid").text


class Crowd:
    """Many agents at once, whose answers have all begun before any may go on."""

    def __init__(self, gateway, account, tool, count):
        self.gateway, self.account, self.tool = gateway, account, tool
        # How many answers have begun, and how many of them say no.
        self.count, self.refused = 0, 0
        self.got, self.threads = [], []
        self.changed = threading.Condition()
        self.leave, self.go_on = threading.Event(), threading.Event()
        for number in range(count):
            self.threads.append(threading.Thread(target=self.run, args=(number,), daemon=True))
            self.threads[-1].start()

    def run(self, number):
        def begun(got):
            with self.changed:
                self.count += 1
                self.refused += got.count < 1000
                self.changed.notify_all()
            if got.count < 1000:
                return
            # Some go away in the middle; some take nothing until all others are done.
            if number % 5 == 0:
                self.leave.wait()
                raise ConnectionError("gone")
            if number % 5 == 1:
                self.go_on.wait()
        got = Got(self.gateway, self.account, self.tool, begun=begun)
        got.number = number
        with self.changed:
            self.got.append(got)
            self.changed.notify_all()

    def wait(self, condition):
        with self.changed:
            assert self.changed.wait_for(condition, 900), (self.count, len(self.got))


def test_many_at_once(make_gateway, accounts, scripted):
    """Two workers stream as many as they may, and refuse the others; slow agents and some that are gone cost nobody anything."""
    agents, tool = 200, "json structured times 10"
    expected(tool)
    gate = threading.Event()
    server = scripted(lambda connection, request: serve(connection, request, gate))
    with make_gateway(
            {"big": server.url}, [PERSONAL], audit=AUDIT,
            limits={"response_hold": "64KiB", **PATIENT}) as gateway:
        before = resident_after_a_call(gateway, accounts)
        descriptors = gateway.descriptors()
        forget_peak(gateway)
        crowd = Crowd(gateway, accounts.analyst, tool, agents)
        crowd.wait(lambda: crowd.count == agents)
        # 64 for each worker; how the system spreads connections over them is its own affair.
        streamed = agents - crowd.refused
        assert 64 <= streamed <= 128
        crowd.leave.set()
        gate.set()
        slow = sum(number % 5 == 1 for number in range(agents))
        crowd.wait(lambda: len(crowd.got) >= agents - slow)
        crowd.go_on.set()
        crowd.wait(lambda: len(crowd.got) == agents)
        peak = memory(gateway, "VmHWM:") - before
        print(f"{peak / MEGABYTE:.0f} MB for {streamed} answers of {expected(tool)[0] / MEGABYTE:.1f} MB")
        assert peak < 100 * MEGABYTE
        whole = check_crowd(crowd, tool)
        # Nothing is left of them: their places are free, and their connections closed.
        gateway.settle(descriptors + 8, seconds=120)
        assert Got(gateway, accounts.analyst, tool).is_whole(tool)
        gateway.stop()
        results = [call["outcome"]["result"] for call in gateway.calls(tool=tool)]
        assert len(results) == agents + 1 and results.count("success") >= whole + 1
        assert SECRET.encode() not in gateway.recorded_bytes()
        gateway.verify()


def check_crowd(crowd, tool):
    """How many agents got all of their answer."""
    whole = 0
    for got in crowd.got:
        assert not got.leaked
        if got.is_whole(tool):
            whole += 1
        elif got.count < 1000:
            assert b"as many long answers as it can" in got.last, got.last
        else:
            assert got.broken and got.number % 5 == 0
    assert whole >= 40
    return whole
