/// The entries of a call.
extension AuditProducer {
  /// Writes the opening entry and sets room aside for the closing one; all or nothing.
  ///
  /// With `dropAndCount` it never refuses: a call that cannot be recorded gets a ticket that records nothing,
  /// and is counted.
  /// - Parameter request: the request's body as it was judged, at most `requestBytesMax`.
  public mutating func open(_ facts: borrowing CallFacts, request: RawSpan) -> AuditOpening {
    if let refusal = gate.refusal, !dropsInsteadOfRefusing { return .refused(refusal) }
    if request.byteCount > requestBytesMax { return unrecorded(facts.record, .requestTooLarge) }
    let start = head
    guard ticketsOpen &* EntryFormat.closingBytes < ring.capacity / 8 &* 3,
      write(opening: facts, request: request, closing: EntryFormat.closingBytes)
    else {
      head = start
      return unrecorded(facts.record, .full)
    }
    ticketsOpen &+= 1
    publish()
    return .opened(
      AuditTicket(
        record: facts.record, sequence: head, answerBytes: 0, pieces: 0, worker: worker,
        stage: .open))
  }

  /// Records a piece of the answer, as the agent gets it.
  /// - Returns: how many of the bytes were taken, from the front; fewer than given when the ring is full now.
  public mutating func append(_ ticket: inout AuditTicket, answer: RawSpan) -> Int {
    check(ticket)
    if ticket.stage == .dropped { return answer.byteCount }
    let taken = writePieces(&ticket, answer)
    if taken > 0 {
      publish()
      ticket.sequence = head
    }
    return taken
  }

  /// Records how the call ended, with the answer (or what is left of it after `append`).
  ///
  /// The outcome itself always has room. When the ring is full now, only the first bytes of `answer` are taken and
  /// the ticket stays open: wait for room and call again with the rest; or, to give up on the answer's
  /// bytes, with an empty span and `isComplete` telling the truth.
  /// - Parameter session: id of the session that the answer opened; left out of the record when the ring has no room
  ///   for it and there are no answer bytes that could wait for room.
  /// - Returns: how many of the bytes were taken; the ticket is closed when it is all of them.
  @discardableResult
  public mutating func close(
    _ ticket: inout AuditTicket, _ outcome: CallOutcome, answer: RawSpan = RawSpan(),
    session: RawSpan = RawSpan()
  ) -> Int {
    check(ticket)
    if ticket.stage == .dropped {
      ticket.stage = .closed
      return answer.byteCount
    }
    var taken = 0
    let last = pieceBytesMax
    if answer.byteCount > last {
      let early = answer.byteCount &- last
      taken = writePieces(&ticket, answer.extracting(first: early))
      if taken < early {
        publish()
        ticket.sequence = head
        return taken
      }
    }
    let rest = answer.extracting(droppingFirst: taken)
    var closed = write(closing: outcome, &ticket, answer: rest, session: session)
    if !closed, rest.isEmpty { closed = write(closing: outcome, &ticket, answer: rest) }
    if closed {
      taken = answer.byteCount
      ticketsOpen &-= 1
      ticket.stage = .closed
    }
    publish()
    ticket.sequence = head
    return taken
  }

  /// Records a call that never goes upstream (blocked, not authenticated, malformed): opening and closing entry at
  /// once, all or nothing.
  /// - Returns: a closed ticket (whose `sequence` says when the answer may leave with `synced`), or why it could not
  ///   be recorded; the caller then answers with an error all the same.
  public mutating func refuse(
    _ facts: borrowing CallFacts, request: RawSpan, _ outcome: CallOutcome, answer: RawSpan
  ) -> AuditOpening {
    if let refusal = gate.refusal, !dropsInsteadOfRefusing { return .refused(refusal) }
    if request.byteCount > requestBytesMax { return unrecorded(facts.record, .requestTooLarge) }
    let start = head
    var ticket = AuditTicket(
      record: facts.record, sequence: 0, answerBytes: 0, pieces: 0, worker: worker, stage: .open)
    // The closing entry uses room of its own and leaves alone what other tickets have set aside.
    ticketsOpen &+= 1
    defer { ticketsOpen &-= 1 }
    let answer = answer.extracting(first: pieceBytesMax)
    let closing = EntryFormat.aligned(EntryFormat.closingBytes &+ answer.byteCount)
    guard write(opening: facts, request: request, closing: closing),
      write(closing: outcome, &ticket, answer: answer)
    else {
      head = start
      return unrecorded(facts.record, .full)
    }
    publish()
    ticket.stage = .closed
    ticket.sequence = head
    return .opened(ticket)
  }

  @inline(__always)
  private func check(_ ticket: AuditTicket) {
    assert(ticket.isOpen, "an audit ticket was used after it was closed")
    assert(ticket.stage == .dropped || ticket.worker == worker, "an audit ticket strayed")
  }

  /// A call that cannot be recorded: refused, or let through and counted, as configured.
  private mutating func unrecorded(_ record: RecordID, _ refusal: AuditRefusal) -> AuditOpening {
    guard dropsInsteadOfRefusing else { return .refused(refusal) }
    ring.drops.storeReleasing(ring.drops.loadRelaxed() &+ 1)
    return .opened(
      AuditTicket(
        record: record, sequence: 0, answerBytes: 0, pieces: 0, worker: worker, stage: .dropped))
  }
}
