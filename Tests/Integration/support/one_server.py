"""One MCP server of servers/ for the tests of a module, as a process."""

import os
import socket
import subprocess
import time

from support.ports import free_ports
from support.upstreams import FOLDER, PYTHON


class OneServer:
    """Starts a script with a free port as its first argument, and ends it again."""

    def __init__(self, folder, script, *arguments, python=PYTHON):
        self.log = folder / f"{script}.log"
        self.port, = free_ports(1)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [str(python), str(FOLDER / "servers" / script), str(self.port), *map(str, arguments)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ, cwd=folder)

    def url(self, path="/mcp"):
        return f"http://127.0.0.1:{self.port}{path}"

    def __enter__(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                if self.process.poll() is not None:
                    raise RuntimeError(f"the server ended: {self.log.read_text()}")
                time.sleep(0.05)
        raise RuntimeError(f"nobody listens: {self.log.read_text()}")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
