"""The gateway while its configuration, its secrets and its servers change, and while it stops."""

import json
import os
import signal
import threading
import time

import httpx
import yaml

from support.gateway import sluice
from support.ports import free_ports
from support.scripted import answer, result

MODERN = {
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/call",
    "Mcp-Name": "look",
}
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def call(client, gateway, account, server="things", id=1):
    body = {"jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": {"name": "look", "arguments": {}, "_meta": META}}
    return client.post(gateway.url(server), json=body, headers={**MODERN, **account.headers})


def text_of(response):
    assert response.status_code == 200, response.text
    return response.json()["result"]["content"][0]["text"]


def says(text):
    """A script that answers every call with this text, and with what the server was shown."""
    def script(connection, request):
        connection.sendall(answer(result(request.id, text, structuredContent={
            "credential": request.headers.get("authorization", "-"), "email": "ann@example.com"})))
        return True
    return script


def wait_for(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)


def logged(gateway, message, **fields):
    return [line for line in gateway.log() if line["message"] == message
            and all(line.get(key) == value for key, value in fields.items())]


def rewrite(gateway, change):
    """Changes the file as editors do: a new one, renamed over the old."""
    settings = yaml.safe_load(gateway.file.read_text())
    change(settings)
    new = gateway.file.with_suffix(".new")
    new.write_text(yaml.safe_dump(settings, sort_keys=False))
    os.replace(new, gateway.file)


def with_admin(port):
    return {"admin": {"address": f"127.0.0.1:{port}"}}


def test_a_changed_file_is_put_in_force_and_no_call_fails(make_gateway, scripted, accounts):
    first, second = scripted(says("first")), scripted(says("second"))
    gateway = make_gateway({"things": first.url}).start()
    stop = threading.Event()
    seen, failures = [], []

    def load():
        with httpx.Client() as client:
            while not stop.is_set():
                try:
                    seen.append(text_of(call(client, gateway, accounts.analyst)))
                except Exception as error:
                    failures.append(repr(error))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        for round, server in enumerate([second, first, second], 1):
            rewrite(gateway, lambda s: s["servers"]["things"].update(url=server.url))
            wait_for(lambda: len(logged(gateway, "published")) == round, f"publication {round}")
            before = len(seen)
            wait_for(lambda: len(seen) > before + 50, "more calls")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert set(seen) == {"first", "second"} and seen[-1] == "second"
    assert gateway.stop() == 0
    gateway.verify()


def test_a_rule_added_while_a_call_is_under_way_does_not_reach_it(make_gateway, scripted, accounts):
    held = threading.Event()

    def script(connection, request):
        held.wait(60)
        return says("done")(connection, request)

    server = scripted(script)
    gateway = make_gateway({"things": server.url}).start()
    answers = []
    with httpx.Client(timeout=60) as client:
        thread = threading.Thread(
            target=lambda: answers.append(call(client, gateway, accounts.analyst)))
        thread.start()
        wait_for(lambda: server.requests, "the call")
        rewrite(gateway, lambda s: s.update(policies=[
            {"name": "closed", "match": {"servers": ["things"]}, "effect": "block"}]))
        wait_for(lambda: logged(gateway, "published"), "the publication")
        held.set()
        thread.join()
        assert text_of(answers[0]) == "done"
        blocked = call(client, gateway, accounts.analyst).json()
        assert blocked["result"]["isError"] and "closed" in blocked["result"]["content"][0]["text"]
    old, new = logged(gateway, "listening")[0]["revision"], logged(gateway, "published")[0]["revision"]
    assert old != new
    recorded = wait_for(lambda: len(gateway.calls(tool="look")) == 2 and gateway.calls(tool="look"), "the record")
    assert [event["policy_revision"] for event in recorded] == [old, new]


def test_a_file_with_a_mistake_changes_nothing_and_the_log_says_where(make_gateway, scripted, accounts):
    server = scripted(says("still here"))
    gateway = make_gateway({"things": server.url}).start()
    text = gateway.file.read_text()
    gateway.file.write_text(text + "limits: { head_tiemout: 5s }\n")
    line = text.count("\n") + 1
    mistake = wait_for(
        lambda: [entry for entry in gateway.log() if "head_tiemout" in entry["message"]], "the error")[0]
    assert mistake["level"] == "error" and 'did you mean "head_timeout"?' in mistake["message"]
    assert mistake["place"] == f"{gateway.file}:{line}:11"
    assert logged(gateway, "the configuration was not reloaded; what was in force stays")
    with httpx.Client() as client:
        assert text_of(call(client, gateway, accounts.analyst)) == "still here"
    # Repaired, it is taken: here what it says is what was in force all along.
    gateway.file.write_text(text)
    wait_for(lambda: logged(gateway, "the configuration has not changed"), "the second look")


