"""Ports for those who cannot be told to choose one themselves."""

import collections
import os
import random
import socket

# Below those that the system gives to outgoing connections. Each process of a run that is spread over several has its
# own slice: the gateway shares a port with others that listen there, so that a collision would not even be an error.
FIRST, SLICE, SLICES = 20000, 1500, 8
# Of two runs beside each other, one is told by SLUICE_PORTS at which slice its own begin. The last slice is for ports that
# are kept from run to run, and so would be met by chance sooner or later.
KEPT = SLICES - 1
# Who asks twice may bind the first only later: what was given out lately is not given again.
LATELY = collections.deque(maxlen=SLICE // 4)


def free_ports(count, slice=None):
    """Ports nobody listens on."""
    if slice is None:
        worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
        slice = (int(os.environ.get("SLUICE_PORTS", 0)) + worker) % KEPT
    first = FIRST + slice * SLICE
    held = []
    while len(held) < count:
        port = random.randrange(first, first + SLICE)
        if port in LATELY:
            continue
        try:
            held.append(socket.create_server(("127.0.0.1", port)))
        except OSError:
            continue
    ports = [listener.getsockname()[1] for listener in held]
    LATELY.extend(ports)
    for listener in held:
        listener.close()
    return ports
