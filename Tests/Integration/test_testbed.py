"""The test-bed that other tests stand on."""

import base64
import json

from support.sdk import use


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_identity_providers_give_tokens(testbed):
    llng = testbed.issuer("llng")
    person = claims(testbed.token("code", "rtyler"))
    assert person["iss"] == llng and person["sub"] == "rtyler"
    assert set(person["groups"]) == {"mcp-users", "dba", "users", "earthlings"}
    glewlwyd = testbed.issuer("glewlwyd")
    agent = claims(testbed.token("cc", "glewlwyd"))
    assert agent["iss"] == glewlwyd and agent["client_id"] == "agent" and "groups" not in agent


def test_the_database_server_as_a_command(testbed, make_gateway, accounts):
    # Starting it over HTTP as well puts its package into place.
    testbed.server("postgres")
    address = f"postgresql://postgres@127.0.0.1:{testbed.ports['PG_PORT']}/shop"
    server = {
        "command": [
            str(testbed.state / "venv/postgres/bin/postgres-mcp"), "--access-mode", "unrestricted", address],
        "environment": {"PATH": "env:PATH", "HOME": "env:HOME"},
    }
    rule = {
        "name": "no-destruction", "effect": "block",
        "match": {
            "servers": ["db"], "tools": ["execute_sql"],
            "arguments": {"sql": {"regex": r"(?i)\b(drop|truncate)\b"}}},
    }
    with make_gateway({"db": server}, [rule]) as gateway:
        for mode in ("auto", "legacy"):
            seen = use(gateway.url("db"), accounts.analyst, [
                ("execute_sql", {"sql": "CREATE TABLE IF NOT EXISTS bridge_test (n int)"}),
                ("execute_sql", {"sql": "DROP TABLE bridge_test"}),
                ("execute_sql", {"sql": "SELECT count(*) AS still_there FROM bridge_test"}),
            ], mode)
            assert "execute_sql" in seen.tools and seen.protocol == "2025-11-25"
            assert seen.calls[1].is_error and "no-destruction" in seen.calls[1].text
            assert "still_there" in seen.calls[2].text and not seen.calls[2].is_error
        assert gateway.stop() == 0
        assert len(gateway.calls(rule="no-destruction")) == 2


def test_the_shell_server_as_a_command(testbed, make_gateway, accounts, tmp_path):
    testbed.server("shell")
    # Its command is a list, which no condition looks into yet: the folder is judged.
    private, public = tmp_path / "private", tmp_path / "public"
    for folder in (private, public):
        folder.mkdir()
        (folder / "kept").write_text(f"in {folder.name}")
    server = {
        "command": [str(testbed.state / "venv/shell/bin/mcp-shell-server")],
        "environment": {"PATH": "env:PATH", "HOME": "env:HOME", "ALLOW_COMMANDS": "ls,cat,rm,echo"},
    }
    rule = {
        "name": "not-there", "effect": "block",
        "match": {
            "servers": ["shell"], "tools": ["shell_execute"],
            "arguments": {"directory": {"prefix": str(private)}}},
    }
    with make_gateway({"shell": server}, [rule]) as gateway:
        def run(folder, *words):
            return ("shell_execute", {"command": list(words), "directory": str(folder)})

        for mode in ("auto", "legacy"):
            seen = use(gateway.url("shell"), accounts.analyst, [
                run(private, "rm", "kept"), run(public, "cat", "kept")], mode)
            assert seen.calls[0].is_error and "not-there" in seen.calls[0].text
            assert "in public" in seen.calls[1].text
        assert (private / "kept").exists()
