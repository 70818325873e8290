"""What the process holds in memory under load: a gateway stands beside other things."""

from pathlib import Path

import pytest

from support.gateway import binary
from support.settings import PERSONAL
from test_durability import Load, echo

MEGABYTE = 1_000_000


def resident_bytes(process):
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def test_it_stays_small_under_load(make_gateway, scripted, accounts):
    if "release" not in binary().parts:
        pytest.skip("a debug build is larger")
    server = scripted(echo)
    with make_gateway({"echo": server.url}, [PERSONAL]) as gateway:
        load = Load(gateway, accounts.analyst, agents=16)
        try:
            load.wait_for(4000)
            assert resident_bytes(gateway.process) < 40 * MEGABYTE
        finally:
            load.stop()


def test_it_does_not_grow(make_gateway, scripted, accounts):
    server = scripted(echo)
    with make_gateway({"echo": server.url}, [PERSONAL]) as gateway:
        load = Load(gateway, accounts.analyst, agents=4)
        try:
            # The audit ring is touched page by page until it has been round once: 8 MiB a worker.
            load.wait_for(2000)
            before = resident_bytes(gateway.process)
            load.wait_for(6000)
            assert resident_bytes(gateway.process) - before < 16 * MEGABYTE + 2 * MEGABYTE
        finally:
            load.stop()
