"""A reader for HAProxy's log: HAProxy pays for every line it sends, and we count that they came.

Run as a process of its own: `logsink.py PORT COUNTFILE`, or a path of a Unix socket in place of the port.
"""

import socket
import sys
import time

# Linux's number; Python does not know the name.
SO_RCVBUFFORCE = 33


def write_count(lines):
    with open(sys.argv[2], "w", encoding="ascii") as count:
        count.write(str(lines))


def read_udp(port):
    """Looks now and then instead of waiting: a waiting reader would cost HAProxy a wake-up per line."""
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    # Room for what arrives between two looks, so that nothing is dropped before it has cost what it costs.
    for option in (SO_RCVBUFFORCE, socket.SO_RCVBUF):
        try:
            sink.setsockopt(socket.SOL_SOCKET, option, 32 << 20)
            break
        except OSError:
            continue
    sink.bind(("127.0.0.1", port))
    sink.setblocking(False)
    buffer = bytearray(65536)
    lines = 0
    while True:
        before = lines
        try:
            while sink.recv_into(buffer):
                lines += 1
        except BlockingIOError:
            pass
        if lines != before:
            write_count(lines)
        time.sleep(0.02)


def read_unix(path):
    """Waits for every line: a Unix socket queues ten only, and HAProxy drops what finds no room."""
    sink = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sink.bind(path)
    sink.settimeout(0.1)
    buffer = bytearray(65536)
    lines = 0
    while True:
        try:
            while sink.recv_into(buffer):
                lines += 1
                if lines % 4096 == 0:
                    write_count(lines)
        except TimeoutError:
            write_count(lines)


if __name__ == "__main__":
    if sys.argv[1].isdigit():
        read_udp(int(sys.argv[1]))
    else:
        read_unix(sys.argv[1])
