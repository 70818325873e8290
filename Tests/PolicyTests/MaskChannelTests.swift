import Policy
import Testing
import Wire

/// The places of mcp-wire.md, section 5.1, where a server's data reaches the agent.
@Suite("Masking: the protocol's skeleton stays, every data channel is masked")
struct MaskChannelTests {
  /// Messages with `@` where a JSON value goes whose member `ssn` must be masked, and `#` where the same goes as text.
  static let channels: [String] = [
    ##"{"jsonrpc":"2.0","id":1,"result":{"structuredContent":@}}"##,
    ##"{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"result":[@,@]}}}"##,
    ##"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"#"},{"text":"#","type":"text"}]}}"##,
    ##"{"jsonrpc":"2.0","id":1,"result":{"isError":true,"content":[{"type":"text","text":"#"}]}}"##,
    ##"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"resource","resource":{"uri":"a:b","text":"#","_meta":@}}]}}"##,
    ##"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"x","_meta":@}],"_meta":{"v":@}}}"##,
    ##"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"x","annotations":{"vendor":@}}]}}"##,
    ##"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"#"}}"##,
    ##"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"x","data":@}}"##,
    ##"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"x","data":"#"}}"##,
    ##"{"jsonrpc":"2.0","id":1,"result":{"contents":[{"uri":"a:b","text":"#"},{"uri":"a:b","_meta":@}]}}"##,
    ##"{"jsonrpc":"2.0","id":1,"result":{"messages":[{"role":"user","content":{"type":"text","text":"#"}}],"description":"#"}}"##,
    ##"{"jsonrpc":"2.0","id":1,"result":{"messages":[{"role":"user","content":[{"type":"text","text":"#"}]}]}}"##,
    ##"{"jsonrpc":"2.0","id":1,"result":{"completion":{"values":["#"]}}}"##,
    ##"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","logger":"l","data":@}}"##,
    ##"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"#"}}"##,
    ##"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1,"message":"#"}}"##,
    ##"{"jsonrpc":"2.0","id":5,"method":"sampling/createMessage","params":{"messages":[{"role":"user","content":{"type":"text","text":"#"}}],"systemPrompt":"#"}}"##,
    ##"{"jsonrpc":"2.0","id":1,"result":{"vendor":@,"task":{"statusMessage":"#"}}}"##,
    ##"{"jsonrpc":"2.0","id":1,"result":@}"##, ##"{"jsonrpc":"2.0","id":1,"result":["#",@]}"##,
    ##"{"jsonrpc":"2.0","id":1,"result":"#"}"##, ##"{"jsonrpc":"2.0","id":1,"error":"#"}"##,
    ##"{"jsonrpc":"2.0","id":1,"vendor":@}"##,
    ##"{"jsonrpc":"2.0","id":1,"result":{"content":"#"}}"##,
    ##"{"jsonrpc":"2.0","id":1,"result":{"content":@}}"##,
    ##"{"jsonrpc":"2.0","id":1,"result":{"isError":@}}"##,
    ##"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":@,"text":@}]}}"##,
    ##"{"jsonrpc":@,"id":@,"method":@,"params":@}"##,
  ]

  @Test("every channel, in both encodings", arguments: channels)
  func channel(template: String) throws {
    func message(_ secret: String, ascii: Bool = false) -> String {
      let value = #"{"who":"Zoë","ssn":"\#(secret)","n":[{"ssn":"\#(secret)"}]}"#
      return template.replacing("@", with: value).replacing(
        "#", with: jsonEscaped(value, ascii: ascii))
    }
    for ascii in [false, true] {
      let masked = try mask(message("123-45-6789", ascii: ascii), [field("ssn")])
      #expect(masked.text == message("[redacted]"))
    }
  }

  @Test("no name, however unlucky, reaches the skeleton")
  func skeleton() throws {
    let names = [
      "jsonrpc", "id", "method", "result", "error", "params", "content", "type", "text", "data",
      "mimeType", "annotations",
      "resource", "uri", "blob", "_meta", "structuredContent", "isError", "resultType", "code",
      "message", "level", "logger",
      "progress", "progressToken", "total", "requestId", "contents", "messages", "role", "name",
      "title", "description",
      "audience", "priority", "lastModified",
    ]
    let messages = [
      ##"{"jsonrpc":"2.0","id":"a","result":{"content":[{"type":"text","text":"t","annotations":{"audience":["user"],"priority":0.5,"lastModified":"2026"},"_meta":{}},{"type":"image","data":"AA==","mimeType":"image/png"},{"type":"resource","resource":{"uri":"a:b","mimeType":"text/plain","text":"t","blob":"AA=="}},{"type":"resource_link","uri":"a:b","name":"n","title":"t","description":"d"}],"structuredContent":{"a":1},"isError":false,"resultType":"complete","_meta":{}}}"##,
      ##"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"m","data":{"x":1}}}"##,
      ##"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","logger":"l","data":"d"}}"##,
      ##"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1,"total":2,"message":"m"}}"##,
      ##"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"uri":"a:b"}}"##,
      ##"{"jsonrpc":"2.0","id":1,"result":{"contents":[{"uri":"a:b","mimeType":"t/p","text":"t"}],"messages":[{"role":"user","content":{"type":"text","text":"t"}}]}}"##,
    ]
    for message in messages {
      let masked = try mask(message, names.map { field($0) })
      // Elements of `audience` are strings without keys; the arrays' and objects' own keys are protocol.
      #expect(masked == MaskedMessage(outcome: .untouched, text: message))
    }
    // The same names inside data are masked.
    let masked = try mask(
      answer(structured: #"{"type":"a","content":"b","id":3}"#), names.map { field($0) })
    #expect(
      masked.text == answer(structured: #"{"type":"[redacted]","content":"[redacted]","id":0}"#))
  }

  @Test("unknown keys of the skeleton's objects are data")
  func unknown() throws {
    let masked = try mask(
      ##"{"jsonrpc":"2.0","id":1,"result":{"ssn":"1","content":[{"type":"text","text":"x","ssn":2}]},"ssn":true}"##,
      [field("ssn")])
    #expect(
      masked.text
        == ##"{"jsonrpc":"2.0","id":1,"result":{"ssn":"[redacted]","content":[{"type":"text","text":"x","ssn":0}]},"ssn":false}"##
    )
  }
}
