"""Answers of 50 MB pass, masked, in the memory of a small one; what goes wrong on the way cuts them."""

import hashlib
import json

import pytest

from support.gateway import binary
from support.large import (
    MEGABYTE, ROWS, SECRET, Got, expected, forget_peak, memory, parts, peak_memory, resident_after_a_call,
    rounds, serve)
from support.settings import PERSONAL

# A debug build on a busy machine takes its time.
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture
def big(make_gateway, scripted):
    def make(**more):
        more.setdefault("limits", {"response_hold": "1MiB"})
        # Small, because it becomes resident as it is used.
        audit = {"ring_size": "1MiB", "segment_size": "64MiB"}
        return make_gateway(
            {"big": scripted(serve).url}, [PERSONAL], audit=audit, arguments=["--workers", 1], **more)
    return make


def shown(gateway, file, *words):
    """What `sluice audit show` writes, into a file; the most memory it had."""
    with open(file, "wb") as output:
        return peak_memory(
            [binary(), "audit", "show", "--directory", gateway.recordings, *words], output)


@pytest.mark.parametrize("tool", ["json structured", "json text", "json nested text", "event text"])
def test_one_message_of_50_megabytes(big, accounts, tool, tmp_path):
    _, _, count = parts(tool)
    with big() as gateway:
        before = resident_after_a_call(gateway, accounts)
        forget_peak(gateway)
        got = Got(gateway, accounts.analyst, tool)
        assert got.status == 200 and got.type == "application/json" and not got.broken
        assert not got.leaked
        assert got.is_whole(tool)
        # The most there was while it passed, not only what is left.
        assert memory(gateway, "VmHWM:") - before < 24 * MEGABYTE
        gateway.stop()
        call, = gateway.calls(tool=tool)
        assert call["outcome"]["result"] == "success"
        assert call["outcome"]["masked_values"] == 2 * ROWS * count
        assert SECRET.encode() not in gateway.recorded_bytes()
        gateway.verify()
        # The record holds all of what the agent got, and shows it in the memory of a small one.
        line = tmp_path / "line"
        assert shown(gateway, line, "--json", call["ref"]) < 80 * MEGABYTE
        recorded = json.loads(line.read_bytes())["answer"].encode()
        assert (len(recorded), hashlib.sha256(recorded).hexdigest()) == expected(tool)[1:]
        assert shown(gateway, line, "--body-bytes", 2000, call["ref"]) < 80 * MEGABYTE
        assert f"… {len(recorded) - 2000} bytes more" in line.read_text()


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
        assert got.is_whole("json text")
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
