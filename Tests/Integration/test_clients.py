"""Official clients, real servers: listing, calling, being refused."""

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from support.gateway import reference
from support.sdk import MODES, root_cause, use, use_old

PROTOCOLS = {"auto": "2026-07-28", "legacy": "2025-11-25", "2026-07-28": "2026-07-28"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("server", ["people", "people-sse"])
def test_sdk_client_lists_calls_and_is_refused(gateway, accounts, upstreams, mode, server):
    seen = use(gateway.url(server), accounts.analyst, [
        ("greet", {"name": "Zoë"}), ("wipe", {}), ("fail", {}), ("greet", {"name": "again"}),
    ], mode)
    greeting, refused, failed, again = seen.calls
    assert seen.protocol == PROTOCOLS[mode]
    assert sorted(seen.tools) == ["fail", "find_person", "greet", "list_people", "slow_person"]
    assert greeting.text == "Hello, Zoë!" and not greeting.is_error
    assert refused.is_error and "no-wiping" in refused.text
    assert not upstreams.marker.exists()
    assert failed.is_error and "no-wiping" not in failed.text
    assert again.text == "Hello, again!"
    call = gateway.show(reference(refused.text))
    assert (call["decision"], call["rule"], call["tool"]) == ("block", "no-wiping", "wipe")
    assert call["principal"] == "analyst" and call["server"] == server
    assert call["outcome"]["result"] == "refused"
    assert "upstream_sent_microseconds" not in call["outcome"]


@pytest.mark.parametrize("server", ["people", "people-sse"])
def test_client_of_the_previous_major_version(gateway, accounts, server):
    seen = use_old(gateway.url(server), accounts.analyst, [
        ["greet", {"name": "Zoë"}], ["wipe", {}], ["find_person", {"name": "Ada"}]])
    greeting, refused, person = seen.calls
    assert seen.protocol == "2025-11-25" and seen.session
    assert greeting.text == "Hello, Zoë!"
    assert refused.is_error and "no-wiping" in refused.text
    assert person.structured["ssn"] == "[redacted]"


def test_lists_hold_only_what_the_profile_allows(gateway, accounts):
    analyst = use(gateway.url("alchemy"), accounts.analyst, []).tools
    admin = use(gateway.url("alchemy"), accounts.admin, []).tools
    assert sorted(analyst) == ["all_table_names", "execute_query"]
    assert {"filter_table_names", "schema_definitions"} < set(admin)
    # The profile has git_reset too, but a rule blocks it whatever its arguments are.
    git = use(gateway.url("git"), accounts.analyst, []).tools
    assert sorted(git) == ["git_log", "git_status"]
    # 46 tools and 69 kB of schemas behind the gateway, three of them in front of it.
    excel = use(gateway.url("excel"), accounts.analyst, []).tools
    assert sorted(excel) == ["describe_sheet", "describe_workbook", "read_range"]


@pytest.mark.parametrize("mode", MODES)
def test_a_real_table_is_not_dropped(gateway, accounts, upstreams, mode):
    seen = use(gateway.url("alchemy"), accounts.analyst, [
        ("execute_query", {"query": "SELECT name FROM customers WHERE id = 1"}),
        ("execute_query", {"query": "DROP TABLE customers"}),
        ("execute_query", {"query": "dRoP/**/TABLE customers", "params": {}}),
        ("all_table_names", {}),
    ], mode)
    selected, dropped, disguised, tables = seen.calls
    assert "Ada" in selected.text and not selected.is_error
    for refused in (dropped, disguised):
        assert refused.is_error
        assert "no-destructive-sql" in refused.text
        assert 'Ask "#dba".' in refused.text
        assert gateway.show(reference(refused.text))["decision"] == "block"
    assert "customers" in tables.text
    assert "customers" in upstreams.tables()


def test_the_rule_is_what_stops_it(gateway, accounts, upstreams, io):
    """The same statement from somebody the rule is not for really drops a table."""
    table = f"scratch_{io}"
    assert table in upstreams.tables()
    seen = use(gateway.url("alchemy"), accounts.admin, [
        ("execute_query", {"query": f"DROP TABLE {table}"})])
    assert not seen.calls[0].is_error
    assert table not in upstreams.tables()


def test_a_tool_outside_the_profile_is_refused(gateway, accounts):
    seen = use(gateway.url("alchemy"), accounts.analyst, [
        ("schema_definitions", {"table_names": ["customers"]})])
    assert seen.calls[0].is_error
    call = gateway.show(reference(seen.calls[0].text))
    assert call["decision"] == "block" and "rule" not in call


@pytest.mark.parametrize("client", ["auto", "legacy", "1.30.0"])
def test_servers_behind_mcp_proxy(gateway, accounts, upstreams, client):
    """Servers of the legacy revisions only, with real sessions; a modern client falls back."""
    def run(server, calls):
        if client == "1.30.0":
            return use_old(gateway.url(server), accounts.analyst, calls)
        return use(gateway.url(server), accounts.analyst, calls, client)

    clock = run("time", [["get_current_time", {"timezone": "UTC"}]])
    assert clock.protocol == "2025-11-25"
    assert sorted(clock.tools) == ["convert_time", "get_current_time"]
    assert clock.calls[0].structured["timezone"] == "[redacted]"
    assert '"UTC"' not in clock.calls[0].text and "day_of_week" in clock.calls[0].text
    repository = str(upstreams.repository)
    git = run("git", [["git_status", {"repo_path": repository}], ["git_reset", {"repo_path": repository}]])
    status, reset = git.calls
    assert "modified:   a.txt" in status.text
    assert reset.is_error and "keep-the-index" in reset.text
    assert upstreams.staged()


def test_a_client_that_insists_on_the_modern_era_gets_the_servers_word(gateway, accounts):
    """mcp-proxy does not speak 2026-07-28: an error of the protocol, no hang and no crash."""
    with pytest.raises(BaseException) as raised:
        use(gateway.url("time"), accounts.analyst, [("get_current_time", {})], "2026-07-28")
    assert not isinstance(root_cause(raised.value), TimeoutError)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_excel_over_http(gateway, accounts, mode):
    seen = use(gateway.url("excel"), accounts.analyst, [
        ("describe_workbook", {"path": "staff.xlsx"}),
        ("read_range", {"path": "staff.xlsx", "sheet": "Staff"}),
        ("write_range", {"path": "staff.xlsx", "sheet": "Staff", "start": "A1", "values": [["x"]]}),
    ], mode)
    described, read, written = seen.calls
    assert described.structured["doc_properties"]["author"] == "[redacted]"
    assert described.structured["sheets"][0]["name"] == "Staff"
    assert "openpyxl" not in described.everything
    assert "078-05-1120" not in read.everything and "1120" in read.everything
    assert written.is_error and "None of your profiles allows this tool." in written.text


def test_progress_arrives_before_the_answer(gateway, accounts):
    steps = []

    async def progress(done, total, message):
        steps.append((done, total, message))

    for server, mode in [("people-sse", "legacy"), ("people-sse", "2026-07-28")]:
        steps.clear()
        seen = use(gateway.url(server), accounts.analyst, [
            ("slow_person", {"name": "Ada", "seconds": 0.4})], mode, progress)
        assert steps == [(step, 4, f"step {step}") for step in range(4)], (server, mode)
        assert seen.calls[0].structured["ssn"] == "[redacted]"


def test_many_agents_at_once(gateway, accounts):
    """Both eras and both principals side by side: everybody gets what is theirs."""
    def work(number):
        account = accounts.analyst if number % 2 else accounts.colleague
        calls = [("greet", {"name": f"{number}-{turn}"}) for turn in range(10)]
        calls.insert(5, ("slow_person", {"name": f"p{number}", "seconds": 0.2}))
        server = "people-sse" if number % 3 else "people"
        return number, use(gateway.url(server), account, calls, MODES[number % 3])

    with ThreadPoolExecutor(12) as pool:
        for number, seen in pool.map(work, range(12)):
            person = seen.calls.pop(5)
            assert person.structured["name"] == f"p{number}"
            assert person.structured["ssn"] == "[redacted]"
            assert [call.text for call in seen.calls] == [
                f"Hello, {number}-{turn}!" for turn in range(10)]


@pytest.mark.parametrize("mode", MODES)
def test_an_unknown_key_gets_nowhere(gateway, accounts, mode):
    class Forged:
        headers = {"Authorization": "Bearer sluice_" + "A" * 43}

    with pytest.raises(BaseException) as raised:
        use(gateway.url("people"), Forged, [("greet", {"name": "x"})], mode)
    cause = root_cause(raised.value)
    assert isinstance(cause, httpx2.HTTPStatusError) or "401" in str(cause) or \
        "credential" in str(cause).lower(), repr(cause)


def test_no_profile_no_server(gateway, accounts):
    with pytest.raises(BaseException) as raised:
        use(gateway.url("people"), accounts.stranger, [("greet", {"name": "x"})])
    assert "no profile" in str(root_cause(raised.value))
