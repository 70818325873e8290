"""Servers that die, stall, lie and rave: the agent gets an error, and the record says who it was."""

import json
import socket
import threading
import time

import pytest

from support.ports import free_ports
from support.scripted import answer, chunk, event, event_stream, result
from support.settings import PERSONAL
from support.wire import modern, modern_call

SECRET = "078-05-1120"
LIMITS = {
    "first_byte_timeout": "3s", "stream_idle_timeout": "3s", "response_size": "64KiB",
    "upstream_idle_timeout": "2s", "idle_timeout": "10s",
}


def die(connection, request):
    return False


def die_in_head(connection, request):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Ty")


def die_in_body(connection, request):
    connection.sendall(answer(result(request.id, "x" * 1000))[:-100])


def die_in_chunks(connection, request):
    whole = answer(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    connection.sendall(whole + chunk(b'{"jsonrpc":'))


def die_in_stream(connection, request):
    connection.sendall(event_stream() + chunk(event(result(request.id, "x"))[:-30]))


def reset(connection, request):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def stall(connection, request):
    time.sleep(60)


def stall_in_head(connection, request):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    time.sleep(60)


def stall_in_body(connection, request):
    connection.sendall(answer(result(request.id, "x" * 1000))[:-100])
    time.sleep(60)


def promise_more(connection, request):
    whole = answer(result(request.id, "short"))
    head, body = whole.split(b"\r\n\r\n")
    connection.sendall(head.replace(b"Content-Length: ", b"Content-Length: 9") + b"\r\n\r\n" + body)


def two_lengths(connection, request):
    whole = answer(result(request.id, "x"))
    connection.sendall(whole.replace(b"Content-Length", b"Content-Length: 5\r\nContent-Length", 1))


def length_and_chunked(connection, request):
    whole = answer(result(request.id, "x"))
    connection.sendall(whole.replace(b"Content-Length", b"Transfer-Encoding: chunked\r\nContent-Length"))


def broken_chunks(connection, request):
    whole = answer(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    connection.sendall(whole + b"zz\r\n{}\r\n")


def rubbish(connection, request):
    connection.sendall(bytes(range(256)) * 8)


def another_protocol(connection, request):
    connection.sendall(b"220 mail.example ESMTP\r\n")


def web_page(connection, request):
    connection.sendall(answer(f"<html>{SECRET}</html>".encode(), type="text/html"))


def broken_json(connection, request):
    connection.sendall(answer(b'{"jsonrpc":"2.0","id":1,"result":{"ssn":"' + SECRET.encode()))


def not_json_rpc(connection, request):
    connection.sendall(answer({"ssn": SECRET}))


def doubled_keys(connection, request):
    body = json.dumps(result(request.id, "x"))[:-1] + ',"result":{"ssn":"%s"}}' % SECRET
    connection.sendall(answer(body.encode()))


def not_utf8(connection, request):
    connection.sendall(answer(json.dumps(result(request.id, "#")).encode().replace(b"#", b"\xff")))


def another_id(connection, request):
    connection.sendall(answer(result(request.id + 1, SECRET)))


def id_of_another_type(connection, request):
    connection.sendall(answer(result(str(request.id), SECRET)))


def compressed(connection, request):
    import gzip
    body = gzip.compress(json.dumps(result(request.id, "x")).encode())
    connection.sendall(answer(body, "200 OK", "application/json", "Content-Encoding: gzip"))


def redirect(connection, request):
    connection.sendall(answer(b"", "307 Temporary Redirect", "text/plain", "Location: http://127.0.0.1:1/"))


def refuse_credential(connection, request):
    connection.sendall(answer({"error": SECRET}, "401 Unauthorized"))


def internal_error(connection, request):
    connection.sendall(answer(f"Traceback: {SECRET}".encode(), "500 Internal Server Error", "text/plain"))


def empty(connection, request):
    connection.sendall(answer(b""))


def too_large(connection, request):
    connection.sendall(answer(result(request.id, "x" * 200_000)))


def too_large_in_chunks(connection, request):
    whole = answer(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    connection.sendall(whole)
    for _ in range(100):
        connection.sendall(chunk(b" " * 4096))


def too_large_an_event(connection, request):
    connection.sendall(event_stream() + chunk(event(result(request.id, "x" * 200_000))))


def endless_head(connection, request):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(10000):
        connection.sendall(b"X-%d: y\r\n" % number)


def too_deep(connection, request):
    deep = b'{"a":' * 200 + b"1" + b"}" * 200
    connection.sendall(answer(json.dumps(result(request.id, "x", deep=0)).encode().replace(
        b'"deep": 0', b'"deep": ' + deep)))


FAULTS = {fault.__name__: fault for fault in [
    die, die_in_head, die_in_body, die_in_chunks, die_in_stream, reset, stall, stall_in_head,
    stall_in_body, promise_more, two_lengths, length_and_chunked, broken_chunks, rubbish,
    another_protocol, web_page, broken_json, not_json_rpc, doubled_keys, not_utf8, another_id,
    id_of_another_type, compressed, redirect, refuse_credential, internal_error, empty, too_large,
    too_large_in_chunks, too_large_an_event, endless_head, too_deep,
]}


def faulty(connection, request):
    fault = FAULTS.get(request.tool)
    if fault:
        return fault(connection, request)
    connection.sendall(answer(result(request.id, "sound")))
    return True


@pytest.fixture(scope="module")
def shaky(io, tmp_path_factory, accounts):
    """A gateway in front of a server that does as the tool's name says."""
    from support.gateway import Gateway
    from support.scripted import ScriptedServer
    from support.settings import configuration
    server = ScriptedServer(faulty)
    gone, = free_ports(1)
    settings = configuration(
        accounts, {"shaky": server.url, "gone": f"http://127.0.0.1:{gone}/mcp"}, [PERSONAL],
        limits=LIMITS)
    with Gateway(tmp_path_factory.mktemp(f"shaky-{io}"), io, settings) as gateway:
        before = gateway.descriptors()
        yield gateway
        assert gateway.is_running(), gateway.log_text()
        gateway.settle(before + 2)
        gateway.verify()
    server.close()


@pytest.mark.parametrize("fault", FAULTS)
def test_the_agent_gets_an_error_and_the_record_the_culprit(shaky, accounts, fault):
    start = time.monotonic()
    reply = modern_call(shaky, "shaky", accounts.analyst, fault, {"a": 1}, id=77)
    assert time.monotonic() - start < 50
    assert reply.status == 200, reply
    assert reply.message["id"] == 77 and reply.error["code"] == -32603
    assert reply.error["message"]
    assert SECRET not in reply.body.decode()
    call = shaky.show(reply.error["data"]["ref"])
    assert call["tool"] == fault and call["decision"] == "allow"
    assert call["outcome"]["failed_side"] == "server"
    assert call["outcome"]["result"] in ("transport_error", "protocol_error", "http_error")
    assert call["outcome"]["jsonrpc_error"] == -32603
    assert json.loads(call["answer"]) == reply.message
    # The next call finds a sound connection.
    assert modern_call(shaky, "shaky", accounts.analyst, "sound").text == "sound"


def test_a_server_that_is_not_there(shaky, accounts):
    reply = modern_call(shaky, "gone", accounts.analyst, "any")
    assert reply.error["code"] == -32603
    call = shaky.show(reply.error["data"]["ref"])
    assert call["outcome"]["failed_side"] == "server"
    assert call["outcome"]["system_error"] == 111, "ECONNREFUSED"


def test_an_answer_with_more_behind_it(make_gateway, scripted, accounts):
    """What follows the announced length is nobody's answer, and never the next call's."""
    def script(connection, request):
        forged = answer(result(request.id + 1, "forged"))
        connection.sendall(answer(result(request.id, f"true {request.tool}")) + forged)
        return True

    with make_gateway({"liar": scripted(script).url}) as gateway:
        for number in range(1, 20):
            reply = modern_call(gateway, "liar", accounts.analyst, f"t{number}", id=number)
            assert reply.text == f"true t{number}"


def test_a_server_that_speaks_out_of_turn(make_gateway, scripted, accounts):
    def script(connection, request):
        connection.sendall(answer(result(request.id, "true")))
        time.sleep(0.05)
        connection.sendall(answer(result(request.id + 1, "forged")))
        return True

    with make_gateway({"liar": scripted(script).url}, arguments=["--workers", "1"]) as gateway:
        for number in range(1, 6):
            assert modern_call(gateway, "liar", accounts.analyst, "t", id=number).text == "true"
            time.sleep(0.1)


def test_a_stream_that_breaks_is_never_taken_for_complete(make_gateway, scripted, accounts):
    """Events have left already: then the answer is cut so that no client can misread it."""
    import http.client
    note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": 1}}

    def script(connection, request):
        connection.sendall(event_stream() + chunk(event(note)))
        time.sleep(0.2)
        if request.tool == "rave":
            connection.sendall(chunk(b"data: {broken\n\n"))
            time.sleep(1)
        return False

    with make_gateway({"cut": scripted(script).url}) as gateway:
        for tool in ("die", "rave"):
            with pytest.raises((http.client.IncompleteRead, ConnectionError)):
                modern_call(gateway, "cut", accounts.analyst, tool)
        assert gateway.stop() == 0
        for call in gateway.calls():
            assert call["outcome"]["failed_side"] == "server"
            assert not call["outcome"]["complete"]


def test_connections_that_the_server_closes_while_idle(make_gateway, scripted, accounts):
    """As servers with a short keep-alive do: no call may fail for that."""
    def script(connection, request):
        connection.sendall(answer(result(request.id, "fine")))
        return time.sleep(0.02)

    with make_gateway({"brief": scripted(script).url}) as gateway:
        for number in range(12):
            assert modern_call(gateway, "brief", accounts.analyst, "t", id=number).text == "fine"
            # Long enough also where other tests keep the processors busy.
            time.sleep(0.15)


def test_a_list_of_tools_that_cannot_be_read(make_gateway, scripted, accounts):
    def script(connection, request):
        connection.sendall(answer({"jsonrpc": "2.0", "id": request.id, "result": {
            "resultType": "complete", "tools": tools}}))
        return True

    with make_gateway({"odd": scripted(script).url}) as gateway:
        # Entries that nobody can judge are left out. What is no list reaches nobody: null, for the agent to complain about, and
        # an error where it may offer something.
        tools = [{"name": 5}, "x", {}, {"Name": "a"}, {"name": "c"}]
        listed = modern(gateway, "odd", accounts.analyst, "tools/list").result["tools"]
        assert [tool["name"] for tool in listed] == ["c"]
        for tools in ("x", None):
            assert modern(gateway, "odd", accounts.analyst, "tools/list").result["tools"] is None
        tools = {"name": "a"}
        assert modern(gateway, "odd", accounts.analyst, "tools/list").error["code"] == -32603


def test_one_bad_server_does_not_slow_another(make_gateway, scripted, accounts):
    stalled = threading.Event()

    def stalling(connection, request):
        stalled.wait(60)

    slow = scripted(stalling)
    quick = scripted(lambda connection, request: connection.sendall(
        answer(result(request.id, "quick"))) or True)
    with make_gateway({"slow": slow.url, "quick": quick.url}) as gateway:
        threads = [
            threading.Thread(target=modern_call, args=(gateway, "slow", accounts.analyst, "t"))
            for _ in range(50)
        ]
        for thread in threads:
            thread.start()
        for number in range(50):
            assert modern_call(gateway, "quick", accounts.analyst, "t", id=number).text == "quick"
        stalled.set()
        for thread in threads:
            thread.join()
