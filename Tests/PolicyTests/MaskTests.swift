import Policy
import Testing
import Wire

@Suite("Masking: fields, paths, types")
struct MaskTests {
  @Test("values of a named key are replaced and nothing else changes")
  func names() throws {
    let masked = try mask(
      answer(structured: #"{ "ssn" : "123-45-6789" , "a":[1,{"SSN":"x"},"ssn"],"ssns":"y"}"#),
      [field("ssn")])
    #expect(masked.outcome == .masked(values: 2))
    #expect(
      masked.text
        == answer(
          structured: #"{ "ssn" : "[redacted]" , "a":[1,{"SSN":"[redacted]"},"ssn"],"ssns":"y"}"#))
  }

  @Test(
    "a key is known by what it means, not how it is written",
    arguments: [
      "email", "EMAIL", "eMail", #"\u0065mail"#, #"em\u0041il"#, #"\u0045\u004d\u0041\u0049\u004c"#,
    ])
  func keySpelling(key: String) throws {
    let masked = try mask(answer(structured: #"{"\#(key)":"a@b.c"}"#), [field("Email")])
    #expect(masked.text == answer(structured: #"{"\#(key)":"[redacted]"}"#))
  }

  @Test(
    "names are not taken for others",
    arguments: ["e-mail", "email ", "mail", "emaiı", "ema\\nil", "@mail"])
  func otherKeys(key: String) throws {
    let masked = try mask(
      answer(structured: #"{"\#(key)":"a"}"#), [field("email"), field("`mail")])
    #expect(masked.outcome == .untouched)
  }

  @Test(
    "types survive",
    arguments: [
      (#""text""#, #""[redacted]""#), ("12", "0"), ("-1.5e3", "0"), ("true", "false"),
      ("false", "false"),
      ("null", "null"), ("[]", "[]"), ("{}", "{}"),
      (#"[1,"a",true,null]"#, #"[0,"[redacted]",false,null]"#),
      (#"{ "a" : "b", "c": [ {"d":5} ] }"#, #"{ "a" : "[redacted]", "c": [ {"d":0} ] }"#),
      (#"{"inner":"{\"x\":\"y\"}"}"#, #"{"inner":"[redacted]"}"#),
    ])
  func types(value: String, expected: String) throws {
    let masked = try mask(answer(structured: #"{"secret":\#(value),"z":1}"#), [field("secret")])
    #expect(masked.text == answer(structured: #"{"secret":\#(expected),"z":1}"#))
  }

  @Test(
    "partial keeps the last four characters of long enough strings",
    arguments: [
      ("123-45-6789", "***6789"), ("12345678", "***5678"), ("1234567", "[redacted]"),
      ("", "[redacted]"),
      ("ääääöööö", "***öööö"), (#"\u00e4\u00e4\u00e4\u00e4a\"b\\"#, #"***a\"b\\"#),
      ("😀😀😀😀😀😀😀😀", "***😀😀😀😀"),
    ])
  func partial(value: String, expected: String) throws {
    let masked = try mask(
      answer(structured: #"{"card":"\#(value)","n":123456789}"#),
      [field("card", .partial), field("n", .partial)])
    #expect(masked.text == answer(structured: #"{"card":"\#(expected)","n":0}"#))
  }

  @Test("of two rules on a field the stricter wins, and only active rules count")
  func rules() throws {
    let fields = [
      field("card", .partial, rule: 3), field("card", rule: 200), field("pin", rule: 7),
    ]
    let message = answer(structured: #"{"card":"1234567890","pin":1234}"#)
    #expect(try mask(message, fields).text == answer(structured: #"{"card":"[redacted]","pin":0}"#))
    #expect(
      try mask(message, fields, active: [3]).text
        == answer(structured: #"{"card":"***7890","pin":1234}"#))
    #expect(
      try mask(message, fields, active: [7]).text
        == answer(structured: #"{"card":"1234567890","pin":0}"#))
    #expect(try mask(message, fields, active: []).outcome == .untouched)
    #expect(try mask(message, fields, active: [8]).outcome == .untouched)
  }

  @Test(
    "paths are consecutive keys; arrays between them do not count",
    arguments: [
      (#"{"customer":{"card":{"number":1}}}"#, #"{"customer":{"card":{"number":0}}}"#),
      (
        #"{"customer":[{"card":[[{"number":1},{"number":2}]]}]}"#,
        #"{"customer":[{"card":[[{"number":0},{"number":0}]]}]}"#
      ),
      (#"{"x":{"Customer":{"CARD":{"Number":1}}}}"#, #"{"x":{"Customer":{"CARD":{"Number":0}}}}"#),
      (#"{"customer":{"x":{"card":{"number":1}}}}"#, nil), (#"{"card":{"number":1}}"#, nil),
      (#"{"number":1}"#, nil),
      (#"{"customer":{"card":{"x":{"number":1}}}}"#, nil),
      (#"{"card":{"customer":{"number":1}}}"#, nil),
      (#"{"customer":{"number":1,"card":2}}"#, nil),
      (#"{"customer":"{\"card\":{\"number\":1}}"}"#, #"{"customer":"{\"card\":{\"number\":0}}"}"#),
      (#"{"customer":{"card":"[{\"number\":1}]"}}"#, #"{"customer":{"card":"[{\"number\":0}]"}}"#),
      (
        #"{"customer":["{\"card\":\"{\\\"number\\\":1}\"}"]}"#,
        #"{"customer":["{\"card\":\"{\\\"number\\\":0}\"}"]}"#
      ),
      (#"{"other":"{\"card\":{\"number\":1}}"}"#, nil),
    ] as [(String, String?)])
  func paths(content: String, expected: String?) throws {
    let masked = try mask(answer(structured: content), [field("customer.card.number")])
    #expect(masked.text == answer(structured: expected ?? content))
    #expect((masked.outcome == .untouched) == (expected == nil))
  }

  @Test("what cannot be compiled is an error")
  func errors() {
    #expect(throws: MaskError.emptyPath(rule: 1)) {
      try MaskProgram(fields: [MaskField(path: [], treatment: .redact, rule: 1)])
    }
    #expect(throws: MaskError.emptyName(rule: 2)) {
      try MaskProgram(fields: [MaskField(path: ["a", ""], treatment: .redact, rule: 2)])
    }
    #expect(throws: MaskError.ruleOutOfRange(rule: 256)) {
      try MaskProgram(fields: [field("a", rule: 256)])
    }
    #expect(throws: MaskError.pathTooLong(rule: 0, limit: 16)) {
      try MaskProgram(fields: [
        MaskField(path: Array(repeating: "a", count: 17), treatment: .redact, rule: 0)
      ])
    }
  }

  @Test("a buffer too small fails, whatever its size")
  func room() throws {
    let message = answer(structured: #"{"ssn":"","t":"{\"ssn\":\"\"}"}"#)
    let whole = try mask(message, [field("ssn")]).text.utf8.count
    for room in 0..<whole {
      #expect(try mask(message, [field("ssn")], room: room).outcome == .failed(.outputTooLarge))
    }
    #expect(try mask(message, [field("ssn")], room: whole).outcome == .masked(values: 2))
  }

  @Test("a masked string that is a candidate for JSON itself is replaced once")
  func maskedText() throws {
    let masked = try mask(
      answer(structured: #"{"ssn":"it's {\"ssn\":1}","x":"{\"ssn\":\"it's\"}","z":1}"#),
      [field("ssn")])
    #expect(masked.outcome == .masked(values: 2))
    #expect(
      masked.text
        == answer(structured: #"{"ssn":"[redacted]","x":"{\"ssn\":\"[redacted]\"}","z":1}"#))
  }

  @Test("many fields, many rows: every one and no other")
  func manyFields() throws {
    let fields = (0..<300).map { field("secret\($0)", rule: $0 % 256) }
    let row = { (value: String) in
      "{" + (0..<300).map { #""secret\#($0)":\#(value),"public\#($0)":1"# }.joined(separator: ",")
        + "}"
    }
    let masked = try mask(answer(structured: "[\(row("7")),\(row("8"))]"), fields)
    #expect(masked.outcome == .masked(values: 600))
    #expect(masked.text == answer(structured: "[\(row("0")),\(row("0"))]"))
  }
}
