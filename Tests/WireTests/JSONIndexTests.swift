import Testing

@testable import Wire

@Suite("JSON index: what is read and what is refused")
struct JSONIndexTests {
  static let accepted: [String] = [
    "{}", "[]", " \t\r\n{ } ", "0", "-0", "true", "false", "null", "\"\"", "\"a\"", " 1 ", "[1]",
    "[[],{}]",
    #"{"a":1}"#, #"{"a":{"b":[1,2,{"c":null}]},"d":"e"}"#,
    "[1.5,-1.5,1e5,1E+5,1e-5,0.0,0e0,10,-10.25E2]",
    "12345678", "123456789", "0.123456", "0.1234567", "-12345678", "-123456.5", "99999999.5",
    #"["\"","\\","\/","\b\f\n\r\t","\u0041\u00e9\u20ac","\ud83d\ude00","\uD83D\uDE00"]"#,
    #"{"a":1,"A":2,"b":3}"#, #"{"\u0061":1,"b":2}"#, #"{"":1," ":2}"#, #"{"a\u0000b":1}"#,
    #"["\u0000"]"#,
    "[\"\u{7f}\",\"é\",\"€\",\"😀\",\"\u{2028}\",\"\u{feff}\"]", "{\"ключ\":\"值\"}",
    "[true,false,null]",
    #"{"a":"'","it's":"\\"}"#, #"["\\\\","\\\"","\\\\\\"]"#, "[\"\u{ffff}\u{10ffff}\"]",
    "{\"a\" : \n1 ,\t\"b\"\r:[ ] }", "[-0.0e-0]",
  ]

  @Test("valid documents are read", arguments: accepted)
  func accepts(document: String) {
    #expect(readJSON(document) == nil)
    #expect(ReferenceReader.read(Array(document.utf8)) != nil)
  }

