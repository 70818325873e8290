"""Batches of revision 2025-03-26 in front of servers made with the official SDK."""

import json

import pytest

from support.wire import Session, http_request

VERSION = "2025-03-26"


def call(id, tool, **arguments):
    return {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {
        "name": tool, "arguments": arguments}}


@pytest.fixture
def session(gateway, accounts):
    """Of the one revision that has batches."""
    made = Session.__new__(Session)
    made.gateway, made.server, made.account, made.id, made.last_id = gateway, "people", accounts.analyst, None, 0
    hello = made.request("initialize", {
        "protocolVersion": VERSION, "capabilities": {},
        "clientInfo": {"name": "integration", "version": "1"}}, version=None)
    assert hello.result["protocolVersion"] == VERSION
    made.id = hello.headers["mcp-session-id"]
    made.post({"jsonrpc": "2.0", "method": "notifications/initialized"}, VERSION)
    return made


def test_a_forbidden_tool_is_refused_and_the_others_run(session, upstreams):
    reply = session.post([
        call(1, "find_person", name="Ada"), call("two", "wipe"), call(3, "greet", name="Zoë"),
        {"jsonrpc": "2.0", "id": 4, "method": "tools/list"},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 99}},
    ], VERSION)
    assert reply.status == 200 and reply.is_stream
    answers = {message["id"]: message for message in reply.messages}
    assert set(answers) == {1, "two", 3, 4}
    assert answers[1]["result"]["structuredContent"]["ssn"] == "[redacted]"
    assert "078-05" not in reply.body.decode()
    assert answers["two"]["result"]["isError"] and not upstreams.marker.exists()
    assert answers[3]["result"]["content"][0]["text"] == "Hello, Zoë!"
    assert "find_person" in {tool["name"] for tool in answers[4]["result"]["tools"]}


def test_without_requests_it_is_accepted(session):
    reply = session.post([
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 98}}] * 2, VERSION)
    assert reply.status == 202 and reply.body == b""


@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25"])
def test_other_revisions_have_none(gateway, accounts, upstreams, version):
    reply = Session(gateway, "people", accounts.analyst).post([call(1, "wipe")], version)
    assert reply.status == 400 and reply.error["code"] == -32600
    assert not upstreams.marker.exists()


def test_each_message_has_a_record_of_its_own(make_gateway, accounts, upstreams):
    rules = [{"name": "no-wiping", "match": {"servers": ["*"], "tools": ["wipe"]}, "effect": "block"}]
    with make_gateway({"people": upstreams.urls["people"]}, rules) as gateway:
        headers = {
            "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
            **accounts.analyst.headers}
        # The old way to say which revision it is: nothing.
        reply = http_request(gateway.port, "POST", "/people/mcp", headers, json.dumps([
            call(1, "wipe"), call(2, "wipe"), call(3, "secret-tool")]))
        assert reply.status == 200 and len(reply.messages) == 3
        assert gateway.stop() == 0
        assert len(gateway.calls(rule="no-wiping")) == 2
        gateway.verify()
