internal import Audit
internal import Policy
internal import Wire

// Stand-ins until Wire/MCP lands.
enum Era: UInt8 { case legacy, modern }
enum MCPMethod: UInt8 {
  case initialize, ping, serverDiscover, toolsList, toolsCall, loggingSetLevel
  case notificationsInitialized, notificationsCancelled, notificationsProgress
  case notificationsRootsListChanged, unknown
}
struct MCPMessage: BitwiseCopyable {
  enum Kind: UInt8 { case request, notification, response, error }
  var kind = Kind.request
  var method = MCPMethod.unknown
  var id = ByteRange.empty
  var methodToken: JSONToken?
  var name: JSONToken?
  var arguments: JSONToken?
  var result: JSONToken?
  var error: JSONToken?
  var bodyVersion: JSONToken?
}
struct MCPRefusal {
  var status: UInt16 = 400
  var code: Int32
  var text: StaticString
}
enum MCPReadResult {
  case message(MCPMessage)
  case refused(MCPRefusal)
}
enum MCPReader {
  static func read(_ b: RawSpan, index: borrowing JSONIndex) -> MCPReadResult {
    guard index.kind(of: index.root, in: b) == .object else {
      return .refused(MCPRefusal(code: -32600, text: "no object"))
    }
    var m = MCPMessage()
    if let id = index.member("id", of: index.root, in: b) { m.id = index.range(of: id) }
    m.result = index.member("result", of: index.root, in: b)
    m.error = index.member("error", of: index.root, in: b)
    m.methodToken = index.member("method", of: index.root, in: b)
    if m.error != nil {
      m.kind = .error
    } else if m.result != nil {
      m.kind = .response
    } else {
      m.kind = m.id.isEmpty ? .notification : .request
    }
    if let method = m.methodToken {
      let table: [(StaticString, MCPMethod)] = [
        ("initialize", .initialize), ("ping", .ping), ("server/discover", .serverDiscover),
        ("tools/list", .toolsList), ("tools/call", .toolsCall),
        ("notifications/initialized", .notificationsInitialized),
        ("notifications/cancelled", .notificationsCancelled),
      ]
      for (name, value) in table where index.equals(method, name, in: b) { m.method = value }
    }
    if let params = index.member("params", of: index.root, in: b) {
      m.name = index.member("name", of: params, in: b)
      m.arguments = index.member("arguments", of: params, in: b)
      if let meta = index.member("_meta", of: params, in: b) {
        m.bodyVersion = index.member(
          "io.modelcontextprotocol/protocolVersion", of: meta, in: b)
      }
    }
    return .message(m)
  }
}
enum Classification {
  case accepted(Era)
  case refused(MCPRefusal)
}
enum EraClassifier {
  static func classify(
    head: RequestHead, headBytes: RawSpan, message: MCPMessage, index: borrowing JSONIndex,
    body: RawSpan
  ) -> Classification { .accepted(message.bodyVersion == nil ? .legacy : .modern) }
}
enum MCPAnswer {
  static func error(
    id: ShortText, code: Int32, text: StaticString, record: RecordID, into out: inout ByteWriter
  ) {
    out.append("{\"jsonrpc\":\"2.0\",\"id\":")
    if id.isEmpty { out.append("null") } else { out.append(id.span) }
    out.append(",\"error\":{\"code\":-")
    out.append(decimal: UInt64(-Int64(code)))
    out.append(",\"message\":\"")
    out.append(text)
    out.append("\",\"data\":{\"ref\":\"")
    let ref = record.text
    for i in 0..<13 { out.append(ref[i]) }
    out.append("\"}}}")
  }
  static func denied(
    id: ShortText, modern: Bool, refusal: Refusal, policy: PolicyProgram, record: RecordID,
    into out: inout ByteWriter
  ) {
    out.append("{\"jsonrpc\":\"2.0\",\"id\":")
    out.append(id.span)
    out.append(",\"result\":{")
    if modern { out.append("\"resultType\":\"complete\",") }
    out.append("\"isError\":true,\"content\":[{\"type\":\"text\",\"text\":\"")
    if let rule = refusal.rule {
      out.append("Blocked by policy ")
      JSONEscaping.escape(policy.ruleName(rule), into: &out)
      out.append(". ")
      if let words = policy.ruleMessage(rule) { JSONEscaping.escape(words, into: &out) }
    } else {
      out.append(refusal.reason.text)
    }
    out.append(" Ref ")
    let ref = record.text
    for i in 0..<13 { out.append(ref[i]) }
    out.append(".\"}]}}")
  }
}
