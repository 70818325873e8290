"""The commands around `serve`, as an administrator types them."""

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from support import forbid
from support.gateway import Gateway, StartFailed, binary, sluice
from support.ports import free_ports
from support.settings import configuration
from support.wire import modern_call


def test_from_init_to_the_first_call(tmp_path, io, accounts, upstreams):
    """What `init` writes is checked, served, and answers its own key."""
    file = tmp_path / "sluice.yaml"
    printed = sluice("init", file).stdout
    key = re.search(r"sluice_[A-Za-z0-9_-]{43}", printed).group(0)
    assert key not in file.read_text()
    assert sluice("init", file, check=False).returncode != 0, "never over a file that is there"
    sluice("check", file)
    text = file.read_text().replace("http://127.0.0.1:9000/mcp", upstreams.urls["alchemy"])
    gateway = Gateway(tmp_path / "gateway", io, yaml.safe_load(text))
    with gateway:
        agent = type("Agent", (), {"headers": {"Authorization": f"Bearer {key}"}})
        reply = modern_call(gateway, "orders", agent, "execute_query", {"query": "SELECT 1"})
        assert reply.result["isError"] and "None of your profiles" in reply.text
        assert gateway.stop() == 0
    assert "block" in sluice("audit", "tail", "--config", gateway.file).stdout


def test_mistakes_are_told_with_their_place(tmp_path, accounts):
    file = tmp_path / "sluice.yaml"
    for text, words in [
        ("servers: {a: {url: 'http://127.0.0.1:1/'}}\nlistener: []\n", ["sluice.yaml:2:1", "listeners"]),
        ("servers: {a: {url: 'ftp://x/'}}\n", ["sluice.yaml:1:", "url"]),
        ("servers: [\n", ["sluice.yaml:"]),
        ("a: &x 1\nb: *x\n", ["sluice.yaml:"]),
        ("\0", ["sluice.yaml"]),
        ("", ["sluice.yaml"]),
    ]:
        file.write_text(text)
        for command in (["check", file], ["serve", "--config", file]):
            result = sluice(*command, check=False)
            assert result.returncode != 0
            for word in words:
                assert word in result.stderr + result.stdout, (text, result.stderr)


def test_flags_take_the_place_of_the_file(tmp_path, io, accounts, make_gateway):
    port, = free_ports(1)
    gateway = make_gateway({"nowhere": "http://127.0.0.1:1/mcp"})
    gateway.arguments = [
        "--listen", f"127.0.0.1:{port}", "--workers", "3", "--pin-cpus", "--backlog", "64",
        "--max-connections", "100", "--buffer-size", "8KiB", "--ring-entries", "256",
        "--audit-ring-size", "1MiB", "--log-level", "debug"]
    gateway.port = port
    with gateway:
        line, = [line for line in gateway.log() if line["message"] == "listening"]
        assert line["workers"] == "3" and line["address"] == f"127.0.0.1:{port}"
        assert gateway.stop() == 0


def without(forbidden, tmp_path, accounts, upstreams):
    """A gateway of `--io auto` that may not make some system calls."""
    gateway = Gateway(tmp_path, "auto", configuration(accounts, {"people": upstreams.urls["people"]}))
    gateway.before_start = forbidden
    return gateway


def assert_noticed(gateway, words):
    notice, = [line for line in gateway.log() if words in line["message"]]
    assert notice["level"] == "notice" and "Operation not permitted" in notice["reason"]


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the filter names x86-64's system calls")
def test_auto_falls_back_where_io_uring_is_forbidden(tmp_path, accounts, upstreams):
    gateway = without(forbid.io_uring, tmp_path, accounts, upstreams)
    with gateway:
        assert_noticed(gateway, "io_uring")
        listening, = [line for line in gateway.log() if line["message"] == "listening"]
        assert listening["io"] == "epoll"
        reply = modern_call(gateway, "people", accounts.analyst, "greet", {"name": "x"})
        assert reply.text == "Hello, x!"
        assert gateway.stop() == 0
    gateway.verify()
    # Asked for by name there is no falling back, but an error that says so.
    gateway.io = "io_uring"
    with pytest.raises(StartFailed, match="set up io_uring: Operation not permitted"):
        gateway.start()


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the filter names x86-64's system calls")
def test_epoll_does_without_asynchronous_io_and_says_so(tmp_path, accounts, upstreams):
    gateway = without(forbid.io_uring_and_asynchronous_io, tmp_path, accounts, upstreams)
    with gateway:
        assert_noticed(gateway, "one by one")
        with ThreadPoolExecutor(8) as agents:
            def greet(number):
                return modern_call(gateway, "people", accounts.analyst, "greet", {"name": f"n{number}"}).text
            assert list(agents.map(greet, range(40))) == [f"Hello, n{number}!" for number in range(40)]
        assert gateway.stop() == 0
    gateway.verify()
    # Where both are allowed there is nothing to say.
    gateway.before_start = None
    gateway.io = "epoll"
    with gateway:
        assert not [line for line in gateway.log() if line.get("level") == "notice"]


def test_a_port_that_is_taken(make_gateway, scripted):
    taken = scripted(lambda connection, request: None)
    gateway = make_gateway({"nowhere": "http://127.0.0.1:1/mcp"})
    result = sluice(
        "serve", "--config", gateway.file, "--listen", f"127.0.0.1:{taken.port}", check=False)
    assert result.returncode != 0 and "cannot start" in result.stderr


def test_following_the_record(make_gateway, upstreams, accounts):
    with make_gateway({"people": upstreams.urls["people"]}) as gateway:
        with subprocess.Popen(
                [str(binary()), "audit", "tail", "--follow", "--json", "--config", str(gateway.file)],
                stdout=subprocess.PIPE, text=True) as tail:
            try:
                for name in ("first", "second"):
                    modern_call(gateway, "people", accounts.analyst, "greet", {"name": name}, id=name)
                    assert f'"request_id":"\\"{name}\\""' in tail.stdout.readline()
            finally:
                tail.kill()
