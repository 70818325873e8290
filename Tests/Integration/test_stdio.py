"""Servers on standard input and output: real ones and bad ones, behind real clients."""

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.processes import eventually, running, wait_until_gone
from support.sdk import MODES, use, use_old
from support.settings import PERSONAL
from support.upstreams import FOLDER, PYTHON
from support.wire import Session, modern, modern_call, open_stream

pytestmark = pytest.mark.any_backend

SCRIPTS = PYTHON.parent
STUBBORN = str(FOLDER / "servers/stubborn.py")
LEDGER = str(FOLDER / "servers/ledger.py")
NO_WIPING = {
    "name": "no-wiping", "match": {"servers": ["*"], "tools": ["wipe"]}, "effect": "block",
}
WHERE_WE_ARE = {
    "name": "where-we-are", "match": {"servers": ["time"]}, "effect": "mask",
    "mask": [{"fields": ["timezone"], "with": "redact"}],
}
KEEP_THE_INDEX = {
    "name": "keep-the-index", "match": {"servers": ["git"], "tools": ["git_reset"]}, "effect": "block",
}


@pytest.fixture
def marker(tmp_path):
    """An argument that tells this test's processes from all others."""
    return f"--marker={tmp_path}"


@pytest.fixture
def stubborn(marker):
    """The configuration of a server that behaves badly."""
    def make(*arguments, **more):
        return {"command": [str(PYTHON), STUBBORN, marker, *arguments], **more}
    return make


@pytest.mark.parametrize("mode", MODES[:2])
def test_real_servers_of_this_machine(make_gateway, accounts, upstreams, mode):
    servers = {
        "time": {"command": [str(SCRIPTS / "mcp-server-time"), "--local-timezone", "UTC"]},
        "git": {
            "command": [str(SCRIPTS / "mcp-server-git"), "--repository", str(upstreams.repository)],
            "environment": {"PATH": "env:PATH", "HOME": "env:HOME"},
        },
    }
    with make_gateway(servers, [WHERE_WE_ARE, KEEP_THE_INDEX]) as gateway:
        seen = use(gateway.url("time"), accounts.analyst, [
            ("get_current_time", {"timezone": "UTC"})], mode)
        assert seen.calls[0].structured["timezone"] == "[redacted]"
        assert "datetime" in seen.calls[0].text
        git = use(gateway.url("git"), accounts.analyst, [
            ("git_status", {"repo_path": str(upstreams.repository)}),
            ("git_reset", {"repo_path": str(upstreams.repository)})], mode)
        assert "a.txt" in git.calls[0].text
        assert git.calls[1].is_error and "keep-the-index" in git.calls[1].text
        assert upstreams.staged()
        old = use_old(gateway.url("time"), accounts.analyst, [
            ["get_current_time", {"timezone": "UTC"}]])
        assert old.session and old.calls[0].structured["timezone"] == "[redacted]"
        assert gateway.stop() == 0
        assert gateway.calls(rule="keep-the-index")
        gateway.verify()


@pytest.mark.parametrize("mode", MODES)
def test_a_server_of_both_eras(make_gateway, accounts, mode, marker):
    server = {"command": [str(PYTHON), LEDGER, marker], "environment": {"PATH": "env:PATH"}}
    with make_gateway({"ledger": server}, [NO_WIPING, PERSONAL]) as gateway:
        seen = use(gateway.url("ledger"), accounts.analyst, [
            ("find_person", {"name": "Ada"}), ("wipe", {}), ("process", {})], mode)
        assert seen.protocol == ("2025-11-25" if mode == "legacy" else "2026-07-28")
        person, wiped, process = seen.calls
        assert person.structured["ssn"] == "[redacted]" and "078-05" not in person.everything
        assert wiped.is_error and "no-wiping" in wiped.text
        again = use(gateway.url("ledger"), accounts.colleague, [("process", {})], mode)
        # Nothing is kept between requests of the modern era: one process is enough. A session has its own.
        assert (again.calls[0].text == process.text) == (mode != "legacy")
    wait_until_gone(marker)


def test_each_session_has_a_process_that_ends_with_it(make_gateway, accounts, stubborn, marker):
    with make_gateway({"s": stubborn()}) as gateway:
        first, second = (Session(gateway, "s", accounts.analyst) for _ in range(2))
        pids = {session.call("pid").text for session in (first, second)}
        assert len(pids) == 2 and {str(pid) for pid in running(marker)} == pids
        assert first.delete().status in (200, 202, 204)
        wait_until_gone(marker, but=1)
        assert first.call("pid").status == 404
        assert second.call("pid").text in pids
        # A foreign session is as unknown as none.
        second.account = accounts.colleague
        assert second.call("pid").status == 404


def test_agents_on_a_shared_process_do_not_mix(make_gateway, accounts, stubborn, marker):
    with make_gateway({"s": stubborn(sharing="shared")}) as gateway:
        def agent(number):
            session = Session(gateway, "s", accounts.analyst)
            for step in range(20):
                assert json.loads(session.call("echo", {"said": f"{number}-{step}"}).text) == {
                    "said": f"{number}-{step}"}
            return session.call("pid").text
        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(agent, range(8)))) == 1
        assert len(running(marker)) == 1


