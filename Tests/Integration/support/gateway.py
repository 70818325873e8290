"""The real `sluice` binary as a process: its configuration, its log, its record."""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import yaml

from support.ports import free_ports

ROOT = Path(__file__).resolve().parents[3]


def binary():
    """The binary under test: SLUICE_BINARY, else what was built last."""
    named = os.environ.get("SLUICE_BINARY")
    if named:
        return Path(named).resolve()
    built = [ROOT / ".build" / kind / "sluice" for kind in ("release", "debug")]
    built = [path for path in built if path.exists()]
    if not built:
        raise FileNotFoundError("no sluice binary: build one, or name it in SLUICE_BINARY")
    return max(built, key=lambda path: path.stat().st_mtime)


def sluice(*arguments, check=True, **options):
    """Runs one command of the binary to its end."""
    result = subprocess.run(
        [str(binary()), *map(str, arguments)], capture_output=True, text=True, timeout=180, **options
    )
    if check and result.returncode != 0:
        raise AssertionError(f"sluice {arguments} ended with {result.returncode}:\n{result.stderr}")
    return result


class Account:
    """A service account with a key made by `sluice key`."""

    def __init__(self, name, *groups):
        printed = sluice("key", "--name", name, *(f"--group={group}" for group in groups)).stdout
        self.name = name
        self.key = re.search(r"sluice_[A-Za-z0-9_-]{43}", printed).group(0)
        self.entry = yaml.safe_load(re.search(r"^\s*- \{.*\}$", printed, re.M).group(0))[0]

    @property
    def headers(self):
        return {"Authorization": f"Bearer {self.key}"}


class StartFailed(Exception):
    """The gateway ended instead of listening; the text is its log."""


class Gateway:
    """One `sluice serve`, with a configuration file and a record of its own."""

    def __init__(self, folder, io, configuration, arguments=(), environment=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.io = io
        self.file = self.folder / "sluice.yaml"
        configuration = dict(configuration)
        self.port, = free_ports(1)
        # What else the file says about the one listener there is.
        listener = configuration.pop("listener", {})
        self.scheme = "https" if "tls" in listener else "http"
        configuration["listeners"] = [{"address": f"127.0.0.1:{self.port}", **listener}]
        configuration.setdefault("audit", {})
        configuration["audit"].setdefault("directory", "./recordings")
        self.recordings = self.folder / configuration["audit"]["directory"]
        # Through JSON, so that nothing is shared: the gateway takes no YAML aliases.
        plain = json.loads(json.dumps(configuration))
        self.file.write_text(yaml.safe_dump(plain, sort_keys=False))
        self.arguments = ["--workers", "2", *map(str, arguments)]
        self.environment = {**os.environ, "SWIFT_BACKTRACE": "enable=no", **(environment or {})}
        self.log_file = self.folder / "gateway.log"
        self.process = None
        # Called in the child before it becomes the gateway.
        self.before_start = None

    # The process

    def start(self):
        self.log_start = self.log_file.stat().st_size if self.log_file.exists() else 0
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [str(binary()), "serve", "--config", str(self.file), "--io", self.io,
                 "--log-format", "json", *self.arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment,
                preexec_fn=self.before_start)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for line in self.log():
                if line.get("message") == "listening":
                    assert self.io in (line["io"], "auto") and line["address"].endswith(f":{self.port}")
                    return self
            if self.process.poll() is not None:
                raise StartFailed(self.log_text())
            time.sleep(0.01)
        self.kill()
        raise StartFailed("not listening after 60 s: " + self.log_text())

    def log_text(self):
        """What this run of the process has logged so far."""
        with open(self.log_file, errors="replace") as log:
            log.seek(self.log_start)
            return log.read()

    def log(self):
        lines = []
        for text in self.log_text().splitlines():
            try:
                lines.append(json.loads(text))
            except ValueError:
                lines.append({"message": text, "level": "unreadable"})
        return lines

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds=60):
        return self.process.wait(seconds)

    def stop(self):
        """Ends it as a service manager would, and says how it ended."""
        if not self.is_running():
            return self.process.returncode if self.process else None
        self.terminate()
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            threads = self.threads()
            self.kill()
            raise AssertionError(
                f"the gateway did not stop within 60 s of SIGTERM: {threads}\n{self.log_text()}") from None

    def threads(self):
        """What each thread of the process waits for: its name, and the system call with its arguments."""
        waits = {}
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            waits[task.name] = [(task / name).read_text().strip() for name in ("comm", "wchan", "syscall")]
        return waits

    def kill(self):
        if self.is_running():
            self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()

    def descriptors(self):
        """How many files and sockets the process has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def settle(self, most, seconds=60):
        """Waits until no more than so many descriptors are open: nothing may be left behind."""
        deadline = time.monotonic() + seconds
        while self.descriptors() > most:
            assert time.monotonic() < deadline, f"{self.descriptors()} descriptors, at most {most} expected"
            time.sleep(0.1)

    # Where agents reach it

    def url(self, server):
        return f"{self.scheme}://127.0.0.1:{self.port}/{server}/mcp"

    # The record

    def audit(self, *arguments, check=True):
        return sluice("audit", *arguments, "--directory", self.recordings, check=check)

    def events(self):
        """Every call and notice that the record holds, oldest first."""
        lines = self.audit("tail", "--json", "--count", 1_000_000).stdout.splitlines()
        return [json.loads(line) for line in lines]

    def calls(self, **wanted):
        return [
            event for event in self.events()
            if "ref" in event and all(event.get(key) == value for key, value in wanted.items())
        ]

    def show(self, ref):
        """The record of one call; it may take a moment until the writer has it on the disk."""
        deadline = time.monotonic() + 60
        while True:
            result = self.audit("show", "--json", ref, check=False)
            if result.returncode == 0:
                call = json.loads(result.stdout)
                if "outcome" in call:
                    return call
            if time.monotonic() > deadline:
                raise AssertionError(f"no record {ref}: {result.stderr or result.stdout}")
            time.sleep(0.05)

    def verify(self):
        """`sluice audit verify`: its output, after checking that it found the chain intact."""
        result = self.audit("verify", check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        assert "intact" in result.stdout
        return result.stdout

    def recorded_bytes(self):
        return b"".join(path.read_bytes() for path in sorted(self.recordings.iterdir()))


def reference(text):
    """The Ref that an answer of the gateway names."""
    found = re.search(r"Ref ([0-9A-Za-z]+)", text)
    assert found, f"no Ref in {text!r}"
    return found.group(1)
