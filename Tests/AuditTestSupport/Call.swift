public import Audit

/// What a test wants recorded.
public struct Call {
  public var principal: String
  public var server = "orders"
  public var tool: String
  public var rule: String
  public var decision: RecordedDecision
  public var era = RecordedEra.modern
  public var method = "tools/call"
  public var session = ""
  public var openedSession = ""
  public var client = ""
  public var approval = ""
  /// Wall clock instead of the real one, in seconds since 1970.
  public var second: UInt64?
  public var request = #"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"query"}}"#
  public var pieces: [String] = []
  public var answer = #"{"jsonrpc":"2.0","id":7,"result":{"content":[]}}"#
  public var outcome = CallOutcome(result: .success)
  /// What became of the approval that a rule asked for.
  public var review = RecordedApproval.none
  public var reviewers = ""
  public var reviewReason = ""
  public var heldMicroseconds: UInt64 = 0

  public init(
    principal: String = "alice", tool: String = "query", rule: String = "pii",
    decision: RecordedDecision = .allow
  ) {
    self.principal = principal
    self.tool = tool
    self.rule = rule
    self.decision = decision
  }
}

extension AuditProducer {
  /// Records a call; `closes: false` leaves it open.
  @discardableResult
  public mutating func record(_ call: Call, closes: Bool = true) -> (
    id: RecordID, ticket: AuditTicket
  )? {
    let id = call.second.map { makeRecordID(wallNanoseconds: $0 * 1_000_000_000) } ?? makeRecordID()
    let principal = Array(call.principal.utf8)
    let server = Array(call.server.utf8)
    let tool = Array(call.tool.utf8)
    let rule = Array(call.rule.utf8)
    let method = Array(call.method.utf8)
    let session = Array(call.session.utf8)
    let client = Array(call.client.utf8)
    let approval = Array(call.approval.utf8)
    let request = Array(call.request.utf8)
    let reviewers = Array(call.reviewers.utf8)
    let reason = Array(call.reviewReason.utf8)
    var facts = CallFacts(record: id, receivedNanoseconds: 0, decision: call.decision)
    facts.era = call.era
    facts.policyRevision = 0xabcd
    facts.principal = unsafe principal.span.bytes
    facts.server = unsafe server.span.bytes
    facts.tool = unsafe tool.span.bytes
    facts.rule = unsafe rule.span.bytes
    facts.method = unsafe method.span.bytes
    facts.session = unsafe session.span.bytes
    facts.client = unsafe client.span.bytes
    facts.approval = unsafe approval.span.bytes
    facts.approvalState = call.review
    facts.reviewers = unsafe reviewers.span.bytes
    facts.reviewReason = unsafe reason.span.bytes
    facts.heldMicroseconds = call.heldMicroseconds
    let body = unsafe request.span.bytes
    guard case .opened(var ticket) = open(facts, request: body) else { return nil }
    for piece in call.pieces {
      let bytes = Array(piece.utf8)
      let span = unsafe bytes.span.bytes
      guard append(&ticket, answer: span) == bytes.count else { return nil }
    }
    if closes, !finish(&ticket, call) { return nil }
    return (id, ticket)
  }

  /// Closes a call that `record` left open.
  @discardableResult
  public mutating func finish(_ ticket: inout AuditTicket, _ call: Call) -> Bool {
    let bytes = Array(call.answer.utf8)
    let span = unsafe bytes.span.bytes
    let opened = Array(call.openedSession.utf8)
    let session = unsafe opened.span.bytes
    return close(&ticket, call.outcome, answer: span, session: session) == bytes.count
  }
}