def test_progress_reaches_who_asked_with_its_own_token(make_gateway, accounts, stubborn):
    with make_gateway({"s": stubborn()}) as gateway:
        session = Session(gateway, "s", accounts.analyst)
        reply = session.request("tools/call", {
            "name": "progress", "arguments": {}, "_meta": {"progressToken": "mine"}})
        assert reply.is_stream
        tokens = [message["params"]["progressToken"] for message in reply.messages[:-1]]
        assert tokens == ["mine"] * 3
        assert reply.text == "progressed"


def test_a_process_that_dies_is_told_and_replaced(make_gateway, accounts, stubborn):
    with make_gateway({"s": stubborn(), "shared": stubborn(sharing="shared")}) as gateway:
        session = Session(gateway, "s", accounts.analyst)
        reply = session.call("die")
        assert reply.status == 200 and "ended before it answered" in reply.error["message"]
        assert session.call("pid").status == 404
        assert Session(gateway, "s", accounts.analyst).call("pid").text
        shared = Session(gateway, "shared", accounts.analyst)
        before = shared.call("pid").text
        assert shared.call("die").error["code"] == -32603
        assert shared.call("pid").text != before
        assert any("ended with status 7" in line.get("reason", "") for line in gateway.log())


def test_a_process_that_prints_what_it_should_not(make_gateway, accounts, stubborn):
    environment = {"SHOP_TOKEN": "env:SHOP_TOKEN"}
    secret = "tok-9f8e7d6c5b4a"
    with make_gateway(
        {"s": stubborn(environment=environment)}, environment={"SHOP_TOKEN": secret}
    ) as gateway:
        session = Session(gateway, "s", accounts.analyst)
        assert session.call("rubbish").text == "after the rubbish"
        assert "strict" in session.call("sloppy").error["message"]
        assert session.call("flood").text == "flooded"
        assert json.loads(session.call("environment").text)["SHOP_TOKEN"] == secret
        # Only what was listed; Python itself adds LC_CTYPE.
        assert set(json.loads(session.call("environment").text)) <= {"SHOP_TOKEN", "LC_CTYPE"}
        def noise_heard():
            return [line for line in gateway.log() if line.get("message") == "server's standard error"]

        eventually(lambda: len(noise_heard()) >= 100)
        noise = noise_heard()
        assert len(noise) < 2000 and all(line["server"] == "s" for line in noise)
        assert secret not in gateway.log_text()
        huge = session.call("huge")
        assert "error" in huge.message


def test_a_modern_request_to_a_legacy_server(make_gateway, accounts, stubborn):
    with make_gateway({"s": stubborn()}) as gateway:
        reply = modern_call(gateway, "s", accounts.analyst, "pid")
        assert reply.status == 400 and reply.error["code"] == -32600
        assert Session(gateway, "s", accounts.analyst).call("pid").text


def test_a_program_that_does_not_start(make_gateway, accounts):
    with make_gateway({"s": {"command": ["/no/such/program"]}}) as gateway:
        session = Session(gateway, "s", accounts.analyst)
        assert session.id is None and session.hello.error["code"] == -32603
        assert "/no/such" not in session.hello.body.decode()
        assert any("cannot be run" in line.get("reason", "") for line in gateway.log())


def test_processes_are_bounded(make_gateway, accounts, stubborn, marker):
    with make_gateway({"s": stubborn(limits={"max_processes": 2})}) as gateway:
        sessions = [Session(gateway, "s", accounts.analyst) for _ in range(3)]
        assert [session.id is not None for session in sessions] == [True, True, False]
        assert "maximum of 2" in sessions[2].hello.error["message"]
        assert len(running(marker)) == 2


def test_idle_processes_end(make_gateway, accounts, stubborn, marker):
    with make_gateway({"s": stubborn(limits={"idle_timeout": "3s"})}) as gateway:
        session = Session(gateway, "s", accounts.analyst)
        wait_until_gone(marker)
        assert session.call("pid").status == 404


@pytest.mark.parametrize("arguments", [[], ["--ignore-end"], ["--ignore-sigterm", "--ignore-end"]])
@pytest.mark.parametrize("way", ["stop", "kill"])
def test_nothing_is_left_behind(make_gateway, accounts, stubborn, marker, way, arguments):
    gateway = make_gateway({"s": stubborn(*arguments), "t": stubborn(*arguments, sharing="shared")})
    with gateway:
        sessions = [Session(gateway, server, accounts.analyst) for server in "sst"]
        streams = [open_stream(gateway, "s", sessions[0])]
        assert len(running(marker)) == 3
        guards = running("stdio-guard")
        assert guards
        if way == "stop":
            assert gateway.stop() == 0
            assert not running(marker)
        else:
            gateway.kill()
            wait_until_gone(marker)
        for stream in streams:
            stream.close()


