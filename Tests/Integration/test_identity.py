"""People and agents by OpenID Connect: LemonLDAP::NG and Glewlwyd, official clients that find their own way."""

import json

import pytest

from support.processes import eventually
from support.settings import configuration
from support.sdk import use, use_old
from support.sse_agent import EventStreamAgent
from support.wire import BOTH, Session, http_request, modern, modern_call

pytestmark = pytest.mark.any_backend

# What the test-bed's providers put into "aud" beside the client's id.
AUDIENCE = "https://gateway.example/mcp"


class Bearer:
    """Whoever holds a token."""

    def __init__(self, token):
        self.key = token
        self.headers = {"Authorization": f"Bearer {token}"}


def settings(accounts, upstreams, providers, **more):
    """Approvers may wipe, other users may only look; programs of the provider get groups from the configuration."""
    people = upstreams.urls["people"]
    made = configuration(accounts, {"people": people, "second": people}, **more)
    made["identity"]["oidc"] = [
        {"issuer": issuer, "name": name, "audience": AUDIENCE, "scopes": ["openid", "groups"],
         "client_groups": {"agent": ["mcp-agents"]}}
        for name, issuer in providers.items()
    ]
    made["profiles"] = {
        "looking": {"groups": ["mcp-users", "mcp-agents", "analysts"],
                    "allow": [{"server": "people", "tools": ["greet", "find_person"]}]},
        "wiping": {"groups": ["mcp-approvers"], "allow": [{"server": "people", "tools": ["wipe"]}]},
        "named": {"users": ["corp/rtyler", "shop/client/agent"],
                  "allow": [{"server": "second", "tools": ["greet"]}]},
    }
    return made


@pytest.fixture(scope="module")
def providers(testbed):
    """The issuers, as the tests' configuration names them."""
    return {"corp": testbed.issuer("llng"), "shop": testbed.issuer("glewlwyd")}


@pytest.fixture(scope="module")
def identity_gateway(io, tmp_path_factory, accounts, upstreams, providers):
    from support.gateway import Gateway
    folder = tmp_path_factory.mktemp(f"identity-{io}")
    with Gateway(folder, io, settings(accounts, upstreams, providers)) as running:
        yield running
        assert running.is_running(), "the gateway died: " + running.log_text()


def allowed(gateway, account, tool, server="people"):
    """Whether the call gets through; fails when it does not even get to the policy."""
    arguments = {"name": "x"} if tool != "wipe" else {}
    reply = modern_call(gateway, server, account, tool, arguments)
    assert reply.status == 200, reply
    return not (reply.result.get("isError") and "profile" in reply.text)


@pytest.mark.parametrize("grant,names,provider,wipes,second,principal", [
    ("code", ["dwho"], "llng", True, False, "corp/dwho@badwolf.org"),
    ("code", ["rtyler"], "llng", False, False, "corp/rtyler@badwolf.org"),
    ("cc", [], "llng", False, False, "corp/client/agent"),
    ("code", ["alice"], "glewlwyd", True, False, None),
    ("code", ["bob"], "glewlwyd", False, False, None),
    ("cc", [], "glewlwyd", False, True, "shop/client/agent"),
])
def test_groups_give_profiles(
        identity_gateway, testbed, grant, names, provider, wipes, second, principal):
    holder = Bearer(testbed.token(grant, *names, provider))
    reply = modern_call(identity_gateway, "people", holder, "greet", {"name": "x"})
    if provider == "llng" and grant == "cc":
        # Its token has groups of its own (mcp-agents and etl), and the configuration's do not add to them.
        assert "profile" not in reply.text
    assert reply.status == 200 and not reply.result.get("isError"), reply
    assert allowed(identity_gateway, holder, "wipe") == wipes
    assert allowed(identity_gateway, holder, "greet", "second") == second
    def recorded():
        # What Glewlwyd calls a person is its own choice at each set-up.
        names = {call.get("principal", "") for call in identity_gateway.calls()}
        return principal in names if principal else any(name.startswith("shop/") for name in names)

    # The record is written a moment later.
    eventually(recorded)
    # The token itself is nowhere: not in the record, not in the log.
    assert holder.key.encode() not in identity_gateway.recorded_bytes()
    assert holder.key not in identity_gateway.log_text()


def test_service_accounts_call_beside_them(identity_gateway, accounts):
    assert allowed(identity_gateway, accounts.analyst, "greet")


@pytest.mark.parametrize("mode", ["auto", "legacy", "2026-07-28"])
def test_official_clients_with_a_token(identity_gateway, testbed, mode):
    holder = Bearer(testbed.token("code", "dwho"))
    seen = use(identity_gateway.url("people"), holder, [("greet", {"name": "Rose"})], mode=mode)
    assert sorted(seen.tools) == ["find_person", "greet", "wipe"]
    assert "Rose" in seen.calls[0].text


