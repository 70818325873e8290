"""Processes of this machine, by what they were started with; and waiting for what they do."""

import time
from pathlib import Path


def running(marker):
    """The live processes whose command line holds the marker: number to command line."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if marker in command and state != "Z":
            found[int(folder.name)] = command
    return found


def wait_until_gone(marker, seconds=60, but=0):
    """Waits until at most so many processes with the marker are left."""
    deadline = time.monotonic() + seconds
    while len(left := running(marker)) > but:
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.1)


def eventually(condition, seconds=60, what=None):
    """Waits until the condition holds; what it came to is said when it does not."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what() if what else condition}"
        time.sleep(0.05)
    return found
