"""Our reader of JSON beside Python's and orjson's: what ours takes, all of them read the same.

SLUICE_READERS=N runs N messages instead of the usual number, from a seed that is printed. What once told readers apart is
kept in Tests/Fuzz/Corpus/Readers and is read at each run.
"""

import hashlib
import json
import os
import time

import pytest

from support.gateway import ROOT
from support.readers import SEEDS, Mutations, differences, ours, with_json

CORPUS = ROOT / "Tests/Fuzz/Corpus/Readers"
COUNT = int(os.environ.get("SLUICE_READERS", 0))
SEED = int(time.time()) if COUNT else 20260728
BATCH = 10_000


def disagreements(messages):
    """The messages that ours takes and another reads otherwise, with what is different; and how many ours took."""
    found, taken = [], 0
    for message, line in zip(messages, ours(messages)):
        if line.startswith(b'{"verdict":"message"'):
            taken += 1
            if different := differences(message, line):
                found.append((message, different))
    return found, taken


def test_readers_agree_on_mutated_messages():
    left, seed = COUNT or BATCH, SEED
    while left > 0:
        messages = Mutations(seed).messages(min(left, BATCH))
        found, taken = disagreements(messages)
        for message, _ in found:
            CORPUS.mkdir(exist_ok=True)
            (CORPUS / hashlib.sha256(message).hexdigest()[:16]).write_bytes(message)
        assert not found, (seed, found[:5])
        # Much of it is sound, so that there is something to compare; and much is not.
        assert len(messages) / 5 < taken < 4 * len(messages) / 5, (seed, taken)
        left, seed = left - len(messages), seed + 1


def test_readers_agree_on_what_was_found_before():
    messages = [path.read_bytes() for path in sorted(CORPUS.iterdir())]
    assert messages
    assert disagreements(messages)[0] == []


def test_sound_messages_are_taken_however_they_are_written():
    messages = []
    for seed in SEEDS:
        messages += [json.dumps(seed, **way).encode() for way in (
            {}, {"ensure_ascii": False}, {"indent": 2}, {"separators": (",", ":")}, {"sort_keys": True})]
    found, taken = disagreements(messages)
    assert (found, taken) == ([], len(messages))


# The categories of the public collections of JSON documents, as values of an argument.

