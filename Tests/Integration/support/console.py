"""The console: of a gateway, or over samples; and its admin API as a program sees it."""

import html.parser
import json
import os
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from support.gateway import ROOT, binary, sluice

PASSWORD = "an administrator's password"


def password_hash(folder):
    """A file with the hash of `PASSWORD`, made by `sluice console password`."""
    file = folder / "admin.hash"
    file.write_text(sluice("console", "password", input=PASSWORD + "\n").stdout)
    file.chmod(0o600)
    return file


def preview_binary():
    """The console over samples, built beside the binary under test or in a debug build."""
    places = [binary().parent / "console-preview", ROOT / ".build/debug/console-preview"]
    for place in places:
        if place.exists():
            return place
    raise FileNotFoundError("no console-preview binary: swift build --product console-preview")


class Preview:
    """`console-preview` as a process."""

    def __init__(self, kind):
        self.process = subprocess.Popen(
            [str(preview_binary()), "0", kind], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "SWIFT_BACKTRACE": "enable=no"})
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), self.url

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class API:
    """The admin API of a gateway, with one account's key."""

    def __init__(self, url, key=None):
        self.url = url
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}

    def call(self, method, path, body=None, headers=None):
        """Status, fields and JSON of an answer, of whatever status."""
        request = urllib.request.Request(
            self.url + "/api/v1" + path, method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={**self.headers, **({"Content-Type": "application/json"} if body is not None else {}),
                     **(headers or {})})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, error.headers, json.load(error)

    def get(self, path):
        status, _, document = self.call("GET", path)
        assert status == 200, document
        return document


class Page(html.parser.HTMLParser):
    """A page as an independent reader sees it: its elements, attributes and text."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def named(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


class Session:
    """A person's browser without a browser: cookies and forms."""

    def __init__(self, url):
        self.url = url
        self.cookies = {}

    def fetch(self, path, fields=None):
        """The answer's status, fields and text; redirects are not followed."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        data = None
        if fields is not None:
            data = urllib.parse.urlencode(fields).encode()
            headers["Origin"] = self.url
        request = urllib.request.Request(self.url + path, data=data, headers=headers)
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            answer = opener.open(request, timeout=20)
        except urllib.error.HTTPError as error:
            answer = error
        for cookie in answer.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, answer.headers, answer.read().decode()

    def post(self, path, fields, page):
        _, _, text = self.fetch(page)
        token = re.search(r'name="csrf" value="([^"]+)"', text).group(1)
        return self.fetch(path, {**fields, "csrf": token})

    def sign_in(self, name="admin", password=PASSWORD):
        return self.post("/login", {"name": name, "password": password}, "/login")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None
