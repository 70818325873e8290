"""The console with parts that nobody here wrote: Chromium, an identity provider, an OpenAPI validator, an HTML parser."""

import http.server
import json
import os
import re
import signal
import threading
import time
import urllib.error
import urllib.request

import pytest

from support.console import API, PASSWORD, Page, Preview, Session, password_hash
from support.gateway import Account, sluice
from support.ports import free_ports
from support.sse_agent import EventStreamAgent
from support.tls import Authority
from support.upstreams import FOLDER, PYTHON
from support.wire import modern_call
from test_reload import logged, rewrite, wait_for

pytestmark = pytest.mark.any_backend

# What the pages are made of. An element or attribute that is not here came from somewhere else.
ELEMENTS = set(
    "html head meta title link script body a header img nav div span form input button main h1 h2 h3 p article section "
    "dl dt dd strong time pre code mark ul ol li label textarea select option details summary table thead tbody tr th "
    "td".split())
ATTRIBUTES = set(
    "lang charset name content rel href type src defer class id tabindex alt width height aria-label aria-current "
    "method action value role data-label data-live hidden datetime title data-until for rows maxlength autocomplete "
    "autocapitalize spellcheck required autofocus selected checked".split())


def assert_clean(text):
    page = Page(text)
    for tag, attributes in page.elements:
        assert tag in ELEMENTS, (tag, attributes)
        assert set(attributes) <= ATTRIBUTES, (tag, attributes)
    for script in page.named("script"):
        assert set(script) == {"src", "defer"} and script["src"].startswith("/assets/"), script
    for link in page.named("a"):
        assert link["href"].startswith(("/", "#")) and not link["href"].startswith("//"), link
    return page


def walk(testbed, *words):
    """What Chromium met on its way through the console. (The first time, lines about what was installed come before.)"""
    return json.loads(testbed.run("browser/console", *words).splitlines()[-1])


@pytest.fixture
def gateway_with_console(make_gateway, tmp_path):
    """A gateway with a console, on which `ada` reviews, `audrey` audits and `nora` is nobody."""
    accounts = {"ada": Account("ada", "dba"), "audrey": Account("audrey", "security"), "nora": Account("nora", "x")}

    def make(url="http://127.0.0.1:9/mcp", policies=(), **console):
        port, = free_ports(1)
        console = {
            "address": f"127.0.0.1:{port}", "admins": ["platform"], "auditors": ["security"],
            "login": {"local_admin": {"password_hash": f"file:{password_hash(tmp_path)}", "groups": ["dba"]}},
            "api_keys": [account.entry for account in accounts.values()],
            **console,
        }
        gateway = make_gateway({"people": url}, policies, console=console, store="sqlite:./sluice.db",
                               environment={"CONSOLE_SECRET": "consolesecret"})
        gateway.start()
        gateway.console = console.get("public_url") or f"http://127.0.0.1:{port}"
        gateway.api = {name: API(gateway.console, account.key) for name, account in accounts.items()}
        return gateway

    return make


def test_hostile_text_stays_text_for_an_independent_parser():
    with Preview("hostile") as console:
        session = Session(console.url)
        assert session.sign_in(password="preview")[0] == 303
        status, _, text = session.fetch("/approvals")
        assert status == 200
        page = assert_clean(text)
        assert "<script>window.pwned=1;alert(1)</script>" in page.text
        assert "\\u{202e}" in page.text and "\u202e" not in page.text
        links = {link["href"] for link in page.named("a") if link["href"].startswith("/approvals/")}
        assert len(links) == 10
        for link in links:
            status, _, text = session.fetch(link)
            assert status == 200
            assert_clean(text)


@pytest.mark.parametrize("kind", ["hostile", "day", "empty"])
def test_no_script_of_an_agent_runs_in_chromium(testbed, tmp_path, kind):
    with Preview(kind) as console:
        report = walk(testbed, console.url, "admin", "preview", tmp_path / "shots")
    assert report["scripts"] == [] and report["dialogs"] == []
    assert report["errors"] == []
    assert report["requests"] == []
    assert report["overflows"] == []
    assert all(page["status"] == 200 for page in report["pages"]), report["pages"]
    assert len(report["pages"]) >= {"hostile": 24, "day": 16, "empty": 4}[kind]


