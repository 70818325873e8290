"""State that a server has its agent bring back with a call (`requestState`), with the SDK's server and client."""

import json

import pytest

from support.one_server import OneServer
from support.sdk import use
from support.wire import MODERN, http_request, modern_headers, modern_message

RULES = [{
    "name": "personal", "match": {"servers": ["*"]}, "effect": "mask",
    "mask": [{"fields": ["ssn"], "with": "redact"}],
}]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with OneServer(tmp_path_factory.mktemp("asking"), "asking_server.py") as running:
        yield running


@pytest.fixture
def gateway(make_gateway, server):
    servers = {"a": {"url": server.url(), "client_requests": ["elicitation"]}}
    with make_gateway(servers, RULES) as gateway:
        yield gateway


def call(gateway, account, name="Ada", **more):
    message = modern_message("tools/call", {"name": "remove", "arguments": {"name": name}, **more})
    meta = message["params"]["_meta"]
    meta["io.modelcontextprotocol/clientCapabilities"] = {"elicitation": {"form": {}}}
    headers = {**modern_headers("tools/call", "remove"), **account.headers}
    return http_request(gateway.port, "POST", "/a/mcp", headers, json.dumps(message))


def answers(result, **content):
    """Every question of a result answered alike."""
    return {key: {"action": "accept", "content": content} for key in result["inputRequests"]}


@pytest.mark.parametrize("mode", [MODERN, "legacy"])
def test_a_client_answers_twice(gateway, accounts, mode):
    answer = {"sure": True, "why": "cleaning"}
    seen = use(gateway.url("a"), accounts.analyst, [("remove", {"name": "Ada"})], mode, answer=answer)
    assert seen.questions == ["Really?", "Why?"]
    assert seen.calls[0].structured == {"name": "Ada", "why": "cleaning", "ssn": "[redacted]"}
    assert gateway.stop() == 0
    gateway.verify()


def test_a_state_is_of_one_call_and_one_principal(gateway, accounts):
    account = accounts.analyst
    first = call(gateway, account).result
    state = first["requestState"]
    assert first["resultType"] == "input_required" and state.startswith("slu2.")
    given = answers(first, sure=True)
    second = call(gateway, account, requestState=state, inputResponses=given).result
    assert second["requestState"].startswith("slu2.") and second["requestState"] != state
    last = {"requestState": second["requestState"], "inputResponses": answers(second, why="so")}
    for who, name, change in [
        (account, "Grace", {}), (accounts.colleague, "Ada", {}), (account, "Ada", {"requestState": "x"}),
        (account, "Ada", {"requestState": state[:-1]}),
    ]:
        refused = call(gateway, who, name, **{**last, **change})
        assert refused.status == 400 and refused.error["code"] == -32602, refused
    assert call(gateway, account, **last).result["structuredContent"] == {
        "name": "Ada", "why": "so", "ssn": "[redacted]"}
