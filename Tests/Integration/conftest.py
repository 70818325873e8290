"""The gateways under test, one per way of input and output, with the same servers behind them.

The run is spread over several processes (pytest-xdist). What stays together, in one process and in order, is a module's
tests on one way of input and output, and all tests that use the test-bed, whose parts are stopped and started by some.
"""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from support.gateway import Gateway, StartFailed, binary  # noqa: E402
from support.settings import Accounts, configuration, full_configuration  # noqa: E402
from support.upstreams import Upstreams  # noqa: E402

BACKENDS = ["io_uring", "epoll"]
# How the gateway says that the system forbids io_uring, as containers often do: EPERM, EACCES, ENOSYS.
FORBIDDEN = re.compile(r"set up io_uring: .*\(errno (1|13|38)\)")


def pytest_configure(config):
    try:
        binary()
    except FileNotFoundError as missing:
        raise pytest.UsageError(str(missing)) from None


def pytest_report_header(config):
    return f"binary: {binary()}"


def pytest_generate_tests(metafunc):
    """Both ways of input and output; one for tests marked `any_backend`, whose subject lies beside the workers."""
    if "io" in metafunc.fixturenames:
        backends = ["auto"] if metafunc.definition.get_closest_marker("any_backend") else BACKENDS
        metafunc.parametrize("io", backends, indirect=True, scope="session")


def pytest_itemcollected(item):
    if "testbed" in item.fixturenames:
        group = "testbed"
    else:
        backend = item.callspec.params.get("io", "") if hasattr(item, "callspec") else ""
        group = f"{item.module.__name__} {backend}".strip()
    item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_finish(session):
    if getattr(session.config.option, "loadgroup", False):
        assert all("@" in item.nodeid for item in session.items), "pytest-xdist does not see the groups"


@pytest.fixture(scope="session")
def upstreams(tmp_path_factory):
    servers = Upstreams(tmp_path_factory.mktemp("servers"))
    try:
        yield servers.start()
    finally:
        servers.stop()


@pytest.fixture(autouse=True)
def nothing_wiped_yet(request):
    """What an earlier test was allowed to do is not held against this one."""
    if "upstreams" in request.fixturenames:
        request.getfixturevalue("upstreams").marker.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def testbed():
    """The parts of Tests/Testbed (identity providers, PostgreSQL, MCP servers, sinks), each started on demand."""
    from support.testbed import Testbed
    parts = Testbed()
    yield parts
    parts.close()


@pytest.fixture(scope="session")
def accounts():
    return Accounts()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """Who signs this run's certificates."""
    from support.tls import Authority
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def local(authority):
    """A certificate for this machine's own address."""
    return authority.issue("DNS:localhost", "IP:127.0.0.1")


@pytest.fixture(scope="session")
def io(request, tmp_path_factory, accounts):
    """The way of input and output; skipped only where the system itself forbids it."""
    if request.param == "io_uring":
        settings = configuration(accounts, {"nowhere": "http://127.0.0.1:1/mcp"})
        try:
            Gateway(tmp_path_factory.mktemp("probe"), "io_uring", settings).start().kill()
        except StartFailed as failure:
            if FORBIDDEN.search(str(failure)):
                pytest.skip(f"io_uring is not to be had here: {failure}")
            raise
    return request.param


@pytest.fixture(scope="session")
def gateway(io, tmp_path_factory, accounts, upstreams):
    """A gateway in front of the real servers, for all tests that leave it running."""
    folder = tmp_path_factory.mktemp(f"gateway-{io}")
    with Gateway(folder, io, full_configuration(accounts, upstreams)) as running:
        yield running
        assert running.is_running(), "the gateway died: " + running.log_text()


@pytest.fixture
def make_gateway(io, tmp_path, accounts):
    """Makes gateways for one test, which may stop, kill or starve them."""
    made = []

    def make(servers, policies=(), name="gateway", arguments=(), environment=None, **more):
        settings = configuration(accounts, servers, policies, **more)
        gateway = Gateway(tmp_path / name, io, settings, arguments, environment)
        made.append(gateway)
        return gateway

    yield make
    for gateway in made:
        if gateway.process is not None:
            gateway.kill()


@pytest.fixture
def scripted():
    """Makes servers on raw sockets for one test."""
    from support.scripted import ScriptedServer
    made = []

    def make(script, context=None):
        made.append(ScriptedServer(script, context))
        return made[-1]

    yield make
    for server in made:
        server.close()
