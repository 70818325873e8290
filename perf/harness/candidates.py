"""The candidates: how each is started, reached and checked."""

import os
import re
import sys
import time
import urllib.request

from . import configurations, provider
from .services import Service, free_port, post

ARGUMENTS = '{"sql":"select name, email from customers where segment = \'retail\'","limit":20}'
CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query","arguments":%s}}'


class Candidate:
    """Something to send the load to. This one has nothing in between: the model server itself."""

    name = "direct"
    path = "/mcp"
    headers = ()
    absent = ()
    present = ()
    note = "client and model server only"

    def __init__(self, setting):
        self.setting = setting
        self.folder = os.path.join(setting.folder, self.name.replace(" ", "-"))
        os.makedirs(self.folder, exist_ok=True)
        self.port = setting.upstream_port
        self.services = []
        self.main = None

    def start(self):
        pass

    def url(self):
        return f"http://127.0.0.1:{self.port}{self.path}"

    def processes(self):
        """The processes whose time is the candidate's."""
        return self.main.processes() if self.main else []

    def verify(self):
        """Raises when the candidate does not do what it is measured for."""

    def after_round(self):
        """Tidies up what a round has left."""

    def report(self):
        """What to say about the candidate beside its figures."""
        return {}

    def stop(self):
        for service in self.services:
            service.stop()

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


class Nginx(Candidate):
    name = "nginx"
    note = "access log to a file, a line at a time; one worker"

    def start(self):
        self.port = free_port()
        path = self.write(
            "nginx.conf", configurations.nginx(
                self.port, self.setting.upstream_port, self.folder, self.setting.descriptors))
        command = ["nginx", "-p", self.folder, "-c", path, "-e", f"{self.folder}/nginx-error.log"]
        self.main = Service(self.name, command, self.folder, self.setting.core, self.port)
        self.services = [self.main]

    def report(self):
        size = os.path.getsize(os.path.join(self.folder, "nginx-access.log"))
        if size == 0:
            raise SystemExit("nginx has not logged anything")
        return {"log_bytes": size}


class HAProxy(Candidate):
    """The cheapest of its logs that loses no line, and the one most like nginx's: standard output, into a file."""

    name = "haproxy"
    note = "httplog to a file, a line at a time; one thread"

    def start(self):
        self.port = free_port()
        self.services = []
        log = self.log_target()
        path = self.write(
            "haproxy.cfg", configurations.haproxy(
                self.port, self.setting.upstream_port, log, self.setting.descriptors))
        command = ["haproxy", "-db", "-f", path]
        self.main = Service(self.name, command, self.folder, self.setting.core, self.port)
        self.services.insert(0, self.main)

    def log_target(self):
        """Where the log goes, in HAProxy's words."""
        return "stdout format raw"

    def report(self):
        size = os.path.getsize(self.main.output_path)
        if size < 10000:
            raise SystemExit("HAProxy has not logged anything")
        return {"log_bytes": size}


class HAProxyNoLog(HAProxy):
    name = "haproxy-no-log"
    note = "no log at all"

    def log_target(self):
        return None

    def report(self):
        return {}


class HAProxyUDPLog(HAProxy):
    name = "haproxy-udp-log"
    note = "httplog over UDP to a reader on another core"

    def log_target(self):
        port = free_port()
        self.start_reader(str(port))
        return f"127.0.0.1:{port}"

    def start_reader(self, place):
        self.count_path = os.path.join(self.folder, "lines")
        reader = os.path.join(os.path.dirname(os.path.abspath(__file__)), "logsink.py")
        command = [sys.executable, reader, place, self.count_path]
        self.services.append(Service("logsink", command, self.folder, self.setting.other_core))
        time.sleep(0.3)

    def report(self):
        time.sleep(0.2)
        with open(self.count_path, encoding="ascii") as count:
            lines = int(count.read())
        if lines == 0:
            raise SystemExit("no line of HAProxy's log has arrived")
        return {"log_lines": lines}


class HAProxyUnixLog(HAProxyUDPLog):
    name = "haproxy-unix-log"
    note = "httplog to a Unix socket with a waiting reader on another core"

    def log_target(self):
        path = os.path.join(self.folder, "log.socket")
        self.start_reader(path)
        return path


