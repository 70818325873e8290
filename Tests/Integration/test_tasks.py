"""Tasks of revision 2025-11-25, with the client and a server of the SDK that has them (mcp 1.30.0)."""

import json
import subprocess

import pytest

from support.one_server import OneServer
from support.upstreams import FOLDER, LEGACY_PYTHON

RULES = [
    {"name": "no-wiping", "match": {"servers": ["*"], "tools": ["wipe"]}, "effect": "block"},
    {
        "name": "personal", "match": {"servers": ["*"], "tools": ["find_person"]}, "effect": "mask",
        "mask": [{"fields": ["ssn"], "with": "redact"}],
    },
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with OneServer(tmp_path_factory.mktemp("tasks"), "tasks_server.py", python=LEGACY_PYTHON) as one:
        yield one


def use(gateway, account, **wanted):
    ran = subprocess.run(
        [str(LEGACY_PYTHON), str(FOLDER / "servers/tasks_client.py")],
        input=json.dumps({"url": gateway.url("t"), "key": account.key, **wanted}),
        capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_a_call_as_a_task(make_gateway, server, accounts):
    with make_gateway({"t": {"url": server.url("/mcp/")}}, RULES) as gateway:
        seen = use(gateway, accounts.analyst, tool="find_person")
        assert "list" not in seen["capabilities"]["tasks"] and "cancel" in seen["capabilities"]["tasks"]
        assert seen["task"].startswith("slt1.") and seen["polled"] == seen["task"]
        assert seen["status"] == "completed"
        assert seen["result"]["structuredContent"] == {"name": "Zoë", "ssn": "[redacted]"}
        related = seen["result"]["_meta"]["io.modelcontextprotocol/related-task"]
        assert related["taskId"] == seen["task"]
        assert seen["list"] == -32601
        # Blocked as a task too, and nobody asks about what is not theirs.
        wiped = use(gateway, accounts.analyst, tool="wipe")
        assert wiped["error"]["code"] == -31403 and "no-wiping" in wiped["error"]["message"]
        assert use(gateway, accounts.analyst, task=seen["task"][:-2])["error"]["code"] == -32602
        assert gateway.stop() == 0
        assert "078-05" not in json.dumps(gateway.calls())
        gateway.verify()
