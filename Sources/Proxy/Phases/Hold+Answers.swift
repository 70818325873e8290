internal import Audit
internal import EventLoop
internal import Policy
internal import Wire

/// How waiting for an approval may end without the call having been sent.
enum HoldEnding {
  /// Nobody has decided yet.
  case pending
  case denied, expired, policyChanged, usedUp, tooManyPending, tooManyPendingOfPrincipal
  case storeFailed, cancelled

  init(_ end: HeldEnd) {
    self =
      switch end {
      case .expired: .expired
      case .policyChanged: .policyChanged
      case .usedUp: .usedUp
      case .tooManyPending: .tooManyPending
      case .tooManyPendingOfPrincipal: .tooManyPendingOfPrincipal
      case .storeFailed: .storeFailed
      case .cancelled: .cancelled
      }
  }

  var recorded: RecordedApproval {
    switch self {
    case .pending: .pending
    case .denied: .denied
    case .expired: .expired
    case .policyChanged, .usedUp, .cancelled: .cancelled
    case .tooManyPending, .tooManyPendingOfPrincipal, .storeFailed: .unavailable
    }
  }

  /// What the agent is told, as plain sentences.
  var text: StaticString {
    switch self {
    case .pending: "This call needs a person's approval and has not run."
    case .denied: "A reviewer denied this call. It has not run."
    case .expired: "Nobody approved this call in time. It has not run."
    case .policyChanged:
      "The policy changed while this call waited for its approval. It has not run. Repeat the identical call to have it judged again."
    case .usedUp:
      "The approval was used up by another call that is the same. This one has not run. Repeat it to ask again."
    case .tooManyPending:
      "This call needs a person's approval, and too many calls wait for one already. It has not run."
    case .tooManyPendingOfPrincipal:
      "This call needs a person's approval, and too many of your calls wait for one already. It has not run."
    case .storeFailed:
      "This call needs a person's approval, which cannot be asked for just now. It has not run."
    case .cancelled: "This call was cancelled while it waited for its approval. It has not run."
    }
  }
}

extension Worker {
  /// Bytes that the texts of an answer may take: messages and reasons are bounded, and escaping makes a byte six at the most.
  static var holdAnswerBytes: Int { 6 * (4096 + 2 * 1024 + 1024) + 2048 }

  // MARK: Not sent

  /// Answers a call that waits no longer and was not sent.
  mutating func endHold(
    _ slot: UInt32, _ ending: HoldEnding, reviewers: RawSpan = RawSpan(),
    reason: RawSpan = RawSpan()
  ) {
    guard let request = unpark(slot) else { return }
    let rule = request.rule
    let approval = request.approval
    let expectsTask = request.expectsTask
    let policy = generations[exchanges[slot].generation].snapshot.policy
    let address = approvalAddress
    beginLocalAnswer(slot, status: 200, room: Worker.holdAnswerBytes) { out, exchange in
      let isPending = ending == .pending
      var message = RawSpan()
      if isPending, let words = policy.ruleMessage(rule) { message = words }
      let text = HoldText(
        ending: ending, approval: approval.span, address: unsafe address.span.bytes,
        message: message, reason: reason, record: exchange.record)
      if expectsTask {
        text.writeError(id: exchange.id, rule: policy.ruleName(rule), into: &out)
      } else {
        text.write(id: exchange.id, era: exchange.era, into: &out)
      }
    }
    var facts = HeldFacts(approval.span, since: request.since, now: loop.now)
    facts.reviewers = reviewers
    facts.reason = reason
    recordHold(
      slot, rule, facts, ending.recorded, result: ending == .cancelled ? .cancelled : .refused,
      errorCode: expectsTask ? MCPAnswer.policyDenied : 0)
  }

  /// The end of one leg of a modern client's call: it is asked to repeat the call, with a state that says how often it has.
  mutating func endLeg(_ slot: UInt32) {
    let place = exchanges[slot].held
    let leg = held[place].leg
    guard leg < limits.holdLegsMax else { return endHold(slot, .pending) }
    let digest = held[place].digest
    guard beginLeg(slot, digest, leg: leg) else { return endHold(slot, .pending) }
    guard let request = unpark(slot) else { return }
    let rule = request.rule
    let approval = request.approval
    let facts = HeldFacts(approval.span, since: request.since, now: loop.now)
    recordHold(slot, rule, facts, .pending, result: .refused)
  }

  /// The agent has gone: nobody waits any more. Its approval stays for the same call later.
  mutating func abandonHold(_ slot: UInt32) {
    guard let request = unpark(slot) else { return }
    let rule = request.rule
    let approval = request.approval
    let held = HeldFacts(approval.span, since: request.since, now: loop.now)
    withHoldFacts(slot, rule, held, .cancelled) { worker, facts, body in
      let outcome = worker.outcome(slot, .cancelled, side: .agent)
      // An agent that has gone gets no error; that its call is not in the record is the path's own trouble, and counted there.
      _ = worker.recording.refuse(facts, request: body, outcome, answer: RawSpan())
    }
  }

  /// Refuses a call whose approval was used up for it all the same, because it cannot be sent any more.
  mutating func refuseResumed(
    _ slot: UInt32, _ rule: RuleID, _ held: borrowing HeldFacts, _ expectsTask: Bool,
    _ text: StaticString
  ) {
    let code = beginHoldRefusal(slot, text, expectsTask: expectsTask)
    recordHold(slot, rule, held, .unavailable, result: .refused, errorCode: code)
  }

