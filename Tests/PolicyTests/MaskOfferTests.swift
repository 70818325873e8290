import Foundation
import Policy
import Testing
import Wire

/// What servers say of what they offer, and Base64: data in the protocol's skeleton.
@Suite("Masking: lists stay usable, their schemas too, and Base64 hides nothing")
struct MaskOfferTests {
  private func tools(_ tool: String) -> String {
    #"{"jsonrpc":"2.0","id":1,"result":{"tools":[\#(tool)],"nextCursor":"7"}}"#
  }

  @Test("what identifies stays, whatever is masked")
  func identities() throws {
    let names = [
      "name", "uri", "uriTemplate", "mimeType", "tools", "prompts", "resources", "inputSchema",
      "outputSchema", "properties", "type", "required", "arguments", "annotations", "title",
      "description", "nextCursor", "readOnlyHint",
    ]
    for list in [
      #"{"tools":[{"name":"a","title":"t","description":"d","inputSchema":{"type":"object","properties":{"x":{"type":"string"}},"required":["x"]},"annotations":{"title":"t"}}]}"#,
      #"{"prompts":[{"name":"a","arguments":[{"name":"b","description":"d","required":true}]}]}"#,
      #"{"resources":[{"name":"a","uri":"a:b","mimeType":"t/p"}],"nextCursor":"1"}"#,
      #"{"resourceTemplates":[{"name":"a","uriTemplate":"a:{b}"}]}"#,
    ] {
      let message = #"{"jsonrpc":"2.0","id":1,"result":\#(list)}"#
      let masked = try mask(message, names.map { field($0) })
      #expect(masked == MaskedMessage(outcome: .untouched, text: message))
    }
  }

