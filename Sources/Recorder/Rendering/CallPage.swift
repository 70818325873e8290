internal import Audit

/// A call on a page of its own: everything the record says, laid out for reading.
enum CallPage {
  /// - Parameter bodyBytesMax: longest part of the request and of the answer that is shown.
  static func text(of call: RecordedCall, bodyBytesMax: Int) -> String {
    var page = ["Record \(call.record)", ""]
    page += facts(call)
    if let outcome = call.outcome {
      page += [""] + result(call, outcome)
    } else {
      page += [
        "", "  outcome       none recorded: in flight, or cut short by the end of the process",
      ]
    }
    if !call.isWhole {
      page += ["", "  Some entries of this call are missing from this directory."]
    }
    page += ["", "Request, \(call.requestBytes) bytes", ""]
    page += [body(call.request, of: call.requestBytes, bodyBytesMax)]
    let answerBytes = max(call.answerBytes, call.answer.count)
    page += ["", "Answer as the agent got it, \(answerBytes) bytes", ""]
    page += [body(call.answer, of: answerBytes, bodyBytesMax)]
    return page.joined(separator: "\n")
  }

  private static func facts(_ call: RecordedCall) -> [String] {
    var lines = [
      field("time", RecordedTime.text(call.openedNanoseconds) + " UTC"),
      field("principal", call.principal), field("server", call.server),
      field("method", call.method), field("tool", call.tool),
      field("request id", call.requestID), field("session", call.session),
      field("decision", call.decision?.text ?? ""), field("rule", call.rule),
      field("approval", call.approval), field("client", call.client),
      field("policy", hexadecimal(call.policyRevision)),
      field("era", call.era == .unknown ? "" : "\(call.era)"),
      field("worker", "\(call.worker), segment \(SegmentFormat.name(of: call.segment))"),
    ]
    if let review = call.review { lines.append(field("review", review.text)) }
    if !call.cutFields.isEmpty {
      lines.append(field("shortened", call.cutFields.joined(separator: ", ")))
    }
    return lines
  }

  private static func result(_ call: RecordedCall, _ outcome: CallOutcome) -> [String] {
    var lines = [field("outcome", call.ending())]
    if call.failedSide != .none { lines.append(field("failed side", call.failedSide.text)) }
    if outcome.status > 0 { lines.append(field("HTTP status", "\(outcome.status)")) }
    if outcome.serverStatus > 0 { lines.append(field("server's HTTP", "\(outcome.serverStatus)")) }
    if outcome.errorCode != 0 { lines.append(field("JSON-RPC error", "\(outcome.errorCode)")) }
    if outcome.systemCode != 0 { lines.append(field("system error", "\(outcome.systemCode)")) }
    if outcome.reason != .none { lines.append(field("reason", outcome.reason.text)) }
    lines.append(field("masked values", "\(outcome.maskedValues)"))
    if outcome.hiddenEntries > 0 {
      lines.append(field("not listed", "\(outcome.hiddenEntries), by policy"))
    }
    if outcome.serverBytes > 0 {
      lines.append(field("server sent", "\(outcome.serverBytes) bytes"))
    }
    lines.append(field("timing", timing(outcome)))
    return lines
  }

  private static func timing(_ outcome: CallOutcome) -> String {
    let steps: [(String, UInt64)] = [
      ("decided", outcome.decidedMicroseconds), ("sent upstream", outcome.upstreamSentMicroseconds),
      ("first byte", outcome.firstByteMicroseconds), ("done", outcome.doneMicroseconds),
    ]
    return steps.filter { $0.1 > 0 }
      .map { "\($0.0) after \(RecordedTime.duration(microseconds: $0.1))" }
      .joined(separator: ", ")
  }

  private static func field(_ name: String, _ value: String) -> String {
    let padded = name + String(repeating: " ", count: max(1, 14 - name.count))
    return "  " + padded + (value.isEmpty ? "-" : SafeText.line(value))
  }

  /// - Parameter count: how long the whole body is, of which `bytes` may be the beginning.
  private static func body(_ bytes: [UInt8], of count: Int, _ bytesMax: Int) -> String {
    if bytes.isEmpty { return "  (empty)" }
    let shown = Array(bytes.prefix(bytesMax))
    let text = PrettyJSON.format(shown) ?? String(decoding: shown, as: UTF8.self)
    var lines = SafeText.block(text).split(separator: "\n", omittingEmptySubsequences: false)
      .map { "  " + $0 }
    if shown.count < count { lines.append("  … \(count - shown.count) bytes more") }
    return lines.joined(separator: "\n")
  }

  static func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
