import Foundation
import Testing

@testable import Wire

/// The canonical form of RFC 8785.
struct JSONCanonicalTests {
  static func canonical(_ text: String) -> Result<String, JSONCanonicalRefusal> {
    var canonicalizer = JSONCanonicalizer()
    return canonical(text, &canonicalizer)
  }

  static func canonical(
    _ text: String, _ canonicalizer: inout JSONCanonicalizer, room: Int = 1 << 20
  ) -> Result<String, JSONCanonicalRefusal> {
    var index = JSONIndex(limits: JSONLimits(root: .anyValue))
    let bytes = Array(text.utf8)
    let span = unsafe bytes.span.bytes
    if let violation = index.read(span, watch: .none) {
      Issue.record("\(violation) in \(text)")
    }
    return unsafe withUnsafeTemporaryAllocation(byteCount: max(1, room), alignment: 1) { memory in
      var out = unsafe ByteWriter(unsafeInto: memory.baseAddress!, capacity: room)
      if let refusal = canonicalizer.write(index.root, of: index, in: span, into: &out) {
        return .failure(refusal)
      }
      let written = out.written
      return .success(
        String(
          decoding: (0..<written.byteCount).map {
            unsafe written.unsafeLoad(fromByteOffset: $0, as: UInt8.self)
          }, as: UTF8.self))
    }
  }

  /// Appendix B of RFC 8785, and the corners of ECMAScript's layout.
  @Test(
    arguments: [
      ("0", "0"), ("-0", "0"), ("-0.0", "0"), ("0e7", "0"), ("1", "1"), ("1.0", "1"),
      ("10e-1", "1"), ("-1.50", "-1.5"), ("1E2", "100"), ("0.1", "0.1"), ("1e-1", "0.1"),
      ("5e-324", "5e-324"), ("-5e-324", "-5e-324"),
      ("1.7976931348623157e308", "1.7976931348623157e+308"),
      ("-1.7976931348623157e308", "-1.7976931348623157e+308"),
      ("9007199254740992", "9007199254740992"), ("-9007199254740992", "-9007199254740992"),
      ("295147905179352830000", "295147905179352830000"),
      ("9.999999999999997e22", "9.999999999999997e+22"), ("1e23", "1e+23"),
      ("1.0000000000000001e23", "1.0000000000000001e+23"),
      ("999999999999999700000", "999999999999999700000"),
      ("999999999999999900000", "999999999999999900000"), ("1e21", "1e+21"),
      ("1e20", "100000000000000000000"),
      ("9.999999999999997e-7", "9.999999999999997e-7"), ("0.000001", "0.000001"),
      ("0.0000012", "0.0000012"), ("1e-7", "1e-7"), ("1.2e-7", "1.2e-7"),
      ("333333333.3333332", "333333333.3333332"), ("333333333.33333325", "333333333.33333325"),
      ("333333333.3333333", "333333333.3333333"),
      ("-0.0000033333333333333333", "-0.0000033333333333333333"),
      ("1424953923781206.2", "1424953923781206.2"), ("123.456", "123.456"),
    ])
  func numbers(literal: String, expected: String) {
    #expect(Self.canonical(literal) == .success(expected))
  }

  /// What a double would change is refused: a server that reads it exactly would run another call than was approved.
  @Test(
    arguments: [
      "9007199254740993", "-9007199254740993", "1e400", "-1e400", "1e-400", "0.1000000000000000055",
      "3.14159265358979323846264338327950288", "123456789012345678901234567890", "1e99999999",
    ])
  func numbersThatDoublesCannotHold(literal: String) {
    #expect(Self.canonical("[\(literal)]") == .failure(.inexactNumber))
  }

