import Testing

@testable import Wire

@Suite("JSON index: cursors, comparison and conversion")
struct JSONCursorTests {
  /// Reads `document` and calls `body` with the index and the bytes.
  func withIndex(
    _ document: String, watch: JSONWatch = .none, _ body: (borrowing JSONIndex, RawSpan) -> Void
  ) {
    var index = JSONIndex(limits: JSONLimits(root: .anyValue))
    let bytes = Array(document.utf8)
    unsafe check(index.read(bytes.span.bytes, watch: watch) == nil)
    unsafe body(index, bytes.span.bytes)
  }

  @Test func membersAndRanges() {
    withIndex(#" {"a": [1, {"b":"c"}] , "n\u0061me" : "x\ny", "last":-2.5 } "#) { index, bytes in
      let first = index.member("a", of: index.root, in: bytes)!
      check(index.kind(of: first, in: bytes) == .array)
      check(copy(bytes, index.range(of: first)) == Array(#"[1, {"b":"c"}]"#.utf8))
      let name = index.member("name", of: index.root, in: bytes)!
      check(copy(bytes, index.range(of: name)) == Array(#""x\ny""#.utf8))
      check(copy(bytes, index.contents(of: name)) == Array(#"x\ny"#.utf8))
      check(text(index, name, in: bytes) == Array("x\ny".utf8))
      check(index.hasEscapes(name, in: bytes))
      check(index.equals(name, "x\ny", in: bytes))
      check(!index.equals(name, "x\\ny", in: bytes))
      let last = index.member("last", of: index.root, in: bytes)!
      check(index.kind(of: last, in: bytes) == .number)
      check(index.double(last, in: bytes) == -2.5)
      check(copy(bytes, index.range(of: last)) == Array("-2.5".utf8))
      check(index.member("b", of: index.root, in: bytes) == nil)
      check(index.member("nam", of: index.root, in: bytes) == nil)
      let second = index.nextElement(after: index.firstElement(of: first, in: bytes)!, in: bytes)!
      check(index.parent(ofContainer: second) == first)
      check(index.parent(ofContainer: first) == index.root)
      check(index.parent(ofContainer: index.root) == nil)
      check(index.key(ofValue: second, in: bytes) == nil)
      check(index.equals(index.key(ofValue: first, in: bytes)!, "a", in: bytes))
      check(index.key(ofValue: index.root, in: bytes) == nil)
    }
  }

  @Test(
    "comparison is of what the string means",
    arguments: [
      (#"a\/b"#, "a/b", true), (#"\ud83d\ude00"#, "😀", true), (#"\u00e9"#, "é", true),
      ("é", "é", true),
      (#"\\n"#, "\\n", true), (#"\n"#, "\\n", false), ("", "", true), (#"\u0061"#, "a", true),
      ("ab", "a", false),
      ("a", "ab", false), (#"ab\u0063"#, "abd", false), (#"\t"#, "t", false),
      ("it's", "it's", true),
      (#"\"quoted\""#, "\"quoted\"", true), (#"abc\u0064"#, "abc", false),
      (#"\u0061bc"#, "abcd", false),
    ] as [(String, String, Bool)])
  func comparison(raw: String, meaning: String, equal: Bool) {
    withIndex("[\"\(raw)\"]") { index, bytes in
      let string = index.firstElement(of: index.root, in: bytes)!
      let wanted = Array(meaning.utf8)
      unsafe check(index.equals(string, utf8: wanted.span.bytes, in: bytes) == equal)
      check((text(index, string, in: bytes) == wanted) == equal)
    }
  }

  @Test func integers() {
    func integer(_ literal: String) -> Int64? {
      var result: Int64?
      withIndex("[\(literal)]") { index, bytes in
        result = index.integer(index.firstElement(of: index.root, in: bytes)!, in: bytes)
      }
      return result
    }
    check(integer("0") == 0)
    check(integer("-7") == -7)
    check(integer("9223372036854775807") == .max)
    check(integer("-9223372036854775808") == .min)
    check(integer("9223372036854775808") == nil)
    check(integer("-9223372036854775809") == nil)
    check(integer("1.0") == nil)
    check(integer("1e3") == nil)
    check(integer("12345678901234567890123") == nil)
    check(integer("true") == nil)
  }

  @Test func doubles() {
    for literal in [
      "0", "-0.0", "0.1", "1e22", "1e23", "123456789.125", "1.7976931348623157e308", "5e-324",
      "1e400",
    ] {
      withIndex("[\(literal)]") { index, bytes in
        let number = index.firstElement(of: index.root, in: bytes)!
        check(index.double(number, in: bytes) == Double(literal)!)
      }
    }
  }

  @Test func hits() {
    var watch = JSONWatch()
    watch.insert("email")
    watch.insert("Card")
    let document = #"{"a":"x","EMAIL":1,"b":[{"c\u0061rd":"it's"}],"emails":"\n","z":"plain"}"#
    withIndex(document, watch: watch) { index, bytes in
      var keys: [String] = []
      var texts: [String] = []
      for number in 0..<index.hitCount {
        let hit = index.hit(number)
        let word = String(decoding: text(index, hit.token, in: bytes), as: UTF8.self)
        switch hit.kind {
        case .key:
          keys.append(word)
          check(index.keyHash(hit.token) == JSONWatch.hash(of: word))
          let container = index.firstMember(of: hit.container, in: bytes)!
          check(container.index <= hit.token.index)
        case .text: texts.append(word)
        }
      }
      check(keys.contains("EMAIL") && keys.contains("card"))
      check(texts == ["it's", "\n"])
    }
    withIndex(document) { index, _ in check(index.hitCount == 0) }
  }

  @Test("escaping is minimal, and reading gives back what was written")
  func escaping() {
    var random = SeededGenerator(seed: 31)
    let pieces = [
      "a", "\"", "\\", "\n", "\t", "\u{1}", "\u{1f}", "é", "😀", "/", "\u{7f}",
      "some longer clean text", "\r\u{8}\u{c}",
    ]
    for _ in 0..<500 {
      let text = (0..<Int.random(in: 0..<12, using: &random)).map { _ in
        pieces.randomElement(using: &random)!
      }.joined()
      let bytes = Array(text.utf8)
      let escaped = written(atMost: bytes.count * 6) {
        unsafe JSONEscaping.escape(bytes.span.bytes, into: &$0)
      }
      check(escaped.count == bytes.reduce(0) { $0 + escapedSize($1) })
      let document = [UInt8(ascii: "\"")] + escaped + [UInt8(ascii: "\"")]
      check(ReferenceReader.read(document) == .string(bytes))
      var index = JSONIndex(limits: JSONLimits(root: .anyValue))
      unsafe check(index.read(document.span.bytes, watch: .none) == nil)
      check(rootText(index, document) == bytes)
    }
  }

  func rootText(_ index: borrowing JSONIndex, _ document: [UInt8]) -> [UInt8] {
    unsafe text(index, index.root, in: document.span.bytes)
  }

  func escapedSize(_ byte: UInt8) -> Int {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), 8, 9, 10, 12, 13: 2
    case 0..<0x20: 6
    default: 1
    }
  }

  @Test("a writer without room says so and the document is not half written")
  func noRoom() {
    let bytes = Array("quote \" and more".utf8)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 4, alignment: 1)
    defer { unsafe memory.deallocate() }
    var writer = unsafe ByteWriter(unsafeInto: memory, capacity: 4)
    unsafe JSONEscaping.escape(bytes.span.bytes, into: &writer)
    check(writer.overflowed)
    check(writer.count == 0)
  }
}
