internal import Audit

/// The worker's end of the audit path, or nothing where the configuration turned recording off.
struct Recording: ~Copyable {
  private var producer: AuditProducer?
  let isOn: Bool
  /// Whether bodies are recorded too, or the facts alone.
  private let keepsBodies: Bool
  private var counter: UInt64 = 0

  init(_ producer: consuming AuditProducer?, keepsBodies: Bool = true) {
    isOn = producer != nil
    self.keepsBodies = keepsBodies
    self.producer = producer
  }

  mutating func makeRecordID() -> RecordID {
    if isOn { return producer!.makeRecordID() }
    counter &+= 1
    return RecordID(value: counter)
  }

  mutating func open(_ facts: borrowing CallFacts, request: RawSpan) -> AuditOpening {
    isOn ? producer!.open(facts, request: kept(request)) : .opened(.none)
  }

  mutating func append(_ ticket: inout AuditTicket, answer: RawSpan) -> Int {
    isOn && keepsBodies ? producer!.append(&ticket, answer: answer) : answer.byteCount
  }

  @_lifetime(copy body)
  private func kept(_ body: RawSpan) -> RawSpan {
    keepsBodies ? body : body.extracting(first: 0)
  }

  mutating func close(
    _ ticket: inout AuditTicket, _ outcome: CallOutcome, answer: RawSpan,
    session: RawSpan = RawSpan()
  ) -> Int {
    guard isOn else { return answer.byteCount }
    let taken = producer!.close(&ticket, outcome, answer: kept(answer), session: session)
    return keepsBodies ? taken : answer.byteCount
  }

  mutating func refuse(
    _ facts: borrowing CallFacts, request: RawSpan, _ outcome: CallOutcome, answer: RawSpan
  ) -> AuditOpening {
    isOn
      ? producer!.refuse(facts, request: kept(request), outcome, answer: kept(answer))
      : .opened(.none)
  }

  /// Whether an answer whose newest entry is `ticket`'s may leave.
  mutating func isReleased(_ ticket: AuditTicket) -> Bool {
    isOn ? producer!.isReleased(ticket.sequence) : true
  }

  mutating func wakeWhenDurable(_ ticket: AuditTicket) -> Bool {
    isOn ? producer!.wakeWhenDurable(ticket.sequence) : true
  }

  /// Whether the ring has no room for another call just now; not when the path is failing.
  mutating func isFull() -> Bool {
    guard isOn else { return false }
    return producer!.isFull()
  }

  mutating func wakeWhenRoom() -> Bool { isOn ? producer!.wakeWhenRoom() : true }
}

extension AuditProducer {
  /// Mutating only because an optional that cannot be copied lets itself be reached in no other way.
  fileprivate mutating func isFull() -> Bool { state == .full }
}