def test_what_needs_a_restart_is_said_by_name(make_gateway, scripted):
    gateway = make_gateway({"things": scripted(says("x")).url}).start()
    rewrite(gateway, lambda s: s.update(
        workers={"backlog": 77}, limits={"json_depth": 9, "head_timeout": "9s"}))
    told = wait_for(
        lambda: logged(gateway, "some of what changed takes effect after a restart"), "the warning")
    assert told[0]["keys"] == "limits.json_depth, workers"


def test_a_signal_reloads_at_once(make_gateway, scripted, accounts):
    gateway = make_gateway({"things": scripted(says("x")).url}).start()
    gateway.process.send_signal(signal.SIGHUP)
    wait_for(lambda: logged(gateway, "the configuration has not changed", reason="SIGHUP"), "the reload")
    with httpx.Client() as client:
        assert call(client, gateway, accounts.stranger).json()["result"]["isError"]
        rewrite(gateway, lambda s: s["profiles"]["everything"]["groups"].append("nobody-knows"))
        gateway.process.send_signal(signal.SIGHUP)
        wait_for(lambda: logged(gateway, "published"), "the reload")
        wait_for(lambda: "isError" not in call(
            client, gateway, accounts.stranger).json()["result"], "the right")


def comes_to_see(client, gateway, account, credential):
    """Each worker takes what was published at the end of its turn: the call after that shows it."""
    wait_for(lambda: credential_seen(client, gateway, account) == credential, credential)


def credential_seen(client, gateway, account):
    response = call(client, gateway, account)
    assert response.status_code == 200, response.text
    return response.json()["result"]["structuredContent"]["credential"]


def test_a_secret_that_is_replaced_reaches_the_server(make_gateway, scripted, accounts):
    server = scripted(says("x"))
    gateway = make_gateway({"things": {
        "url": server.url,
        "credential": {"header": "Authorization", "scheme": "Bearer", "value": "file:..data/token"}}})
    # As Kubernetes mounts secrets: folders by version, and a symbolic link that is swapped.
    for version in ["one", "two"]:
        folder = gateway.folder / version
        folder.mkdir()
        (folder / "token").write_text(f"secret-{version}\n")
        (folder / "token").chmod(0o600)
    (gateway.folder / "..data").symlink_to("one")
    gateway.start()
    with httpx.Client() as client:
        assert credential_seen(client, gateway, accounts.analyst) == "Bearer secret-one"
        (gateway.folder / "..tmp").symlink_to("two")
        os.replace(gateway.folder / "..tmp", gateway.folder / "..data")
        wait_for(lambda: logged(gateway, "published"), "the publication")
        comes_to_see(client, gateway, accounts.analyst, "Bearer secret-two")
        # A secret that is gone is a mistake like any other: what was known stays, and it may come back.
        (gateway.folder / "two/token").rename(gateway.folder / "two/away")
        wait_for(lambda: logged(
            gateway, "the configuration was not reloaded; what was in force stays"), "the refusal")
        assert credential_seen(client, gateway, accounts.analyst) == "Bearer secret-two"
        (gateway.folder / "two/away").write_text("secret-three")
        (gateway.folder / "two/away").rename(gateway.folder / "two/token")
        wait_for(lambda: len(logged(gateway, "published")) == 2, "the publication")
        comes_to_see(client, gateway, accounts.analyst, "Bearer secret-three")
    assert gateway.stop() == 0
    for secret in ["secret-one", "secret-two", "secret-three"]:
        assert secret not in gateway.log_text()


