"""TLS on both sides, with clients and servers that nobody here wrote: the SDK, curl, openssl and uvicorn."""

import http.client
import json
import random
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest

from support.gateway import Gateway
from support.ports import free_ports
from support.scripted import ScriptedServer, answer, chunk, event, event_stream, result
from support.sdk import MODES, use, use_old
from support.settings import PERSONAL, configuration
from support.sse_agent import EventStreamAgent
from support.upstreams import FOLDER
from support.wire import modern_call, modern_headers, modern_message, read_all, read_answer

SSN = "078-05-1120"


@pytest.fixture(scope="session")
def people(tmp_path_factory, local):
    """The SDK's server behind uvicorn's TLS."""
    folder = tmp_path_factory.mktemp("secure")
    port, = free_ports(1)
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(FOLDER / "servers/secure_people.py"), str(port), str(local.chain),
             str(local.key), str(folder / "wiped")], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
    yield f"https://127.0.0.1:{port}/mcp"
    process.terminate()
    process.wait(60)


def scripted_answers(connection, request):
    """`big N` answers with N bytes, `stream` with events, anything else with its name."""
    tool = request.tool or "none"
    if tool.startswith("big"):
        connection.sendall(answer(result(request.id, "x" * int(tool[3:]))))
    elif tool == "stream":
        note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": 1}}
        connection.sendall(event_stream() + chunk(event(note)))
        time.sleep(0.1)
        connection.sendall(chunk(event(result(request.id, "streamed"))) + b"0\r\n\r\n")
    else:
        connection.sendall(answer(result(request.id, tool, structuredContent={"ssn": SSN})))
    return True


@pytest.fixture(scope="module")
def secure(io, tmp_path_factory, accounts, authority, local, people):
    """A gateway that speaks TLS with agents and with two servers."""
    script = ScriptedServer(scripted_answers, local.server_context())
    trusted = {"authorities": authority.reference}
    settings = configuration(accounts, {
        "people": {"url": people, "tls": trusted},
        "script": {"url": script.url, "tls": trusted},
    }, [PERSONAL], listener={"tls": local.settings}, limits={"handshake_timeout": "5s"})
    with Gateway(tmp_path_factory.mktemp(f"secure-{io}"), io, settings) as gateway:
        # The first stream of HTTP+SSE opens event loops beside the workers, for good.
        context = authority.client_context()
        EventStreamAgent(gateway, "people", accounts.analyst, context=context).begin().close()
        before = gateway.descriptors()
        yield gateway
        assert gateway.is_running(), gateway.log_text()
        gateway.settle(before + 4)
        gateway.verify()
    script.close()


def https(gateway, context, timeout=60):
    return http.client.HTTPSConnection("127.0.0.1", gateway.port, context=context, timeout=timeout)


def call(connection, account, server, tool, id=1, arguments=None):
    params = {"name": tool, "arguments": arguments or {}}
    body = json.dumps(modern_message("tools/call", params, id))
    connection.request(
        "POST", f"/{server}/mcp", body, {**modern_headers("tools/call", tool), **account.headers})
    reply = connection.getresponse()
    return json.loads(reply.read())


# Agents


@pytest.mark.parametrize("mode", MODES)
def test_the_sdk_over_tls_on_both_sides(secure, accounts, authority, mode):
    seen = use(secure.url("people"), accounts.analyst, [
        ("find_person", {"name": "Ada"}), ("greet", {"name": "Bob"}), ("list_people", {"count": 300}),
    ], mode, verify=authority.client_context())
    person, greeting, many = seen.calls
    assert person.structured["ssn"] == "[redacted]" and SSN not in person.everything
    assert greeting.text == "Hello, Bob!"
    assert SSN not in many.everything and len(many.structured["result"]) == 300


@pytest.mark.parametrize("client", ["mcp 2", "mcp 1"])
def test_agents_of_http_sse_over_tls_on_both_sides(secure, accounts, authority, client):
    url = secure.url("people").removesuffix("/mcp") + "/sse"
    calls = [("find_person", {"name": "Ada"}), ("greet", {"name": "Bob"}), ("list_people", {"count": 300})]
    if client == "mcp 2":
        seen = use(url, accounts.analyst, calls, verify=authority.client_context(), sse=True)
    else:
        seen = use_old(url, accounts.analyst, calls, sse=True, authorities=str(authority.pem))
    person, greeting, many = seen.calls
    assert person.structured["ssn"] == "[redacted]" and SSN not in person.everything
    assert greeting.text == "Hello, Bob!"
    assert SSN not in many.everything and len(many.structured["result"]) == 300