def test_the_old_client_with_a_token(identity_gateway, testbed):
    holder = Bearer(testbed.token("code", "rtyler"))
    seen = use_old(identity_gateway.url("people"), holder, [["greet", {"name": "Rose"}]])
    assert sorted(seen.tools) == ["find_person", "greet"]
    assert seen.session


@pytest.mark.parametrize("kind", ["sdk2", "sdk1"])
@pytest.mark.parametrize("way", ["pkce", "cc"])
def test_official_clients_find_their_way(identity_gateway, testbed, kind, way):
    """Given nothing but the URL: 401, metadata, the provider's discovery, a token, the call."""
    said = testbed.client(
        kind, identity_gateway.url("people"), "call", "greet", json.dumps({"name": "Rose"}),
        "--oauth", way)
    assert "isError False" in said and "Rose" in said, said


@pytest.mark.parametrize("kind,way", [("sdk2", "pkce"), ("sdk1", "pkce"), ("sdk2", "cc")])
def test_agents_of_http_sse_find_their_way(identity_gateway, testbed, kind, way):
    """The same by the older transport: its stream is refused first, and everything that follows has the token."""
    url = identity_gateway.url("people").removesuffix("/mcp") + "/sse"
    said = testbed.client(
        kind, url, "call", "greet", json.dumps({"name": "Rose"}), "--sse", "--oauth", way)
    assert "isError False" in said and "Rose" in said, said


def test_a_stream_of_http_sse_goes_on_with_the_next_token(identity_gateway, testbed):
    first, second = (Bearer(testbed.token("code", "dwho")) for _ in range(2))
    assert first.key != second.key
    agent = EventStreamAgent(identity_gateway, "people", first).begin()
    assert "Rose" in agent.call("greet", {"name": "Rose"})["result"]["content"][0]["text"]
    agent.account = second
    assert "Rory" in agent.call("greet", {"name": "Rory"})["result"]["content"][0]["text"]
    # What each may do is judged with every message; and another person does not get at the stream.
    assert not agent.call("wipe")["result"].get("isError")
    ping = {"jsonrpc": "2.0", "id": 99, "method": "ping"}
    assert agent.post(ping, account=Bearer(testbed.token("code", "rtyler"))).status == 404
    forged = agent.post(ping, account=Bearer(second.key[:-8] + "AAAAAAAA"))
    assert forged.status == 401 and 'error="invalid_token"' in forged.headers["www-authenticate"]
    agent.close()


def test_nobody_takes_anothers_session(identity_gateway, testbed):
    mine = Session(identity_gateway, "people", Bearer(testbed.token("code", "dwho")))
    assert mine.id
    assert not mine.call("greet", {"name": "x"}).result.get("isError")
    # A new token of the same person is the same person; another person is not.
    mine.account = Bearer(testbed.token("code", "dwho"))
    assert mine.call("greet", {"name": "x"}).status == 200
    mine.account = Bearer(testbed.token("code", "rtyler"))
    assert mine.call("greet", {"name": "x"}).status == 404


# Challenges and metadata

def test_challenges_say_where_to_go(identity_gateway):
    url = f"http://127.0.0.1:{identity_gateway.port}/.well-known/oauth-protected-resource/people/mcp"
    for method in ("POST", "GET", "DELETE"):
        reply = http_request(identity_gateway.port, method, "/people/mcp", {"Accept": BOTH})
        assert reply.status == 401
        assert reply.headers["www-authenticate"] == (
            f'Bearer resource_metadata="{url}", scope="openid groups"')


def test_challenges_to_agents_of_http_sse_name_their_own_path(identity_gateway, providers):
    origin, path = f"http://127.0.0.1:{identity_gateway.port}", "/.well-known/oauth-protected-resource/people/sse"
    for method, target in [("GET", "/people/sse"), ("POST", "/people/sse?session_id=AAAA"), ("GET", "/people/sse?x=1")]:
        reply = http_request(
            identity_gateway.port, method, target,
            {"Accept": "text/event-stream", "Content-Type": "application/json"}, "{}" if method == "POST" else None)
        assert reply.status == 401
        assert reply.headers["www-authenticate"] == (
            f'Bearer resource_metadata="{origin}{path}", scope="openid groups"')
    reply = http_request(identity_gateway.port, "GET", path)
    assert reply.status == 200 and json.loads(reply.body) == {
        "resource": f"{origin}/people/sse", "authorization_servers": list(providers.values()),
        "bearer_methods_supported": ["header"], "scopes_supported": ["openid", "groups"],
    }


