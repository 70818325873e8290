"""What our reader of JSON and two others make of the same messages, and the making of such messages."""

import json
import random
import struct
import subprocess

import orjson

from support.gateway import ROOT, binary


def reader_binary():
    """Our reader as a program, built beside the binary under test or in a debug build."""
    places = [binary().parent / "json-reader", ROOT / ".build/debug/json-reader"]
    for place in places:
        if place.exists():
            return place
    raise FileNotFoundError("no json-reader binary: swift build --product json-reader")


def ours(messages):
    """The verdicts of our reader, one per message."""
    framed = b"".join(struct.pack("<I", len(message)) + message for message in messages)
    ran = subprocess.run([str(reader_binary())], input=framed, capture_output=True, timeout=600)
    assert ran.returncode == 0, ran.stderr.decode(errors="replace")[-2000:]
    # Two readers of what ours printed: each compares with its own.
    lines = ran.stdout.splitlines()
    assert len(lines) == len(messages)
    return lines


class Twice(ValueError):
    """A key stands twice in an object."""


def _pairs(members):
    found = dict(members)
    if len(found) != len(members):
        raise Twice
    return found


def _constant(name):
    raise ValueError(name)


def with_json(data):
    return json.loads(data.decode("utf-8"), object_pairs_hook=_pairs, parse_constant=_constant)


READERS = {"json": with_json, "orjson": orjson.loads}