class Sluice(Candidate):
    name = "sluice"
    note = "anonymous, no rules, nothing masked; records every call, which cannot be switched off"
    io = "auto"

    def configuration(self):
        return configurations.sluice_plain(self.port, self.setting.upstream_port, self.folder)

    def start(self):
        self.port = free_port()
        path = self.write("sluice.yaml", self.configuration())
        command = [self.setting.programs["sluice"], "serve", "--config", path]
        command += ["--workers", "1", "--io", self.io] + self.setting.sluice_flags
        self.main = Service(
            self.name.replace(" ", "-"), command, self.folder, self.setting.core, self.port)
        self.services = [self.main]
        self.recorded = 0

    def call(self, arguments=ARGUMENTS, key=None):
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return post(self.url(), CALL % arguments, headers)

    def verify(self):
        status, text = self.call()
        if status != 200 or configurations.MASKED_VALUES[0] not in text:
            raise SystemExit(f"{self.name}: not the server's answer: {status} {text[:300]}")

    def after_round(self):
        """Counts what was recorded and removes all but the newest file, or disks would fill up."""
        folder = os.path.join(self.folder, "recordings")
        files = sorted(entry.path for entry in os.scandir(folder) if entry.name.endswith(".sluice"))
        self.kept = getattr(self, "kept", {})
        for path in files:
            size = os.path.getsize(path)
            self.recorded += size - self.kept.get(path, 0)
            self.kept[path] = size
        for path in files[:-1]:
            os.remove(path)

    def report(self):
        if self.recorded == 0:
            raise SystemExit(f"{self.name} has recorded nothing")
        return {"recorded_bytes": self.recorded}


class SluiceFull(Sluice):
    name = "sluice full"
    note = "API keys, rules, five fields masked, every call recorded"
    headers = (f"Authorization: Bearer {configurations.API_KEY}",)
    absent = tuple(configurations.MASKED_VALUES)
    present = ("[redacted]", "Ada Byron")

    def configuration(self):
        return configurations.sluice_full(self.port, self.setting.upstream_port, self.folder)

    def credential(self):
        """What a caller proves itself with."""
        return configurations.API_KEY

    def verify(self):
        status, _ = self.call()
        if status != 401:
            raise SystemExit(f"{self.name}: without a key the status is {status} and not 401")
        status, text = self.call(key=self.credential())
        leaked = [value for value in self.absent if value in text]
        if status != 200 or leaked or "[redacted]" not in text:
            raise SystemExit(f"{self.name}: masking: {status} {leaked} {text[:300]}")
        status, text = self.call('{"sql":"DROP TABLE customers"}', self.credential())
        if status != 200 or "no-destructive-sql" not in text or "customers\":" in text:
            raise SystemExit(f"{self.name}: DROP TABLE was not blocked: {status} {text[:300]}")


class SluiceTeam(SluiceFull):
    name = "sluice team"
    note = "OIDC (a cached RS256 token), 100 rules, five fields masked, every call recorded"

    def start(self):
        key = os.path.join(self.folder, "key.pem")
        provider.make_key(key)
        port = free_port()
        self.issuer = f"http://127.0.0.1:{port}"
        self.audience = "https://mcp.example"
        command = [sys.executable, provider.__file__, str(port), key]
        idp = Service("provider", command, self.folder, self.setting.other_core, port)
        self.token = provider.token(
            key, iss=self.issuer, aud=self.audience, sub="agent", groups=["analysts"])
        self.headers = (f"Authorization: Bearer {self.token}",)
        super().start()
        self.services.append(idp)

    def configuration(self):
        return configurations.sluice_team(
            self.port, self.setting.upstream_port, self.folder, self.issuer, self.audience)

    def credential(self):
        return self.token


class SluiceHolding(Sluice):
    name = "sluice holding"
    note = "API key, a tool that waits for an approval, every call recorded"
    headers = (f"Authorization: Bearer {configurations.API_KEY}",)

    def configuration(self):
        self.admin = free_port()
        return configurations.sluice_holding(
            self.port, self.setting.upstream_port, self.folder, self.admin)

    def held(self):
        """How many calls wait now."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.admin}/metrics", timeout=10) as page:
            return int(re.search(r"^sluice_held_calls (\d+)$", page.read().decode(), re.M).group(1))

    def verify(self):
        status, text = self.call(key=configurations.API_KEY)
        if status != 200 or configurations.MASKED_VALUES[0] not in text:
            raise SystemExit(f"{self.name}: not the server's answer: {status} {text[:300]}")


CANDIDATES = {
    kind.name: kind
    for kind in (
        Candidate, Nginx, HAProxy, HAProxyNoLog, HAProxyUDPLog, HAProxyUnixLog, Sluice, SluiceFull,
        SluiceTeam)
}
DEFAULT = ["direct", "nginx", "haproxy", "sluice", "sluice full"]


def with_backend(kind, io):
    """The same candidate on one of Sluice's input/output back ends."""
    return type(kind.__name__, (kind,), {"name": f"{kind.name} {io}", "io": io})