  @Test func textsAndKeys() {
    // The example of RFC 8785 §3.2.2 and the order of §3.2.3.
    #expect(
      Self.canonical(
        #"{ "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001], "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false] }"#
          .replacingOccurrences(of: "333333333.33333329", with: "333333333.3333333"))
        == .success(
          #"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#
        ))
    #expect(
      Self.canonical(
        #"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#
      )
        == .success(
          "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}"
        ))
    #expect(Self.canonical(#" [ ] "#) == .success("[]"))
    #expect(
      Self.canonical(#"{"b":{"y":1,"x":{}},"":0,"a":[{"d":2,"c":1}]}"#)
        == .success(#"{"":0,"a":[{"c":1,"d":2}],"b":{"x":{},"y":1}}"#))
  }

  @Test func whatDoesNotFitIsRefused() {
    var canonicalizer = JSONCanonicalizer()
    for room in 0..<13 {
      #expect(Self.canonical(#"{"key": [1,2]}"#, &canonicalizer, room: room) == .failure(.tooLong))
    }
    #expect(
      Self.canonical(#"{"key": [1,2]}"#, &canonicalizer, room: 13) == .success(#"{"key":[1,2]}"#))
  }

  /// The form is its own canonical form, and does not depend on blanks, escapes or the order of keys.
  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func canonicalTextsStayAsTheyAre(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var canonicalizer = JSONCanonicalizer()
    for _ in 0..<50 {
      let value = RandomJSON.value(depth: 4, using: &random)
      let first = Self.canonical(value.text(using: &random), &canonicalizer)
      let again = Self.canonical(value.text(using: &random), &canonicalizer)
      #expect(first == again)
      guard case .success(let text) = first else {
        Issue.record("no canonical form")
        return
      }
      #expect(Self.canonical(text, &canonicalizer) == first)
    }
  }
}

/// Random JSON values, written in many ways.
indirect enum RandomJSON {
  case plain(String)
  case text(String)
  case list([RandomJSON])
  case object([(String, RandomJSON)])

  static func value(depth: Int, using random: inout SeededGenerator) -> RandomJSON {
    switch Int.random(in: 0..<(depth > 0 ? 7 : 4), using: &random) {
    case 0: return .plain(["true", "false", "null"].randomElement(using: &random)!)
    case 1: return .plain("\(Int.random(in: -1_000_000...1_000_000, using: &random))")
    case 2: return .plain("\(Double(Int.random(in: -9999...9999, using: &random)) / 64)")
    case 3: return .text(string(using: &random))
    case 4:
      return .list(
        (0..<Int.random(in: 0...4, using: &random)).map { _ in
          value(depth: depth - 1, using: &random)
        })
    default:
      var keys: Set<String> = []
      for _ in 0..<Int.random(in: 0...6, using: &random) { keys.insert(string(using: &random)) }
      return .object(keys.sorted().map { ($0, value(depth: depth - 1, using: &random)) })
    }
  }

  static func string(using random: inout SeededGenerator) -> String {
    let letters = [
      "a", "b", "Z", "\"", "\\", "/", "\n", "\u{1}", "é", "€", "\u{fb33}", "😀", "\u{e000}", " ",
    ]
    return (0..<Int.random(in: 0...6, using: &random)).map { _ in
      letters.randomElement(using: &random)!
    }
    .joined()
  }

  func text(using random: inout SeededGenerator) -> String {
    let blank = [" ", "", "\n", "\t "].randomElement(using: &random)!
    switch self {
    case .plain(let text): return blank + text
    case .text(let text): return blank + Self.quoted(text, using: &random)
    case .list(let list):
      return "[" + list.map { $0.text(using: &random) }.joined(separator: blank + ",") + blank + "]"
    case .object(let members):
      let texts = members.shuffled(using: &random).map {
        Self.quoted($0.0, using: &random) + blank + ":" + $0.1.text(using: &random)
      }
      return "{" + texts.joined(separator: ",") + blank + "}"
    }
  }

  private static func quoted(_ text: String, using random: inout SeededGenerator) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      let mustEscape = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
      if mustEscape || Int.random(in: 0..<3, using: &random) == 0 {
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16)
          result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
