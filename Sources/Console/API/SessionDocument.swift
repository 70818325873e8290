internal import Audit
internal import Foundation
internal import Recorder

/// A session as the admin API gives it.
struct SessionDocument: Encodable {
  var id: String
  var principal: String
  var server: String
  var client: String
  var started: Date
  var ended: Date
  var calls: Int
  var refused: Int
  var waiting: Int
  var failed: Int
  var open: Int
  var maskedValues: UInt64
  var tools: [ToolCount]

  /// In a list and not as keys of an object: names of tools are the servers' own, and stay as they are spelled.
  struct ToolCount: Encodable {
    var name: String
    var calls: Int
  }

  init(_ session: RecordedSession) {
    id = session.id
    principal = session.principal
    server = session.server
    client = session.client
    started = SessionView.date(session.startedNanoseconds)
    ended = SessionView.date(session.endedNanoseconds)
    calls = session.calls
    refused = session.refused
    waiting = session.waiting
    failed = session.failed
    open = session.open
    maskedValues = session.maskedValues
    tools = session.tools.sorted { $0.key < $1.key }.map {
      ToolCount(name: $0.key, calls: $0.value)
    }
  }
}

struct SessionList: Encodable {
  var sessions: [SessionDocument]
  var isCut: Bool
  var warnings: [String]
}

/// A session with some of its calls.
struct TimelineDocument: Encodable {
  var session: SessionDocument
  var calls: [CallDocument]
}

/// A call of a session. Request and answer are texts: as judged, and as the agent saw it.
struct CallDocument: Encodable {
  var reference: String
  var time: Date
  var method: String
  var tool: String
  var decision: String
  var rule: String
  var approval: String
  /// What became of the approval, as far as the record of this call tells; left out where no rule asked for one.
  var approvalOutcome: String?
  var succeeded: Bool
  var maskedValues: UInt32
  var microseconds: UInt64?
  var request: String
  var answer: String

  init(_ call: RecordedCall) {
    reference = call.record.description
    time = SessionView.date(call.openedNanoseconds)
    method = call.method
    tool = call.tool
    decision = call.decision?.text ?? ""
    rule = call.rule
    approval = call.approval
    approvalOutcome = call.review.map { "\($0.state)" }
    succeeded = call.outcome?.result == .success
    maskedValues = call.outcome?.maskedValues ?? 0
    microseconds = call.outcome?.doneMicroseconds
    request = String(decoding: call.request, as: UTF8.self)
    answer = String(decoding: call.answer, as: UTF8.self)
  }
}
