"""The README's five steps, carried out in their order with a real identity provider, database, MCP servers and SIEM receiver."""

import asyncio
import json
import re
import shlex
import shutil
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request

import pytest
import yaml

from support.deployment import Deployment, steps
from support.ports import free_ports
from support.processes import eventually
from support.relay import relay
from support.sdk import use
from support.upstreams import FOLDER, PYTHON

pytestmark = pytest.mark.any_backend
TOKEN = "the-servers-own-credential-0815"
PERSON = "dwho"


def substitutions(testbed, ports, orders, test_server):
    """What the README's names are here."""
    return {
        "https://idp.example": testbed.issuer("llng"),
        # What the provider of the test-bed writes into its tokens, and how its groups are called.
        "https://mcp.example": "https://gateway.example/mcp",
        "data-analysts": "timelords",
        "[platform]": "[mcp-approvers]",
        "[security]": "[earthlings]",
        # Where things listen.
        "127.0.0.1:8443": f"127.0.0.1:{ports[0]}",
        "https://localhost:8443": f"https://localhost:{ports[0]}",
        "127.0.0.1:9901": f"127.0.0.1:{ports[1]}",
        "127.0.0.1:8081": f"127.0.0.1:{testbed.ports['CONSOLE_PORT']}",
        "127.0.0.1:9000": f"127.0.0.1:{orders}",
        # A test server to replay to: here the same one, under another address.
        "orders-test.internal:9000": f"127.0.0.1:{test_server}",
        "siem.example:6514": f"127.0.0.1:{testbed.ports['RSYSLOG_TLS_PORT']}",
    }


class Guide(Deployment):
    """The deployment, with its agent, and the parts around it."""

    def __init__(self, folder, testbed, orders, test_server):
        self.testbed, self.orders = testbed, orders
        self.ports = free_ports(2)
        super().__init__(folder, substitutions(testbed, self.ports, orders, test_server), {
            "ORDERS_TOKEN": TOKEN, "ORDERS_BEARER": f"Bearer {TOKEN}", "CONSOLE_SECRET": "consolesecret",
            # The programs that the gateway starts.
            "PATH": f"{PYTHON.parent}:/usr/bin:/bin"})
        self.introduction, self.identity, self.gateway, self.server, self.rules, self.recording = steps()
        self.keys = {}
        self.make_certificate()

    def make_certificate(self):
        """One for the gateway, of an authority of its own, and the authority of the SIEM."""
        from support.tls import Authority
        tls = self.folder / "tls"
        tls.mkdir()
        authority = Authority(self.folder / "authority")
        issued = authority.issue("DNS:localhost", "IP:127.0.0.1")
        shutil.copy(issued.chain, tls / "gateway.pem")
        shutil.copy(issued.key, tls / "gateway.key")
        shutil.copy(self.testbed.state / "tls/ca.crt", tls / "siem-ca.pem")
        self.authorities, self.context = authority.pem, authority.client_context()

    def url(self, server):
        return f"{self.say('https://localhost:8443')}/{server}/mcp"

    def agent(self):
        """The person at the provider, with a fresh token."""
        token = self.testbed.token("code", PERSON)
        return type("Agent", (), {"key": token, "headers": {"Authorization": f"Bearer {token}"}})

    def use(self, server, *calls):
        return use(self.url(server), self.agent(), calls, verify=self.context)

    def ask(self, url, headers=()):
        """Status, headers and body of a GET, of whatever status."""
        try:
            answer = urllib.request.urlopen(
                urllib.request.Request(url, headers=dict(headers)), context=self.context, timeout=20)
        except urllib.error.HTTPError as error:
            answer = error
        return answer.status, answer.headers, answer.read().decode()

    def published(self, count):
        """Waits until the changed file is in force, without a restart."""
        eventually(lambda: self.log.read_text().count("published") >= count, what=self.log.read_text)
        assert "takes effect after a restart" not in self.log.read_text()

    def sql(self, statement):
        return self.testbed.run("postgres", "psql", "-Atc", statement).strip()


