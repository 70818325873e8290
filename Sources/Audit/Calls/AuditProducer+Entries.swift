/// Writing entries in the layout of `EntryFormat`. Nothing here is visible to the writer before `publish`.
extension AuditProducer {
  /// The opening entry, and pieces for what one entry cannot take of the request; leaves `closing` bytes beside what is
  /// set aside already. False: no room, and `head` may have moved.
  mutating func write(opening facts: borrowing CallFacts, request: RawSpan, closing: Int) -> Bool {
    let first = request.extracting(first: pieceBytesMax)
    let texts =
      cut(facts.principal) &+ cut(facts.server) &+ cut(facts.method) &+ cut(facts.tool)
      &+ cut(facts.session) &+ cut(facts.rule) &+ cut(facts.requestID)
    let hasMore = facts.client.byteCount &+ facts.approval.byteCount > 0
    let more =
      hasMore ? EntryFormat.moreTextsBytes &+ cut(facts.client) &+ cut(facts.approval) : 0
    let count = EntryFormat.aligned(
      EntryFormat.openingBytes &+ more &+ texts &+ first.byteCount)
    guard let place = unsafe claim(count, setAside: setAside &+ closing) else { return false }
    let entry = unsafe EntryWriter(
      unsafeAt: place, count: count, kind: .opening,
      flags: cutFlags(facts) | (hasMore ? EntryFormat.moreTextsFlag : 0), worker: worker,
      record: facts.record)
    entry.store(wallNanoseconds, at: 16)
    entry.store(facts.receivedNanoseconds, at: 24)
    entry.store(facts.policyRevision, at: 32)
    entry.store(UInt32(truncatingIfNeeded: first.byteCount), at: 40)
    entry.store(UInt32(truncatingIfNeeded: request.byteCount), at: 44)
    entry.store(facts.era.rawValue, at: 48)
    entry.store(facts.decision.rawValue, at: 49)
    var end = EntryFormat.openingBytes
    if hasMore {
      let limit = CallFacts.textBytesMax
      let cut: UInt8 =
        (facts.client.byteCount > limit ? 1 : 0) | (facts.approval.byteCount > limit ? 2 : 0)
      entry.store(UInt32(cut), at: 68)
      end &+= EntryFormat.moreTextsBytes
    }
    end = text(facts.principal, entry, lengthAt: 50, to: end)
    end = text(facts.server, entry, lengthAt: 52, to: end)
    end = text(facts.method, entry, lengthAt: 54, to: end)
    end = text(facts.tool, entry, lengthAt: 56, to: end)
    end = text(facts.session, entry, lengthAt: 58, to: end)
    end = text(facts.rule, entry, lengthAt: 60, to: end)
    end = text(facts.requestID, entry, lengthAt: 62, to: end)
    if hasMore {
      end = text(facts.client, entry, lengthAt: 64, to: end)
      end = text(facts.approval, entry, lengthAt: 66, to: end)
    }
    _ = entry.copy(first, to: end)
    return write(request, from: first.byteCount, of: facts.record, closing: closing)
      && (facts.approvalState == .none || write(reviewOf: facts, closing: closing))
  }

  /// What became of the approval that a rule asked for.
  private mutating func write(reviewOf facts: borrowing CallFacts, closing: Int) -> Bool {
    let texts = cut(facts.reviewers) &+ cut(facts.reviewReason)
    let count = EntryFormat.aligned(EntryFormat.reviewBytes &+ texts)
    guard let place = unsafe claim(count, setAside: setAside &+ closing) else { return false }
    let limit = CallFacts.textBytesMax
    var flags: UInt8 = 0
    if facts.reviewers.byteCount > limit { flags |= 1 }
    if facts.reviewReason.byteCount > limit { flags |= 2 }
    let entry = unsafe EntryWriter(
      unsafeAt: place, count: count, kind: .review, flags: flags, worker: worker,
      record: facts.record)
    entry.store(facts.heldMicroseconds, at: 16)
    entry.store(facts.approvalState.rawValue, at: 24)
    entry.store(UInt8(0), at: 25)
    entry.store(UInt16(0), at: 30)
    let end = text(facts.reviewers, entry, lengthAt: 26, to: EntryFormat.reviewBytes)
    _ = text(facts.reviewReason, entry, lengthAt: 28, to: end)
    return true
  }

  /// Request pieces from `offset` on.
  private mutating func write(
    _ request: RawSpan, from offset: Int, of record: RecordID, closing: Int
  ) -> Bool {
    var offset = offset
    while offset < request.byteCount {
      let size = min(request.byteCount &- offset, pieceBytesMax)
      let piece = request.extracting(offset..<offset &+ size)
      guard
        write(piece: piece, .requestPiece, at: offset, of: record, setAside: setAside &+ closing)
      else { return false }
      offset &+= size
    }
    return true
  }