ACCEPTED = {
    "arrays": ["[]", "[ ]", "[[]   ]", '[""]', "[null, 1, \"1\", {}]", "[1\n]", " [1]", "[2] ", "[null,null,null]"],
    "objects": ["{}", '{"a":[]}', '{"":0}', '{"a":"b","A":"b"}', '{"foo\\u0000bar":42}', '{"min":-1.0e+28,"max":1.0e+28}',
                '{\n"a":"b"\n}', '{"x":{"x":{"x":{}}}}', '{"title":"\\u041f\\u043e\\u043b"}'],
    "numbers": ["0", "-0", "123", "-123", "0e+1", "0e1", "1E22", "1E-2", "1E+2", "123e65", "123e45", "123.456e78", "20e1",
                "-1", "123.456789", "1.7976931348623157e308", "4.9e-324", "-0.0000000000000000000000000000000001",
                "100000000000000000000", "1e400", "123123e100000", "0.4e006", "-237462374673276894279832749832423479823246327846"],
    "literals": ["true", "false", "null"],
    "strings": ['""', '"\\u0060\\u012a\\u12AB"', '"\\uD801\\udc37"', '"\\ud83d\\ude39\\ud83d\\udc8d"', '"\\"\\\\\\/\\b\\f\\n\\r\\t"',
                '"\\\\u0000"', '"\\u0000"', '"a/*b*/c"', '"\\\\n"', '"\\u0012"', '"\\uFFFF"', '"\\uDBFF\\uDFFE"', '"\u007f"',
                '"\u2028\u2029"', '"\u00ff\u0100"', '"\U0010ffff"', '"\ufdd0"', '"\uffff"', '" "', '"\\u200b"', '"€𝄞"', '"\ufeff"'],
}
REFUSED = {
    "arrays": ["[1 true]", "[\"\": 1]", "[\"\"],", "[,1]", "[1,,2]", "[\"x\",,]", "[\"x\"]]", "[\"\",]", "[\"x\"", "[x", "[3[4]]",
               "[1:2]", "[,]", "[-]", "[   , \"\"]", "[\"a\",\n4\n,1,", "[1,]", "[1,,]", "[\"\x0ba\"\\f]", "[*]", "[\"\"", "[1,", "[{}"],
    "objects": ["[\"x\", truth]", "{[: \"x\"}", "{\"x\", null}", "{\"x\"::\"b\"}", "{🇨🇭}", "{\"a\":\"a\" 123}", "{key: 'value'}",
                "{\"a\" b}", "{:\"b\"}", "{\"a\" \"b\"}", "{\"a\":", "{\"a\"", "{1:1}", "{9999E9999:1}", "{null:null,null:null}",
                "{\"id\":0,,,,,}", "{'a':0}", "{\"id\":0,}", "{\"a\":\"b\"}/**/", "{\"a\":\"b\"}//", "{\"a\":\"b\",,\"c\":\"d\"}",
                "{a: \"b\"}", "{\"a\":\"a", "{ \"foo\" : \"bar\", \"a\" }", "{\"a\":\"b\"}#", "{\"a\":1,\"a\":1}", "{\"a\":1,\"\\u0061\":2}",
                "{\"a\":{\"b\":1,\"b\":1}}", "{\"a\\u0000\":1}"],
    "numbers": ["-01", "-1.0.", "-2.", ".-1", "0.1.2", "0.3e+", "0.3e", "0.e1", "0E+", "0E", "1.0e+", "1.0e-", "1 000.0", "1eE2",
                "2.e+3", "2.e-3", "9.e+", "Inf", "NaN", "+1", "+Inf", "-NaN", "-Infinity", "-foo", "- 1", "-012", "-.123", "-1x",
                "1ea", "1e1\u00e5", "1.", "1.8011670033376514H-308", "1+2", "0x1", "0x42", "012", ".123", "1a", "1_000", "\uff11",
                "1" * 65, "00", "--1", "++1", "1e5.5"],
    "literals": ["nul", "truee", "fals", "True", "FALSE", "NULL", "undefined", "None", "*", "a\u00e5", "<.>", "[\\u000A\"\"]", "@", "\u2060"],
    "strings": ['"\\uD800\\u"', '"\\uD800\\u1"', '"\\uD800\\u1x"', '"\\x00"', '"\\\\\\"', '"\\\t"', '"\\🌀"', '"\\"', '"\\u00A"',
                '"\\uD834\\uDd"', '"\\uD800\\uD800\\x"', '"\\a"', '"\\uqqqq"', '"\\u0', "'a'", '"\x00"', '"new\nline"', '"\t"', '"\x1f"',
                '"\\UA66D"', '"\\', '"', '"a" x', '"\\uD800"', '"\\uDFAA"', '"\\uDd1e\\uD834"', '"\\uD888\\u1234"', '"\\uD800\\n"'],
    "bytes": [b'"\xff"', b'"\xe9"', b'"\xc0\xaf"', b'"\xe0\x80\xaf"', b'"\xed\xa0\x80"', b'"\xf4\xbf\xbf\xbf"', b'"\xf8\x88\x80\x80\x80"',
              b'"\xfc\x83\xbf\xbf\xbf\xbf"', b'"\x81"', b'"\xe2\x82"', b'"\xf0\x9f\x98"', b'"\xc3\x28"', b"\xef\xbb\xbf1", b"\xe5", b"a\xe5"],
}


def around(value, padding=0):
    """A call with the value in its arguments, which begin that much further on."""
    value = value if isinstance(value, bytes) else value.encode()
    return (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"p":"%s","v":%s}}}'
            % (b"a" * padding, value))


@pytest.mark.parametrize("category", ACCEPTED)
def test_values_that_must_be_taken(category):
    messages = [around(value, padding) for value in ACCEPTED[category] for padding in range(0, 70, 3)]
    found, taken = disagreements(messages)
    assert (found, taken) == ([], len(messages))
    for value in ACCEPTED[category]:
        with_json(around(value))


@pytest.mark.parametrize("category", REFUSED)
def test_values_that_must_be_refused(category):
    for value in REFUSED[category]:
        lines = ours([around(value, padding) for padding in range(0, 70, 7)])
        assert set(lines) == {b'{"verdict":"not JSON"}'}, (value, lines)


@pytest.mark.parametrize("document", [
    b"", b" ", b"\xef\xbb\xbf", b"\xef\xbb\xbf{}", b"{", b"}", b"[", b"<null>", b"{}}", b"{} {}", b"{}\x00", b"\x00{}", b"[" * 100_000,
    b'{"a":' * 100_000, b"{}\xc2\xa0", b"{}\xe2\x81\xa0", b"\x0c{}", b"{}#", b"{}//", '{"a":1}'.encode("utf-16"), '{"a":1}'.encode("utf-32"),
    '{"a":1}'.encode("utf-16-le"), b"+ADw-", b"\x1b[2J{}", b'{"a":1}' + b" " * (16 << 20),
], ids=lambda document: f"{document[:8].hex()}-{len(document)}")
def test_documents_that_must_be_refused(document):
    line, = ours([document])
    assert line == b'{"verdict":"not JSON"}'
