/// Writes the answers that the gateway itself gives (mcp-wire §7.3, §13), with the request's id byte for byte.
///
/// Example: `error(id: 7, .unknownMethod)` writes
/// `{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"Method not found"}}`.
public enum MCPAnswer {
  /// The gateway's own error codes, outside what JSON-RPC and MCP reserve.
  public static var policyDenied: Int32 { -31403 }
  public static var internalError: Int32 { -32603 }

  /// An error answer. `id` is the literal from the request; empty is written as null. `message` is plain text.
  public static func error(
    id: RawSpan, code: Int32, message: StaticString, into out: inout ByteWriter
  ) {
    begin(id: id, into: &out)
    errorStart(code, into: &out)
    escaped(message, into: &out)
    out.append("\"}}")
  }

  /// The same with a message from elsewhere: valid UTF-8, escaped here.
  public static func error(
    id: RawSpan, code: Int32, message: RawSpan, into out: inout ByteWriter
  ) {
    begin(id: id, into: &out)
    errorStart(code, into: &out)
    JSONEscaping.escape(message, into: &out)
    out.append("\"}}")
  }

  /// The answer to a refused message. An unsupported version tells which are supported, which must be the list that
  /// `server/discover` gives, and `requested`, the header's value; and `reference`, to the record, when there is one.
  public static func refusal(
    _ refusal: MCPRefusal, body: RawSpan, supported: ProtocolVersionSet = .modern,
    requested: RawSpan, into out: inout ByteWriter
  ) {
    let id = body.extracting(refusal.id.range)
    guard refusal.reason == .unsupportedVersion else {
      return error(
        id: id, code: refusal.code, message: refusal.reason.description, into: &out)
    }
    begin(id: id, into: &out)
    errorStart(refusal.code, into: &out)
    escaped(refusal.reason.description, into: &out)
    out.append("\",\"data\":{\"supported\":[")
    supported.list(into: &out)
    out.append("],\"requested\":\"")
    JSONEscaping.escape(requested, into: &out)
    out.append("\"}}}")
  }

  /// Tells the agent that policy blocked a tool call: a result, since that is what reaches the model. The text is
  /// `Blocked by policy <rule>. <message> Ref <reference>.`, without the middle when there is no message.
  public static func toolDenied(
    id: RawSpan, era: Era, rule: RawSpan, message: RawSpan, reference: RawSpan,
    into out: inout ByteWriter
  ) {
    toolErrorStart(id: id, era: era, into: &out)
    blocked(by: rule, message, into: &out)
    out.append(" Ref ")
    JSONEscaping.escape(reference, into: &out)
    out.append(".\"}]}}")
  }

  /// A tool result that says that the call failed, in `text`: for failures that the model should see.
  public static func toolError(
    id: RawSpan, era: Era, text: RawSpan, into out: inout ByteWriter
  ) {
    beginToolError(id: id, era: era, into: &out)
    JSONEscaping.escape(text, into: &out)
    endToolError(into: &out)
  }

  /// The same in pieces: what is appended between this and `endToolError` is the text, escaped by whoever appends it (see
  /// `sentence`).
  public static func beginToolError(id: RawSpan, era: Era, into out: inout ByteWriter) {
    toolErrorStart(id: id, era: era, into: &out)
  }

  /// Appends fixed words to such a text.
  public static func sentence(_ text: StaticString, into out: inout ByteWriter) {
    escaped(text, into: &out)
  }

  public static func endToolError(into out: inout ByteWriter) {
    out.append("\"}]}}")
  }

  /// Tells the agent that policy blocked a request other than a tool call: `Blocked by policy <rule>. <message>`, without
  /// the end when there is no message.
  public static func denied(
    id: RawSpan, rule: RawSpan, message: RawSpan = RawSpan(), reference: RawSpan,
    into out: inout ByteWriter
  ) {
    beginDenied(id: id, into: &out)
    blocked(by: rule, message, into: &out)
    endDenied(rule: rule, reference: reference, into: &out)
  }

  private static func blocked(by rule: RawSpan, _ message: RawSpan, into out: inout ByteWriter) {
    out.append("Blocked by policy ")
    JSONEscaping.escape(rule, into: &out)
    out.append(".")
    if message.byteCount > 0 {
      out.append(0x20)
      JSONEscaping.escape(message, into: &out)
    }
  }

  /// The same in pieces: what is appended between this and `endDenied` is the message, escaped by whoever appends it.
  public static func beginDenied(id: RawSpan, into out: inout ByteWriter) {
    begin(id: id, into: &out)
    errorStart(policyDenied, into: &out)
  }

  public static func endDenied(rule: RawSpan, reference: RawSpan, into out: inout ByteWriter) {
    out.append("\",\"data\":{\"ref\":\"")
    JSONEscaping.escape(reference, into: &out)
    out.append("\",\"rule\":\"")
    JSONEscaping.escape(rule, into: &out)
    out.append("\"}}}")
  }

  /// The end of `subscriptions/listen` that is no failure: its one result, which says nothing but whose it is.
  public static func listeningEnded(id: RawSpan, into out: inout ByteWriter) {
    begin(id: id, into: &out)
    out.append(",\"result\":{\"resultType\":\"complete\",\"_meta\":{")
    out.append("\"io.modelcontextprotocol/subscriptionId\":")
    out.append(id)
    out.append("}}}")
  }

  private static func toolErrorStart(id: RawSpan, era: Era, into out: inout ByteWriter) {
    begin(id: id, into: &out)
    out.append(",\"result\":{")
    if era == .modern { out.append("\"resultType\":\"complete\",") }
    out.append("\"isError\":true,\"content\":[{\"type\":\"text\",\"text\":\"")
  }

  private static func begin(id: RawSpan, into out: inout ByteWriter) {
    out.append("{\"jsonrpc\":\"2.0\",\"id\":")
    if id.byteCount == 0 {
      out.append("null")
    } else {
      out.append(id)
    }
  }

  private static func errorStart(_ code: Int32, into out: inout ByteWriter) {
    out.append(",\"error\":{\"code\":")
    if code < 0 { out.append(0x2d) }
    out.append(decimal: UInt64(code.magnitude))
    out.append(",\"message\":\"")
  }

  /// Fixed texts may hold quotes.
  private static func escaped(_ text: StaticString, into out: inout ByteWriter) {
    let bytes = unsafe RawSpan(_unsafeStart: text.utf8Start, byteCount: text.utf8CodeUnitCount)
    JSONEscaping.escape(bytes, into: &out)
  }
}
