import Policy
import Testing
import Wire

/// What cannot be told before a value ends, and what bounds a message that is streamed.
@Suite("Streaming masks: long values and limits")
struct StreamMaskTests {
  let notice = "[withheld: text names a masked field but cannot be read as JSON]"

  func stream(
    _ message: String, _ fields: [MaskField], limits: StreamLimits = StreamLimits(),
    pieces: Int = 10_000
  ) throws -> StreamedMessage {
    let program = try MaskProgram(fields: fields)
    var masker = Masker()
    let bytes = Array(message.utf8)
    return streamed(
      bytes, cutAt: Array(stride(from: pieces, to: bytes.count, by: pieces)), program, &masker,
      limits: limits)
  }

  func rows(_ count: Int) -> String {
    "["
      + (0..<count).map { #"{"id":\#($0),"ssn":"SECRET-\#($0)","name":"Zoë \"Z\" \#($0)"}"# }
      .joined(separator: ",") + "]"
  }

  @Test("rows in a text of a megabyte are masked as they come, to three levels")
  func longTexts() throws {
    var text = rows(20_000)
    for level in 1...3 {
      let message = answer(text: text)
      let result = try stream(message, [field("ssn")])
      #expect(result.violation == nil && result.values == 20_000)
      #expect(!result.text.contains("SECRET"))
      #expect(result.text.hasSuffix(#"]"}]}}"#) || level > 1)
      var masker = Masker()
      let program = try MaskProgram(fields: [field("ssn")])
      var shorter = MaskedMessage(outcome: .untouched, text: "")
      if message.utf8.count < 16 << 20 { shorter = try mask(message, program, &masker) }
      #expect(result.text == shorter.text)
      text = #"{"inner":"\#(jsonEscaped(text))"}"#
    }
    // One level further in nothing is read any more.
    let result = try stream(answer(text: text), [field("ssn")])
    #expect(!result.text.contains("SECRET") && result.text.contains("withheld"))
  }

  @Test("paths lead through long texts")
  func paths() throws {
    let text = #"{"customer":{"a":"\#(jsonEscaped(rows(3000)))","b":\#(rows(3000))}}"#
    let fields = [
      field("customer.a.ssn"), field("customer.b.ssn", rule: 1),
      field("customer.b.name", .partial, rule: 1),
    ]
    let message = answer(text: text)
    let result = try stream(message, fields)
    let whole = try mask(message, fields)
    #expect(result.text == whole.text && !result.text.contains("SECRET"))
  }

  @Test("a long text that stops being JSON is withheld from there on")
  func brokenText() throws {
    let text = rows(5000) + " 'ssn': SECRET"
    let result = try stream(answer(text: text), [field("ssn")])
    #expect(result.violation == nil)
    #expect(!result.text.contains("SECRET") && result.text.hasSuffix(notice + #""}]}}"#))
    // One that is cut off, too.
    let cut = try stream(answer(text: String(rows(5000).dropLast(20))), [field("ssn")])
    #expect(!cut.text.contains("SECRET") && cut.text.hasSuffix(notice + #""}]}}"#))
  }

  @Test("a text that is no JSON is judged whole up to the limit")
  func plainText() throws {
    let lines = String(repeating: "[info] it's \"fine\"\n", count: 10_000)
    let fine = answer(text: lines)
    #expect(try stream(fine, [field("ssn")]).text == fine)
    let named = try stream(answer(text: lines + "'ssn': SECRET"), [field("ssn")])
    #expect(named.text == answer(text: notice))
  }

  @Test("beyond the limit it goes on until its first quote")
  func longPlainText() throws {
    var limits = StreamLimits()
    limits.textBytesMax = 100_000
    let lines = String(repeating: "info: all fine\n", count: 20_000)
    let fine = answer(text: lines)
    #expect(try stream(fine, [field("ssn")], limits: limits).text == fine)
    for quote in ["\"", "'"] {
      let result = try stream(
        answer(text: lines + quote + "ssn" + quote + ": SECRET"), [field("ssn")], limits: limits,
        pieces: 999)
      #expect(!result.text.contains("SECRET") && result.text.hasSuffix(notice + #""}]}}"#))
      #expect(result.violation == nil)
    }
    // Without a rule nothing is withheld.
    let program = try MaskProgram(fields: [field("ssn")])
    var masker = Masker()
    let free = Array(answer(text: lines + "\"ssn\"").utf8)
    let result = streamed(free, program, &masker, limits: limits, active: [])
    #expect(Array(result.text.utf8) == free)
  }

  @Test("Base64 and values that stay readable in part, when they are long")
  func longValues() throws {
    var limits = StreamLimits()
    limits.textBytesMax = 50_000
    let long = String(repeating: "x", count: 60_000)
    let blob = #"{"jsonrpc":"2.0","id":1,"result":{"contents":[{"uri":"a:b","blob":"\#(long)"}]}}"#
    let result = try stream(blob, [field("ssn")], limits: limits)
    #expect(result.text.contains(base64(notice)) && !result.text.contains("xx"))
    let value = try stream(
      answer(structured: #"{"ssn":"\#(long)"}"#), [field("ssn", .partial)], limits: limits)
    #expect(value.text == answer(structured: #"{"ssn":"[redacted]"}"#))
  }

  @Test(
    "what needs the whole message is refused",
    arguments: [
      #""result":{"tools":[]}"#, #""result":{"inputRequests":{}}"#,
      #""result":{"requestState":"s"}"#,
      #""result":{"resultType":"input_required"}"#, #""result":{"task":{"taskId":"1"}}"#,
      #""result":{"nextCursor":"x","resources":[]}"#, #""result":{"resul\u0074Type":"task"}"#,
      #""result":{"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"1"}}}"#,
    ])
  func wholeOnly(members: String) throws {
    let result = try stream(#"{"jsonrpc":"2.0","id":1,\#(members)}"#, [field("ssn")])
    #expect(result.violation == .needsWholeMessage)
  }

  @Test(
    "only answers have the right envelope",
    arguments: [
      #"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, #"{"jsonrpc":"2.0","id":1}"#,
      #"{"jsonrpc":"2.0","result":{}}"#, #"{"id":1,"result":{}}"#,
      #"{"jsonrpc":"1.0","id":1,"result":{}}"#, #"{"jsonrpc":"2.0","id":{},"result":{}}"#,
      #"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, #"{"jsonrpc":"2.0","id":1,"error":7}"#,
      #"{"jsonrpc":"2.0","id":1,"result":{},"x":1}"#, #"{"jsonrpc":2.0,"id":1,"result":{}}"#,
    ])
  func envelopes(message: String) throws {
    #expect(try stream(message, [field("ssn")]).violation == .envelope)
  }

  /// A text is what it says, however it is written: the same messages are taken as when they are read whole.
  @Test(
    "the envelope may be written with escapes",
    arguments: [
      #"{"jsonrpc":"2\u002e0","id":1,"result":{"content":[]}}"#,
      #"{"\u006asonrpc":"\u0032\u002E\u0030","i\u0064":1,"resul\u0074":{"content":[]}}"#,
      #"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complet\u0065","content":[]}}"#,
      #"{"jsonrpc":"2\u002f0","id":1,"result":{}}"#,
      #"{"jsonrpc":"2\u002e0\u0000","id":1,"result":{}}"#,
      #"{"jsonrpc":"2\\u002e0","id":1,"result":{}}"#,
    ])
  func escapedEnvelope(message: String) throws {
    let bytes = Array(message.utf8)
    var index = JSONIndex()
    #expect(unsafe index.read(bytes.span.bytes, watch: JSONWatch.none) == nil)
    var isAnswer = false
    if case .message = unsafe MCPReader.read(bytes.span.bytes, index: index, from: .server) {
      isAnswer = true
    }
    for pieces in [1, 7, 10_000] {
      let streamed = try stream(message, [field("ssn")], pieces: pieces)
      #expect(streamed.violation == (isAnswer ? nil : .envelope))
      if isAnswer { #expect(streamed.text == message) }
    }
  }

  @Test("too many keys, too long a key, too deep")
  func bounds() throws {
    let keys = (0...(1 << 17)).map { #""k\#($0)":1"# }.joined(separator: ",")
    #expect(try stream(answer(structured: "{\(keys)}"), []).violation == .keys)
    let long = String(repeating: "k", count: 70_000)
    #expect(try stream(answer(structured: #"{"\#(long)":1}"#), []).violation == .keys)
    let deep = String(repeating: "[", count: 80)
    #expect(try stream(answer(structured: deep), []).violation == .json(.tooDeep))
    let twice = (0..<500).map { #""k\#($0)":1"# }.joined(separator: ",") + #","\u006b7":2"#
    #expect(
      try stream(answer(structured: "{\(twice)}"), []).violation == .json(.duplicateKey))
  }

  @Test("a message of many megabytes takes the memory of a small one")
  func memory() throws {
    let program = try MaskProgram(fields: [field("ssn"), field("a.b", rule: 1)])
    var masker = Masker()
    var rules = MaskRuleSet()
    rules.formUnion(program.rules)
    let stream = StreamMasker(program: program, active: rules)
    let head = Array(#"{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"rows":["#.utf8)
    let row = Array(#"{"ssn":"SECRET","t":"{\"ssn\":\"SECRET\"}"},"#.utf8)
    let rows = Array(repeatElement(row, count: 1000).joined())
    #expect(unsafe stream.feed(head.span.bytes, with: &masker) == nil)
    for round in 0..<100 {
      #expect(unsafe stream.feed(rows.span.bytes, with: &masker) == nil)
      if round % 20 == 0 {
        #expect(!String(decoding: bytes(of: stream), as: UTF8.self).contains("SECRET"))
      }
      stream.take()
      #expect(stream.keptBytes < 1 << 20)
    }
    #expect(stream.maskedValues == 200_000)
    #expect(stream.finish() == .json(.unexpectedEnd))
  }

  @Test("what the record wants to know is noted")
  func notes() throws {
    let program = try MaskProgram(fields: [])
    var masker = Masker()
    func read(_ message: String) -> StreamMasker {
      let stream = StreamMasker(program: program, active: MaskRuleSet())
      let bytes = Array(message.utf8)
      #expect(unsafe stream.feed(bytes.span.bytes, with: &masker) == nil)
      #expect(stream.finish() == nil)
      return stream
    }
    let failed = read(#"{"jsonrpc":"2.0","id":"a\"b","result":{"isError":true,"content":[]}}"#)
    #expect(failed.isToolError && failed.kind == .result)
    let id = failed.id
    #expect(
      (0..<id.byteCount).map { unsafe id.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
        == Array(#""a\"b""#.utf8))
    let error = read(#"{"error":{"code":-32602,"message":"no"},"id":-9,"jsonrpc":"2.0"}"#)
    #expect(error.kind == .error && error.errorCode == -32602)
  }
}
