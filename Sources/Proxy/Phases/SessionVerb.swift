internal import Audit
internal import EventLoop
internal import Policy
internal import Wire

/// Requests without a message: GET (a session's own stream) and DELETE (its end) of the legacy era. A decision and a record like
/// any other.
extension Worker {
  mutating func judgeSessionVerb(_ slot: UInt32, _ head: RawSpan) {
    exchanges[slot].era = .legacy
    exchanges[slot].isSessionStream = exchanges[slot].head.method == .get
    guard !exchanges[slot].isEventStream, exchanges[slot].head.has(.mcpSessionID) else {
      if opensEventStream(slot) { return openEventStream(slot, head) }
      return refuse(slot, .sessionMissing, request: head)
    }
    takeLegacyRoute(slot)
    guard
      case .legacy(let version) = EraClassifier.classifyWithoutBody(
        exchanges[slot].head, headBytes: head)
    else { return refuse(slot, .methodNotAllowed, request: head) }
    if let refusal = findSession(slot, head, version: version) {
      return refuse(slot, refusal, request: head)
    }
    var lastEventID = unsafe _overrideLifetime(RawSpan(), copying: ())
    if exchanges[slot].isSessionStream, exchanges[slot].head.has(.lastEventID) {
      let text = head.extracting(exchanges[slot].head.lastEventID.range)
      guard let opened = openEventID(slot, text) else {
        return refuse(slot, .eventUnknown, request: head)
      }
      lastEventID = opened
    }
    let session = head.extracting(exchanges[slot].head.mcpSessionID.range)
    guard let permit = permitSession(slot, head, session: session, blocked: .sessionBlocked) else {
      return
    }
    var fields = UpstreamFields()
    fields.version = legacyVersion(slot, head)
    fields.session = scratchBytes(Worker.sessionArea, exchanges[slot].sessionCount)
    fields.lastEventID = lastEventID
    forward(permit, slot, fields: fields, body: RawSpan())
  }

  /// Whether the principal may have a session with the server at all: decided, and its record opened. nil when the request has
  /// been refused.
  /// - Parameters:
  ///   - session: the session's id as the agent sent it; empty for one that begins.
  ///   - blocked: the answer where policy does not allow it.
  mutating func permitSession(
    _ slot: UInt32, _ head: RawSpan, session: RawSpan, blocked: LocalRefusal
  ) -> Permit? {
    exchanges[slot].phase = .decide
    guard let permit = permit(slot, for: .session) else {
      refuse(slot, blocked, request: head)
      return nil
    }
    exchanges[slot].phase = .reserveRecord
    var facts = facts(slot, .allow)
    facts.era = .legacy
    facts.method = head.extracting(first: Int(exchanges[slot].head.target.end))
    facts.session = session
    if let refusal = openRecord(slot, facts, request: RawSpan()) {
      refuse(slot, refusal, request: head)
      return nil
    }
    return permit
  }

  /// The policy's word on what is no call: a session, or the answer to what a server asked. nil for no.
  mutating func permit(_ slot: UInt32, for method: CallMethod) -> Permit? {
    let principal = principal(of: slot)
    let server = route(of: slot).server
    let generation = exchanges[slot].generation
    var verdict: Verdict? = nil
    generations[generation].policy.use { policy in
      verdict = policy.decide(
        principal: principal, server: server, call: PolicyCall(method: method, hasID: false),
        index: requestIndex, bytes: RawSpan(), scratch: &generations[generation].scratch)
    }
    exchanges[slot].decided = loop.now
    switch consume verdict {
    case .some(.allow(let permit)): return permit
    case .some(.block): return nil
    // Only tool calls are ever held.
    case .some(.hold): return nil
    case .none: preconditionFailure("the policy always answers")
    }
  }

  /// Opens the record of what is about to go on. The refusal, when the audit path takes nothing: fail closed.
  mutating func openRecord(
    _ slot: UInt32, _ facts: borrowing CallFacts, request: RawSpan
  ) -> LocalRefusal? {
    switch recording.open(facts, request: request) {
    case .opened(let ticket):
      exchanges[slot].ticket = ticket
      return nil
    case .refused(let why):
      return LocalRefusal(status: 503, code: -32603, text: why.text, decision: .unavailable)
    }
  }
}