  /// Answer pieces, as many as there is room for; returns how many bytes they took.
  mutating func writePieces(_ ticket: inout AuditTicket, _ answer: RawSpan) -> Int {
    var taken = 0
    while taken < answer.byteCount {
      let size = min(answer.byteCount &- taken, pieceBytesMax)
      let piece = answer.extracting(taken..<taken &+ size)
      let offset = Int(truncatingIfNeeded: ticket.answerBytes)
      guard write(piece: piece, .answerPiece, at: offset, of: ticket.record, setAside: setAside)
      else { return taken }
      taken &+= size
      ticket.answerBytes &+= UInt64(size)
      ticket.pieces &+= 1
    }
    return taken
  }

  private mutating func write(
    piece: RawSpan, _ kind: EntryKind, at offset: Int, of record: RecordID, setAside: Int
  ) -> Bool {
    let count = EntryFormat.aligned(EntryFormat.pieceBytes &+ piece.byteCount)
    guard let place = unsafe claim(count, setAside: setAside) else { return false }
    let entry = unsafe EntryWriter(
      unsafeAt: place, count: count, kind: kind, flags: 0, worker: worker, record: record)
    entry.store(UInt64(offset), at: 16)
    entry.store(UInt32(truncatingIfNeeded: piece.byteCount), at: 24)
    entry.store(UInt32(0), at: 28)
    _ = entry.copy(piece, to: EntryFormat.pieceBytes)
    return true
  }

  /// The closing entry. Without answer and session it always succeeds: its room was set aside.
  mutating func write(
    closing outcome: CallOutcome, _ ticket: inout AuditTicket, answer: RawSpan,
    session: RawSpan = RawSpan()
  ) -> Bool {
    let session = session.extracting(first: cut(session))
    let count = EntryFormat.aligned(
      EntryFormat.closingBytes &+ session.byteCount &+ answer.byteCount)
    // With an answer, the other tickets' room and the padding stay untouched; without, all but the others' room is ours.
    let others = (ticketsOpen &- 1) &* EntryFormat.closingBytes
    let isBare = answer.isEmpty && session.isEmpty
    let aside = isBare ? others : others &+ EntryFormat.closingBytes
    guard let place = unsafe claim(count, setAside: aside) else {
      precondition(!isBare, "the room set aside for a closing entry is gone")
      return false
    }
    ticket.answerBytes &+= UInt64(answer.byteCount)
    let entry = unsafe EntryWriter(
      unsafeAt: place, count: count, kind: .closing,
      flags: (outcome.isComplete ? EntryFormat.completeFlag : 0)
        | (session.isEmpty ? 0 : EntryFormat.sessionFlag), worker: worker,
      record: ticket.record)
    entry.store(ticket.pieces, at: 16)
    entry.store(UInt32(outcome.reason.rawValue) | UInt32(outcome.hiddenEntries) << 16, at: 20)
    entry.store(ticket.answerBytes, at: 24)
    entry.store(outcome.serverBytes, at: 32)
    entry.store(outcome.decidedMicroseconds, at: 40)
    entry.store(outcome.upstreamSentMicroseconds, at: 48)
    entry.store(outcome.firstByteMicroseconds, at: 56)
    entry.store(outcome.doneMicroseconds, at: 64)
    entry.store(outcome.errorCode, at: 72)
    entry.store(outcome.systemCode, at: 76)
    entry.store(outcome.maskedValues, at: 80)
    entry.store(UInt32(truncatingIfNeeded: answer.byteCount), at: 84)
    entry.store(outcome.status, at: 88)
    entry.store(outcome.serverStatus, at: 90)
    entry.store(outcome.result.rawValue, at: 92)
    entry.store(outcome.failedSide.rawValue, at: 93)
    let end = text(session, entry, lengthAt: 94, to: EntryFormat.closingBytes)
    _ = entry.copy(answer, to: end)
    return true
  }

  @inline(__always)
  private func cut(_ text: RawSpan) -> Int { min(text.byteCount, CallFacts.textBytesMax) }

  private func cutFlags(_ facts: borrowing CallFacts) -> UInt8 {
    let limit = CallFacts.textBytesMax
    var flags: UInt8 = 0
    if facts.principal.byteCount > limit { flags |= 1 }
    if facts.server.byteCount > limit { flags |= 2 }
    if facts.method.byteCount > limit { flags |= 4 }
    if facts.tool.byteCount > limit { flags |= 8 }
    if facts.session.byteCount > limit { flags |= 16 }
    if facts.rule.byteCount > limit { flags |= 32 }
    if facts.requestID.byteCount > limit { flags |= 64 }
    return flags
  }

  @inline(__always)
  private func text(_ text: RawSpan, _ entry: EntryWriter, lengthAt: Int, to end: Int) -> Int {
    let count = cut(text)
    entry.store(UInt16(truncatingIfNeeded: count), at: lengthAt)
    return entry.copy(text.extracting(first: count), to: end)
  }
}