def test_people_sign_in_at_an_identity_provider(testbed, gateway_with_console):
    issuer = testbed.issuer("llng")
    port = testbed.ports["CONSOLE_PORT"]
    gateway = gateway_with_console(
        address=f"127.0.0.1:{port}", public_url=f"http://127.0.0.1:{port}", admins=["timelords"],
        login={"oidc": {
            "issuer": issuer, "client_id": "console", "client_secret": "env:CONSOLE_SECRET",
            "scopes": ["openid", "profile", "email", "groups"],
        }})
    for person, role in [("dwho", "administrator"), ("rtyler", "reviewer")]:
        report = walk(testbed, gateway.console, "sso", person)
        assert report["errors"] == [] and report["scripts"] == []
        paths = {page["path"].partition("?")[0] for page in report["pages"]}
        assert ("/sessions" in paths) == (role == "administrator")
    signed_in = [line for line in gateway.log() if line["message"] == "signed in to the console"]
    assert {line["name"] for line in signed_in} == {"dwho", "rtyler"}


def test_the_api_is_what_its_description_says(gateway_with_console):
    from openapi_spec_validator import validate

    gateway = gateway_with_console()
    status, _, document = API(gateway.console).call("GET", "/openapi.json")
    assert status == 200
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_answers_fit_their_schemas(gateway_with_console):
    import jsonschema

    gateway = gateway_with_console()
    audrey = gateway.api["audrey"]
    document = audrey.get("/openapi.json")

    def check(name, value):
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema.Draft202012Validator(schema).validate(value)

    check("ApprovalList", audrey.get("/approvals"))
    check("Viewer", audrey.get("/viewer"))
    check("SessionList", audrey.get("/sessions"))
    for name, method, path, body, expected in [
        ("audrey", "GET", "/approvals/apr_none", None, 404),
        ("audrey", "GET", "/approvals?state=x", None, 422),
        ("audrey", "GET", "/sessions/nothing", None, 404),
        ("nora", "GET", "/sessions", None, 403),
        ("ada", "POST", "/approvals/apr_none/decision", {"decision": "approve"}, 404),
    ]:
        status, headers, problem = gateway.api[name].call(method, path, body)
        assert status == expected, problem
        assert headers["Content-Type"] == "application/problem+json"
        check("Problem", problem)
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"


QUERIES = ("limit=0", "limit=501", "limit=1&limit=2", "skip=-1", "skip=0", "since=2h", "since=1h", "problems=maybe",
           "state=pending,denied", "state=nothing", "nonsense=1", "principal=%00", "tool=%3Cb%3E")
BODIES = (b"", b"{", b"[]", b"\xff", b'{"decision": "maybe"}', b'{"decision": "deny"}', b'{"decision": "approve", "reason": 5}',
          json.dumps({"decision": "deny", "reason": "x" * 5000}).encode(), b"x" * 66_000)