def test_a_program_that_prints_a_credential_is_asked_again(make_gateway, scripted, accounts):
    gateway = make_gateway({"things": {
        "url": scripted(says("x")).url,
        "credential": {"header": "Authorization", "scheme": "Bearer", "exec": ["./token", "now"],
                       "refresh": "1s", "timeout": "5s", "max_age": "3s"}}})
    program = gateway.folder / "token"

    def prints(script):
        new = gateway.folder / "token.new"
        new.write_text(f"#!/bin/sh\n{script}\n")
        new.chmod(0o700)
        os.replace(new, program)

    prints('test "$1" = now && echo printed-one')
    gateway.start()
    with httpx.Client() as client:
        assert credential_seen(client, gateway, accounts.analyst) == "Bearer printed-one"
        prints("echo printed-two")
        wait_for(lambda: logged(gateway, "published", reason="credential of things"), "the publication")
        comes_to_see(client, gateway, accounts.analyst, "Bearer printed-two")
        # While it fails, the last secret serves, until its age limit; then the calls are refused.
        prints("echo printed-three; exit 7")
        failed = wait_for(lambda: logged(
            gateway, "a credential could not be refreshed; the last one is used until its age limit"),
            "the failure")[0]
        assert failed["server"] == "things" and failed["problem"].endswith(
            "token ended with status 7; run it by hand to see why")
        wait_for(lambda: len(logged(gateway, "published")) == 2, "the age limit")
        wait_for(lambda: "no credential for the server" in call(
            client, gateway, accounts.analyst).json().get("error", {}).get("message", ""), "the refusal")
        prints("echo printed-four")
        wait_for(lambda: len(logged(gateway, "published")) == 3, "the recovery")
        comes_to_see(client, gateway, accounts.analyst, "Bearer printed-four")
    assert gateway.stop() == 0
    assert "printed-" not in gateway.log_text()


def test_a_server_has_bounds_of_its_own(make_gateway, scripted, accounts):
    held = threading.Event()

    def slow(connection, request):
        held.wait(60)
        return says("late")(connection, request)

    gateway = make_gateway({
        "things": {"url": scripted(slow).url, "limits": {"first_byte_timeout": "300ms"}},
        "wordy": {"url": scripted(says("x" * 3000)).url, "limits": {"response_size": "2KiB"}},
        "plain": scripted(says("x" * 3000)).url}).start()
    with httpx.Client(timeout=60) as client:
        assert "did not answer in time" in call(client, gateway, accounts.analyst).text
        assert "larger than the gateway's limit" in call(
            client, gateway, accounts.analyst, server="wordy").text
        assert len(text_of(call(client, gateway, accounts.analyst, server="plain"))) == 3000
    held.set()


def test_failing_servers_are_told_of_in_few_lines(make_gateway, scripted, accounts):
    gone, = free_ports(1)
    gateway = make_gateway({"gone": f"http://127.0.0.1:{gone}/mcp"}).start()
    with httpx.Client() as client:
        for _ in range(300):
            assert "error" in call(client, gateway, accounts.analyst, server="gone").json()
    line = wait_for(lambda: logged(gateway, "calls failed at a server", server="gone"), "the line")[0]
    assert line["level"] == "warning" and line["reason"] == "Connection refused"
    assert gateway.show(line["last_ref"])["server"] == "gone"
    assert len(gateway.log()) < 20


def admin(port, path):
    return httpx.get(f"http://127.0.0.1:{port}{path}")


