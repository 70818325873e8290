internal import Audit
internal import EventLoop
internal import Wire

/// Phases reserve record and commit record: nothing goes upstream before its opening entry is in the ring, and nothing
/// reaches the agent before it is in the record too.
extension Worker {
  /// What is known of the exchange for its opening entry. Texts of the message are added by the caller.
  @_lifetime(immortal)
  func facts(_ slot: UInt32, _ decision: RecordedDecision) -> CallFacts {
    control.decisions.add(Int(decision.rawValue))
    let exchange = exchanges[slot]
    var facts = CallFacts(
      record: exchange.record, receivedNanoseconds: exchange.received, decision: decision)
    facts.policyRevision = generations[exchange.generation].snapshot.policyRevision
    if exchange.principal != .max {
      facts.principal = principalName(of: slot)
    }
    if exchange.route >= 0 { facts.server = serverName(of: slot) }
    return facts
  }

  /// The outcome as far as the exchange knows it.
  func outcome(
    _ slot: UInt32, _ result: RecordedResult, side: RecordedSide = .none, errorCode: Int32 = 0,
    systemCode: Int32 = 0
  ) -> CallOutcome {
    let exchange = exchanges[slot]
    var outcome = CallOutcome(result: result)
    outcome.failedSide = side
    outcome.errorCode = errorCode
    outcome.systemCode = systemCode < 0 ? -systemCode : systemCode
    if result == .transportError { outcome.reason = exchange.failureReason }
    outcome.status = exchange.status
    outcome.serverStatus = exchange.serverStatus
    outcome.maskedValues = exchange.maskedValues
    outcome.hiddenEntries = exchange.hiddenEntries
    outcome.serverBytes = exchange.serverBytes
    outcome.decidedMicroseconds = microseconds(exchange, exchange.decided)
    outcome.upstreamSentMicroseconds = microseconds(exchange, exchange.upstreamSent)
    outcome.firstByteMicroseconds = microseconds(exchange, exchange.firstByte)
    outcome.doneMicroseconds = microseconds(exchange, loop.now)
    outcome.isComplete = !exchange.isCut
    return outcome
  }

  private func microseconds(_ exchange: Exchange, _ time: UInt64) -> UInt64 {
    time > exchange.received ? (time &- exchange.received) / 1000 : 0
  }

  /// Finishes an answer of the gateway's own and records it: closing the open entry, or opening and closing at once.
  mutating func finishLocalAnswer(
    _ slot: UInt32, _ outcome: CallOutcome, facts: consuming CallFacts, request: RawSpan
  ) {
    var outcome = outcome
    outcome.status = exchanges[slot].status
    outcome.decidedMicroseconds = microseconds(exchanges[slot], exchanges[slot].decided)
    outcome.doneMicroseconds = microseconds(exchanges[slot], loop.now)
    outcome.isComplete = !exchanges[slot].isCut
    let body = exchanges[slot].answer.bytes(
      from: exchanges[slot].recordStart,
      count: exchanges[slot].answerEnd &- exchanges[slot].recordStart)
    switch recording.refuse(facts, request: request, outcome, answer: body) {
    case .opened(let ticket): exchanges[slot].ticket = ticket
    case .refused(let why):
      if exchanges[slot].answerKind == .stream {
        exchanges[slot].answerEnd = exchanges[slot].recordStart
      }
      // A refusal that cannot be recorded is still a refusal; the agent learns that the record is in trouble too.
      beginLocalAnswer(slot, status: 503) { out, exchange in
        LocalAnswer.error(
          id: exchange.id, code: -32603, text: why.text, record: exchange.record, into: &out)
      }
    }
    exchanges[slot].recordStart = exchanges[slot].answerEnd
    exchanges[slot].isAnswerComplete = true
    if exchanges[slot].answerKind != .stream { writeAnswerHead(slot) }
    exchanges[slot].recordStart = exchanges[slot].answerEnd
    advanceAnswer(slot)
  }

  /// Finishes an answer that says the same to everybody, asked by nobody in particular: it is not recorded.
  mutating func finishUnrecordedAnswer(_ slot: UInt32, _ extra: LocalRefusal.Extra) {
    exchanges[slot].localExtra = extra
    exchanges[slot].isAnswerComplete = true
    writeAnswerHead(slot)
    exchanges[slot].recordStart = exchanges[slot].answerEnd
    advanceAnswer(slot)
  }

  /// Records what of the answer is not recorded yet. False while it has to wait; then the exchange is looked at again
  /// when the audit path has made progress.
  mutating func commitRecord(_ slot: UInt32) -> Bool {
    while exchanges[slot].ticket.isOpen {
      let start = exchanges[slot].recordStart
      let count = exchanges[slot].answerEnd &- start
      let complete = exchanges[slot].isAnswerComplete
      guard count > 0 || complete else { break }
      exchanges[slot].phase = .commitRecord
      let block = exchanges[slot].answer
      let bytes = count > 0 ? block.bytes(from: start, count: count) : RawSpan()
      var ticket = exchanges[slot].ticket
      let taken: Int
      if !complete {
        taken = recording.append(&ticket, answer: bytes)
      } else if exchanges[slot].isSessionSealed {
        let session = exchanges[slot].serverSession
        taken = recording.close(
          &ticket, exchanges[slot].outcome, answer: bytes, session: session.span)
      } else {
        taken = recording.close(&ticket, exchanges[slot].outcome, answer: bytes)
      }
      exchanges[slot].ticket = ticket
      exchanges[slot].recordStart = start &+ taken
      if taken == count { break }
      if !recording.wakeWhenRoom() {
        waitForRecording(slot)
        return false
      }
    }
    let ticket = exchanges[slot].ticket
    if !recording.isReleased(ticket), !recording.wakeWhenDurable(ticket) {
      waitForRecording(slot)
      return false
    }
    return true
  }
}