def test_every_operation_answers_as_described(gateway_with_console):
    """Each operation for everybody, with what it takes and what it does not: status, type and body are declared."""
    import jsonschema

    gateway = gateway_with_console()
    document = gateway.api["audrey"].get("/openapi.json")

    def resolved(part):
        while "$ref" in part:
            reference, part = part["$ref"], document
            for name in reference.removeprefix("#/").split("/"):
                part = part[name]
        return part

    def ask(method, path, operation, key, body=None):
        request = urllib.request.Request(gateway.console + path, method=method, data=body)
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
        try:
            answer = urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            kind = answer.headers["Content-Type"].split(";")[0]
            said = f"{method} {path} {(body or b'')[:40]}: {answer.status} {kind}"
            assert str(answer.status) in operation["responses"], said
            declared = resolved(operation["responses"][str(answer.status)])["content"]
            assert kind in declared, said
            if kind != "text/event-stream":
                schema = {**declared[kind]["schema"], "components": document["components"]}
                jsonschema.Draft202012Validator(schema).validate(json.load(answer))
            seen.add((path.split("?")[0], answer.status))

    seen = set()
    keys = [None, "sluice_nobodys", *(gateway.api[name].headers["Authorization"].removeprefix("Bearer ")
                                      for name in ("nora", "ada", "audrey"))]
    for template, item in document["paths"].items():
        for method in {"get", "post"} & item.keys():
            for id in ["nothing", "x" * 65, "%00", "a%2Fb"] if "{id}" in template else [""]:
                path, operation = template.replace("{id}", id), item[method]
                for key in keys:
                    ask(method.upper(), path, operation, key, b'{"decision": "approve"}' if method == "post" else None)
            if method == "get" and not template.endswith("stream"):
                for query in QUERIES:
                    ask("GET", f"{path}?{query}", operation, keys[-1])
            if method == "post":
                for body in BODIES:
                    ask("POST", path, operation, keys[-2], body)
    statuses = {status for _, status in seen}
    assert statuses >= {200, 401, 403, 404, 413, 422}, seen


def test_sessions_show_what_agents_did(gateway_with_console, accounts):
    gateway = gateway_with_console()
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "<b>wipe</b>", "arguments": {"who": "<script>window.pwned=1</script>\u202e"}}}
    request = urllib.request.Request(
        gateway.url("people"), data=json.dumps(body).encode(), headers={
            **accounts.analyst.headers, "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18",
            "User-Agent": "agent/<i>1</i>"})
    try:
        urllib.request.urlopen(request, timeout=60).read()
    except urllib.error.HTTPError as refused:
        refused.read()
    audrey = gateway.api["audrey"]
    # It may take a moment until the writer has the call on the disk.
    deadline = time.monotonic() + 60
    while not (sessions := audrey.get("/sessions?principal=analyst")["sessions"]):
        assert time.monotonic() < deadline, gateway.log_text()
        time.sleep(0.05)
    assert len(sessions) == 1
    timeline = audrey.get(f"/sessions/{sessions[0]['id']}")
    call = timeline["calls"][0]
    assert call["tool"] == "<b>wipe</b>"
    assert "window.pwned" in call["request"]
    browser = Session(gateway.console)
    assert browser.sign_in(password=PASSWORD)[0] == 303
    status, _, text = browser.fetch("/sessions?since=all")
    assert status == 200
    page = assert_clean(text)
    assert "analyst" in page.text
    status, _, text = browser.fetch(f"/sessions/{sessions[0]['id']}")
    assert status == 200
    page = assert_clean(text)
    assert "<b>wipe</b>" in page.text and "window.pwned" in page.text


def test_the_command_line_decides_over_the_api(gateway_with_console, tmp_path):
    gateway = gateway_with_console()
    key = gateway.api["ada"].headers["Authorization"].removeprefix("Bearer ")
    token = tmp_path / "token"
    token.write_text(key)
    listed = sluice("approvals", "list", "--config", gateway.file, "--token-file", token)
    assert "Nothing waits for a decision." in listed.stdout
    listed = sluice("approvals", "list", "--json", "--url", gateway.console, "--token-file", token)
    assert json.loads(listed.stdout) == {"approvals": [], "is_cut": False}
    for words, status, text in [
        (["show", "apr_none", "--url", gateway.console], 1, "Not found"),
        (["approve", "apr_none", "--url", gateway.console], 1, "Not found"),
        (["deny", "apr_none", "--url", gateway.console], 2, "--reason"),
        (["list", "--url", "http://console.example"], 2, "no address to send a key to"),
    ]:
        result = sluice("approvals", *words, "--token-file", token, check=False)
        assert result.returncode == status, result.stderr
        assert text in result.stderr
        assert key not in result.stdout + result.stderr


def reloaded(gateway, change):
    """Changes the configuration and returns when what it says is in force."""
    published = len(logged(gateway, "published"))
    rewrite(gateway, change)
    gateway.process.send_signal(signal.SIGHUP)
    wait_for(lambda: len(logged(gateway, "published")) > published, "the reload", seconds=60)