  /// Writes why a call does not run: as a tool's result, or as an error where a task is expected.
  /// - Returns: the error's code, or 0.
  private mutating func beginHoldRefusal(
    _ slot: UInt32, _ text: StaticString, expectsTask: Bool
  ) -> Int32 {
    let id = exchanges[slot].id
    let era = exchanges[slot].era
    beginLocalAnswer(slot, status: 200) { out, exchange in
      if expectsTask {
        LocalAnswer.error(
          id: id, code: MCPAnswer.policyDenied, text: text, record: exchange.record, into: &out)
      } else {
        LocalAnswer.toolError(text, id: id, era: era, record: exchange.record, into: &out)
      }
    }
    return expectsTask ? MCPAnswer.policyDenied : 0
  }

  /// Refuses a call that needs an approval before it was parked.
  mutating func refuseHold(
    _ slot: UInt32, _ rule: RuleID, _ text: StaticString, _ head: RawSpan, _ body: RawSpan,
    _ message: MCPMessage
  ) {
    let id = exchanges[slot].id
    let code = beginHoldRefusal(slot, text, expectsTask: message.task != nil)
    var facts = facts(slot, .hold)
    describe(&facts, slot, head, body, message)
    facts.requestID = id.span
    facts.rule = ruleName(rule, exchanges[slot].generation)
    facts.approvalState = .unavailable
    finishLocalAnswer(
      slot, outcome(slot, .refused, side: .gateway, errorCode: code), facts: facts, request: body)
  }

  // MARK: Building and recording

  /// Records a held call that was not sent, and lets its answer go.
  private mutating func recordHold(
    _ slot: UInt32, _ rule: RuleID, _ held: borrowing HeldFacts, _ state: RecordedApproval,
    result: RecordedResult, errorCode: Int32 = 0
  ) {
    // Without a connection there is nobody to answer.
    guard exchanges[slot].connection != .max else { return }
    withHoldFacts(slot, rule, held, state) { worker, facts, body in
      // Nothing failed where a person, or nobody, decided.
      let side: RecordedSide =
        result == .cancelled ? .agent : state == .unavailable ? .gateway : .none
      let outcome = worker.outcome(slot, result, side: side, errorCode: errorCode)
      worker.finishLocalAnswer(slot, outcome, facts: facts, request: body)
    }
  }

  /// What is known of a held call, from the bytes that were kept of it.
  private mutating func withHoldFacts(
    _ slot: UInt32, _ rule: RuleID, _ held: borrowing HeldFacts, _ state: RecordedApproval,
    _ body: (inout Worker, borrowing CallFacts, RawSpan) -> Void
  ) {
    let block = exchanges[slot].request
    let headBytes = Int(exchanges[slot].head.headBytes)
    let id = exchanges[slot].id
    let head = block.bytes(headBytes)
    let bytes = block.bytes(from: headBytes, count: exchanges[slot].requestCount &- headBytes)
    var facts = facts(slot, .hold)
    if requestIndex.read(bytes, watch: JSONWatch.none) == nil,
      case .message(let message) = MCPReader.read(bytes, index: requestIndex)
    {
      describe(&facts, slot, head, bytes, message)
    }
    facts.requestID = id.span
    facts.rule = ruleName(rule, exchanges[slot].generation)
    facts.approval = held.approval
    facts.reviewers = held.reviewers
    facts.reviewReason = held.reason
    facts.approvalState = state
    facts.heldMicroseconds = held.heldNanoseconds / 1000
    body(&self, facts, bytes)
  }
}

/// What an agent is told about a held call that did not run.
struct HoldText: ~Escapable {
  let ending: HoldEnding
  let approval: RawSpan
  /// Where reviewers decide; empty when nobody said.
  let address: RawSpan
  /// The rule's own words to the agent.
  let message: RawSpan
  /// The reviewer's.
  let reason: RawSpan
  let record: RecordID

  @_lifetime(copy approval, copy address, copy message, copy reason)
  init(
    ending: HoldEnding, approval: RawSpan, address: RawSpan, message: RawSpan, reason: RawSpan,
    record: RecordID
  ) {
    self.ending = ending
    self.approval = approval
    self.address = address
    self.message = message
    self.reason = reason
    self.record = record
  }

  /// A tool result with all of it, so that it reaches the model.
  func write(id: ShortText, era: Era, into out: inout ByteWriter) {
    MCPAnswer.beginToolError(id: id.span, era: era, into: &out)
    writeSentences(into: &out)
    let reference = record.text
    out.append(" Ref ")
    unsafe out.append(reference.span.bytes)
    out.append(".")
    MCPAnswer.endToolError(into: &out)
  }

  /// The same as an error, for who expects a task and would not know a tool's result for what it is.
  func writeError(id: ShortText, rule: RawSpan, into out: inout ByteWriter) {
    MCPAnswer.beginDenied(id: id.span, into: &out)
    writeSentences(into: &out)
    let reference = record.text
    unsafe MCPAnswer.endDenied(rule: rule, reference: reference.span.bytes, into: &out)
  }

  private func writeSentences(into out: inout ByteWriter) {
    MCPAnswer.sentence(ending.text, into: &out)
    if ending == .denied, reason.byteCount > 0 {
      out.append(" The reason: ")
      JSONEscaping.escape(reason, into: &out)
      out.append(".")
    }
    if ending == .pending {
      if message.byteCount > 0 {
        out.append(" ")
        JSONEscaping.escape(message, into: &out)
      }
      out.append(" Once it is approved, repeat the identical call, and it will run.")
    }
    if approval.byteCount > 0 {
      out.append(" Approval ")
      JSONEscaping.escape(approval, into: &out)
      if ending == .pending, address.byteCount > 0 {
        out.append(", decided at ")
        JSONEscaping.escape(address, into: &out)
        out.append("/")
        JSONEscaping.escape(approval, into: &out)
      }
      out.append(".")
    }
  }
}
