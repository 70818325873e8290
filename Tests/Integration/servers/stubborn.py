"""A server on standard input and output that behaves as badly as its tools are asked to. Speaks the legacy era by hand."""

import json
import os
import signal
import sys
import time


def say(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def answer(identity, text):
    say({"jsonrpc": "2.0", "id": identity, "result": {"content": [{"type": "text", "text": text}]}})


TOOLS = ["pid", "echo", "die", "hang", "flood", "rubbish", "sloppy", "environment", "huge", "progress"]


def call(identity, name, arguments, token):
    if name == "pid":
        answer(identity, str(os.getpid()))
    elif name == "echo":
        answer(identity, json.dumps(arguments))
    elif name == "die":
        os._exit(7)
    elif name == "flood":
        for number in range(20000):
            sys.stderr.write(f"noise {number} {os.environ.get('SHOP_TOKEN', '')}\n")
        sys.stderr.flush()
        answer(identity, "flooded")
    elif name == "rubbish":
        sys.stdout.write("Traceback (most recent call last):\n\x1b[31m{not json}\n")
        answer(identity, "after the rubbish")
    elif name == "sloppy":
        sys.stdout.write('{"jsonrpc":"2.0","id":%s,"result":{"content":[],"x":NaN}}\n' % json.dumps(identity))
        sys.stdout.flush()
    elif name == "environment":
        answer(identity, json.dumps(dict(os.environ), sort_keys=True))
    elif name == "huge":
        answer(identity, "x" * (6 << 20))
    elif name == "progress":
        for step in range(3):
            say({"jsonrpc": "2.0", "method": "notifications/progress", "params": {
                "progressToken": token, "progress": step, "total": 3}})
        answer(identity, "progressed")


def start_daemon():
    """A process in a session of its own, whose parent has gone, and which ignores what it is asked."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            marker = next(argument for argument in sys.argv if argument.startswith("--marker"))
            script = "import signal, time\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\nwhile True: time.sleep(1)"
            os.execv(sys.executable, [sys.executable, "-c", script, marker])
        os._exit(0)
    os.wait()


def main():
    if "--daemon" in sys.argv:
        start_daemon()
    if "--ignore-sigterm" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for line in sys.stdin:
        message = json.loads(line)
        identity, method = message.get("id"), message.get("method")
        if method == "initialize":
            say({"jsonrpc": "2.0", "id": identity, "result": {
                "protocolVersion": message["params"]["protocolVersion"], "capabilities": {"tools": {}},
                "serverInfo": {"name": "stubborn", "version": "1"}}})
        elif method == "tools/list":
            say({"jsonrpc": "2.0", "id": identity, "result": {"tools": [
                {"name": name, "inputSchema": {"type": "object"}} for name in TOOLS]}})
        elif method == "tools/call":
            params = message["params"]
            token = params.get("_meta", {}).get("progressToken")
            call(identity, params["name"], params.get("arguments", {}), token)
        elif identity is not None:
            say({"jsonrpc": "2.0", "id": identity, "error": {"code": -32601, "message": "?"}})
    while "--ignore-end" in sys.argv:
        time.sleep(1)


main()
