internal import Audit
internal import Foundation
internal import Recorder

/// One session as a row of the list, and as the head of its own page.
struct SessionView {
  var id: String
  var link: String
  var principal: String
  var server: String
  var client: String?
  var era: String
  var started: TimeText
  var ended: TimeText
  var lasted: String
  var calls: String
  var callsText: String
  var refused: Int
  var failed: Int
  var masked: String
  var hasRefused: Bool
  var hasFailed: Bool
  var hasMasked: Bool
  var openText: String?
  var tools: [ToolCount]

  struct ToolCount {
    var toolName: String
    var count: String
  }

  init(_ session: RecordedSession, now: Date) {
    id = session.id
    link = "/sessions/" + PercentEncoding.encoded(session.id)
    principal = session.principal.isEmpty ? "nobody recognised" : session.principal
    server = session.server.isEmpty ? "no server" : session.server
    client = session.client.isEmpty ? nil : session.client
    era =
      switch session.era {
      case .modern: "modern"
      case .legacy: "legacy"
      default: "unknown era"
      }
    started = TimeText(SessionView.date(session.startedNanoseconds), now: now)
    ended = TimeText(SessionView.date(session.endedNanoseconds), now: now)
    lasted = CallView.duration(
      microseconds: (session.endedNanoseconds - session.startedNanoseconds) / 1000)
    calls = Plural.grouped(session.calls)
    callsText = Plural.text(session.calls, "call")
    refused = session.refused
    failed = session.failed
    masked = Plural.grouped(Int(clamping: session.maskedValues))
    hasRefused = session.refused > 0
    hasFailed = session.failed > 0
    hasMasked = session.maskedValues > 0
    openText =
      session.open > 0 ? "\(Plural.text(session.open, "call")) without an end in the record" : nil
    tools = session.tools.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(24)
      .map { ToolCount(toolName: $0.key, count: Plural.grouped($0.value)) }
  }

  static func date(_ nanoseconds: UInt64) -> Date {
    Date(timeIntervalSince1970: Double(nanoseconds) / 1e9)
  }
}

/// The list with the filter above it.
struct SessionsView {
  var sessions: [SessionView]
  var isEmpty: Bool
  var isCut: Bool
  var warnings: [Warning]
  var principal: String
  var server: String
  var tool: String
  var spans: [Choice]
  var onlyProblems: Bool
  var onlyMasked: Bool

  struct Warning { var text: String }

  struct Choice {
    var value: String
    var label: String
    var isChosen: Bool
  }
}

/// A session's page.
struct TimelineView {
  var session: SessionView
  var calls: [CallView]
  var range: String
  var earlierLink: String?
  var laterLink: String?
}

/// One call of a timeline.
struct CallView {
  var reference: String
  var time: String
  var exact: String
  var what: String
  var decision: String
  var isBlocked: Bool
  var ruleName: String?
  var outcome: String
  var isWell: Bool
  var took: String?
  var review: String?
  var request: BodyView?
  var answer: BodyView?
  var note: String?

  init(_ call: RecordedCall, showsAll: Bool, pageLink: String) {
    reference = call.record.description
    let moment = TimeText(SessionView.date(call.openedNanoseconds), now: Date())
    exact = moment.exact
    time = String(exact.dropFirst(11).prefix(8))
    what = call.tool.isEmpty ? (call.method.isEmpty ? "no method" : call.method) : call.tool
    decision = call.decision.map(CallView.text) ?? "not decided"
    isBlocked = call.decision != .allow
    ruleName = call.rule.isEmpty ? nil : call.rule
    outcome = CallView.outcome(call)
    isWell = call.outcome?.result == .success
    took = call.outcome.map { CallView.duration(microseconds: $0.doneMicroseconds) }
    review = call.review.map(CallView.text)
    let link = "\(pageLink)call=\(call.record.description)#call-\(call.record.description)"
    request = BodyView(
      call.request, bytesInAll: call.requestBytes, showsAll: showsAll, link: link)
    answer = BodyView(call.answer, bytesInAll: call.answerBytes, showsAll: showsAll, link: link)
    note = call.isWhole ? nil : "Part of this call is in a segment that is no longer there."
  }

  static func text(_ decision: RecordedDecision) -> String {
    switch decision {
    case .allow: "allowed"
    case .block: "blocked"
    case .unauthenticated: "not recognised"
    case .malformed: "malformed"
    case .unavailable: "not available"
    case .hold: "held"
    }
  }

  private static func text(_ review: RecordedCall.Review) -> String {
    let by = review.reviewers.isEmpty ? "" : " by \(review.reviewers.joined(separator: ", "))"
    let reason = review.reason.isEmpty ? "" : ": \(review.reason)"
    let held = duration(microseconds: review.heldMicroseconds)
    return "held \(held), \(review.state)\(by)\(reason)"
  }

  private static func outcome(_ call: RecordedCall) -> String {
    guard let outcome = call.outcome else { return "no end in the record" }
    let text =
      switch outcome.result {
      case .success:
        outcome.maskedValues > 0 ? "ok, \(Plural.grouped(Int(outcome.maskedValues))) masked" : "ok"
      case .toolError: "tool error"
      case .protocolError: "error \(outcome.errorCode)"
      case .httpError: "HTTP \(max(outcome.status, outcome.serverStatus))"
      case .transportError: "no answer"
      case .refused: "refused"
      case .cancelled: "cancelled"
      }
    return outcome.isComplete ? text : text + ", cut off"
  }

  static func duration(microseconds: UInt64) -> String {
    func tenths(_ value: UInt64) -> String { "\(value / 10).\(value % 10)" }
    if microseconds < 1000 { return "\(microseconds) µs" }
    if microseconds < 1_000_000 { return tenths(microseconds / 100) + " ms" }
    if microseconds < 60_000_000 { return tenths(microseconds / 100_000) + " s" }
    return TimeText.length(Int(microseconds / 1_000_000))
  }
}

/// A request or an answer, laid out; long ones begin, and say how much is missing.
struct BodyView {
  var segments: [HostileText.Segment]
  var size: String
  var cut: String?
  var cutLink: String

  static let shortBytesMax = 4096
  static let longBytesMax = 1 << 20

  /// - Returns: nil for none.
  init?(_ bytes: [UInt8], bytesInAll: Int, showsAll: Bool, link: String) {
    guard bytesInAll > 0 || !bytes.isEmpty else { return nil }
    size = Plural.text(bytesInAll, "byte")
    cutLink = link
    guard !bytes.isEmpty else {
      segments = []
      cut = "The record holds no contents."
      return
    }
    let limit = showsAll ? BodyView.longBytesMax : BodyView.shortBytesMax
    var text = String(decoding: bytes, as: UTF8.self)
    if bytes.count <= BodyView.longBytesMax, let tree = JSONTree.read(text) { text = tree.pretty() }
    if text.utf8.count > limit {
      segments = HostileText.segments(String(text.prefix(limit))).segments
      cut =
        showsAll
        ? "The rest is not shown here: `sluice audit show` has it." : "The rest is not shown."
    } else {
      segments = HostileText.segments(text).segments
      cut = nil
    }
  }
}
