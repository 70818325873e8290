internal import Audit

/// An event as one line of JSON in ASCII. Written by hand, because it is written for every call: keys in a fixed order, none
/// for what is not known.
enum EventJSON {
  static let schema = "sluice.event/1"

  /// - Parameters:
  ///   - contents: whether request and answer belong into it.
  ///   - bytesMax: longest line. What does not fit loses the bodies first, then the tails of its texts; it says so.
  static func line(_ event: AuditEvent, gateway: String, contents: Bool, bytesMax: Int) -> [UInt8] {
    var line = write(
      event, gateway, contents: contents, textMax: CallFacts.textBytesMax, isCut: false)
    if line.count > bytesMax, contents {
      line = write(event, gateway, contents: false, textMax: CallFacts.textBytesMax, isCut: true)
    }
    var textMax = 256
    while line.count > bytesMax, textMax > 0 {
      line = write(event, gateway, contents: false, textMax: textMax, isCut: true)
      textMax /= 4
    }
    return line
  }

  private static func write(
    _ event: AuditEvent, _ gateway: String, contents: Bool, textMax: Int, isCut: Bool
  ) -> [UInt8] {
    var json = JSONLine(textBytesMax: textMax)
    json.open()
    json.text("schema", schema)
    json.text("id", event.id)
    json.number("sequence", event.sequence)
    json.text("hash", event.hash)
    json.text("time", RecordedTime.iso(event.nanoseconds))
    json.text("gateway", gateway)
    switch event.content {
    case .call(let call): write(call, contents, &json)
    case .notice(let notice): write(notice, &json)
    }
    if isCut { json.flag("cut", true) }
    json.close()
    return json.bytes
  }

  private static func write(_ call: RecordedCall, _ contents: Bool, _ json: inout JSONLine) {
    json.text("kind", "call")
    json.text("ref", call.record.description)
    json.text("principal", call.principal)
    json.text("server", call.server)
    json.text("method", call.method)
    json.text("tool", call.tool)
    json.text("client", call.client)
    json.text("session", SessionDigest.text(of: call))
    json.text("approval", call.approval)
    if let review = call.review {
      json.text("review", "\(review.state)")
      json.text("reviewers", review.reviewers.joined(separator: ", "))
      json.text("review_reason", review.reason)
      json.number("held_us", review.heldMicroseconds)
    }
    json.text("request_id", call.requestID)
    json.text("era", call.era == .unknown ? "" : "\(call.era)")
    json.text("decision", call.decision?.text ?? "")
    json.text("rule", call.rule)
    json.text("policy", CallPage.hexadecimal(call.policyRevision))
    write(call.outcome, call.failedSide, &json)
    json.number("request_bytes", UInt64(max(0, call.requestBytes)))
    json.number("answer_bytes", UInt64(max(0, call.answerBytes)))
    if !call.isWhole { json.flag("whole", false) }
    guard contents else { return }
    json.body("request", call.request, of: call.requestBytes)
    json.body("answer", call.answer, of: call.answerBytes)
  }

  /// The layers of an outcome, kept apart: "HTTP 200 with isError" and "HTTP 502" are different stories.
  private static func write(
    _ outcome: CallOutcome?, _ failedSide: RecordedSide, _ json: inout JSONLine
  ) {
    guard let outcome else { return json.text("result", "interrupted") }
    json.text("result", outcome.result.text)
    if failedSide != .none { json.text("failed_side", failedSide.text) }
    json.some("http_status", Int(outcome.status))
    json.some("server_http_status", Int(outcome.serverStatus))
    json.some("jsonrpc_error", Int(outcome.errorCode))
    json.some("system_error", Int(outcome.systemCode))
    if outcome.result == .toolError { json.flag("is_error", true) }
    json.number("masked_values", UInt64(outcome.maskedValues))
    json.some("hidden_entries", Int(outcome.hiddenEntries))
    if !outcome.isComplete { json.flag("complete", false) }
    json.number("decided_us", outcome.decidedMicroseconds)
    json.number("duration_us", outcome.doneMicroseconds)
    json.number("server_bytes", outcome.serverBytes)
  }

  private static func write(_ notice: RecordedNotice, _ json: inout JSONLine) {
    switch notice {
    case .gap(let worker, let drops, let all, _):
      json.text("kind", "gap")
      json.number("worker", UInt64(worker))
      json.number("drops", drops)
      json.number("drops_in_all", all)
    case .repair(let segment, let offset, let bytes, let isDamage, let hash, _):
      json.text("kind", "repair")
      json.text("segment", SegmentFormat.name(of: segment))
      json.number("offset", offset)
      json.number("bytes_cut", bytes)
      json.flag("damage", isDamage)
      json.text("sha256", hash)
    }
  }
}

/// A session id in events: enough to find its other events by, and of no use to whoever reads it.
enum SessionDigest {
  static func text(of call: RecordedCall) -> String {
    let id = call.session.isEmpty ? call.openedSession : call.session
    return id.isEmpty ? "" : text(of: id)
  }

  /// The first sixteen hexadecimal digits of the id's SHA-256.
  static func text(of id: String) -> String {
    var digest = Digest()
    let bytes = Array(id.utf8)
    digest.update(unsafe bytes.span.bytes)
    return String(digest.finish().hexadecimal.prefix(16))
  }
}

/// One JSON object being written, in ASCII and without line breaks.
struct JSONLine {
  private(set) var bytes: [UInt8] = []
  private let textBytesMax: Int

  init(textBytesMax: Int = .max) {
    self.textBytesMax = textBytesMax
    bytes.reserveCapacity(1024)
  }

  mutating func open() { bytes.append(0x7B) }
  mutating func close() { bytes.append(0x7D) }

  private mutating func key(_ name: StaticString) {
    if bytes.count > 1 { bytes.append(0x2C) }
    bytes.append(0x22)
    name.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
    bytes.append(0x22)
    bytes.append(0x3A)
  }

  /// Nothing for an empty text; long ones end in "…".
  mutating func text(_ name: StaticString, _ text: String) {
    guard !text.isEmpty else { return }
    key(name)
    if text.utf8.count <= textBytesMax {
      quote(text)
    } else {
      quote(String(decoding: text.utf8.prefix(textBytesMax), as: UTF8.self) + "…")
    }
  }

  mutating func number(_ name: StaticString, _ number: UInt64) {
    key(name)
    bytes.append(contentsOf: String(number).utf8)
  }

  /// Nothing for 0.
  mutating func some(_ name: StaticString, _ number: Int) {
    guard number != 0 else { return }
    key(name)
    bytes.append(contentsOf: String(number).utf8)
  }

  mutating func flag(_ name: StaticString, _ value: Bool) {
    key(name)
    bytes.append(contentsOf: (value ? "true" : "false").utf8)
  }

  /// A body as a text, with what is not UTF-8 replaced; nothing for an empty one. "…" at its end says that there was more.
  mutating func body(_ name: StaticString, _ body: [UInt8], of bytesInAll: Int) {
    guard !body.isEmpty else { return }
    key(name)
    quote(String(decoding: body, as: UTF8.self) + (body.count < bytesInAll ? "…" : ""))
  }

  private mutating func quote(_ text: String) {
    bytes.append(0x22)
    JSONEscape.append(text, to: &bytes)
    bytes.append(0x22)
  }
}
