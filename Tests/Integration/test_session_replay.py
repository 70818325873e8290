"""Sessions of the official SDK: listed, shown, and replayed to a server that nobody here wrote."""

import json

import pytest

from support.gateway import sluice
from support.sdk import use
from support.settings import PERSONAL
from support.wire import modern_call

pytestmark = pytest.mark.any_backend

CALLS = [("greet", {"name": "Ada"}), ("find_person", {"name": "Ada"}), ("fail", {})]


def sessions(gateway, *arguments, check=True):
    return sluice("sessions", *arguments, "--directory", gateway.recordings, check=check)


def listed(gateway, *arguments):
    lines = sessions(gateway, "list", "--json", *arguments).stdout.splitlines()
    return [json.loads(line) for line in lines]


def test_sessions_of_the_sdk_are_replayed(make_gateway, upstreams, accounts):
    server = upstreams.urls["people"]
    with make_gateway({"people": server}, [PERSONAL]) as gateway:
        use(gateway.url("people"), accounts.analyst, CALLS, "2026-07-28")
        use(gateway.url("people"), accounts.colleague, CALLS, "legacy")
        modern_call(gateway, "people", None, "greet", {"name": "x"})
        assert gateway.stop() == 0
    all_sessions = listed(gateway)
    assert len(all_sessions) == 3
    modern, = [entry for entry in all_sessions if entry.get("principal") == "analyst"]
    legacy, = [entry for entry in all_sessions if entry.get("principal") == "colleague"]
    assert (modern["era"], legacy["era"]) == ("modern", "legacy")
    assert modern["masked_values"] > 0 and modern["failed"] == 1
    assert modern["client"].startswith("mcp")
    assert listed(gateway, "--principal", "analyst", "--tool", "greet", "--masked") == [modern]
    assert listed(gateway, "--tool", "greet", "--outcome", "http_error") == []
    assert listed(gateway, "--since", "1h", "--decision", "unauthenticated")[0]["refused"] == 1
    # The call that opened the legacy session is part of it.
    shown = sessions(gateway, "show", legacy["session"]).stdout
    lines = [line for line in shown.splitlines() if ": allow" in line]
    assert "initialize" in lines[0] and any("tools/call find_person" in line for line in lines)
    assert "[redacted]" in sessions(gateway, "show", "--full", legacy["session"]).stdout
    for session in (modern, legacy):
        careful = sessions(gateway, "replay", session["session"], "--to", server).stdout
        assert "which may change something" in careful and "same" in careful
        dry = sessions(
            gateway, "replay", session["session"], "--to", server, "--dry-run", "--yes").stdout
        assert dry.count("would send") >= 4 and "same" not in dry
        result = sessions(
            gateway, "replay", session["session"], "--to", server, "--yes", check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        assert "masked values not compared" in result.stdout
        assert "DIFFERENT" not in result.stdout


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
def test_lists_that_a_profile_shortened_are_compared(make_gateway, upstreams, accounts, mode):
    server = upstreams.urls["people"]
    profiles = {"few": {"groups": ["analysts"], "allow": [{"server": "people", "tools": ["find_person", "fail"]}]}}
    with make_gateway({"people": server}, [PERSONAL], profiles=profiles) as gateway:
        seen = use(gateway.url("people"), accounts.analyst, CALLS[1:], mode)
        assert sorted(seen.tools) == ["fail", "find_person"]
        assert gateway.stop() == 0
    session, = listed(gateway)
    result = sessions(gateway, "replay", session["session"], "--to", server, "--yes", check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "entries not compared, which policy had hidden" in result.stdout
    ref, = [call["ref"] for call in gateway.calls(method="tools/list")]
    assert gateway.show(ref)["outcome"]["hidden_entries"] > 1
    # Where nothing was hidden, what has come since is different.
    assert "DIFFERENT" not in result.stdout


def test_a_server_that_answers_otherwise_is_told(make_gateway, upstreams, accounts, scripted):
    from support.scripted import answer, result

    def script(connection, request):
        connection.sendall(answer(result(request.id, f"{now}, {request.tool}")))
        return True

    now = "before"
    server = scripted(script)
    with make_gateway({"echo": server.url}) as gateway:
        for tool in ("one", "two"):
            modern_call(gateway, "echo", accounts.analyst, tool)
        assert gateway.stop() == 0
    session, = listed(gateway)
    now = "after"
    result_ = sessions(
        gateway, "replay", session["session"], "--to", server.url, "--yes", "--header",
        "X-Test: 1", check=False)
    assert result_.returncode == 1
    assert '$.result.content[0].text: recorded "before, one", now "after, one"' in result_.stdout
    assert "2 different" in result_.stdout
    assert server.requests[-1].headers["x-test"] == "1"
    assert server.requests[-1].headers["mcp-name"] == "two"
    wrong = sessions(gateway, "replay", session["session"], check=False)
    assert wrong.returncode == 2 and "--to" in wrong.stderr


def test_a_server_that_agents_use_is_not_replayed_to_by_accident(make_gateway, accounts, scripted):
    from support.scripted import answer, result

    server = scripted(lambda connection, request: connection.sendall(answer(result(request.id, "x"))) or True)
    with make_gateway({"echo": server.url}) as gateway:
        modern_call(gateway, "echo", accounts.analyst, "one")
        assert gateway.stop() == 0
    session, = listed(gateway)
    before = len(server.requests)

    def replay(to, *more):
        return sluice("sessions", "replay", session["session"], "--to", to, "--yes", "--config", gateway.file,
                      *more, check=False)

    # By whatever name, and at whatever path.
    for to in (server.url, server.url.replace("127.0.0.1", "localhost"), server.url + "/elsewhere"):
        refused = replay(to)
        assert refused.returncode == 2 and 'is the server "echo" of' in refused.stderr, refused.stderr
    assert replay(server.url, "--dry-run").returncode == 0
    assert len(server.requests) == before
    assert replay(server.url, "--live").returncode == 0
    assert len(server.requests) == before + 1
