internal import Approvals
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
  var waitingText: String?
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
    lasted = RecordedTime.duration(
      microseconds: (session.endedNanoseconds - session.startedNanoseconds) / 1000)
    calls = Plural.grouped(session.calls)
    callsText = Plural.text(session.calls, "call")
    refused = session.refused
    failed = session.failed
    masked = Plural.grouped(Int(clamping: session.maskedValues))
    hasRefused = session.refused > 0
    hasFailed = session.failed > 0
    hasMasked = session.maskedValues > 0
    waitingText = session.waiting > 0 ? "\(session.waiting) told to wait for approval" : nil
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
  /// It was held, and ran with an approval.
  var isApproved: Bool
  var isBlocked: Bool
  var ruleName: String?
  var outcome: String
  var isWell: Bool
  var isWaiting: Bool
  var took: String?
  var review: String?
  var approval: ApprovalMention?
  var request: BodyView?
  var answer: BodyView?
  var note: String?

  /// - Parameter approval: what is known of its approval now; nil when there is none, or none that the viewer may see.
  init(
    _ call: RecordedCall, approval: ApprovalRequest?, now: Date, showsAll: Bool, pageLink: String
  ) {
    reference = call.record.description
    let moment = TimeText(SessionView.date(call.openedNanoseconds), now: now)
    exact = moment.exact
    time = String(exact.dropFirst(11).prefix(8))
    what = call.tool.isEmpty ? (call.method.isEmpty ? "no method" : call.method) : call.tool
    isApproved = call.review?.state == .approved && call.decision == .allow
    decision = isApproved ? "held" : call.decision.map(CallView.text) ?? "not decided"
    isWaiting = call.heldEnd == .waiting
    isBlocked = call.decision != .allow && !isWaiting
    ruleName = call.rule.isEmpty ? nil : call.rule
    let isOpen = approval?.state(at: now) == .pending
    outcome =
      isWaiting && isOpen ? "waits for approval" : call.ending { Plural.grouped($0) }
    isWell = call.outcome?.result == .success || isWaiting
    took = call.outcome.map { RecordedTime.duration(microseconds: $0.doneMicroseconds) }
    review = call.review?.text
    self.approval = approval.map { ApprovalMention($0, since: call.review?.state, now: now) }
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
}

/// The approval of a call, where it can be looked at, and what became of it after the call was answered.
struct ApprovalMention {
  var id: String
  var link: String
  var since: String?

  /// - Parameter recorded: what it was when the call was answered.
  init(_ request: ApprovalRequest, since recorded: RecordedApproval?, now: Date) {
    id = request.id
    link = "/approvals/" + PercentEncoding.encoded(request.id)
    guard recorded == .pending else { return }
    since =
      switch request.state(at: now) {
      case .pending: "waits for a decision"
      case .approved: "approved since, and waits for the agent to repeat the call"
      case .denied: "denied since"
      case .expired: "expired since"
      case .consumed: "approved since, and used up by the call that ran"
      case .cancelled: "void since: the policy has changed"
      }
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