  @Test("data in lists is masked")
  func data() throws {
    let masked = try mask(
      tools(
        #"{"name":"a","description":"{\"ssn\":\"1\"}","_meta":{"ssn":"2"},"icons":[{"src":"x","ssn":"3"}],"inputSchema":{"type":"object","default":{"ssn":"4"},"examples":[{"ssn":"5"}],"properties":{"p":{"type":"object","default":{"ssn":"6"}}}},"ssn":"7"}"#
      ), [field("ssn")])
    #expect(
      masked.text
        == tools(
          #"{"name":"a","description":"{\"ssn\":\"[redacted]\"}","_meta":{"ssn":"[redacted]"},"icons":[{"src":"x","ssn":"[redacted]"}],"inputSchema":{"type":"object","default":{"ssn":"[redacted]"},"examples":[{"ssn":"[redacted]"}],"properties":{"p":{"type":"object","default":{"ssn":"[redacted]"}}}},"ssn":"[redacted]"}"#
        ))
  }

  @Test(
    "the schema of a masked field keeps its types and loses values and bounds",
    arguments: ["inputSchema", "outputSchema"])
  func schemas(member: String) throws {
    func tool(_ schema: String) -> String {
      tools(
        #"{"name":"a","\#(member)":{"type":"object","properties":{"city":{"enum":["Ulm"]},"ssn":\#(schema)},"required":["ssn"]}}"#
      )
    }
    for (schema, relaxed) in [
      (
        #"{"type":"string", "pattern":"^[0-9-]+$","default":"123","enum":["123"],"const":"123","examples":["1"],"title":"t","description":"of a \"person\""}"#,
        #"{"type":"string","title":"t","description":"[redacted]"}"#
      ),
      (
        #"{"type":"object","properties":{"default":{"type":"integer","minimum":1},"b":{"anyOf":[{"type":"null"},{"const":1}]}},"additionalProperties":false,"oneOf":[]}"#,
        #"{"type":"object","properties":{"default":{"type":"integer"},"b":{"anyOf":[{"type":"null"},{}]}},"additionalProperties":false}"#
      ),
      (#"true"#, "true"), (##"{"$ref":"#/$defs/x"}"##, "{}"),
      (
        #"{"type":["string","null"],"items":{"default":"1"}}"#,
        #"{"type":["string","null"],"items":{}}"#
      ),
    ] {
      #expect(try mask(tool(schema), [field("ssn")]).text == tool(relaxed))
      // Paths do not nest in schemas as in values.
      #expect(try mask(tool(schema), [field("person.ssn")]).text == tool(relaxed))
      #expect(try mask(tool(schema), [field("other")]).outcome == .untouched)
    }
  }

  @Test("schemas of what servers ask for")
  func requestedSchema() throws {
    func ask(_ schema: String) -> String {
      #"{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"mode":"form","message":"m","requestedSchema":{"type":"object","properties":{"ssn":\#(schema)}}}}"#
    }
    let masked = try mask(
      ask(#"{"type":"string","default":"123","enum":["1"],"enumNames":["one"]}"#), [field("ssn")])
    #expect(masked.text == ask(#"{"type":"string"}"#))
    let asked =
      #"{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","inputRequests":{"ssn":{"method":"elicitation/create","params":{"requestedSchema":{"type":"object","properties":{"ssn":@}}}}}}}"#
    #expect(
      try mask(
        asked.replacing("@", with: #"{"type":"string","default":"1"}"#), [field("ssn")]
      ).text == asked.replacing("@", with: #"{"type":"string"}"#))
  }

  // MARK: Base64

  static let carriers = [
    #"{"jsonrpc":"2.0","id":1,"result":{"contents":[{"uri":"a:b","mimeType":"application/json","blob":"@"}]}}"#,
    #"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"resource","resource":{"uri":"a:b","blob":"@"}}]}}"#,
    #"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"image","mimeType":"image/svg+xml","data":"@"}]}}"#,
    #"{"jsonrpc":"2.0","id":1,"result":{"messages":[{"role":"user","content":{"type":"audio","data":"@"}}]}}"#,
  ]

  private func encoded(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

  @Test("JSON in Base64 is masked by field", arguments: carriers)
  func encodedJSON(carrier: String) throws {
    for secret in ["123-45-6789", "123-45-678", "123-45-67890"] {
      let document = #"{"name":"Zoë","ssn":"\#(secret)","n":[{"ssn":"\#(secret)"}]}"#
      let wanted = document.replacing(secret, with: "[redacted]")
      // As it comes, in the other alphabet, without padding, in lines.
      let plain = encoded(document)
      let forms = [
        plain, plain.replacing("+", with: "-").replacing("/", with: "_"),
        plain.replacing("=", with: ""), plain.replacing("c", with: "c\\n"),
      ]
      for form in forms {
        let masked = try mask(carrier.replacing("@", with: form), [field("ssn")])
        #expect(masked.text == carrier.replacing("@", with: encoded(wanted)))
      }
    }
  }

  @Test("text in Base64 that names a field is withheld, the rest stays", arguments: carriers)
  func encodedText(carrier: String) throws {
    let masked = try mask(
      carrier.replacing("@", with: encoded("[Row({'id': 1, 'ssn': '123-45-6789'})]")),
      [field("ssn")])
    let notice = "[withheld: text names a masked field but cannot be read as JSON]"
    #expect(masked.text == carrier.replacing("@", with: encoded(notice)))
    for content in ["plain text about ssn", "", "\u{0}\u{1}\u{2}"] {
      let message = carrier.replacing("@", with: encoded(content))
      #expect(try mask(message, [field("ssn")]).outcome == .untouched)
    }
  }

  @Test("elsewhere a blob is a value like any other")
  func blobsInData() throws {
    let message = answer(structured: #"{"blob":"eyJzc24iOiIxIn0=","data":"x","ssn":"1"}"#)
    #expect(
      try mask(message, [field("ssn")]).text
        == answer(structured: #"{"blob":"eyJzc24iOiIxIn0=","data":"x","ssn":"[redacted]"}"#))
    #expect(
      try mask(message, [field("blob")]).text
        == answer(structured: #"{"blob":"[redacted]","data":"x","ssn":"1"}"#))
  }
}
