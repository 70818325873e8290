internal import PlainJSON

/// Messages that the bridge itself writes.
enum MessageText {
  /// The revision of the modern era that the bridge asks servers for.
  static let modernRevision = "2026-07-28"
  /// The newest revision of the legacy era, which the bridge offers to a shared server.
  static let legacyRevision = "2025-11-25"

  static let internalError = -32603
  static let invalidRequest = -32600
  static let unknownMethod = -32601

  /// An answer that says why there is none. `id` is a literal; nil is written as null.
  static func error(id: [UInt8]?, code: Int, _ text: String) -> [UInt8] {
    head(id) + Array(",\"error\":{\"code\":\(code),\"message\":\(JSONText.quoted(text))}}".utf8)
  }

  /// An answer with an error; `error` is JSON.
  static func error(id: [UInt8], _ error: [UInt8]) -> [UInt8] {
    head(id) + Array(",\"error\":".utf8) + error + Array("}".utf8)
  }

  /// An answer; `result` is JSON.
  static func result(id: [UInt8], _ result: [UInt8]) -> [UInt8] {
    head(id) + Array(",\"result\":".utf8) + result + Array("}".utf8)
  }

  private static func head(_ id: [UInt8]?) -> [UInt8] {
    Array("{\"jsonrpc\":\"2.0\",\"id\":".utf8) + (id ?? Array("null".utf8))
  }

  /// Asks which revisions of the modern era a server speaks; one of the legacy era answers with an error.
  static func discover(id: Int) -> [UInt8] {
    Array(
      """
      {"jsonrpc":"2.0","id":\(id),"method":"server/discover","params":{"_meta":{\
      "io.modelcontextprotocol/protocolVersion":"\(modernRevision)",\
      "io.modelcontextprotocol/clientInfo":{"name":"sluice","version":"1"},\
      "io.modelcontextprotocol/clientCapabilities":{}}}}
      """.utf8)
  }

  static func initialize(id: Int) -> [UInt8] {
    Array(
      """
      {"jsonrpc":"2.0","id":\(id),"method":"initialize","params":{\
      "protocolVersion":"\(legacyRevision)","capabilities":{},\
      "clientInfo":{"name":"sluice","version":"1"}}}
      """.utf8)
  }

  static let initialized = Array(
    #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.utf8)

  static func cancelled(id: Int, reason: String) -> [UInt8] {
    Array(
      """
      {"jsonrpc":"2.0","method":"notifications/cancelled",\
      "params":{"requestId":\(id),"reason":\(JSONText.quoted(reason))}}
      """.utf8)
  }
}
