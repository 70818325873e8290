internal import Audit
internal import EventLoop
internal import Policy
internal import Wire

/// Phases JSON index and MCP message: one strict reading of the body, then what it means in which era and session.
extension Worker {
  /// The request is whole: reads, judges and forwards it, or refuses it.
  /// - Parameter request: head and body in one span; nothing of it is needed afterwards.
  mutating func judge(_ slot: UInt32, _ request: RawSpan) {
    let headBytes = Int(exchanges[slot].head.headBytes)
    let head = request.extracting(first: headBytes)
    let body = request.extracting(droppingFirst: headBytes)
    judge(slot, head, body)
  }

  /// The same for a body of its own, or one message of a batch.
  mutating func judge(_ slot: UInt32, _ head: RawSpan, _ body: RawSpan) {
    if exchanges[slot].isEventStream { return passToDoor(slot, head, body) }
    exchanges[slot].phase = .jsonIndex
    if let violation = requestIndex.read(body, watch: JSONWatch.none) {
      let refusal = MCPReader.refusal(for: violation, in: body)
      if refusal.reason == .batch { return judgeBatch(slot, head, body) }
      return refuse(slot, refusal, head, body)
    }
    exchanges[slot].phase = .mcpMessage
    switch MCPReader.read(body, index: requestIndex) {
    case .refused(var refusal):
      // Of wrong parameters clients of the legacy era read under 200 only (mcp-wire §13).
      let version = head.extracting(exchanges[slot].head.mcpProtocolVersion.range)
      if refusal.code == -32602, ProtocolVersion(version)?.era != .modern { refusal.status = 200 }
      refuse(slot, refusal, head, body)
    case .message(let message):
      guard exchanges[slot].id.set(body.extracting(message.id.range)) else {
        return refuse(slot, MCPRefusal(.idMalformed), head, body)
      }
      if let state = message.requestState, !holdsServerState, isToken(state, .ownState, body) {
        return judgeResumed(slot, head, body, message, state)
      }
      exchanges[slot].method = message.method
      exchanges[slot].isNotification = message.kind == .notification
      classify(slot, head, body, message)
    }
  }

  /// Finds out the era and the session, then asks the policy.
  private mutating func classify(
    _ slot: UInt32, _ head: RawSpan, _ body: RawSpan, _ message: MCPMessage
  ) {
    var version: ProtocolVersion? = nil
    let isListed = message.method == .unknown && listsMethod(slot, body, message)
    switch EraClassifier.classify(
      exchanges[slot].head, headBytes: head, message: message, body: body, index: requestIndex,
      isListed: isListed)
    {
    case .modern:
      exchanges[slot].era = .modern
      // A request without an id is none of them: it is refused below.
      let isNotification =
        message.kind == .notification && !message.method.isClientRequest(in: .modern)
      if isNotification { return dropNotification(slot, head, body, message) }
      if exchanges[slot].head.hasParameters || parameterSchemas.count > 0,
        !parametersAgree(slot, head, body, message)
      {
        return refuse(slot, MCPRefusal(.parameterMismatch, id: message.id), head, body)
      }
      if let offered = declaredCapabilities(message, body), offersTooMuch(slot, offered, body) {
        return judgeTrimmed(slot, head, body, offered)
      }
      if let state = message.requestState, !holdsServerState {
        return judgeWithState(slot, head, body, message, state)
      }
    case .initialize:
      exchanges[slot].era = .legacy
      takeLegacyRoute(slot)
      // Once more in a session that there is: its server's affair. In none, it begins one.
      if let refusal = findSession(slot, head, version: nil) {
        return refuse(slot, refusal, request: head)
      }
      if let offered = declaredCapabilities(message, body), offersTooMuch(slot, offered, body) {
        return judgeTrimmed(slot, head, body, offered)
      }
    case .legacy(let named):
      exchanges[slot].era = .legacy
      takeLegacyRoute(slot)
      version = named
      if let refusal = findSession(slot, head, version: version) {
        return refuse(slot, refusal, request: head)
      }
      if message.kind == .response || message.kind == .error {
        return judgeAnswer(slot, head, body, message)
      }
    case .refused(let refusal): return refuse(slot, refusal, head, body)
    }
    decide(slot, head, body, message)
  }

  /// A notification of the modern era, which has none that a server acts on: accepted, recorded, and not passed on.
  private mutating func dropNotification(
    _ slot: UInt32, _ head: RawSpan, _ body: RawSpan, _ message: MCPMessage
  ) {
    beginLocalAnswer(slot, status: 202) { _, _ in }
    var facts = facts(slot, .block)
    describe(&facts, slot, head, body, message)
    finishLocalAnswer(slot, outcome(slot, .refused), facts: facts, request: body)
  }

  /// Whether a method that the protocol does not have is one that this server may be sent.
  mutating func listsMethod(_ slot: UInt32, _ body: RawSpan, _ message: MCPMessage) -> Bool {
    let list = route(of: slot).methods
    guard !list.isEmpty, let method = message.methodToken else { return false }
    var name = unsafe ByteWriter(
      unsafeInto: scratch.unsafeStart + Worker.toolNameArea, capacity: 4096)
    requestIndex.decode(method, in: body, into: &name)
    guard !name.overflowed else { return false }
    return MethodList.contains(generations[exchanges[slot].generation].texts[list], name.written)
  }

  /// Fills the table of fields from a head that was read before: other heads may have been read since.
  mutating func readFieldsAgain(_ head: RawSpan) -> Bool {
    var again = RequestHead()
    var scanned: UInt32 = 0
    guard
      case .complete = RequestHeadParser.parse(
        head, scannedUpTo: &scanned, limits: httpLimits, into: &again, fields: &requestFields)
    else { return false }
    return true
  }

  /// Refuses a body that is no message, or not one for here.
  mutating func refuse(
    _ slot: UInt32, _ refusal: MCPRefusal, _ head: RawSpan, _ body: RawSpan
  ) {
    // What the protocol says about the versions leaves no room for more; and an answer is no request, to which an error
    // with more could be of use. The record is named in the head.
    if refusal.reason == .unsupportedVersion || refusal.reason == .responsePosted {
      _ = exchanges[slot].id.set(body.extracting(refusal.id.range))
      let requested = head.extracting(exchanges[slot].head.mcpProtocolVersion.range)
      beginLocalAnswer(slot, status: refusal.status) { out, _ in
        MCPAnswer.refusal(refusal, body: body, requested: requested, into: &out)
      }
      var outcome = CallOutcome(result: .refused)
      outcome.failedSide = .agent
      outcome.errorCode = refusal.code
      return finishLocalAnswer(
        slot, outcome, facts: facts(slot, .malformed), request: body)
    }
    _ = exchanges[slot].id.set(body.extracting(refusal.id.range))
    refuse(
      slot,
      LocalRefusal(status: refusal.status, code: refusal.code, text: refusal.reason.description),
      request: head, body: body)
  }
}
