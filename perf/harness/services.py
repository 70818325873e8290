"""Starting and stopping what is measured, each process on its core."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

from . import machine


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    """A process on one core, with its output in a file; ended with everything it has started."""

    def __init__(self, name, command, folder, core, port=None, environment=None):
        self.name = name
        self.output_path = os.path.join(folder, f"{name}.out")
        # Appending: whoever truncates the file leaves no hole in it.
        with open(self.output_path, "ab") as output:
            self.process = subprocess.Popen(
                ["taskset", "-c", str(core)] + command,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                cwd=folder, env=environment, start_new_session=True,
                preexec_fn=machine.prioritise,
            )
        if port is not None:
            self.await_port(port)

    def await_port(self, port, seconds=15):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise SystemExit(f"{self.name} ended at once:\n{self.output()}")
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1):
                    return
            except OSError:
                time.sleep(0.02)
        self.stop()
        raise SystemExit(f"{self.name} does not listen on port {port}:\n{self.output()}")

    def processes(self):
        return machine.descendants(self.process.pid)

    def is_running(self):
        return self.process.poll() is None

    def output(self):
        with open(self.output_path, encoding="utf-8", errors="replace") as output:
            return output.read()[-4000:]

    def stop(self):
        """Asks politely, then does not. Only this service's own session is signalled."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is not None:
                return
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(timeout=5)
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue


def post(url, body, headers=None, timeout=10):
    """One request of our own, apart from any measurement: status and text of the answer."""
    fields = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        **(headers or {}),
    }
    request = urllib.request.Request(url, data=body.encode(), headers=fields, method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