def same(left, right):
    """Equal, with types: 1 is not True, and not 1.0 either."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


def kind(message):
    if "method" in message:
        return "request" if "id" in message else "notification"
    return "response" if "result" in message else "error"


def differences(message, line):
    """Where a reader disagrees with ours about a message that ours has taken."""
    found = []
    for name, read in READERS.items():
        try:
            theirs = read(message)
        except ValueError as refusal:
            if name == "orjson" and "number" in str(refusal):
                continue  # It takes no number that a double cannot hold, which is no other meaning.
            found.append(f"{name} refuses it: {refusal!r}")
            continue
        mine = read(line)
        parameters = theirs.get("params", {})
        wanted = {
            "kind": kind(theirs), "method": theirs.get("method"), "id": theirs.get("id"),
            "name": parameters.get("name"), "uri": parameters.get("uri"),
            "arguments": parameters.get("arguments"), "result": theirs.get("result"), "error": theirs.get("error"),
        }
        found += [
            f"{name}: {part} is {value!r}, ours {mine.get(part)!r}"
            for part, value in wanted.items() if not same(value, mine.get(part))]
    return found


# Making messages

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28", "progressToken": "p-1",
    "io.modelcontextprotocol/clientInfo": {"name": "a", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"url": {}}},
}
SEEDS = [
    {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "query", "arguments": {"sql": "SELECT \"a\" FROM t WHERE x = 'é'", "limit": 10}}},
    {"jsonrpc": "2.0", "id": "abc", "method": "tools/call", "params": {
        "name": "evil", "arguments": {"deep": [[{"a": [1, -2.5e3, True, False, None, ""]}]], "": "\u2028"}, "_meta": META}},
    {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "0.1"}}},
    {"jsonrpc": "2.0", "id": -7, "method": "resources/read", "params": {"uri": "file:///a%20b?c=d#e"}},
    {"jsonrpc": "2.0", "id": 2, "method": "prompts/get", "params": {"name": "p", "arguments": {"k": "v\\w/\U0001f600"}}},
    {"jsonrpc": "2.0", "id": 3, "method": "completion/complete", "params": {
        "ref": {"type": "ref/prompt", "name": "p"}, "argument": {"name": "a", "value": "b"}}},
    {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1, "reason": "none"}},
    {"jsonrpc": "2.0", "id": 4, "result": {"content": [{"type": "text", "text": "{\"a\":1}"}], "isError": False}},
    {"jsonrpc": "2.0", "id": 5, "error": {"code": -32601, "message": "no", "data": {"n": 12345678901234567890}}},
    {"jsonrpc": "2.0", "id": 6, "method": "tools/list"},
]
WORDS = [
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"/", b"0", b"-", b".", b"e", b"E+5", b"1e400", b"NaN", b"null",
    b"true", b"false", b"Infinity", b"\\u0000", b"\\ud800", b"\\ud83d\\ude00", b"\\u0061", b"\\/", b"\\n", b"\x00",
    b"\x1f", b"\x7f", b"\x80", b"\xbf", b"\xc0\x80", b"\xc2\xa0", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xef\xbc\xae",
    b"\xf4\x90\x80\x80", b"\xff", b" ", b"\t", b"\r\n", b"\xe2\x80\xa8", b'"name":"evil",', b'"name":', b'"method"',
    b'"params":{', b'"arguments":{}', b'"id":2,', b"//", b"/**/", b"#", b"'", b"00", b"0x1", b"1.", b".5", b"+1", b"-0",
]


class Mutations:
    """Messages from a seed: sound ones written in every way there is, and such with one to four things changed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def messages(self, count):
        return [self.message() for _ in range(count)]

    def message(self):
        text = self.written(self.random.choice(SEEDS), top=True).encode("utf-8", "surrogatepass")
        for _ in range(self.random.choice([0, 0, 1, 1, 2, 4])):
            text = self.changed(text)
        return text

    def blank(self):
        return self.random.choice(["", "", "", "", " ", "\n", "\t", "\r\n "])

    def written(self, value, top=False):
        """The same value, with other blanks, escapes, orders of members and forms of numbers."""
        if isinstance(value, dict):
            members = list(value.items())
            if self.random.random() < 0.3:
                self.random.shuffle(members)
            if not top and self.random.random() < 0.05:
                members.append((self.random.choice(["extra", "Name", "\u017f", "name ", "a\x00", "é"]), 1))
            inner = ",".join(
                f"{self.blank()}{self.string(key)}{self.blank()}:{self.blank()}{self.written(inner)}{self.blank()}"
                for key, inner in members)
            return "{" + inner + "}"
        if isinstance(value, list):
            return "[" + ",".join(f"{self.blank()}{self.written(inner)}{self.blank()}" for inner in value) + "]"
        if isinstance(value, str):
            return self.string(value)
        if isinstance(value, int) and not isinstance(value, bool) and self.random.random() < 0.05:
            return self.random.choice([f"{value}.0", f"{value}e0", "9007199254740993", "-0", "1E5", "0.1e-7"])
        return json.dumps(value)

    def string(self, text):
        rate = self.random.choice([0, 0, 0, 0.1, 1])
        return '"' + "".join(self.character(letter, rate) for letter in text) + '"'

    def character(self, letter, rate):
        if self.random.random() < rate:
            units = letter.encode("utf-16-be", "surrogatepass")
            hexadecimal = [units[at:at + 2].hex() for at in range(0, len(units), 2)]
            return "".join("\\u" + (one.upper() if self.random.random() < 0.5 else one) for one in hexadecimal)
        if letter == "/" and self.random.random() < 0.2:
            return "\\/"
        return json.dumps(letter, ensure_ascii=False)[1:-1]

    def changed(self, text):
        """One change, of the kinds that fuzzers make."""
        at = self.random.randrange(len(text) + 1)
        kind = self.random.randrange(7)
        if kind == 0:
            return text[:at] + self.random.choice(WORDS) + text[at:]
        if kind == 1:
            return text[:at] + text[at + self.random.randrange(1, 4):]
        if kind == 2 and at < len(text):
            return text[:at] + bytes([text[at] ^ 1 << self.random.randrange(8)]) + text[at + 1:]
        if kind == 3:
            end = min(len(text), at + self.random.randrange(1, 40))
            to = self.random.randrange(len(text) + 1)
            return text[:to] + text[at:end] + text[to:]
        if kind == 4 and at < len(text):
            return text[:at] + self.random.choice(WORDS) + text[at + 1:]
        if kind == 5:
            return self.repeated(text)
        return text[:at] + bytes([self.random.randrange(256)]) + text[at:]

    def repeated(self, text):
        """A member again, elsewhere: what makes the last or the first of two count."""
        starts = [at for at in range(len(text)) if text[at:at + 1] == b'"']
        if not starts:
            return text
        start = self.random.choice(starts)
        end = text.find(b",", start)
        if end < 0:
            return text
        places = [at + 1 for at in range(len(text)) if text[at:at + 1] in b"{,"]
        to = self.random.choice(places or [0])
        return text[:to] + text[start:end] + b"," + text[to:]
