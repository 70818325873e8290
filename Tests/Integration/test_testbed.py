"""The test-bed that other tests stand on."""

import base64
import json


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