@pytest.fixture
def orders(testbed, tmp_path):
    """mcp-alchemy before PostgreSQL; it turns away whoever does not bring the credential."""
    testbed.up("postgres")
    testbed.run("servers", "install", "alchemy")
    port, = free_ports(1)
    database = f"postgresql+psycopg2://postgres@127.0.0.1:{testbed.ports['PG_PORT']}/shop"
    with open(tmp_path / "orders.log", "wb") as log:
        process = subprocess.Popen(
            [str(testbed.state / "venv/alchemy/bin/python"), str(FOLDER / "servers/alchemy.py"), str(port)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={"DB_URL": database, "TOKEN": TOKEN, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})
    def listens():
        assert process.poll() is None, (tmp_path / "orders.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0
    eventually(listens, 60)
    yield port
    process.kill()
    process.wait()


@pytest.fixture
def guide(testbed, tmp_path, orders):
    testbed.up("sinks", "rsyslog")
    (tmp_path / "deployment").mkdir()
    with relay(orders) as test_server:
        made = Guide(tmp_path / "deployment", testbed, orders, test_server)
        yield made
        made.close()
    testbed.run("postgres", "psql", "-c", "UPDATE customers SET notes = 'VIP' WHERE id = 2")


@pytest.mark.timeout(240)
def test_the_five_steps(guide):
    connect_the_identity_provider(guide)
    deploy_the_gateway(guide)
    register_the_server(guide)
    define_the_rules(guide)
    switch_on_recording(guide)
    everything_ends_well(guide)
    every = [command for step in steps() for command in step.commands]
    assert sorted(guide.typed) == sorted(every), "every command of the guide was run, once"


def connect_the_identity_provider(guide):
    guide.type(guide.introduction.commands[0])
    accounts = yaml.safe_load(guide.identity.blocks[0])["identity"]["service_accounts"]
    for command in guide.identity.commands:
        printed = guide.type(command)
        name = shlex.split(command)[3]
        guide.keys[name] = re.search(r"sluice_[A-Za-z0-9_-]{43}", printed).group(0)
        # The line it prints is the one that the README shows, but for the hash.
        line, = yaml.safe_load(re.search(r"^\s*- \{.*\}$", printed, re.M).group(0))
        shown, = [account for account in accounts if account["name"] == name]
        assert {**shown, "key_sha256": line["key_sha256"]} == line
        guide.here[shown["key_sha256"]] = line["key_sha256"]
    guide.write(guide.identity)


def deploy_the_gateway(guide):
    check, serve, status = guide.gateway.commands
    guide.write(guide.gateway)
    printed = guide.type(check)
    assert "sluice.yaml: OK" in printed and "warnings: none" in printed, printed
    guide.log = guide.begin(serve)
    eventually(lambda: "listening" in guide.log.read_text(), what=guide.log.read_text)
    assert "ready" in guide.type(status)
    assert guide.ask(guide.say("http://127.0.0.1:9901/readyz"))[0] == 200
    assert guide.ask(guide.say("http://127.0.0.1:8081/login"))[0] == 200
    # Whoever comes without a token is told where to get one.
    code, headers, _ = guide.ask(guide.url("orders"), {"Accept": "text/event-stream"})
    assert code == 401
    where = re.search(r'resource_metadata="([^"]+)"', headers["www-authenticate"]).group(1)
    metadata = json.loads(guide.ask(where)[2])
    assert metadata["resource"] == guide.url("orders")
    assert metadata["authorization_servers"] == [guide.testbed.issuer("llng")]
    # Known, and allowed nothing yet.
    with pytest.raises(BaseException) as refused:
        guide.use("orders", ("execute_query", {"query": "SELECT 1"}))
    assert "profile" in str(flat(refused.value))


def flat(error):
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def register_the_server(guide):
    connect, = guide.server.commands
    guide.write(guide.server)
    guide.published(1)
    code, _, _ = guide.ask(f"http://127.0.0.1:{guide.orders}/mcp", {"Authorization": "Bearer of the agent"})
    assert code == 401, "the server takes nobody without its credential"
    seen = guide.use(
        "orders", ("execute_query", {"query": "SELECT name FROM customers WHERE id = 1"}), ("schema_definitions", {}))
    assert sorted(seen.tools) == ["all_table_names", "execute_query"]
    selected, outside = seen.calls
    assert "Jane Roe" in selected.text and not selected.is_error
    assert outside.is_error and "None of your profiles" in outside.text
    assert guide.use("clock", ("get_current_time", {"timezone": "UTC"})).calls[0].structured["timezone"] == "UTC"
    assert "customers" in asyncio.run(asyncio.wait_for(through_connect(guide, connect), 60))


async def through_connect(guide, command):
    """An agent that starts its server as a program."""
    from mcp import Client, StdioServerParameters
    from mcp.client.stdio import stdio_client
    guide.typed.append(command)
    words = shlex.split(guide.say(command)) + ["--authorities", str(guide.authorities)]
    program = StdioServerParameters(
        command=str(guide.folder / "bin/sluice"), args=words[1:], env={"SLUICE_TOKEN": guide.agent().key})
    async with Client(stdio_client(program)) as client:
        tables = await client.call_tool("all_table_names", {})
        return tables.content[0].text


def define_the_rules(guide):
    watch, listing, approve = guide.rules.commands
    guide.write(guide.rules)
    guide.published(2)
    seen = guide.use(
        "orders", ("execute_query", {"query": "DROP TABLE orders"}),
        ("execute_query", {"query": "SELECT name, ssn FROM customers WHERE id = 1"}))
    dropped, personal = seen.calls
    assert dropped.is_error and "Destructive SQL is not available to agents." in dropped.text
    assert guide.sql("SELECT count(*) FROM orders") == "200"
    assert personal.is_error and "no-personal-columns" in personal.text and "078-05-1120" not in personal.everything
    clock = guide.use("clock", ("get_current_time", {"timezone": "Europe/Berlin"})).calls[0]
    assert "Europe/Berlin" not in clock.everything and "Berlin"[-4:] in clock.structured["timezone"]
    a_write_waits(guide, watch, listing, approve)


def a_write_waits(guide, watch, listing, approve):
    note = "SELECT notes FROM customers WHERE id = 2"
    reviewer = {"SLUICE_TOKEN": guide.keys["on-call"]}
    watched = guide.begin(watch, **reviewer)
    answers = []
    agent = threading.Thread(target=lambda: answers.append(guide.use(
        "orders", ("execute_query", {"query": "UPDATE customers SET notes = 'seen' WHERE id = 2"}))))
    agent.start()
    eventually(lambda: "apr_" in watched.read_text(), what=guide.log.read_text)
    printed = guide.type(listing, **reviewer)
    found = re.search(r"apr_[0-9A-Za-z]+", printed).group(0)
    assert found in watched.read_text() and "execute_query" in printed and "corp/" in printed
    assert guide.sql(note) == "VIP" and not answers
    guide.here["APPROVAL"] = found
    assert "Approved" in guide.type(approve, **reviewer)
    agent.join(60)
    assert not answers[0].calls[0].is_error, answers[0].calls[0].text
    assert guide.sql(note) == "seen"
    guide.running[-1].send_signal(signal.SIGINT)
    assert guide.running[-1].wait(60) in (0, 130, -signal.SIGINT)


def switch_on_recording(guide):
    sinks, listing, show, replay, tail, show_call, verify = guide.recording.commands
    received = guide.testbed.state / "rsyslog/audit.log"
    start = received.stat().st_size if received.exists() else 0
    guide.write(guide.recording)
    guide.published(3)
    fine, dropped = guide.use(
        "orders", ("all_table_names", {}), ("execute_query", {"query": "DROP TABLE orders"})).calls
    ref = re.search(r"Ref ([0-9A-Za-z]+)", dropped.text).group(1)

    def arrived():
        with open(received, errors="replace") as file:
            file.seek(start)
            events = [json.loads(json.loads(line)["message"]) for line in file if line.endswith("\n")]
        return {event["ref"]: event for event in events if "ref" in event}

    eventually(lambda: ref in arrived(), 30, what=guide.log.read_text)
    event = arrived()[ref]
    assert (event["decision"], event["rule"], event["tool"]) == ("block", "no-destructive-sql", "execute_query")
    assert event["principal"].startswith("corp/") and not fine.is_error
    assert "siem" in guide.type(sinks)
    guide.here["REF"] = ref
    assert "orders" in guide.type(listing)
    assert "no-destructive-sql" in guide.type(show)
    # The agent saw only what its profile allows; the rest of a list is no difference.
    replayed = guide.type(replay)
    lists = re.findall(r"^(\S+) +\S+ +tools/list(.*)", replayed, re.M)
    assert lists and all(result == "same" and "policy had hidden" in rest for result, rest in lists), replayed
    assert "DIFFERENT" not in replayed, replayed
    assert "block" in guide.type(tail)
    assert "no-destructive-sql" in guide.type(show_call)
    assert "intact" in guide.type(verify)


def everything_ends_well(guide):
    serve = guide.running[0]
    serve.terminate()
    assert serve.wait(60) == 0
    log = guide.log.read_text()
    recorded = b"".join(path.read_bytes() for path in (guide.folder / "recordings").rglob("*.sluice"))
    assert recorded
    for secret in (TOKEN, "consolesecret", *guide.keys.values()):
        assert secret not in log and secret.encode() not in recorded