def fetch(url, context=None):
    with urllib.request.urlopen(url + "/login", timeout=60, context=context) as answer:
        return answer.status, answer.read().decode()


def test_a_reload_starts_and_ends_the_console(make_gateway, accounts, tmp_path):
    first, second = free_ports(2)
    local_admin = {"password_hash": f"file:{password_hash(tmp_path)}"}

    def console(port):
        return {"address": f"127.0.0.1:{port}", "login": {"local_admin": local_admin}}

    def added(port):
        reloaded(gateway, lambda settings: settings.update(console=console(port)))
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: logged(gateway, "console", url=url), "the console's beginning", seconds=60)
        assert Session(url).sign_in()[0] == 303

    gateway = make_gateway({"people": "http://127.0.0.1:9/mcp"}).start()
    assert not logged(gateway, "console")
    added(first)
    # Elsewhere: it begins anew there, and has left the old place.
    added(second)
    assert logged(gateway, "the console begins anew: people sign in again")
    with pytest.raises(urllib.error.URLError):
        fetch(f"http://127.0.0.1:{first}")
    reloaded(gateway, lambda settings: settings.pop("console"))
    wait_for(lambda: logged(gateway, "the console has ended"), "its end", seconds=60)
    with pytest.raises(urllib.error.URLError):
        fetch(f"http://127.0.0.1:{second}")
    assert not logged(gateway, "some of what changed takes effect after a restart")
    assert gateway.stop() == 0


def test_the_console_speaks_tls(gateway_with_console, tmp_path):
    authority, later = Authority(tmp_path / "one"), Authority(tmp_path / "two", "Another authority")
    port, = free_ports(1)
    url = f"https://localhost:{port}"
    gateway = gateway_with_console(
        address=f"127.0.0.1:{port}", tls=authority.issue("DNS:localhost").settings, public_url=url)
    assert fetch(url, authority.client_context())[0] == 200
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        fetch(url, later.client_context())
    with pytest.raises((urllib.error.URLError, OSError)):
        fetch(f"http://localhost:{port}")
    key = gateway.api["ada"].headers["Authorization"].removeprefix("Bearer ")

    def listed(pem, check=True):
        return sluice("approvals", "list", "--config", gateway.file, "--authorities", pem, check=check,
                      env={**os.environ, "SLUICE_TOKEN": key})

    assert "Nothing waits for a decision." in listed(authority.pem).stdout
    assert "certificate" in listed(later.pem, check=False).stderr
    # Another certificate, without anybody having to sign in again.
    reloaded(gateway, lambda settings: settings["console"].update(tls=later.issue("DNS:localhost").settings))
    assert "Nothing waits for a decision." in listed(f"file:{later.pem}").stdout
    assert not logged(gateway, "the console begins anew: people sign in again")
    assert gateway.stop() == 0