def test_metrics_are_what_prometheus_reads(make_gateway, scripted, accounts):
    from prometheus_client.parser import text_string_to_metric_families
    port, = free_ports(1)
    server = scripted(says("x"))
    gateway = make_gateway({"things": server.url}, [
        {"name": "admins-out", "match": {"servers": ["things"], "groups": ["admins"]}, "effect": "block"},
        {"name": "mail", "match": {"servers": ["things"]}, "effect": "mask",
         "mask": [{"fields": ["email"], "with": "redact"}]},
    ], **with_admin(port)).start()
    with httpx.Client() as client:
        for _ in range(5):
            call(client, gateway, accounts.analyst)
        call(client, gateway, accounts.admin)
        client.post(gateway.url("things"), json={}, headers=MODERN)
    # The writer lags behind the answers by a batch.
    wait_for(lambda: len(gateway.calls()) == 7, "the record of seven calls")
    page = admin(port, "/metrics")
    assert page.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    values = {}
    for family in text_string_to_metric_families(page.text):
        for sample in family.samples:
            values[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
            assert family.documentation and family.type in ("counter", "gauge", "histogram")
    def value(name, **labels):
        return values[name, tuple(sorted(labels.items()))]
    assert value("sluice_server_calls_total", server="things", result="success") == 5
    assert value("sluice_server_masked_values_total", server="things") == 5
    assert value("sluice_decisions_total", decision="allow") == 5
    assert value("sluice_decisions_total", decision="block") == 1
    assert value("sluice_decisions_total", decision="unauthenticated") == 1
    assert value("sluice_rule_hits_total", rule="admins-out", effect="block") == 1
    assert value("sluice_rule_hits_total", rule="mail", effect="mask") == 5
    assert value("sluice_server_call_duration_seconds_count", server="things") == 5
    assert value("sluice_server_call_duration_seconds_bucket", server="things", le="+Inf") == 5
    assert value("sluice_server_up", server="things") == 1
    assert value("sluice_audit_healthy") == 1 and value("sluice_audit_entries_written_total") > 0
    assert value("sluice_ready") == 1
    assert sum(v for (name, _), v in values.items() if name == "sluice_requests_total") == 7
    # Hits go on when the policy is replaced.
    rewrite(gateway, lambda s: s["policies"].insert(0, {
        "name": "colleagues-out", "match": {"servers": ["things"], "principals": ["colleague"]},
        "effect": "block"}))
    wait_for(lambda: logged(gateway, "published"), "the publication")
    with httpx.Client() as client:
        call(client, gateway, accounts.analyst)
    text = admin(port, "/metrics").text
    assert 'sluice_rule_hits_total{rule="mail",effect="mask"} 6' in text
    assert 'sluice_server_calls_total{server="things",result="success"} 6' in text


def test_status_is_told_to_people_and_to_programs(make_gateway, scripted, accounts):
    port, gone = free_ports(2)
    gateway = make_gateway(
        {"things": scripted(says("x")).url, "gone": f"http://127.0.0.1:{gone}/mcp"},
        **with_admin(port)).start()
    with httpx.Client() as client:
        call(client, gateway, accounts.analyst)
        call(client, gateway, accounts.analyst, server="gone")
    assert admin(port, "/healthz").text == "ok\n"
    assert admin(port, "/readyz").text == "ready\n"
    def failing():
        status = json.loads(admin(port, "/status.json").text)
        return status if status["servers"][1]["state"] == "failing" else None
    status = wait_for(failing, "the failing server")
    assert status["servers"][0]["calls"]["success"] == 1
    assert gateway.show(status["servers"][1]["last_failure"])["server"] == "gone"
    page = sluice("status", "--config", gateway.file).stdout
    assert "ready" in page and "failing" in page and "things" in page
    printed = json.loads(sluice("status", "--url", f"http://127.0.0.1:{port}/", "--json").stdout)
    assert printed["revision"] == status["revision"]
    gateway.stop()
    nobody = sluice("status", "--config", gateway.file, check=False)
    assert nobody.returncode == 1 and "No gateway answers" in nobody.stderr


def test_a_stop_is_announced_before_it_happens(make_gateway, scripted, accounts):
    port, = free_ports(1)
    gateway = make_gateway(
        {"things": scripted(says("x")).url}, limits={"pre_stop_delay": "8s"}, **with_admin(port)).start()
    with httpx.Client() as client:
        gateway.terminate()
        wait_for(lambda: admin(port, "/readyz").status_code == 503, "the announcement")
        assert admin(port, "/readyz").text == "the gateway is stopping\n"
        assert admin(port, "/healthz").status_code == 200
        # Who has not noticed yet is served.
        assert text_of(call(client, gateway, accounts.analyst)) == "x"
    assert gateway.wait() == 0


def test_a_stop_waits_for_calls_and_a_second_signal_does_not(make_gateway, scripted, accounts):
    held = threading.Event()

    def script(connection, request):
        held.wait(60)
        return says("late")(connection, request)

    def start(name):
        server = scripted(script)
        gateway = make_gateway(
            {"things": server.url}, name=name, limits={"drain_timeout": "60s"}).start()
        answers = []

        def ask():
            try:
                with httpx.Client(timeout=60) as client:
                    answers.append(call(client, gateway, accounts.analyst))
            except httpx.HTTPError as error:
                answers.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        wait_for(lambda: server.requests, "the call")
        gateway.terminate()
        wait_for(lambda: logged(gateway, "stopping"), "the stop")
        return gateway, thread, answers

    gateway, thread, answers = start("impatient")
    gateway.terminate()
    assert gateway.wait() == -signal.SIGTERM
    thread.join()
    assert isinstance(answers[0], httpx.HTTPError)
    gateway, thread, answers = start("patient")
    held.set()
    thread.join()
    assert text_of(answers[0]) == "late"
    assert gateway.wait() == 0
    gateway.verify()


def test_what_is_resolved_serves_the_same(make_gateway, scripted, accounts):
    gateway = make_gateway({"things": {
        "url": scripted(says("x")).url,
        "credential": {"header": "Authorization", "value": "env:THINGS_TOKEN"}}},
        environment={"THINGS_TOKEN": "Bearer from-the-environment"})
    text = sluice("resolved", gateway.file).stdout
    assert "value: env:THINGS_TOKEN" in text and "first_byte_timeout: 5m" in text
    assert "from-the-environment" not in text
    gateway.file.write_text(text)
    assert sluice("resolved", gateway.file).stdout == text
    gateway.start()
    with httpx.Client() as client:
        assert credential_seen(client, gateway, accounts.analyst) == "Bearer from-the-environment"