def test_a_stream_of_http_sse_over_tls(secure, accounts, authority):
    """Answers of many records on one stream, while messages come in on connections of their own; then it just goes."""
    context = authority.client_context()
    agent = EventStreamAgent(secure, "people", accounts.analyst, context=context).begin()
    sent = {agent.send("tools/call", {"name": "list_people", "arguments": {"count": count}}): count
            for count in (900, 5, 1200)}
    for id, count in sorted(sent.items()):
        answered = next((message for message in agent.others if message.get("id") == id), None) or agent.answer(id)
        assert len(answered["result"]["structuredContent"]["result"]) == count
        assert SSN not in json.dumps(answered)
    # Who speaks no TLS gets nothing, at this path as at any other.
    with socket.create_connection(("127.0.0.1", secure.port), timeout=60) as plain:
        plain.sendall(b"GET /people/sse HTTP/1.1\r\nHost: g\r\nAccept: text/event-stream\r\n\r\n")
        assert b"event-stream" not in read_all(plain)
    # Another agent's stream is none for whoever proves to be somebody else, over TLS as well.
    ping = {"jsonrpc": "2.0", "id": 77, "method": "ping"}
    assert agent.post(ping, account=accounts.colleague).status == 404
    assert agent.request("ping")["result"] == {}
    agent.send("tools/call", {"name": "list_people", "arguments": {"count": 1200}})
    agent.close()


def test_curl(secure, accounts, authority):
    for version in ("--tlsv1.3", "--tls-max 1.2"):
        ran = subprocess.run([
            "curl", "-sS", *version.split(), "--cacert", str(authority.pem), secure.url("script"),
            "-H", f"Authorization: Bearer {accounts.analyst.key}", "--json",
            json.dumps(modern_message("tools/call", {"name": "hello", "arguments": {}})),
            *(f"-H{name}: {value}" for name, value in modern_headers("tools/call", "hello").items()),
        ], capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        message = json.loads(ran.stdout)
        assert message["result"]["content"][0]["text"] == "hello"
        assert message["result"]["structuredContent"]["ssn"] == "[redacted]"


def s_client(gateway, *arguments, text=""):
    return subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{gateway.port}", *map(str, arguments)],
        input=text, capture_output=True, text=True, timeout=20)