class Answering(http.server.BaseHTTPRequestHandler):
    """A server whose tools all say "done", and that counts its calls."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.calls.append(sent)
        body = json.dumps({"jsonrpc": "2.0", "id": sent["id"], "result": {
            "content": [{"type": "text", "text": "done"}]}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def answering():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.calls = []
    server.url = f"http://127.0.0.1:{server.server_port}/mcp"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def ask(gateway, account, answers):
    """Calls the tool `wipe` as an agent does, and puts the answer into a list when it comes."""
    body = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {
        "name": "wipe", "arguments": {"sql": "DELETE FROM orders\nWHERE id = 4711"}, "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {}}}}
    request = urllib.request.Request(
        gateway.url("people"), data=json.dumps(body).encode(), headers={
            **account.headers, "Content-Type": "application/json", "MCP-Method": "tools/call",
            "MCP-Name": "wipe", "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2026-07-28"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        answers.append(answer.read().decode())


@pytest.mark.parametrize("way", ["page", "command", "denied"])
def test_a_held_call_goes_on_when_a_person_decides(gateway_with_console, accounts, answering, tmp_path, way):
    gateway = gateway_with_console(url=answering.url, policies=[{
        "name": "wiping-needs-a-human", "match": {"tools": ["wipe"]}, "effect": "require_approval",
        "approval": {"reviewers": ["dba"], "expires": "5m", "message": "Is there a backup?"}}])
    answers = []
    agent = threading.Thread(target=ask, args=(gateway, accounts.analyst, answers))
    agent.start()
    ada = gateway.api["ada"]
    deadline = time.monotonic() + 60
    while not (waiting := ada.get("/approvals?state=pending")["approvals"]):
        assert time.monotonic() < deadline and agent.is_alive(), (answers, gateway.log_text())
        time.sleep(0.05)
    approval, = waiting
    assert approval["principal"] == "analyst" and approval["can_decide"]
    assert json.loads(approval["arguments"]) == {"sql": "DELETE FROM orders\nWHERE id = 4711"}
    assert answering.calls == [] and answers == []
    if way == "page":
        browser = Session(gateway.console)
        assert browser.sign_in()[0] == 303
        _, _, text = browser.fetch("/approvals")
        page = assert_clean(text)
        assert "DELETE FROM orders\nWHERE id = 4711" in page.text and "Is there a backup?" in page.text
        path = f"/approvals/{approval['id']}"
        assert browser.post(path, {"decision": "approve", "reason": "there is"}, path)[0] == 303
    else:
        token = tmp_path / "token"
        token.write_text(ada.headers["Authorization"].removeprefix("Bearer "))
        word = ["approve"] if way == "command" else ["deny", "--reason", "no backup"]
        said = sluice("approvals", *word, approval["id"], "--url", gateway.console, "--token-file", token)
        assert said.stdout.startswith("Denied" if way == "denied" else "Approved")
    agent.join(60)
    assert len(answers) == 1
    if way == "denied":
        assert answering.calls == [] and "no backup" in answers[0]
    else:
        assert len(answering.calls) == 1 and "done" in answers[0]
    after = ada.get(f"/approvals/{approval['id']}")
    assert after["state"] == ("denied" if way == "denied" else "consumed")
    assert [decision["reviewer"] for decision in after["decisions"]] == ["admin" if way == "page" else "ada"]


def test_console_api_command_and_metrics_tell_of_the_same_gateway(make_gateway, scripted, accounts, tmp_path):
    """A call that waits, a sink whose receiver is down, and what the bridge holds, seen from every side."""
    import jsonschema
    from support.scripted import answer, result

    server = scripted(lambda connection, request: connection.sendall(
        answer(result(request.id, "done"))) or True)
    console, admin, nobody = free_ports(3)
    petra, ada = Account("petra", "platform"), Account("ada", "dba")
    program = {"command": [
        str(PYTHON), str(FOLDER / "servers/plain_server.py"), "0", "stdio", str(tmp_path / "wiped")]}
    gateway = make_gateway(
        {"counter": server.url, "program": program}, [{
            "name": "ask", "match": {"servers": ["*"]}, "effect": "require_approval",
            "approval": {"reviewers": ["dba"], "quorum": 1, "expires": "10m"}}],
        store="sqlite:./sluice.db", admin={"address": f"127.0.0.1:{admin}"},
        sinks=[{"name": "hook", "start": "beginning", "webhook": {
            "url": f"http://127.0.0.1:{nobody}/events", "secret": "env:HOOK_SECRET"}}],
        console={"address": f"127.0.0.1:{console}", "admins": ["platform"],
                 "login": {"local_admin": {"password_hash": f"file:{password_hash(tmp_path)}"}},
                 "api_keys": [petra.entry, ada.entry]},
        environment={"HOOK_SECRET": "a-secret-that-both-sides-know"}).start()
    url = f"http://127.0.0.1:{console}"
    api, reviewer = API(url, petra.key), API(url, ada.key)

    def metrics():
        with urllib.request.urlopen(f"http://127.0.0.1:{admin}/metrics", timeout=60) as page:
            return page.read().decode().splitlines()

    def until(condition):
        deadline = time.monotonic() + 60
        while not (found := condition()):
            assert time.monotonic() < deadline, gateway.log_text()
            time.sleep(0.05)
        return found

    # An agent of HTTP+SSE with a server that is a program: a stream, a session and a process.
    agent = EventStreamAgent(gateway, "program", accounts.analyst).begin()
    # An event for the sink, which has nobody to deliver it to.
    assert modern_call(gateway, "counter", None, "run", {}).status == 401
    answers = []
    waiting = threading.Thread(daemon=True, target=lambda: answers.append(
        modern_call(gateway, "counter", accounts.analyst, "run", {})))
    waiting.start()
    approval = until(lambda: reviewer.get("/approvals?state=pending")["approvals"])[0]
    assert approval["groups"] and set(approval["groups"]) <= set(accounts.analyst.entry["groups"])

    status = until(lambda: (found := api.get("/status"))["sinks"][0]["state"] == "failing" and found)
    document = api.get("/openapi.json")
    for name, path in [("Status", "/status"), ("ServerList", "/servers"), ("Policies", "/policies"),
                       ("ApprovalList", "/approvals")]:
        jsonschema.validate(
            api.get(path), {"$ref": f"#/components/schemas/{name}", "components": document["components"]})
    assert status["approvals"]["counts"] == {"pending": 1} and status["approvals"]["held_calls"] == 1
    assert status["sinks"][0]["problem"] and status["sinks"][0]["lag_bytes"] > 0
    counted, run = status["servers"]
    assert (run["event_streams"], run["sessions"], run["processes"]) == (1, 1, 1)
    assert counted["event_streams"] == 0 and "sessions" not in counted and "processes" not in counted
    streams = status["event_streams"]
    assert (streams["open"], streams["opened"], streams["refused"], streams["cut"]) == (1, 1, 0, 0)
    with urllib.request.urlopen(f"http://127.0.0.1:{admin}/status.json", timeout=60) as page:
        assert json.load(page).keys() == status.keys()
    lines = metrics()
    for line in ['sluice_server_event_streams{server="program"} 1', 'sluice_server_event_streams{server="counter"} 0',
                 'sluice_server_processes{server="program"} 1', 'sluice_server_sessions{server="program"} 1',
                 "sluice_event_streams_opened_total 1", "sluice_event_streams_cut_total 0",
                 f'sluice_event_streams_limit {streams["open_max"]}']:
        assert line in lines, line
    assert not any(line.startswith('sluice_server_processes{server="counter"}') for line in lines)
    for line in ["sluice_held_calls 1", "sluice_approvals_pending 1", "sluice_approvals_asked_total 1",
                 'sluice_sink_up{sink="hook"} 0']:
        assert line in lines, line
    assert any(line.startswith('sluice_sink_lag_bytes{sink="hook"} ') and not line.endswith(" 0") for line in lines)
    shown = sluice("status", "--config", gateway.file).stdout
    assert "1 wait, the oldest for" in shown and "1 of " in shown and "sink hook: " in shown
    assert f'HTTP+SSE: 1 of {streams["open_max"]} streams open' in shown and "0 refused, 0 cut" in shown
    assert re.search(r"^program +1 +1 +1$", shown, re.M), shown
    session = Session(url)
    assert session.sign_in(password=PASSWORD)[0] == 303
    _, _, page = session.fetch("/status")
    text = assert_clean(page).text
    assert "hook" in text and "failing" in text and "the oldest for" in text
    assert "Streams of HTTP+SSE" in text
    _, _, page = session.fetch("/servers")
    assert "1 program, 1 session, 1 HTTP+SSE stream" in assert_clean(page).text
    agent.close()
    until(lambda: api.get("/status")["event_streams"]["open"] == 0)

    reviewer.call("POST", f"/approvals/{approval['id']}/decision", {"decision": "approve", "reason": "fine"})
    waiting.join(60)
    assert answers and len(server.requests) == 1
    until(lambda: 'sluice_approvals_decided_total{outcome="granted"} 1' in metrics())
    assert api.get("/status")["approvals"]["counts"] == {"consumed": 1}