def test_metadata_is_public(identity_gateway, providers):
    path = "/.well-known/oauth-protected-resource"
    reply = http_request(identity_gateway.port, "GET", f"{path}/people/mcp")
    assert reply.status == 200 and reply.headers["content-type"] == "application/json"
    assert json.loads(reply.body) == {
        "resource": f"http://127.0.0.1:{identity_gateway.port}/people/mcp",
        "authorization_servers": list(providers.values()),
        "bearer_methods_supported": ["header"], "scopes_supported": ["openid", "groups"],
    }
    root = json.loads(http_request(identity_gateway.port, "GET", path).body)
    assert root["resource"] == f"http://127.0.0.1:{identity_gateway.port}"


@pytest.mark.parametrize("words,reason", [
    (["code", "dwho", "--id"], "another audience|no access token"),
    (["code", "alice", "glewlwyd", "--id"], "another audience|no access token"),
])
def test_id_tokens_are_refused(identity_gateway, testbed, words, reason):
    reply = modern(identity_gateway, "people", Bearer(testbed.token(*words)), "tools/list")
    assert reply.status == 401
    challenge = reply.headers["www-authenticate"]
    assert 'error="invalid_token"' in challenge
    assert any(text in challenge for text in reason.split("|")), challenge


def test_tokens_that_were_tampered_with_are_refused(identity_gateway, testbed):
    head, claims, signature = testbed.token("code", "dwho").split(".")
    other = testbed.token("code", "rtyler").split(".")
    for forged in (f"{head}.{other[1]}.{signature}", f"{head}.{claims}.", f"{head}.{claims}",
                   f"eyJhbGciOiJub25lIn0.{claims}.", f"{head}.{claims}.{other[2]}"):
        reply = modern(identity_gateway, "people", Bearer(forged), "tools/list")
        assert reply.status == 401, forged


def test_a_token_for_another_audience_is_refused(make_gateway, accounts, upstreams, testbed, providers):
    made = settings(accounts, upstreams, {"corp": providers["corp"]})
    del made["identity"]["oidc"][0]["audience"]
    del made["profiles"]["named"]["users"][1]
    gateway = make_gateway(
        {"people": upstreams.urls["people"], "second": upstreams.urls["people"]},
        identity=made["identity"], profiles=made["profiles"]).start()
    reply = modern(gateway, "people", Bearer(testbed.token("code", "dwho")), "tools/list")
    assert reply.status == 401 and "another audience" in reply.headers["www-authenticate"]


# Keys that change, and providers that go away

@pytest.mark.parametrize("provider,overlaps", [("llng", False), ("glewlwyd", True)])
def test_keys_rotate(identity_gateway, testbed, provider, overlaps):
    words = ["code", "rtyler"] if provider == "llng" else ["code", "bob", "glewlwyd"]
    older = Bearer(testbed.token(*words))
    assert modern(identity_gateway, "people", older, "tools/list").status == 200
    testbed.run("idp", "rotate", provider)
    newer = Bearer(testbed.token(*words))
    # The first token that names the new key has it fetched, and waits for it: no agent meets a refusal.
    assert modern(identity_gateway, "people", newer, "tools/list").status == 200
    status = modern(identity_gateway, "people", older, "tools/list").status
    assert status == (200 if overlaps else 401)


def test_a_provider_goes_away_and_comes_back(make_gateway, accounts, upstreams, testbed, providers):
    made = settings(accounts, upstreams, {"corp": providers["corp"]})
    del made["profiles"]["named"]["users"][1]
    holder = Bearer(testbed.token("code", "dwho"))
    gateway = make_gateway(
        {"people": upstreams.urls["people"], "second": upstreams.urls["people"]},
        identity=made["identity"], profiles=made["profiles"])
    testbed.down("idp", "llng")
    try:
        gateway.start()
        assert allowed(gateway, accounts.analyst, "greet")
        reply = modern(gateway, "people", holder, "tools/list")
        assert reply.status == 503 and reply.headers["retry-after"] == "2"
        assert "could not be fetched" in reply.error["message"]
        assert any("keys cannot be fetched" in line["message"] for line in gateway.log())
    finally:
        testbed.up("idp", "llng")
    eventually(lambda: modern(gateway, "people", holder, "tools/list").status == 200)
    testbed.down("idp", "llng")
    try:
        assert modern(gateway, "people", holder, "tools/list").status == 200
    finally:
        testbed.up("idp", "llng")


def test_a_gateway_without_providers_says_only_bearer(gateway):
    reply = modern(gateway, "people", Bearer("a.b.c"), "tools/list")
    assert reply.status == 401 and reply.headers["www-authenticate"] == "Bearer"
    path = "/.well-known/oauth-protected-resource"
    assert http_request(gateway.port, "GET", path).status == 404
