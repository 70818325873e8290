import Policy
import Testing
import Wire

@Suite("Masking: JSON in strings, and what only looks like it")
struct MaskTextTests {
  static let notice = "[withheld: text names a masked field but cannot be read as JSON]"

  @Test("JSON in a text block is masked in place, in either encoding", arguments: [false, true])
  func text(ascii: Bool) throws {
    let masked = try mask(
      answer(text: #"[{"name":"Zoë","ssn":"1"},{"ssn":2}]"#, ascii: ascii), [field("ssn")])
    #expect(masked.outcome == .masked(values: 2))
    #expect(masked.text == answer(text: #"[{"name":"Zoë","ssn":"[redacted]"},{"ssn":0}]"#))
  }

  @Test("pretty-printed JSON keeps its shape")
  func pretty() throws {
    let masked = try mask(answer(text: "{\n\t\"ssn\": \"1\",\n\t\"x\": 2\n}\n"), [field("ssn")])
    #expect(masked.text == answer(text: "{\n\t\"ssn\": \"[redacted]\",\n\t\"x\": 2\n}\n"))
  }

  @Test("JSON in strings in strings is masked to depth three, and withheld below", arguments: 1...6)
  func nesting(depth: Int) throws {
    func nested(_ value: String) -> String {
      var text = #"{"ssn":"\#(value)"}"#
      for _ in 1..<depth { text = #"{"t":"\#(jsonEscaped(text))"}"# }
      return text
    }
    let masked = try mask(answer(text: nested("SECRET")), [field("ssn")])
    #expect(!masked.text.contains("SECRET"))
    if depth <= 3 {
      #expect(masked.text == answer(text: nested("[redacted]")))
    } else {
      #expect(masked.text.contains(Self.notice))
    }
  }

  @Test("a JSON string of JSON is a level too")
  func doubleEncoded() throws {
    let once = #"{"ssn":"SECRET"}"#
    let twice = "\"\(jsonEscaped(once))\""
    let masked = try mask(answer(text: twice), [field("ssn")])
    #expect(masked.text == answer(text: "\"\(jsonEscaped(#"{"ssn":"[redacted]"}"#))\""))
  }

  @Test(
    "texts that name a masked field but are not JSON are withheld whole",
    arguments: [
      "[RealDictRow({'id': 1, 'ssn': 'SECRET'})]", #"{"ssn": NaN, "x": "SECRET"}"#,
      #"{"ssn":1,"ssn":"SECRET"}"#,
      "{\"ssn\":\"SECRET\"}\n{\"ssn\":\"SECRET\"}",
      "Here you are:\n```json\n{\"ssn\": \"SECRET\"}\n```",
      #"{"ssn":"SECRET""#, #"{"ssn":"SECRET"} trailing"#, #"{'SSN': 'SECRET'}"#,
      #"x = {"s\u0073n": "SECRET"}"#,
      #"{"x":1,"x":2,"\u0073sn":"SECRET"}"#, #"'{\"ssn\": \"SECRET\"}'"#,
      #"{"x":NaN,"t":"{\"ssn\":\"SECRET\"}"}"#,
      #"{b'\x73sn': 'SECRET'}"#, #"{"n":NaN,"t":"{\"\\u0073sn\":\"SECRET\"}"}"#,
    ])
  func unreadable(text: String) throws {
    for ascii in [false, true] {
      let masked = try mask(answer(text: text, ascii: ascii), [field("ssn")])
      #expect(masked.outcome == .masked(values: 1))
      #expect(masked.text == answer(text: Self.notice))
    }
  }

  @Test(
    "other texts pass byte for byte",
    arguments: [
      "The ssn is not shown.", "it's \"fine\"", #"{"x":"ssn"}"#, #"{"ssns":"a"}"#,
      #"['ssn_hash', "id"]"#, "", "'", "\"",
      #"[1,2,3]"#, "a\\b", "C:\\ssn\\x", "{'id': 1}", "not json: {\"id\": 1",
      "line\nline\t'quoted'",
    ])
  func harmless(text: String) throws {
    for ascii in [false, true] {
      let message = answer(text: text, ascii: ascii)
      #expect(
        try mask(message, [field("ssn")]) == MaskedMessage(outcome: .untouched, text: message))
    }
  }

  @Test("names with quotes in them are found in unreadable text too")
  func quotedNames() throws {
    let masked = try mask(answer(text: #"{"d'or": NaN}"#), [field("d'or")])
    #expect(masked.text == answer(text: Self.notice))
  }

  @Test("strings inside structured content may hold JSON")
  func structured() throws {
    let content = { (secret: String) in #"{"rows":["{\"ssn\":\#(secret)}"],"log":"it's {\"x\":1}"}"#
    }
    let masked = try mask(answer(structured: content("123")), [field("ssn")])
    #expect(masked.text == answer(structured: content("0")))
  }
}
