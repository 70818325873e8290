internal import Audit

/// One line per call, in columns that stay where they are.
enum CallLine {
  private static let columns: [(title: String, width: Int)] = [
    ("TIME (UTC)", 23), ("REF", 13), ("PRINCIPAL", 16), ("SERVER", 12), ("TOOL", 20),
    ("DECISION", 15), ("RULE", 20), ("OUTCOME", 22), ("DURATION", 9),
  ]

  static var header: String { row(columns.map(\.title)) }

  static func text(of call: RecordedCall) -> String {
    row([
      RecordedTime.text(call.openedNanoseconds),
      call.record.description,
      call.principal.isEmpty ? "-" : call.principal,
      call.server.isEmpty ? "-" : call.server,
      call.tool.isEmpty ? (call.method.isEmpty ? "-" : call.method) : call.tool,
      call.decision.map(text) ?? "-",
      call.rule.isEmpty ? "-" : call.rule,
      outcome(of: call),
      call.outcome.map { RecordedTime.duration(microseconds: $0.doneMicroseconds) } ?? "-",
    ])
  }

  static func text(of notice: RecordedNotice) -> String {
    switch notice {
    case .gap(let worker, let drops, let all, let time):
      return "\(RecordedTime.text(time))  GAP: \(drops) calls went ahead unrecorded on worker "
        + "\(worker) (\(all) in all)"
    case .repair(let segment, let offset, let bytes, let isDamage, let hash, let time):
      let what = isDamage ? "damaged bytes" : "bytes of an interrupted write"
      return "\(RecordedTime.text(time))  REPAIR: \(bytes) \(what) were cut off "
        + "\(SegmentFormat.name(of: segment)) at offset \(offset), SHA-256 \(hash)"
    }
  }

  static func text(of decision: RecordedDecision) -> String {
    switch decision {
    case .allow: "allow"
    case .block: "block"
    case .unauthenticated: "unauthenticated"
    case .malformed: "malformed"
    case .unavailable: "unavailable"
    case .hold: "hold"
    }
  }

  /// What became of an approval: "held 12.0 s, approved by bob, ada (looks right)".
  static func text(of review: RecordedCall.Review) -> String {
    let end =
      switch review.state {
      case .none: "with an outcome that this version does not know"
      case .pending: "not decided when the agent was told to come back"
      case .approved: "approved"
      case .denied: "denied"
      case .expired: "expired"
      case .cancelled: "cancelled"
      case .unavailable: "no approval could be asked for"
      }
    let by = review.reviewers.isEmpty ? "" : " by " + review.reviewers.joined(separator: ", ")
    let reason = review.reason.isEmpty ? "" : " (\(review.reason))"
    return
      "held \(RecordedTime.duration(microseconds: review.heldMicroseconds)), \(end)\(by)\(reason)"
  }

  /// How a call ended, short: the layer that failed and its code.
  static func outcome(of call: RecordedCall) -> String {
    guard let outcome = call.outcome else { return "open" }
    switch call.heldEnd {
    case .waiting: return "told to wait"
    case .denied: return "denied"
    case .expired: return "approval expired"
    case .cancelled, .unavailable, nil: break
    }
    let text =
      switch outcome.result {
      case .success: outcome.maskedValues > 0 ? "ok, \(outcome.maskedValues) masked" : "ok"
      case .toolError: "tool error"
      case .protocolError: "error \(outcome.errorCode)"
      case .httpError: "HTTP \(max(outcome.status, outcome.serverStatus))"
      case .transportError: "no answer (\(text(of: outcome.failedSide)))"
      case .refused: outcome.status >= 400 ? "refused, HTTP \(outcome.status)" : "refused"
      case .cancelled: "cancelled"
      }
    return outcome.isComplete ? text : text + ", cut off"
  }

  static func text(of side: RecordedSide) -> String {
    switch side {
    case .none: "-"
    case .agent: "agent"
    case .gateway: "gateway"
    case .server: "server"
    }
  }

  private static func row(_ cells: [String]) -> String {
    var line = ""
    for (cell, column) in zip(cells, columns) {
      let safe = SafeText.line(cell)
      let shown = safe.count <= column.width ? safe : safe.prefix(column.width - 1) + "…"
      line += shown + String(repeating: " ", count: column.width - shown.count + 2)
    }
    while line.last == " " { line.removeLast() }
    return line
  }
}