@pytest.mark.parametrize("arguments", [[], ["--ignore-end", "--ignore-sigterm"]])
@pytest.mark.parametrize("way", ["delete", "crash", "stop", "kill"])
def test_daemons_of_servers_end_with_them(make_gateway, accounts, stubborn, marker, way, arguments):
    """What a server has started in a session of its own and disowned, and which ignores what it is asked."""
    with make_gateway({"s": stubborn("--daemon", *arguments), "other": stubborn("--daemon")}) as gateway:
        session, other = (Session(gateway, server, accounts.analyst) for server in ("s", "other"))
        program = int(session.call("pid").text)
        # The programs and their daemons; what keeps them does not show their arguments.
        eventually(lambda: len(running(marker)) == 4)
        assert len(running("stdio-keeper")) >= 2
        assert other.call("pid").status == 200
        if way == "delete":
            assert session.delete().status == 200
        elif way == "crash":
            os.kill(program, signal.SIGKILL)
        elif way == "stop":
            assert gateway.stop() == 0
            assert not running(marker)
            return
        else:
            gateway.kill()
            wait_until_gone(marker, 60)
            return
        wait_until_gone(marker, 60, but=2)
        # Others keep theirs.
        assert other.call("pid").status == 200 and len(running(marker)) == 2


def test_a_server_hides_nothing_from_its_keeper(make_gateway, accounts, stubborn, marker):
    """The program's environment, arguments and end are its own."""
    with make_gateway({"s": stubborn("--daemon", environment={"SECRET": "s3cr3t-of-it"})}) as gateway:
        session = Session(gateway, "s", accounts.analyst)
        program = int(session.call("pid").text)
        keeper, = [number for number in running("stdio-keeper") if parent(program) == number]
        assert Path(f"/proc/{program}/environ").read_bytes() == b"SECRET=s3cr3t-of-it\0"
        assert marker not in running("stdio-keeper")[keeper]
        assert len(list(Path(f"/proc/{keeper}/task").iterdir())) == 1
        # Of memory it has little, and less of its own: a program more is a keeper more.
        assert memory(keeper, "Rss:") < 20_000_000 and memory(keeper, "Private_Dirty:") < 6_000_000
        os.kill(program, signal.SIGSEGV)
        eventually(lambda: any("signal 11" in line.get("reason", "") for line in gateway.log()))
        assert keeper not in running("stdio-keeper")


def memory(number, field):
    for line in Path(f"/proc/{number}/smaps_rollup").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no {field}")


def parent(number):
    return int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_reload_starts_changed_servers_afresh(make_gateway, accounts, stubborn, marker):
    with make_gateway({"s": stubborn(), "other": stubborn()}) as gateway:
        changed, kept = (Session(gateway, server, accounts.analyst) for server in ("s", "other"))
        pid = kept.call("pid").text
        gateway.file.write_text(gateway.file.read_text().replace(
            f"- {marker}", f"- {marker}\n    - --ignore-end", 1))
        deadline = time.monotonic() + 60
        while not any(line.get("message") == "published" for line in gateway.log()):
            assert time.monotonic() < deadline, gateway.log_text()
            time.sleep(0.1)
        assert kept.call("pid").text == pid
        deadline = time.monotonic() + 60
        while changed.call("pid").status != 404:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        fresh = Session(gateway, "s", accounts.analyst)
        assert "--ignore-end" in running(marker)[int(fresh.call("pid").text)]


@pytest.mark.parametrize("mode", MODES[:2])
def test_an_agent_on_standard_input_goes_through_the_gateway(make_gateway, accounts, marker, mode):
    """`sluice connect`, started by the official SDK as it starts any server."""
    import asyncio

    from mcp import Client, StdioServerParameters
    from mcp.client.stdio import stdio_client

    from support.gateway import binary

    server = {"command": [str(PYTHON), LEDGER, marker], "environment": {"PATH": "env:PATH"}}

    async def main(gateway):
        program = StdioServerParameters(
            command=str(binary()), args=["connect", "ledger", "--url", f"http://127.0.0.1:{gateway.port}"],
            env={"SLUICE_TOKEN": accounts.analyst.key})
        async with Client(stdio_client(program), mode=mode) as client:
            assert {tool.name for tool in (await client.list_tools()).tools} >= {"find_person", "process"}
            person = await client.call_tool("find_person", {"name": "Ada"})
            wiped = await client.call_tool("wipe", {})
            return client.session.protocol_version, person, wiped

    with make_gateway({"ledger": server}, [NO_WIPING, PERSONAL]) as gateway:
        version, person, wiped = asyncio.run(asyncio.wait_for(main(gateway), 60))
        assert version == ("2025-11-25" if mode == "legacy" else "2026-07-28")
        assert person.structured_content["ssn"] == "[redacted]"
        assert wiped.is_error and "no-wiping" in wiped.content[0].text
        recorded = eventually(lambda: gateway.calls(server="ledger"), what=gateway.log_text)
        assert {call["principal"] for call in recorded} == {"analyst"}
        if mode == "legacy":
            # The session was ended with the agent.
            wait_until_gone(marker)
