"""Ports for those who cannot be told to choose one themselves."""

import os
import random
import socket

# Below those that the system gives to outgoing connections. Each process of a run that is spread over several has its
# own slice: the gateway shares a port with others that listen there, so that a collision would not even be an error.
FIRST, SLICE, SLICES = 20000, 1500, 8


def free_ports(count):
    """Ports nobody listens on."""
    slice = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % SLICES
    first = FIRST + slice * SLICE
    held = []
    while len(held) < count:
        try:
            held.append(socket.create_server(("127.0.0.1", random.randrange(first, first + SLICE))))
        except OSError:
            continue
    ports = [listener.getsockname()[1] for listener in held]
    for listener in held:
        listener.close()
    return ports
