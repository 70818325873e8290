"""Authorities that are given take the place of the system's: also of the folder that libcurl looks into beside any list."""

import http.server
import os
import shutil
import subprocess
import threading

import pytest

from support.gateway import sluice
from support.tls import Authority
from support.upstreams import FOLDER

pytestmark = pytest.mark.any_backend


@pytest.fixture
def folder(tmp_path):
    """An environment in which the system trusts nobody but whoever is put into its folder of certificates."""
    compiler = shutil.which("cc") or shutil.which("clang")
    assert compiler, "the compiler of the build"
    library, certificates = tmp_path / "folder.so", tmp_path / "certificates"
    certificates.mkdir()
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", library, FOLDER / "servers/certificate_folder.c", "-ldl"],
        check=True, capture_output=True)

    class Folder:
        environment = {**os.environ, "LD_PRELOAD": str(library), "CERTIFICATE_FOLDER": str(certificates)}

        @staticmethod
        def trust(authority):
            name = subprocess.run(
                ["openssl", "x509", "-hash", "-noout", "-in", authority.pem], check=True, capture_output=True,
                text=True).stdout.strip()
            shutil.copy(authority.pem, certificates / f"{name}.0")

    return Folder


@pytest.fixture
def server(tmp_path):
    """A server of HTTPS that has nothing for anybody, and the authority of its certificate."""
    class Nothing(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(404)

        def log_message(self, *_):
            pass

    authority = Authority(tmp_path / "theirs")
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Nothing)
    made.socket = authority.issue("DNS:localhost").server_context().wrap_socket(made.socket, server_side=True)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield f"https://localhost:{made.server_port}", authority
    made.shutdown()
    thread.join()
    made.server_close()


def test_given_authorities_take_the_place_of_the_systems_folder(folder, server, tmp_path):
    url, authority = server
    other = Authority(tmp_path / "other", "Another authority")
    environment = {**folder.environment, "SLUICE_TOKEN": "sluice_nobodys"}

    def ask(*words):
        result = sluice("approvals", "list", "--url", url, *words, check=False, env=environment)
        assert result.returncode != 0
        return result.stderr

    assert "certificate" in ask(), "the system trusts nobody yet"
    folder.trust(authority)
    assert "certificate" not in ask(), "it does now"
    assert "certificate" in ask("--authorities", other.pem), "and counts for nothing where others are given"
    assert "certificate" not in ask("--authorities", authority.pem)