def test_what_openssl_sees(secure, authority):
    seen = s_client(secure, "-CAfile", authority.pem, "-alpn", "h2,http/1.1", "-brief")
    said = seen.stdout + seen.stderr
    assert "TLSv1.3" in said and "Verification: OK" in said, said
    assert "ALPN protocol: http/1.1" in s_client(secure, "-alpn", "h2,http/1.1").stdout
    old = s_client(secure, "-tls1_2")
    assert "Secure Renegotiation IS supported" in old.stdout
    assert "Compression: NONE" in old.stdout
    for flag in ("-tls1", "-tls1_1"):
        refused = s_client(secure, flag, "-cipher", "ALL:@SECLEVEL=0")
        assert refused.returncode != 0 and "alert protocol version" in refused.stderr, refused.stderr
    for cipher in ("AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "NULL:@SECLEVEL=0"):
        refused = s_client(secure, "-tls1_2", "-cipher", cipher)
        assert refused.returncode != 0, cipher
    assert s_client(secure, "-alpn", "h2").returncode != 0, "HTTP/2 is not spoken"


def test_sessions_are_resumed(secure, accounts, authority):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = authority.client_context(maximum_version=version)
        first = https(secure, context)
        call(first, accounts.analyst, "script", "a")
        ticket = first.sock.session
        first.close()
        with socket.create_connection(("127.0.0.1", secure.port)) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1", session=ticket) as again:
                assert again.session_reused, version


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize("size", [0, 1, 16383, 16384, 16385, 61440, 100_000, 1 << 20, 3 << 20])
def test_answers_of_every_size(secure, accounts, authority, size, version):
    connection = https(secure, authority.client_context(maximum_version=ssl.TLSVersion[version]))
    for number in range(2):
        message = call(connection, accounts.analyst, "script", f"big{size}", number)
        assert message["id"] == number
        assert message["result"]["content"][0]["text"] == "x" * size
    connection.close()


def test_large_requests(secure, accounts, authority):
    connection = https(secure, authority.client_context())
    for size in (16384, 100_000, 300_000):
        message = call(connection, accounts.analyst, "script", "echo", 5, {"filling": "y" * size})
        assert message["result"]["content"][0]["text"] == "echo"
    connection.close()


def request_bytes(gateway, account, tool, id):
    body = json.dumps(modern_message("tools/call", {"name": tool, "arguments": {}}, id)).encode()
    head = {**modern_headers("tools/call", tool), **account.headers, "Content-Length": len(body),
            "Host": f"127.0.0.1:{gateway.port}"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"POST /script/mcp HTTP/1.1\r\n{lines}\r\n".encode() + body


def connect(gateway, authority):
    plain = socket.create_connection(("127.0.0.1", gateway.port), timeout=30)
    return authority.client_context().wrap_socket(plain, server_hostname="localhost")


def test_pipelining(secure, accounts, authority):
    with connect(secure, authority) as connection:
        connection.sendall(b"".join(
            request_bytes(secure, accounts.analyst, f"t{id}", id) for id in range(20)))
        held = b""
        for id in range(20):
            class Held:
                def recv(self, count):
                    nonlocal held
                    piece, held = held, b""
                    return piece or connection.recv(count)
            status, body, held = read_answer(Held())
            assert status == 200 and json.loads(body)["id"] == id


def test_byte_by_byte(secure, accounts, authority):
    """Each byte a record of its own."""
    with connect(secure, authority) as connection:
        for byte in request_bytes(secure, accounts.analyst, "slow", 3):
            connection.sendall(bytes([byte]))
        status, body, _ = read_answer(connection)
        assert status == 200 and json.loads(body)["result"]["content"][0]["text"] == "slow"


def test_an_event_stream(secure, accounts, authority):
    connection = https(secure, authority.client_context())
    params = {"name": "stream", "arguments": {}}
    connection.request("POST", "/script/mcp", json.dumps(modern_message("tools/call", params)),
                       {**modern_headers("tools/call", "stream"), **accounts.analyst.headers})
    reply = connection.getresponse()
    assert reply.getheader("content-type") == "text/event-stream"
    text = reply.read().decode()
    assert "notifications/message" in text and "streamed" in text


def test_an_agent_that_does_not_read(secure, accounts, authority):
    """A large answer waits for it in bounded memory, and others are served meanwhile."""
    with connect(secure, authority) as sleeper:
        sleeper.sendall(request_bytes(secure, accounts.analyst, f"big{3 << 20}", 1))
        other = https(secure, authority.client_context())
        for number in range(20):
            call(other, accounts.analyst, "script", "t", number)
        status, body, _ = read_answer(sleeper)
        assert status == 200 and len(body) > 3 << 20


def test_the_gateway_says_that_it_ends(secure, accounts, authority):
    with connect(secure, authority) as connection:
        request = request_bytes(secure, accounts.analyst, "bye", 1)
        connection.sendall(request.replace(b"Accept:", b"Connection: close\r\nAccept:", 1))
        assert b"bye" in read_all(connection)
        # Python raises SSLEOFError unless close_notify came.
        assert connection.recv(1) == b""


def test_plain_http_is_told_to_use_https(secure):
    with socket.create_connection(("127.0.0.1", secure.port), timeout=60) as connection:
        connection.sendall(b"GET /people/mcp HTTP/1.1\r\nHost: localhost\r\n\r\n")
        data = read_all(connection)
    assert data.startswith(b"HTTP/1.1 400 Bad Request\r\n") and b"use https" in data


def test_slow_handshakes_are_given_up(secure, accounts, authority):
    with socket.create_connection(("127.0.0.1", secure.port), timeout=60) as silent:
        with socket.create_connection(("127.0.0.1", secure.port), timeout=60) as begun:
            begun.sendall(b"\x16\x03\x01\x02\x00\x01")
            start = time.monotonic()
            assert read_all(silent) == b"" and read_all(begun) == b""
            assert time.monotonic() - start < 50
    connection = https(secure, authority.client_context())
    assert call(connection, accounts.analyst, "script", "fine")["id"] == 1


@pytest.mark.parametrize("junk", [
    b"\x16\x03\x01\xff\xff" + b"\x00" * 100, b"\x16\x03\x01\x00\x05hello", b"\x15\x03\x03\x00\x02\x02\x28",
    b"\x80\x2e\x01\x03\x01\x00\x15" + b"\x00" * 40, b"\x00" * 64, random.Random(512).randbytes(512)], ids=len)
def test_junk_is_hung_up_on(secure, junk):
    with socket.create_connection(("127.0.0.1", secure.port), timeout=60) as connection:
        connection.sendall(junk)
        connection.shutdown(socket.SHUT_WR)
        data = read_all(connection)
    assert len(data) < 400 and (not data or data[0] in (0x15, 0x48))


# Certificates


def seen_certificate(gateway, authority, name="localhost"):
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=60) as plain:
        context = authority.client_context()
        with context.wrap_socket(plain, server_hostname=name) as connection:
            return connection.getpeercert()["serialNumber"]


def test_certificates_are_chosen_by_name(make_gateway, authority):
    first, second = authority.issue("DNS:a.example"), authority.issue("DNS:*.b.example", kind="rsa")
    tls = {**first.settings, "certificates": [second.settings], "min_version": "1.3"}
    with make_gateway({"x": "http://127.0.0.1:1/mcp"}, listener={"tls": tls}) as gateway:
        one = seen_certificate(gateway, authority, "a.example")
        two = seen_certificate(gateway, authority, "x.b.example")
        assert one != two
        with pytest.raises(ssl.SSLCertVerificationError):
            seen_certificate(gateway, authority, "c.example")
        assert s_client(gateway, "-tls1_2").returncode != 0, "1.3 was asked for"


def test_a_renewed_certificate_is_taken_without_a_restart(
        make_gateway, scripted, accounts, authority, tmp_path):
    used = authority.issue("DNS:localhost", "IP:127.0.0.1")
    chain, key = tmp_path / "tls.pem", tmp_path / "tls.key"
    shutil.copy(used.chain, chain)
    shutil.copy(used.key, key)
    tls = {"certificate": f"file:{chain}", "key": f"file:{key}"}
    with make_gateway({"script": scripted(scripted_answers).url}, listener={"tls": tls}) as gateway:
        before = seen_certificate(gateway, authority)
        held = https(gateway, authority.client_context())
        call(held, accounts.analyst, "script", "t")
        # What is broken is not taken.
        key.write_text("nothing")
        gateway.process.send_signal(1)
        time.sleep(1)
        assert seen_certificate(gateway, authority) == before
        renewed = authority.issue("DNS:localhost", "IP:127.0.0.1")
        shutil.copy(renewed.key, key)
        shutil.copy(renewed.chain, chain)
        gateway.process.send_signal(1)
        deadline = time.monotonic() + 60
        while seen_certificate(gateway, authority) == before:
            assert time.monotonic() < deadline, gateway.log_text()
            time.sleep(0.1)
        assert call(held, accounts.analyst, "script", "t", 2)["id"] == 2, "the old connection goes on"


def test_agents_need_certificates_where_the_file_says_so(
        make_gateway, scripted, accounts, authority, local, tmp_path):
    from support.tls import Authority
    others = Authority(tmp_path / "others")
    known = authority.issue("DNS:agent", usage="clientAuth")
    unknown = others.issue("DNS:agent", usage="clientAuth")
    tls = {**local.settings, "client_authorities": authority.reference}
    with make_gateway({"script": scripted(scripted_answers).url}, listener={"tls": tls}) as gateway:
        connection = https(gateway, authority.client_context(known))
        assert call(connection, accounts.analyst, "script", "t")["id"] == 1
        for identity in (None, unknown):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                call(https(gateway, authority.client_context(identity)), accounts.analyst, "script", "t")
        # A stop completes the record, whose writer lags behind the answers by a batch.
        gateway.stop()
        assert len(gateway.calls()) == 1


# Servers


def bad_servers(authority, tmp_path):
    from support.tls import Authority
    good = authority.issue("IP:127.0.0.1")
    return {
        "certificate_expired": authority.issue("IP:127.0.0.1", days=-1).server_context(),
        "certificate_wrong_name": authority.issue("DNS:other.example").server_context(),
        "certificate_unknown_authority":
            Authority(tmp_path / "x").issue("IP:127.0.0.1").server_context(),
        "certificate_unsuitable": authority.issue("IP:127.0.0.1", usage="clientAuth").server_context(),
        # OpenSSL's own answer for a version that its configuration has turned off is the latter.
        "tls_version|tls_parameters": good.server_context(
            minimum_version=ssl.TLSVersion.TLSv1_1, maximum_version=ssl.TLSVersion.TLSv1_1),
        "tls_parameters|tls_refused_by_peer": cbc_only(good),
        "not_tls": None,
    }


def cbc_only(issued):
    context = issued.server_context(maximum_version=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA256")
    return context


def test_servers_that_do_not_prove_themselves(
        make_gateway, scripted, accounts, authority, tmp_path):
    """The agent learns that it failed; the record, why."""
    contexts = bad_servers(authority, tmp_path)
    servers, scripts = {}, []
    for number, context in enumerate(contexts.values()):
        if context:
            script = scripted(scripted_answers, context)
            scripts.append(script)
            url = script.url
        else:
            url = f"https://127.0.0.1:{hung_up_on()}/mcp"
        servers[f"s{number}"] = {"url": url, "tls": {"authorities": authority.reference}}
    with make_gateway(servers) as gateway:
        for number, reason in enumerate(contexts):
            reply = modern_call(gateway, f"s{number}", accounts.analyst, "t")
            assert reply.error["message"] == "No secure connection to the server can be made.", reason
            shown = gateway.show(reply.error["data"]["ref"])["outcome"]
            assert shown["failed_side"] == "server" and shown["result"] == "transport_error"
            assert shown["reason"] in reason.split("|"), (reason, shown)
        assert all(not script.requests for script in scripts), "a request was sent to nobody knows whom"
        awaited = set(f"s{number}" for number in range(len(contexts)))
        deadline = time.monotonic() + 60
        while awaited:
            assert time.monotonic() < deadline, (awaited, gateway.log_text())
            for line in gateway.log():
                if line["message"] == "no secure connection to a server can be made":
                    assert line["reason"] and line["failures"]
                    awaited.discard(line["server"])
            if awaited:
                # A worker remembers one failure between two looks.
                for name in awaited:
                    modern_call(gateway, name, accounts.analyst, "t")
                    time.sleep(1.1)


def hung_up_on():
    """A server that speaks plain HTTP, and answers whatever it gets with an error."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def test_the_gateways_own_certificate(make_gateway, scripted, accounts, authority):
    """A server that wants one, and gets it; without it, the call fails."""
    context = authority.issue("IP:127.0.0.1").server_context(verify_mode=ssl.CERT_REQUIRED)
    context.load_verify_locations(authority.pem)
    mine = authority.issue("DNS:gateway", usage="clientAuth")
    url = scripted(scripted_answers, context).url
    trusted = {"authorities": authority.reference}
    with make_gateway({
            "with": {"url": url, "tls": {**trusted, **mine.settings}},
            "without": {"url": url, "tls": trusted}}) as gateway:
        assert modern_call(gateway, "with", accounts.analyst, "t").text == "t"
        reply = modern_call(gateway, "without", accounts.analyst, "t")
        assert reply.error["code"] == -32603
        assert gateway.show(reply.error["data"]["ref"])["outcome"]["failed_side"] == "server"


def test_the_name_of_the_certificate_can_be_another(make_gateway, scripted, accounts, authority):
    script = scripted(scripted_answers, authority.issue("DNS:orders.example").server_context())
    tls = {"authorities": authority.reference, "server_name": "orders.example"}
    with make_gateway({"s": {"url": script.url, "tls": tls}}) as gateway:
        assert modern_call(gateway, "s", accounts.analyst, "t").text == "t"


def test_a_truncated_answer_is_no_answer(make_gateway, scripted, accounts, local, authority):
    """Without a length only the end of the connection ends it, and only a proper one does."""
    def script(connection, request):
        body = json.dumps(result(request.id, request.tool)).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + body)
        time.sleep(0.1)
        if request.tool == "proper":
            connection.unwrap()
        return False

    server = scripted(script, local.server_context())
    with make_gateway(
            {"s": {"url": server.url, "tls": {"authorities": authority.reference}}}) as gateway:
        assert modern_call(gateway, "s", accounts.analyst, "proper").text == "proper"
        reply = modern_call(gateway, "s", accounts.analyst, "cut")
        assert reply.error["code"] == -32603
        assert gateway.show(reply.error["data"]["ref"])["outcome"]["reason"] == "tls_cut_off"


def test_connections_to_servers_are_resumed(make_gateway, scripted, accounts, local, authority):
    reused = []

    def script(connection, request):
        reused.append(connection.session_reused)
        connection.sendall(answer(result(request.id, "t")))
        return False

    server = scripted(script, local.server_context())
    with make_gateway(
            {"s": {"url": server.url, "tls": {"authorities": authority.reference}}},
            arguments=["--workers", "1"]) as gateway:
        for number in range(4):
            assert modern_call(gateway, "s", accounts.analyst, "t", id=number).text == "t"
            time.sleep(0.1)
    assert reused[0] is False and all(reused[1:])


def test_connections_that_the_server_closes_while_idle(
        make_gateway, scripted, accounts, local, authority):
    def script(connection, request):
        connection.sendall(answer(result(request.id, "fine")))
        time.sleep(0.02)
        if request.id % 2:
            connection.unwrap()
        return False

    server = scripted(script, local.server_context())
    with make_gateway(
            {"s": {"url": server.url, "tls": {"authorities": authority.reference}}}) as gateway:
        for number in range(30):
            assert modern_call(gateway, "s", accounts.analyst, "t", id=number).text == "fine"
            time.sleep(0.1)
