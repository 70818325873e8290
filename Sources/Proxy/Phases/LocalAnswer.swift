internal import Audit
internal import Policy
internal import Wire

/// The bodies of the answers that the gateway gives itself. Each names the record that tells more, as `Ref`.
enum LocalAnswer {
  /// A JSON-RPC error, with the record's reference in its data.
  static func error(
    id: ShortText, code: Int32, text: StaticString, record: RecordID, into out: inout ByteWriter
  ) {
    begin(id, code, into: &out)
    for offset in 0..<text.utf8CodeUnitCount {
      let byte = unsafe text.utf8Start[offset]
      // Fixed texts are plain ASCII; quotes are all that needs escaping.
      if byte == 0x22 { out.append(0x5C) }
      out.append(byte)
    }
    end(record, into: &out)
  }

  /// What the policy's refusal reads like: a tool result for a call, so that it reaches the model; an error for others.
  static func blocked(
    _ refusal: Refusal, policy: PolicyProgram, id: ShortText, era: Era, isTool: Bool,
    record: RecordID, into out: inout ByteWriter
  ) {
    let reference = record.text
    guard isTool else {
      guard let rule = refusal.rule else {
        return error(
          id: id, code: errorCode(refusal), text: refusal.reason.text, record: record, into: &out)
      }
      var message = RawSpan()
      if let words = policy.ruleMessage(rule) { message = words }
      return MCPAnswer.denied(
        id: id.span, rule: policy.ruleName(rule), message: message,
        reference: unsafe reference.span.bytes, into: &out)
    }
    if let rule = refusal.rule {
      var message = RawSpan()
      if let words = policy.ruleMessage(rule) { message = words }
      MCPAnswer.toolDenied(
        id: id.span, era: era, rule: policy.ruleName(rule), message: message,
        reference: unsafe reference.span.bytes, into: &out)
    } else {
      toolError(refusal.reason.text, id: id, era: era, record: record, into: &out)
    }
  }

  /// A tool result that says why the call failed, and where to read more.
  static func toolError(
    _ text: StaticString, id: ShortText, era: Era, record: RecordID, into out: inout ByteWriter
  ) {
    let reference = record.text
    var memory = InlineArray<512, UInt8>(repeating: 0)
    var span = memory.mutableSpan
    unsafe span.withUnsafeMutableBytes { buffer in
      var words = unsafe ByteWriter(unsafeInto: buffer.baseAddress!, capacity: buffer.count)
      words.append(text)
      words.append(" Ref ")
      unsafe words.append(reference.span.bytes)
      words.append(".")
      MCPAnswer.toolError(id: id.span, era: era, text: words.written, into: &out)
    }
  }

  /// Bytes that such an answer may take: escaping makes a byte six at the most.
  static func blockedBytes(_ refusal: Refusal, _ policy: PolicyProgram) -> Int {
    guard let rule = refusal.rule else { return 0 }
    var count = policy.ruleName(rule).byteCount
    if let message = policy.ruleMessage(rule) { count += message.byteCount }
    return 6 * count + 2048
  }

  /// The JSON-RPC code of a refusal: an unknown method is what the protocol calls it, the rest is the policy's own.
  static func errorCode(_ refusal: Refusal) -> Int32 {
    refusal.reason == .methodNotAllowed ? -32601 : MCPAnswer.policyDenied
  }

  private static func begin(_ id: ShortText, _ code: Int32, into out: inout ByteWriter) {
    out.append("{\"jsonrpc\":\"2.0\",\"id\":")
    if id.isEmpty { out.append("null") } else { out.append(id.span) }
    out.append(",\"error\":{\"code\":")
    if code < 0 { out.append(0x2D) }
    out.append(decimal: UInt64(code.magnitude))
    out.append(",\"message\":\"")
  }

  private static func end(_ record: RecordID, into out: inout ByteWriter) {
    let reference = record.text
    out.append("\",\"data\":{\"ref\":\"")
    unsafe out.append(reference.span.bytes)
    out.append("\"}}}")
  }
}
