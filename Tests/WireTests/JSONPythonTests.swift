import Foundation
import Testing

@testable import Wire

/// A reader nobody here wrote: Python's `json`, made strict by its hooks.
@Suite(
  "JSON index: agreement with Python",
  .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/python3")))
struct JSONPythonTests {
  static let script = #"""
    import json, sys

    class Refused(Exception):
        pass

    def pairs(members):
        keys = [key for key, _ in members]
        if len(set(keys)) != len(keys) or any(key.endswith("\0") for key in keys):
            raise Refused
        return dict(members)

    def number(literal):
        if len(literal) > 64:
            raise Refused
        return 0

    def constant(name):
        raise Refused

    def strings(value):
        if isinstance(value, str):
            value.encode("utf-8")  # refuses lone surrogates
        elif isinstance(value, dict):
            for key, inner in value.items():
                strings(key)
                strings(inner)
        elif isinstance(value, list):
            for inner in value:
                strings(inner)

    def depth(text):
        level = deepest = 0
        inside = escaped = False
        for character in text:
            if inside:
                if escaped:
                    escaped = False
                elif character == "\\":
                    escaped = True
                elif character == '"':
                    inside = False
            elif character == '"':
                inside = True
            elif character in "{[":
                level += 1
                deepest = max(deepest, level)
            elif character in "}]":
                level -= 1
        return deepest

    for line in sys.stdin:
        document = bytes.fromhex(line.strip())
        try:
            text = document.decode("utf-8")
            strings(json.loads(text, object_pairs_hook=pairs, parse_int=number, parse_float=number, parse_constant=constant))
            print(1 if depth(text) <= 64 else 0)
        except (Refused, ValueError, RecursionError):
            print(0)
    """#

  @Test("the same documents are valid")
  func agreement() throws {
    var corpus = JSONDifferentialTests.corpus(seed: 61, count: 1500)
    for seed in 0..<400 as Range<UInt64> {
      var rows = JSONShapeTests.Rows(seed: seed)
      corpus.append(Array(rows.rows(depth: 0, count: 8).utf8))
    }
    let folder = FileManager.default.temporaryDirectory.appending(path: "json-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let input = folder.appending(path: "documents")
    let lines = corpus.map {
      $0.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
    try (lines.joined(separator: "\n") + "\n").write(to: input, atomically: true, encoding: .utf8)
    let python = Process()
    python.executableURL = URL(filePath: "/usr/bin/python3")
    python.arguments = ["-c", Self.script]
    python.standardInput = try FileHandle(forReadingFrom: input)
    let output = Pipe()
    python.standardOutput = output
    try python.run()
    let answers = String(
      decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self
    )
    .split(separator: "\n")
    python.waitUntilExit()
    #expect(python.terminationStatus == 0)
    try #require(answers.count == corpus.count)
    for (document, answer) in zip(corpus, answers) {
      #expect(
        (readJSON(document) == nil) == (answer == "1"),
        "\(String(decoding: document, as: UTF8.self))")
    }
  }
}
