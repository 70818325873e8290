internal import Audit
internal import EventLoop
internal import Identity
internal import Wire

/// Batches of JSON-RPC, which revision 2025-03-26 has and no other: an array of messages in one POST.
///
/// No array ever goes to a server: some run the messages of one under any revision, unread. Each message is a call of its own,
/// judged, held, recorded, sent and masked like one that came alone; a forbidden one is refused, and the others run. The answers
/// go out on one event stream, each as it comes:
///
///     POST [ query, drop_table, notification ]     exchange P, the client's
///       member 1   query           exchange, whose answers `deliver` puts on P's stream
///       member 2   drop_table      blocked: its refusal is its answer
///       member 3   notification    no answer
///     P ends when the last member has
extension Worker {
  /// Judges a body that is an array, if its session is one in which there are such.
  mutating func judgeBatch(_ slot: UInt32, _ head: RawSpan, _ body: RawSpan) {
    exchanges[slot].phase = .mcpMessage
    exchanges[slot].era = .legacy
    let field = head.extracting(exchanges[slot].head.mcpProtocolVersion.range)
    let hasField = exchanges[slot].head.has(.mcpProtocolVersion)
    guard !hasField || ProtocolVersion(field) == .v2025_03_26 else {
      return refuse(slot, MCPRefusal(.batch), head, body)
    }
    takeLegacyRoute(slot)
    if let refusal = findSession(slot, head, version: hasField ? .v2025_03_26 : nil) {
      return refuse(slot, refusal, request: head)
    }
    // Without a session the revision is the one that a missing field means (mcp-wire §2).
    guard exchanges[slot].agreedVersion == .v2025_03_26 else {
      return refuse(slot, MCPRefusal(.batch), head, body)
    }
    var batch = JSONBatch()
    switch batch.read(body) {
    case .malformed: return refuse(slot, MCPRefusal(.notJSON), head, body)
    case .tooMany: return refuse(slot, MCPRefusal(.batchTooLong), head, body)
    case .elements: break
    }
    guard batch.count > 0 else { return refuse(slot, MCPRefusal(.batchEmpty), head, body) }
    var kinds = InlineArray<32, MCPMessageKind>(repeating: .notification)
    if let refusal = checkMembers(batch, body, &kinds) {
      return refuse(slot, refusal, head, body)
    }
    // Some room stays for requests that come alone.
    guard exchanges.count &+ batch.count < exchanges.capacity / 4 &* 3 else {
      return refuse(slot, .overloaded, request: head, body: body)
    }
    begin(slot, batch, kinds, head, body)
  }

  /// Reads every member before any of them is acted on: a batch of which one cannot be read is refused as a whole.
  private mutating func checkMembers(
    _ batch: JSONBatch, _ body: RawSpan, _ kinds: inout InlineArray<32, MCPMessageKind>
  ) -> MCPRefusal? {
    var ids = InlineArray<32, ByteRange>(repeating: .empty)
    for number in 0..<batch.count {
      let member = body.extracting(batch[number].range)
      if let violation = requestIndex.read(member, watch: JSONWatch.none) {
        return withoutID(MCPReader.refusal(for: violation, in: member))
      }
      switch MCPReader.read(member, index: requestIndex) {
      case .refused(let refusal): return withoutID(refusal)
      case .message(let message):
        if message.method == .initialize { return MCPRefusal(.batchInitialize) }
        kinds[number] = message.kind
        guard message.kind == .request else { continue }
        let start = batch[number].range.lowerBound
        ids[number] = ByteRange(
          start &+ message.id.range.lowerBound..<start &+ message.id.range.upperBound)
        let id = body.extracting(ids[number].range)
        for earlier in 0..<number where body.extracting(ids[earlier].range).elementsEqual(id) {
          return MCPRefusal(.batchIDTwice)
        }
      }
    }
    return nil
  }

  /// The answer is to the batch, which has no id.
  private func withoutID(_ refusal: MCPRefusal) -> MCPRefusal {
    MCPRefusal(refusal.reason == .batch ? .notAnObject : refusal.reason)
  }

  private mutating func begin(
    _ slot: UInt32, _ batch: JSONBatch, _ kinds: InlineArray<32, MCPMessageKind>,
    _ head: RawSpan, _ body: RawSpan
  ) {
    let generation = exchanges.generation(slot)
    exchanges[slot].membersLeft = UInt8(batch.count)
    for number in 0..<batch.count {
      guard let member = beginMember(of: slot, kinds[number]) else {
        // Those that have begun go on; the client sees the stream cut, and knows that it has not got everything.
        return dropConnection(slot)
      }
      judge(member, head, body.extracting(batch[number].range))
      // The client may have been given up meanwhile, for want of memory.
      guard exchanges.contains(slot, generation: generation) else { return }
    }
  }

  private mutating func beginMember(of batch: UInt32, _ kind: MCPMessageKind) -> UInt32? {
    var fresh = Exchange(
      generation: exchanges[batch].generation, connection: exchanges[batch].connection,
      head: exchanges[batch].head, chunks: ChunkedDecoder(limits: httpLimits),
      received: exchanges[batch].received)
    fresh.batch = batch
    fresh.route = exchanges[batch].route
    fresh.principal = exchanges[batch].principal
    fresh.record = recording.makeRecordID()
    // From the start, so that whatever answers it writes an event.
    if kind == .request { fresh.answerKind = .stream }
    guard let slot = exchanges.insert(fresh) else { return nil }
    generations[fresh.generation].users &+= 1
    if PrincipalTable.isReference(fresh.principal) { principals.retain(fresh.principal) }
    return slot
  }

