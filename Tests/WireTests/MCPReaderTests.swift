import Testing
import Wire

@Suite struct MCPReaderTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var text: String
    var reading: MessageReading
    var testDescription: String { text.debugDescription }
    init(_ text: String, _ reading: MessageReading) { (self.text, self.reading) = (text, reading) }
  }

  static func refused(_ text: String, _ reason: MCPRefusalReason, id: String = "1") -> Row {
    Row(text, .refused(reason, id: id))
  }

  static let accepted: [Row] = [
    Row(#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, .message(.request, .ping, id: "1")),
    Row(#"{"method":"ping","id":"1","jsonrpc":"2.0"}"#, .message(.request, .ping, id: "\"1\"")),
    Row(#"{"jsonrpc":"2.0","id":"","method":"ping"}"#, .message(.request, .ping, id: "\"\"")),
    Row(
      #"{"jsonrpc":"2.0","id":"\u0041\"","method":"ping"}"#,
      .message(.request, .ping, id: #""\u0041\"""#)),
    Row(
      #"{"jsonrpc":"2.0","id":-9007199254740991,"method":"ping"}"#,
      .message(.request, .ping, id: "-9007199254740991")),
    Row(
      #"{"jsonrpc":"2.0","id":0,"method":"tools\/call","params":{"n\u0061me":"x"}}"#,
      .message(.request, .toolsCall, id: "0")),
    Row(#"{"json\u0072pc":"2\u002e0","id":1,"method":"ping"}"#, .message(.request, .ping, id: "1")),
    Row(
      #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
      .message(.notification, .notificationsInitialized, id: "")),
    Row(#"{"jsonrpc":"2.0","method":"tools/call"}"#, .message(.notification, .toolsCall, id: "")),
    Row(#"{"jsonrpc":"2.0","id":1,"method":"Tools/Call"}"#, .message(.request, .unknown, id: "1")),
    Row(#"{"jsonrpc":"2.0","id":1,"method":"tools/call "}"#, .message(.request, .unknown, id: "1")),
    Row(#"{"jsonrpc":"2.0","id":1,"result":null}"#, .message(.response, .unknown, id: "1")),
    Row(#"{"jsonrpc":"2.0","id":1,"error":{"code":1}}"#, .message(.error, .unknown, id: "1")),
    Row(
      #"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"vendor":1,"Other":2,"_meta":{"\u00fcber":1}}}"#,
      .message(.request, .ping, id: "1")),
  ]

  static let refusedEnvelopes: [Row] = [
    Row(#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, .notJSON(.batch)),
    Row("  []", .notJSON(.batch)),
    Row("7", .notJSON(.notAnObject)),
    Row("-1", .notJSON(.notAnObject)),
    Row(#""x""#, .notJSON(.notAnObject)),
    Row(" null", .notJSON(.notAnObject)),
    Row("this is no JSON", .notJSON(.notJSON)),
    Row("+1", .notJSON(.notJSON)),
    Row("{", .notJSON(.notJSON)),
    Row("", .notJSON(.notJSON)),
    Row("\u{feff}{}", .notJSON(.notJSON)),
    Row(#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, .notJSON(.notJSON)),
    Row(#"{"jsonrpc":"2.0","id":1,"method":"ping"} {}"#, .notJSON(.notJSON)),
    refused("{}", .versionOfJSONRPC, id: ""),
    refused(#"{"id":1,"method":"ping"}"#, .versionOfJSONRPC),
    refused(#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, .versionOfJSONRPC),
    refused(#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, .versionOfJSONRPC),
    refused(#"{"jsonrpc":"2.0","id":1,"method":"ping","extra":1}"#, .unknownEnvelopeKey),
    refused(#"{"extra":1,"jsonrpc":"2.0","id":1,"method":"ping"}"#, .unknownEnvelopeKey),
    refused(#"{"jsonrpc":"2.0","id":1,"Method":"ping"}"#, .unknownEnvelopeKey),
    refused(#"{"jsonrpc":"2.0","id":1,"method":"ping","param\u017f":{}}"#, .unknownEnvelopeKey),
    refused(#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, .idMalformed, id: ""),
    refused(#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, .idMalformed, id: ""),
    refused(#"{"jsonrpc":"2.0","id":1.0,"method":"ping"}"#, .idMalformed, id: ""),
    refused(#"{"jsonrpc":"2.0","id":1e0,"method":"ping"}"#, .idMalformed, id: ""),
    refused(#"{"jsonrpc":"2.0","id":1e400,"method":"ping"}"#, .idMalformed, id: ""),
    refused(#"{"jsonrpc":"2.0","id":-0,"method":"ping"}"#, .idMalformed, id: ""),
    refused(#"{"jsonrpc":"2.0","id":9007199254740992,"method":"ping"}"#, .idMalformed, id: ""),
    refused(#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, .idMalformed, id: ""),
    refused(
      #"{"jsonrpc":"2.0","id":"\#(String(repeating: "x", count: 257))","method":"ping"}"#,
      .idMalformed, id: ""),
    refused(#"{"jsonrpc":"2.0","id":1,"method":7}"#, .methodMalformed),
    refused(#"{"jsonrpc":"2.0","id":1,"method":""}"#, .methodMalformed),
    refused(#"{"jsonrpc":"2.0","id":1,"method":"pi\u0000ng"}"#, .controlCharacter),
    refused(#"{"jsonrpc":"2.0","id":1}"#, .messageShape),
    refused(#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#, .messageShape),
    refused(#"{"jsonrpc":"2.0","id":1,"method":"ping","error":{}}"#, .messageShape),
    refused(#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, .messageShape),
    refused(#"{"jsonrpc":"2.0","id":1,"result":{},"params":{}}"#, .messageShape),
    refused(#"{"jsonrpc":"2.0","result":{}}"#, .messageShape, id: ""),
    refused(#"{"jsonrpc":"2.0","id":1,"error":"x"}"#, .errorNotAnObject),
    refused(#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, .paramsNotAnObject),
    refused(#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#, .paramsNotAnObject),
    refused(#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":1}}"#, .metaNotAnObject),
  ]

  static func params(_ members: String, _ reason: MCPRefusalReason) -> Row {
    refused(
      #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x",\#(members)}}"#, reason)
  }

  static let refusedParams: [Row] = [
    params(#""Name":"evil""#, .misleadingKey),
    params(#""NAME":"evil""#, .misleadingKey),
    params(#""n\u0041me":"evil""#, .misleadingKey),
    params(#""\uff4eame":"evil""#, .misleadingKey),
    params("\"\u{ff2e}ame\":\"evil\"", .misleadingKey),
    params(#""argument\u017f":{}"#, .misleadingKey),
    params(#""tas\u212aId":"x""#, .misleadingKey),
    params(#""_Meta":{}"#, .misleadingKey),
    params(#""_meta":{"ProgressToken":1}"#, .misleadingKey),
    params(#""_meta":{"io.modelcontextprotocol/protocolversion":"x"}"#, .misleadingKey),
    params(#""\u00e9":1"#, .nonASCIIKey),
    params("\"na\u{200b}me\":1", .nonASCIIKey),
    params(#""uri":7"#, .identityNotAString),
    params(#""uri":"a\u0007""#, .controlCharacter),
    params(#""uri":"a\n""#, .controlCharacter),
    params("\"taskId\":\"a\u{7f}\"", .controlCharacter),
    params("\"taskId\":\"a\u{85}\"", .controlCharacter),
  ]

  @Test(arguments: accepted + refusedEnvelopes + refusedParams)
  func rows(row: Row) {
    #expect(readMessage(row.text) == row.reading)
  }

  @Test func keysThatEndWithNullAreRefusedByTheIndex() {
    let text = #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name\u0000":"x"}}"#
    #expect(readMessage(text) == .notJSON(.notJSON))
  }

  @Test func serversMayAnswerWithoutAnID() {
    let text = #"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}"#
    #expect(readMessage(text, from: .server) == .message(.error, .unknown, id: ""))
    #expect(readMessage(text) == .refused(.idMalformed, id: ""))
    #expect(
      readMessage(#"{"jsonrpc":"2.0","id":null,"result":{}}"#, from: .server)
        == .refused(.idMalformed, id: ""))
    #expect(
      readMessage(#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, from: .server)
        == .refused(.idMalformed, id: ""))
  }

  @Test func partsAreFoundWhateverTheirOrder() throws {
    let text = #"""
      {"params":{"arguments":{"sql":"SELECT 1"},"_meta":{"progressToken":"p",
      "io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/protocolVersion":"2026-07-28"},
      "name":"qu\u0065ry"},"method":"tools/call","id":"7","jsonrpc":"2.0"}
      """#
    let bytes = Array(text.utf8)
    var index = JSONIndex(limits: JSONLimits())
    #expect(index.read(bytes.rawBytes, watch: .none) == nil)
    guard case .message(let message) = MCPReader.read(bytes.rawBytes, index: index) else {
      Issue.record("not read")
      return
    }
    func raw(_ token: JSONToken?) -> String? { token.map { httpText(bytes, index.range(of: $0)) } }
    #expect(raw(message.name) == #""qu\u0065ry""#)
    #expect(message.identity == message.name)
    #expect(raw(message.arguments) == #"{"sql":"SELECT 1"}"#)
    #expect(raw(message.progressToken) == #""p""#)
    #expect(raw(message.metaVersion) == #""2026-07-28""#)
    #expect(raw(message.metaCapabilities) == "{}")
    #expect(raw(message.methodToken) == #""tools/call""#)
    #expect(message.idKind == .string)
    #expect(message.requestedVersion == nil)
  }

  @Test(arguments: MCPMethod.allCases.filter { $0 != .unknown })
  func everyMethodIsReadFromItsNameAndNothingNearIt(method: MCPMethod) {
    let name = Array("\(method.name)".utf8)
    #expect(MCPMethod(name.rawBytes) == method)
    for place in name.indices {
      var other = name
      other[place] ^= 0x20
      #expect(MCPMethod(other.rawBytes) == .unknown)
      #expect(MCPMethod(Array(name[..<place]).rawBytes) != method)
    }
    #expect(MCPMethod((name + [0x20]).rawBytes) != method)
    let isSent = method.isClientRequest(in: .legacy) || method.isClientRequest(in: .modern)
    #expect(!(isSent && method.isNotification))
  }

  struct MethodRow: Sendable {
    var method: MCPMethod
    var legacy: Bool
    var modern: Bool
    var source: MCPNameSource
    init(_ method: MCPMethod, legacy: Bool, modern: Bool, _ source: MCPNameSource = .none) {
      (self.method, self.legacy, self.modern, self.source) = (method, legacy, modern, source)
    }
  }

  @Test(arguments: [
    MethodRow(.initialize, legacy: true, modern: false),
    MethodRow(.ping, legacy: true, modern: false),
    MethodRow(.serverDiscover, legacy: false, modern: true),
    MethodRow(.toolsList, legacy: true, modern: true),
    MethodRow(.toolsCall, legacy: true, modern: true, .name),
    MethodRow(.promptsGet, legacy: true, modern: true, .name),
    MethodRow(.resourcesRead, legacy: true, modern: true, .uri),
    MethodRow(.resourcesSubscribe, legacy: true, modern: false),
    MethodRow(.subscriptionsListen, legacy: false, modern: true),
    MethodRow(.completionComplete, legacy: true, modern: true),
    MethodRow(.loggingSetLevel, legacy: true, modern: false),
    MethodRow(.tasksGet, legacy: true, modern: true, .taskID),
    MethodRow(.tasksResult, legacy: true, modern: false),
    MethodRow(.tasksUpdate, legacy: false, modern: true, .taskID),
    MethodRow(.tasksCancel, legacy: true, modern: true, .taskID),
    MethodRow(.samplingCreateMessage, legacy: false, modern: false),
    MethodRow(.rootsList, legacy: false, modern: false),
    MethodRow(.unknown, legacy: false, modern: false),
  ])
  func methodsOfTheEras(row: MethodRow) {
    #expect(row.method.isClientRequest(in: .legacy) == row.legacy)
    #expect(row.method.isClientRequest(in: .modern) == row.modern)
    #expect(row.method.nameSource == row.source)
  }
}
