"""Ports for those who cannot be told to choose one themselves."""

import random
import socket


def free_ports(count):
    """Ports nobody listens on, below those that the system gives to outgoing connections."""
    held = []
    while len(held) < count:
        try:
            held.append(socket.create_server(("127.0.0.1", random.randint(20000, 32000))))
        except OSError:
            continue
    ports = [listener.getsockname()[1] for listener in held]
    for listener in held:
        listener.close()
    return ports
