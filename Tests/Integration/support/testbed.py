"""The parts of Tests/Testbed: started when the first test asks for one, stopped with the last session that uses them."""

import fcntl
import json
import os
import socket
import subprocess
from pathlib import Path

from support.gateway import ROOT
from support.ports import KEPT, free_ports

FOLDER = ROOT / "Tests/Testbed"
# Ports are chosen once and kept with the state: an identity provider's issuer holds its port.
PORTS = ["LLNG_PORT", "GLEWLWYD_PORT", "PG_PORT", "RSYSLOG_PORT", "RSYSLOG_TLS_PORT", "S3_PORT", "CONSOLE_PORT"]
SERVERS = ["alchemy", "postgres", "git", "time", "shell", "protected"]
# Installing packages and making Python environments takes this long the first time.
SECONDS = 900


class Testbed:
    """Identity providers, a database, MCP servers and sinks on loopback, with state in `.cache/testbed`.

        testbed.up("idp", "llng")           # starts it, or finds it running
        testbed.issuer("llng")              # http://127.0.0.1:…
        testbed.token("code", "dwho")       # a JWT
        testbed.server("git")               # the URL of an MCP server, started
        testbed.run("postgres", "psql", "-Atc", "select 1")
    """

    __test__ = False

    def __init__(self, state=ROOT / ".cache/testbed"):
        self.state = Path(state)
        self.state.mkdir(parents=True, exist_ok=True)
        self.started = set()
        # Whoever holds it uses the parts; several sessions may.
        self.lock = open(self.state / "used.lock", "a")
        fcntl.flock(self.lock, fcntl.LOCK_SH)
        self.ports = self._ports()
        self.environment = {
            **os.environ, "TESTBED_STATE": str(self.state),
            **{name: str(port) for name, port in self.ports.items()},
        }

    def _ports(self):
        file = self.state / "ports.json"
        if file.exists():
            ports = json.loads(file.read_text())
            if ports.keys() == {*PORTS, "SERVER_PORT_BASE"} and not self._taken(ports):
                return ports
            self.environment = {**os.environ, "TESTBED_STATE": str(self.state)}
            self.run("idp", "wipe")
        ports = dict(zip(PORTS, free_ports(len(PORTS), KEPT)))
        ports["SERVER_PORT_BASE"] = free_base(len(SERVERS) + 5, set(ports.values()))
        file.write_text(json.dumps(ports))
        return ports

    def _taken(self, ports):
        """Whether something listens there while nothing of ours runs."""
        if any((self.state / "run").glob("*.pid")) or (self.state / "postgres/data/postmaster.pid").exists():
            return False
        return any(is_listening(port) for port in ports.values())

    # Parts

    def run(self, command, *arguments, check=True, environment=None):
        """Runs one of the test-bed's commands to its end and returns what it printed."""
        # To files and not to pipes: what a command starts would hold a pipe open for as long as it runs.
        output = self.state / "output"
        with open(output, "w+") as out, open(self.state / "errors", "w+") as errors:
            code = subprocess.run(
                [str(FOLDER / command), *map(str, arguments)], stdin=subprocess.DEVNULL,
                stdout=out, stderr=errors, timeout=SECONDS,
                env={**self.environment, **(environment or {})}).returncode
            out.seek(0)
            errors.seek(0)
            text, complaint = out.read(), errors.read()
        if check and code != 0:
            raise AssertionError(f"{command} {' '.join(map(str, arguments))}: {complaint}{text}")
        return text

    def up(self, command, part=None):
        """Starts a part: `up("idp", "llng")`, `up("postgres")`, `up("sinks", "rsyslog")`, `up("servers", "git")`."""
        if (command, part) not in self.started:
            self.run(command, "up", *([part] if part else []))
            self.started.add((command, part))

    def down(self, command, part=None):
        self.run(command, "down", *([part] if part else []))
        self.started.discard((command, part))

    def close(self):
        """Stops what runs, unless another session uses it too."""
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        order = {"servers": 0, "sinks": 1, "idp": 2, "postgres": 3}
        for command, part in sorted(self.started, key=lambda entry: order.get(entry[0], 0)):
            self.run(command, "down", *([part] if part else []), check=False)
        self.lock.close()

    # What they offer

    def issuer(self, provider):
        self.up("idp", provider)
        if provider == "llng":
            return f"http://127.0.0.1:{self.ports['LLNG_PORT']}"
        return f"http://127.0.0.1:{self.ports['GLEWLWYD_PORT']}/api/oidc"

    def token(self, grant, *words):
        """An access token: `token("cc", "glewlwyd")`, `token("code", "rtyler")`, `token("code", "dwho", "--id")`."""
        return self.run("idp", "token", grant, *words).strip()

    def server(self, name):
        if name in ("alchemy", "postgres"):
            self.up("postgres")
        if name == "protected":
            self.up("idp", "llng")
        self.up("servers", name)
        number = 10 if name == "protected" else SERVERS.index(name) + 1
        return f"http://127.0.0.1:{self.ports['SERVER_PORT_BASE'] + number}/mcp"

    def client(self, kind, url, *words, check=True):
        """An official client: `client("sdk2", url, "list", "--oauth", "pkce")`; what it printed."""
        return self.run("clients/client", kind, url, *words, check=check)


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_base(count, spoken_for):
    """A port below so many free ones, none of which is spoken for."""
    while True:
        base, = free_ports(1, KEPT)
        above = set(range(base, base + count + 1))
        if not above & spoken_for and not any(is_listening(port) for port in above):
            return base