  // MARK: Answers

  /// Puts what a member has to say on the stream of its batch. It was recorded with the member.
  mutating func deliver(_ slot: UInt32) {
    let batch = exchanges[slot].batch
    let start = exchanges[slot].answerStart
    let count = exchanges[slot].answerEnd &- start
    if exchanges[slot].answerKind == .stream, count > 0, !exchanges[slot].answer.isNone {
      addToBatch(batch, exchanges[slot].answer.bytes(from: start, count: count))
    }
    // Of what has no answer only the worst status is told, when nothing else is.
    if exchanges[slot].answerKind == .whole {
      exchanges[batch].status = max(exchanges[batch].status, exchanges[slot].status)
    }
    if exchanges[slot].isCut { exchanges[batch].isCut = true }
    dropAnswer(slot)
    let upstream = exchanges[slot].upstream
    if upstream != .max { resumeUpstream(upstream) }
    if exchanges[slot].isAnswerComplete { return endExchange(slot) }
    if exchanges[batch].answerKind == .stream { advanceAnswer(batch) }
  }

  /// Without memory for it the stream is cut when it ends: the client must not take what it got for the whole.
  private mutating func addToBatch(_ batch: UInt32, _ events: RawSpan) {
    guard makeAnswerRoom(batch, events.byteCount) else {
      exchanges[batch].isCut = true
      return
    }
    let end = exchanges[batch].answerEnd
    exchanges[batch].answer.write(events, at: end)
    exchanges[batch].answerEnd = end &+ events.byteCount
    exchanges[batch].answerKind = .stream
    exchanges[batch].hasStreamedMessage = true
  }

  /// One member less; with the last the batch is answered.
  mutating func memberEnded(of batch: UInt32) {
    exchanges[batch].membersLeft &-= 1
    if exchanges[batch].membersLeft == 0 { return completeBatch(batch) }
    if exchanges[batch].answerKind == .stream { advanceAnswer(batch) }
  }

  private mutating func completeBatch(_ batch: UInt32) {
    if exchanges[batch].answerKind == .stream {
      exchanges[batch].isAnswerComplete = true
      return advanceAnswer(batch)
    }
    // Answers there were, but no memory for any of them.
    if exchanges[batch].isCut { return dropConnection(batch) }
    beginLocalAnswer(batch, status: exchanges[batch].status >= 400 ? 400 : 202) { _, _ in }
    completeAnswer(batch)
  }

  // MARK: What happens to the client's connection

  /// The client has gone: each member is what it would be if it had come alone.
  mutating func orphanMembers(of batch: UInt32) {
    for slot in 0..<exchanges.highWater where isMember(slot, of: batch) {
      exchanges[slot].batch = .max
      clientGone(slot)
    }
    exchanges[batch].membersLeft = 0
  }

  func isMember(_ slot: UInt32, of batch: UInt32) -> Bool {
    exchanges.isUsed(slot) && exchanges[slot].batch == batch
  }

  /// Whether one of a batch's members waits for an approval.
  func holdsMember(_ batch: UInt32) -> Bool {
    guard exchanges[batch].membersLeft > 0, held.count > 0 else { return false }
    for slot in 0..<exchanges.highWater where isMember(slot, of: batch) {
      if exchanges[slot].held != .max { return true }
    }
    return false
  }

  /// Sets the connection's timer to what comes next for any member that is held.
  mutating func setHoldDeadlines(of batch: UInt32) {
    let connection = exchanges[batch].connection
    guard connection != .max, held.count > 0, !connections[connection].isSending else { return }
    var next = UInt64.max
    for slot in 0..<exchanges.highWater where isMember(slot, of: batch) {
      let place = exchanges[slot].held
      if place != .max { next = min(next, held[place].until, held[place].commentAt) }
    }
    if next != .max { setDeadline(connection: connection, next) }
  }

  /// The timer has fired: for those whose time it is.
  mutating func heldMembersDue(_ batch: UInt32) {
    let generation = exchanges.generation(batch)
    for slot in 0..<exchanges.highWater where isMember(slot, of: batch) {
      let place = exchanges[slot].held
      guard place != .max, min(held[place].until, held[place].commentAt) <= loop.now else {
        continue
      }
      heldDue(slot)
      guard exchanges.contains(batch, generation: generation) else { return }
    }
    setHoldDeadlines(of: batch)
  }

  /// Ends the waiting of a call, or of every member of a batch.
  mutating func endHolds(_ exchange: UInt32, _ ending: HoldEnding) {
    guard exchanges[exchange].membersLeft > 0 else { return endHold(exchange, ending) }
    let generation = exchanges.generation(exchange)
    for slot in 0..<exchanges.highWater where isMember(slot, of: exchange) {
      endHold(slot, ending)
      guard exchanges.contains(exchange, generation: generation) else { return }
    }
  }
}
