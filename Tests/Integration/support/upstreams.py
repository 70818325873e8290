"""The MCP servers behind the gateway: real ones from PyPI, each pinned in requirements/."""

import os
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from support.ports import free_ports

FOLDER = Path(__file__).resolve().parents[1]
PYTHON = Path(sys.executable)
# Scripts/integration names the environment with mcp 1.30.0 and mcp-proxy.
LEGACY_PYTHON = Path(os.environ.get(
    "SLUICE_LEGACY_PYTHON", FOLDER.parents[1] / ".cache/python/integration-legacy/bin/python"))


class Upstreams:
    """Starts the servers, waits until all of them listen, and ends them again."""

    SSN = "078-05-1120"
    EMAIL = "ada@example.com"

    def __init__(self, folder):
        self.folder = Path(folder)
        self.database = self.folder / "shop.db"
        self.marker = self.folder / "wiped"
        self.processes = []
        ports = free_ports(5)
        self.json, self.sse, self.alchemy, self.excel, self.bridge = ports

    @property
    def urls(self):
        """Name of the server in the configuration to its address."""
        def at(port, path="/mcp"):
            return f"http://127.0.0.1:{port}{path}"
        return {
            "people": at(self.json), "people-sse": at(self.sse), "alchemy": at(self.alchemy),
            "excel": at(self.excel), "time": at(self.bridge, "/servers/time/mcp"),
            "git": at(self.bridge, "/servers/git/mcp"),
        }

    def start(self):
        self._make_database()
        self._make_repository()
        self._make_workbook()
        scripts = PYTHON.parent
        self._run("people", [PYTHON, FOLDER / "servers/people.py", self.json, self.sse, self.marker])
        self._run(
            "alchemy", [PYTHON, FOLDER / "servers/alchemy.py", self.alchemy],
            DB_URL=f"sqlite:///{self.database}")
        self._run("excel", [
            scripts / "excel-mcp-server", "streamable-http", "--port", self.excel,
            "--allow-dir", self.folder])
        self._run("bridge", [
            LEGACY_PYTHON.parent / "mcp-proxy", "--host", "127.0.0.1", "--port", self.bridge,
            "--named-server", "time", f"{scripts}/mcp-server-time --local-timezone UTC",
            "--named-server", "git", f"{scripts}/mcp-server-git --repository {self.repository}"])
        for port in (self.json, self.sse, self.alchemy, self.excel, self.bridge):
            self._await(port)
        return self

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _run(self, name, command, **environment):
        with open(self.folder / f"{name}.log", "wb") as log:
            self.processes.append(subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **environment}, cwd=self.folder))

    def _await(self, port):
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                ended = [process.args for process in self.processes if process.poll() is not None]
                if ended:
                    raise RuntimeError(f"a server ended: {ended}, see the logs in {self.folder}")
                time.sleep(0.1)
        raise RuntimeError(f"nobody listens on port {port}, see the logs in {self.folder}")

    # What the servers serve

    def tables(self):
        with sqlite3.connect(self.database) as database:
            rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {name for (name,) in rows}

    def _make_database(self):
        with sqlite3.connect(self.database) as database:
            database.executescript(f"""
                CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, ssn TEXT);
                INSERT INTO customers VALUES (1, 'Ada', '{self.SSN}'), (2, 'Grace', '219-09-9999');
                CREATE TABLE scratch_io_uring (id INTEGER);
                CREATE TABLE scratch_epoll (id INTEGER);
            """)

    def _make_repository(self):
        self.repository = self.folder / "repository"
        self.repository.mkdir()
        def git(*arguments):
            subprocess.run(
                ["git", "-c", "user.name=tester", "-c", "user.email=tester@example.com", *arguments],
                cwd=self.repository, check=True, capture_output=True)
        git("init", "-q", "-b", "main")
        (self.repository / "a.txt").write_text("one\n")
        git("add", ".")
        git("commit", "-qm", "first")
        (self.repository / "a.txt").write_text("two\n")
        git("add", ".")

    def staged(self):
        """Whether the change in the repository is still staged: git_reset would undo that."""
        shown = subprocess.run(
            ["git", "diff", "--cached", "--name-only"], cwd=self.repository, check=True,
            capture_output=True, text=True)
        return shown.stdout.split() == ["a.txt"]

    def _make_workbook(self):
        from openpyxl import Workbook
        self.workbook = self.folder / "staff.xlsx"
        book = Workbook()
        book.active.title = "Staff"
        book.active.append(["name", "ssn"])
        book.active.append(["Ada", self.SSN])
        book.save(self.workbook)
