internal import Audit

/// Sessions and their calls as lines of text for a terminal.
enum SessionLine {
  private static let columns = TextColumns([
    ("BEGAN (UTC)", 19), ("SESSION", 13), ("PRINCIPAL", 18), ("SERVER", 12), ("CLIENT", 22),
    ("CALLS", 6), ("REFUSED", 7), ("FAILED", 6), ("MASKED", 7), ("LASTED", 11),
  ])

  static var header: String { columns.header }

  static func text(of session: RecordedSession) -> String {
    columns.row([
      String(RecordedTime.text(session.startedNanoseconds).prefix(19)), session.id,
      session.principal.isEmpty ? "-" : session.principal,
      session.server.isEmpty ? "-" : session.server,
      session.client.isEmpty ? "-" : session.client,
      String(session.calls), String(session.refused), String(session.failed),
      String(session.maskedValues), duration(session),
    ])
  }

  /// What stands over a timeline.
  static func heading(of session: RecordedSession) -> [String] {
    let tools = session.tools.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      .map { "\($0.key) ×\($0.value)" }
    func field(_ name: String, _ value: String) -> String {
      "  " + name + String(repeating: " ", count: max(1, 12 - name.count))
        + (value.isEmpty ? "-" : SafeText.line(value))
    }
    var lines = [
      "Session \(session.id)", "",
      field("principal", session.principal), field("server", session.server),
      field("client", session.client), field("era", "\(session.era)"),
      field(
        "time",
        "\(RecordedTime.text(session.startedNanoseconds)) UTC, lasted \(duration(session))"),
      field(
        "calls",
        "\(session.calls): \(session.refused) refused, \(session.failed) failed, "
          + "\(session.waiting) told to wait for approval, \(session.open) without an outcome"
      ),
      field("masked", "\(session.maskedValues) values"),
      field("tools", tools.joined(separator: ", ")),
    ]
    if !session.session.isEmpty {
      lines.append(field("id digest", SessionDigest.text(of: session.session)))
    }
    return lines
  }

  /// A call of a timeline: what, what was decided, how it ended; then request and answer, folded.
  /// - Parameter bodyWidth: characters of each body; nil for all of them, laid out over lines.
  static func lines(of call: RecordedCall, bodyWidth: Int?) -> [String] {
    let what = call.tool.isEmpty ? call.method : "\(call.method) \(call.tool)"
    var end = "\(call.decision?.text ?? "-")"
    if !call.rule.isEmpty { end += " (\(call.rule))" }
    end += ", " + call.ending()
    if let outcome = call.outcome {
      end += ", " + RecordedTime.duration(microseconds: outcome.doneMicroseconds)
    }
    var lines = [
      "\(RecordedTime.text(call.openedNanoseconds))  \(call.record)  "
        + SafeText.line("\(what.isEmpty ? "-" : what): \(end)")
    ]
    if let review = call.review {
      let approval = call.approval.isEmpty ? "" : "approval \(call.approval): "
      lines.append(
        "    \(mark(of: review)) " + SafeText.line(approval + review.text))
    }
    lines += body("    → ", call.request, bodyWidth)
    lines += body("    ← ", call.answer, bodyWidth)
    return lines
  }

  private static func mark(of review: RecordedCall.Review) -> String {
    switch review.state {
    case .approved: "✓"
    case .pending: "…"
    case .none, .denied, .expired, .cancelled, .unavailable: "✗"
    }
  }

  private static func body(_ mark: String, _ bytes: [UInt8], _ width: Int?) -> [String] {
    guard !bytes.isEmpty else { return [] }
    guard let width else {
      let text = PrettyJSON.format(bytes) ?? String(decoding: bytes, as: UTF8.self)
      return SafeText.block(text).split(separator: "\n", omittingEmptySubsequences: false)
        .enumerated().map { ($0.offset == 0 ? mark : "      ") + $0.element }
    }
    // Four bytes is the longest a character can be; what is cut off is not looked at.
    let text = SafeText.line(String(decoding: bytes.prefix(width * 4 + 4), as: UTF8.self))
    return [mark + (text.count <= width ? text : text.prefix(max(0, width - 1)) + "…")]
  }

  private static func duration(_ session: RecordedSession) -> String {
    let began = min(session.startedNanoseconds, session.endedNanoseconds)
    return RecordedTime.duration(microseconds: (session.endedNanoseconds - began) / 1000)
  }

  static func json(of session: RecordedSession) -> String {
    var json = JSONLine()
    json.open()
    json.text("session", session.id)
    json.text("last", session.last.description)
    json.text("began", RecordedTime.iso(session.startedNanoseconds))
    json.text("ended", RecordedTime.iso(session.endedNanoseconds))
    json.text("era", session.era == .unknown ? "" : "\(session.era)")
    json.text("principal", session.principal)
    json.text("server", session.server)
    json.text("client", session.client)
    json.text(
      "id_digest", session.session.isEmpty ? "" : SessionDigest.text(of: session.session))
    json.number("calls", UInt64(session.calls))
    json.number("refused", UInt64(session.refused))
    json.number("waiting", UInt64(session.waiting))
    json.number("failed", UInt64(session.failed))
    json.number("open", UInt64(session.open))
    json.number("masked_values", session.maskedValues)
    json.text("tools", session.tools.keys.sorted().joined(separator: " "))
    json.close()
    return String(decoding: json.bytes, as: UTF8.self)
  }
}