  static let refused: [(String, JSONViolationReason)] = [
    ("", .empty), (" \n", .empty), ("\u{feff}{}", .byteOrderMark),
    ("{", .unexpectedEnd), ("[", .unexpectedEnd), ("[1", .unexpectedEnd), ("[1,", .unexpectedEnd),
    (#"{"a""#, .unexpectedEnd), (#"{"a":"#, .unexpectedEnd), (#"{"a":1"#, .unexpectedEnd),
    (#"{"a":1,"#, .unexpectedEnd), (#"["a"#, .unexpectedEnd), (#"["a\""#, .unexpectedEnd),
    ("\"", .unexpectedEnd),
    ("{}{}", .trailingBytes), ("{} x", .trailingBytes), ("1 2", .trailingBytes),
    ("[]]", .trailingBytes),
    ("\"a\"b", .trailingBytes), ("{},", .trailingBytes),
    ("]", .expectedValue), ("}", .expectedValue), (":", .expectedValue), (",", .expectedValue),
    ("[,1]", .expectedValue), ("[1,,2]", .expectedValue), ("[1,]", .expectedValue),
    ("[:]", .expectedValue),
    (#"{"a":}"#, .expectedValue), (#"{"a":,"b":1}"#, .expectedValue),
    (#"{"a"::1}"#, .expectedValue),
    ("{1:2}", .expectedKey), ("{,}", .expectedKey), (#"{"a":1,}"#, .expectedKey),
    ("{a:1}", .expectedKey),
    ("{'a':1}", .expectedKey), ("{[]:1}", .expectedKey), ("{]", .expectedKey),
    ("{{}:1}", .expectedKey),
    (#"{"a" 1}"#, .expectedColon), (#"{"a","b":1}"#, .expectedColon),
    (#"{"a"}   "#, .expectedColon),
    ("[1 2]", .expectedCommaOrClose), (#"["a" "b"]"#, .expectedCommaOrClose),
    ("[1}", .expectedCommaOrClose),
    (#"{"a":1]"#, .expectedCommaOrClose), (#"{"a":1 "b":2}"#, .expectedCommaOrClose),
    (#"{"a":"b":"c"}"#, .expectedCommaOrClose), ("[[}]", .expectedValue),
    (#"["a":1]"#, .expectedCommaOrClose),
    ("[1:2]", .expectedCommaOrClose), ("[{}{}]", .expectedCommaOrClose),
    ("[1\"a\"]", .expectedCommaOrClose),
    ("tru", .expectedValue), ("truex", .expectedValue), ("True", .expectedValue),
    ("nul", .expectedValue),
    ("NaN", .expectedValue), ("Infinity", .expectedValue), ("-Infinity", .invalidNumber),
    ("undefined", .expectedValue),
    ("[1]//c", .trailingBytes), ("/*c*/1", .expectedValue), ("[#]", .expectedValue),
    ("[\u{c}1]", .expectedValue),
    ("[\u{a0}1]", .expectedValue), ("[\\n]", .expectedValue), (#"[\"a"]"#, .expectedValue),
    ("[\u{0}]", .expectedValue),
    ("[1\u{0}]", .invalidNumber), ("[1\u{c}]", .invalidNumber), ("{\"a\"\u{1a}1}", .expectedColon),
    ("[1\u{c}2]", .invalidNumber),
    ("01", .invalidNumber), ("-", .invalidNumber), ("+1", .expectedValue), (".5", .expectedValue),
    ("5.", .invalidNumber),
    ("-.5", .invalidNumber), ("1.e5", .invalidNumber), ("1e", .invalidNumber),
    ("1e+", .invalidNumber),
    ("0x10", .invalidNumber), ("1_000", .invalidNumber), ("--1", .invalidNumber),
    ("1.2.3", .invalidNumber),
    ("00", .invalidNumber), ("-01", .invalidNumber), ("00.5", .invalidNumber),
    ("1a", .invalidNumber),
    ("012345678", .invalidNumber), ("0123456789012", .invalidNumber), ("1e5.5", .invalidNumber),
    ("1-2", .invalidNumber),
    ("٣", .expectedValue),
    ("[\"\u{1}\"]", .controlCharacter), ("[\"\n\"]", .controlCharacter),
    ("[\"\t\"]", .controlCharacter),
    ("{\"a\u{0}\":1}", .controlCharacter),
    (#"["\x"]"#, .invalidEscape), (#"["\'"]"#, .invalidEscape), (#"["\U0041"]"#, .invalidEscape),
    (#"["\a"]"#, .invalidEscape), (#"["\é"]"#, .invalidEscape), (#"["\ "]"#, .invalidEscape),
    (#"["\0"]"#, .invalidEscape),
    (#"["\R"]"#, .invalidEscape), (#"["\2"]"#, .invalidEscape),
    (#"["\u"]"#, .invalidUnicodeEscape), (#"["\u12"]"#, .invalidUnicodeEscape),
    (#"["\u12G4"]"#, .invalidUnicodeEscape),
    (#"["\u+123"]"#, .invalidUnicodeEscape),
    (#"["\ud800"]"#, .loneSurrogate), (#"["\udc00"]"#, .loneSurrogate),
    (#"["\ud800\ud800\udc00"]"#, .loneSurrogate),
    (#"["\ud800\u0041"]"#, .loneSurrogate), (#"["\ud800x\udc00"]"#, .loneSurrogate),
    (#"["\\ud800\udc00"]"#, .loneSurrogate),
    (#"["\ud800\\udc00"]"#, .loneSurrogate), (#"{"\uDFFF":1}"#, .loneSurrogate),
    (#"["\udc00\ud800"]"#, .loneSurrogate),
    (#"{"a":1,"a":2}"#, .duplicateKey), (#"{"a":1,"b":{"c":1,"c":2}}"#, .duplicateKey),
    (#"{"name":1,"n\u0061me":2}"#, .duplicateKey),
    (#"{"\u006eame":1,"nam\u0065":2}"#, .duplicateKey),
    (#"{"":1,"":2}"#, .duplicateKey), (#"{"a\/b":1,"a/b":2}"#, .duplicateKey),
    (#"{"é":1,"\u00e9":2}"#, .duplicateKey),
    (#"{"it's":1,"it's":2}"#, .duplicateKey),
    (#"{"a":{"a":[{"x":1}]},"b":[{}],"a":1}"#, .duplicateKey),
    (#"{"a\u0000":1}"#, .keyEndsWithNull), (#"{"\u0000":1}"#, .keyEndsWithNull),
    (#"{"a\\\u0000":1}"#, .keyEndsWithNull),
  ]

  @Test("everything else is refused, with its reason", arguments: refused)
  func refuses(document: String, reason: JSONViolationReason) {
    #expect(readJSON(document)?.reason == reason)
    #expect(ReferenceReader.read(Array(document.utf8)) == nil)
  }

  @Test("offsets name the place")
  func offsets() {
    #expect(readJSON(#"{"a":1,"bb":02}"#)?.offset == 12)
    #expect(readJSON(#"{"a":1,"a":2}"#)?.offset == 7)
    #expect(readJSON("[\"ab\u{1}\"]")?.offset == 4)
    #expect(readJSON(#"["ab\q"]"#)?.offset == 5)
    #expect(readJSON("[1, 2")?.offset == 5)
    // Of several, the first.
    #expect(readJSON("[1 2, \"\u{1}\"]") == JSONViolation(reason: .expectedCommaOrClose, offset: 3))
  }

  @Test("the root may be limited to objects")
  func root() {
    let limits = JSONLimits()
    #expect(readJSON("{}", limits: limits) == nil)
    for document in ["[]", "1", "\"a\"", "null", "x"] {
      #expect(readJSON(document, limits: limits)?.reason == .rootNotObject)
    }
  }

  @Test("depth is limited exactly")
  func depth() {
    let limits = JSONLimits(depthMax: 8, root: .anyValue)
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(readJSON(nested(8), limits: limits) == nil)
    #expect(readJSON(nested(9), limits: limits) == JSONViolation(reason: .tooDeep, offset: 8))
    #expect(readJSON(nested(64)) == nil)
    #expect(readJSON(nested(65))?.reason == .tooDeep)
    #expect(readJSON(String(repeating: "{\"a\":", count: 65))?.reason == .tooDeep)
  }

  @Test("numbers, strings and documents have a longest length")
  func lengths() {
    let digits = String(repeating: "7", count: 64)
    #expect(readJSON("[\(digits)]") == nil)
    #expect(readJSON("[\(digits)7]")?.reason == .numberTooLong)
    let limits = JSONLimits(
      numberLengthMax: 3, stringLengthMax: 5, documentBytesMax: 20, root: .anyValue)
    #expect(readJSON("[123]", limits: limits) == nil)
    #expect(readJSON("[-123]", limits: limits)?.reason == .numberTooLong)
    #expect(readJSON("[1234]", limits: limits)?.reason == .numberTooLong)
    #expect(readJSON("[\"12345\"]", limits: limits) == nil)
    #expect(readJSON("[\"123456\"]", limits: limits)?.reason == .stringTooLong)
    #expect(readJSON("{\"123456\":1}", limits: limits)?.reason == .stringTooLong)
    #expect(readJSON("[1,1,1,1,1,1,1,1,1 ]", limits: limits) == nil)
    #expect(readJSON("[1,1,1,1,1,1,1,1,1  ]", limits: limits)?.reason == .documentTooLarge)
  }

  @Test(
    "duplicates are found among few and many keys, wherever they stand",
    arguments: [2, 31, 32, 33, 34, 400, 5000])
  func manyKeys(count: Int) {
    func document(_ names: [String]) -> String {
      "{" + names.map { "\"\($0)\":[{\"k\":1}]" }.joined(separator: ",") + "}"
    }
    let names = (0..<count).map { "key\($0)" }
    #expect(readJSON(document(names)) == nil)
    var random = SeededGenerator(seed: UInt64(count))
    for _ in 0..<8 {
      var damaged = names
      let from = Int.random(in: 0..<count, using: &random)
      let to = (from + Int.random(in: 1..<count, using: &random)) % count
      damaged[to] = damaged[from]
      #expect(readJSON(document(damaged))?.reason == .duplicateKey)
    }
  }
}
