internal import Audit
internal import EventLoop
internal import Identity
internal import Synchronization
internal import Wire

/// Phase send: an answer's bytes go to the client, after they were recorded.
///
/// An answer is built in one block, behind room for the head: the body first, because only then its length is known, and
/// then the head right before it.
///
///     answer:  [ ..... | HTTP/1.1 200 OK … | {"jsonrpc":"2.0", … } | .. ]
///                      ^ answerStart       ^ recordStart           ^ answerEnd
extension Worker {
  /// Room in front of an answer's body for its head, and behind for the end of a chunk.
  static var answerFront: Int { 1536 }
  static var answerTail: Int { 16 }

  // MARK: Building

  /// Begins an answer of the gateway's own: `body` writes it.
  ///
  /// When there is no memory even for that, the answer is empty and cut: it is recorded like every other, and then the
  /// client sees its connection closed. The exchange lives on until then, so callers need not ask.
  /// - Parameter room: bytes that `body` may need, when that may be more than three thousand.
  mutating func beginLocalAnswer(
    _ slot: UInt32, status: UInt16, room: Int = 0, body: (inout ByteWriter, Exchange) -> Void
  ) {
    if exchanges[slot].answerKind == .stream { return addLocalEvent(slot, room: room, body: body) }
    blocks.give(exchanges[slot].answer)
    exchanges[slot].answer = .none
    let front = Worker.answerFront
    guard let block = blocks.take(atLeast: max(4096, front + room + Worker.answerTail)) else {
      exchanges[slot].answerStart = 0
      exchanges[slot].recordStart = 0
      exchanges[slot].answerEnd = 0
      exchanges[slot].status = status
      exchanges[slot].answerKind = .whole
      exchanges[slot].isCut = true
      return
    }
    var writer = unsafe ByteWriter(
      unsafeInto: block.unsafeStart + front, capacity: block.capacity - front - Worker.answerTail)
    body(&writer, exchanges[slot])
    precondition(!writer.overflowed, "a local answer is longer than its block")
    exchanges[slot].answer = block
    exchanges[slot].answerStart = front
    exchanges[slot].recordStart = front
    exchanges[slot].answerEnd = front + writer.count
    exchanges[slot].status = status
    exchanges[slot].answerKind = .whole
  }

  /// The same for an answer that is an event stream already, of which only comments have been sent: as its one message.
  private mutating func addLocalEvent(
    _ slot: UInt32, room: Int, body: (inout ByteWriter, Exchange) -> Void
  ) {
    guard makeAnswerRoom(slot, max(4096, room &+ SSEWriter.messageOverheadBytes)) else {
      exchanges[slot].isCut = true
      return
    }
    let block = exchanges[slot].answer
    let start = exchanges[slot].answerEnd
    var writer = unsafe ByteWriter(
      unsafeInto: block.unsafeStart + start, capacity: block.capacity - start - Worker.answerTail)
    writer.append(SSEWriter.messagePrefix)
    body(&writer, exchanges[slot])
    writer.append(SSEWriter.messageSuffix)
    precondition(!writer.overflowed, "a local answer is longer than its block")
    exchanges[slot].answerEnd = start &+ writer.count
    exchanges[slot].status = 200
    exchanges[slot].hasStreamedMessage = true
  }

  /// Writes the head of a whole answer in front of its body; none where there was no memory for an answer.
  mutating func writeAnswerHead(_ slot: UInt32, session: RawSpan = RawSpan()) {
    guard !exchanges[slot].answer.isNone else { return }
    let exchange = exchanges[slot]
    let length = exchange.answerEnd &- exchange.answerStart
    var writer = unsafe ByteWriter(unsafeInto: scratch.unsafeStart, capacity: Worker.answerFront)
    HTTPWriter.status(exchange.status, into: &writer)
    if length > 0 { HTTPWriter.field("Content-Type", "application/json", into: &writer) }
    writeVaryingFields(exchange, session, into: &writer)
    // 204 has no Content-Length (RFC 9110 §8.6); every other answer says how long it is.
    if exchange.status != 204 { HTTPWriter.contentLength(UInt64(length), into: &writer) }
    HTTPWriter.end(into: &writer)
    placeHead(slot, &writer)
  }

  func writeVaryingFields(
    _ exchange: Exchange, _ session: RawSpan, into writer: inout ByteWriter
  ) {
    if exchange.origin >= 0 { writeCrossOrigin(exchange, into: &writer) }
    switch exchange.localExtra {
    case .none, .crossOrigin: break
    case .challenge: writeChallenge(exchange, into: &writer)
    case .retry: HTTPWriter.field("Retry-After", "2", into: &writer)
    case .metadata, .preflight: ResourceMetadata.writeFields(exchange.localExtra, into: &writer)
    case .allow: HTTPWriter.field("Allow", "GET, POST, DELETE", into: &writer)
    }
    // Many of these bodies have no place for it.
    if exchange.status >= 400 {
      let reference = exchange.record.text
      _ = unsafe HTTPWriter.field("Sluice-Ref", reference.span.bytes, into: &writer)
    }
    if session.byteCount > 0 {
      _ = HTTPWriter.field("Mcp-Session-Id", session, into: &writer)
    }
    HTTPWriter.connection(
      keepAlive: !exchange.closesConnection, minorVersion: exchange.head.minorVersion,
      into: &writer)
  }

  private mutating func placeHead(_ slot: UInt32, _ writer: inout ByteWriter) {
    precondition(!writer.overflowed, "an answer's head is longer than its room")
    let start = exchanges[slot].answerStart &- writer.count
    exchanges[slot].answer.write(writer.written, at: start)
    exchanges[slot].answerStart = start
    exchanges[slot].headSent = true
  }

  // MARK: Sending

  /// Records what is not recorded, and sends what may leave.
  mutating func advanceAnswer(_ slot: UInt32) {
    guard commitRecord(slot) else { return }
    flush(slot)
  }

  /// Hands the answer to the connection, unless that is still sending.
  private mutating func flush(_ slot: UInt32) {
    if exchanges[slot].batch != .max { return deliver(slot) }
    let connection = exchanges[slot].connection
    guard connection != .max else {
      // Nobody is there to take it; it was recorded all the same.
      dropAnswer(slot)
      let upstream = exchanges[slot].upstream
      if upstream != .max { resumeUpstream(upstream) }
      if exchanges[slot].isAnswerComplete { endExchange(slot) }
      return
    }
    guard !connections[connection].isSending else { return }
    if exchanges[slot].answerKind == .stream, !frameStream(slot) { return dropConnection(slot) }
    let start = exchanges[slot].answerStart
    let count = exchanges[slot].answerEnd &- start
    guard count > 0, !exchanges[slot].answer.isNone else {
      if exchanges[slot].isAnswerComplete { finishExchange(slot) }
      return
    }
    exchanges[slot].phase = .send
    connections[connection].output = exchanges[slot].answer
    connections[connection].isSending = true
    setDeadline(connection: connection, loop.now &+ limits.sendTime)
    exchanges[slot].answer = .none
    exchanges[slot].answerStart = 0
    exchanges[slot].answerEnd = 0
    exchanges[slot].recordStart = 0
    transmit(
      connections[connection].output, from: start, count: count,
      over: connections[connection].transport, on: connections[connection].socket)
  }

  mutating func dropAnswer(_ slot: UInt32) {
    blocks.give(exchanges[slot].answer)
    exchanges[slot].answer = .none
    exchanges[slot].answerStart = 0
    exchanges[slot].answerEnd = 0
    exchanges[slot].recordStart = 0
  }

  /// Puts the head (once) and one chunk's framing around the events that are to leave now. False: there is no memory.
  private mutating func frameStream(_ slot: UInt32) -> Bool {
    let exchange = exchanges[slot]
    let count = exchange.answerEnd &- exchange.answerStart
    let isEnding = exchange.isAnswerComplete && !exchange.isEndSent
    guard !exchange.isFramed, count > 0 || !exchange.headSent || isEnding else { return true }
    if exchange.answer.isNone {
      guard takeStreamBlock(slot, room: 0) else { return false }
    }
    let chunked = exchange.head.minorVersion > 0
    var head = unsafe ByteWriter(unsafeInto: scratch.unsafeStart, capacity: Worker.answerFront)
    if !exchange.headSent {
      HTTPWriter.status(200, into: &head)
      if exchange.streamedForm == .json {
        HTTPWriter.field("Content-Type", "application/json", into: &head)
      } else {
        HTTPWriter.eventStreamFields(into: &head)
      }
      // A session that begins with this stream.
      writeVaryingFields(
        exchange, exchange.isSessionSealed ? exchange.serverSession.span : RawSpan(), into: &head)
      if chunked { HTTPWriter.chunked(into: &head) }
      HTTPWriter.end(into: &head)
    }
    if chunked && count > 0 { HTTPWriter.chunkStart(count, into: &head) }
    var tail = unsafe ByteWriter(
      unsafeInto: exchanges[slot].answer.unsafeStart + exchanges[slot].answerEnd,
      capacity: Worker.answerTail)
    if chunked && count > 0 { HTTPWriter.chunkEnd(into: &tail) }
    if chunked && exchange.isAnswerComplete && !exchange.isCut {
      HTTPWriter.lastChunk(into: &tail)
      exchanges[slot].isEndSent = true
    }
    exchanges[slot].answerEnd &+= tail.count
    exchanges[slot].recordStart = exchanges[slot].answerEnd
    placeHead(slot, &head)
    exchanges[slot].isFramed = true
    return true
  }

  /// Everything handed to the client's socket has left, or never will.
  mutating func sent(_ slot: UInt32, _ result: Int32) {
    connections[slot].isSending = false
    blocks.give(connections[slot].output)
    connections[slot].output = .none
    guard connections[slot].state != .closing else { return }
    guard result >= 0 else { return closeConnection(slot) }
    if connections[slot].state == .relaying { return relay(slot) }
    let exchange = connections[slot].exchange
    guard exchange != .max, connections[slot].state == .exchange else { return }
    exchanges[exchange].isFramed = false
    let upstream = exchanges[exchange].upstream
    if upstream != .max { resumeUpstream(upstream) }
    advanceAnswer(exchange)
    guard exchanges.isUsed(exchange) else { return }
    setHoldDeadline(exchange)
    setStreamDeadline(exchange)
  }

  // MARK: The end

  /// The whole answer has left: the connection is free for the next request.
  private mutating func finishExchange(_ slot: UInt32) {
    let connection = exchanges[slot].connection
    let closes = exchanges[slot].closesConnection || exchanges[slot].isCut
    let isCut = exchanges[slot].isCut
    exchanges[slot].connection = .max
    endExchange(slot)
    connections[connection].exchange = .max
    control.requests.add(1, ordering: .relaxed)
    if isCut { return closeConnection(connection) }
    if connections[connection].relay != .max { return relay(connection) }
    if closes || isDraining || connections[connection].peerEnded {
      return linger(connection)
    }
    connections[connection].state = .idle
    setDeadline(connection: connection, loop.now &+ limits.keepAliveTime)
    resumeReceiving(connection)
    if connections[connection].inputCount > 0 { consumeInput(connection) }
  }

  /// Forgets the exchange. Its record is closed; its connection, if any, no longer points to it.
  mutating func endExchange(_ slot: UInt32) {
    if exchanges[slot].ticket.isOpen {
      var ticket = exchanges[slot].ticket
      var outcome = exchanges[slot].outcome
      outcome.isComplete = false
      _ = recording.close(&ticket, outcome, answer: RawSpan())
      exchanges[slot].ticket = ticket
    }
    let upstream = exchanges[slot].upstream
    if upstream != .max {
      exchanges[slot].upstream = .max
      upstreams[upstream].exchange = .max
    }
    // On the waiting list a slot must stay until the list has been walked.
    guard !exchanges[slot].isWaiting else {
      exchanges[slot].connection = .max
      exchanges[slot].isAnswerComplete = true
      return
    }
    countCall(slot)
    blocks.give(exchanges[slot].answer)
    blocks.give(exchanges[slot].request)
    blocks.give(exchanges[slot].task)
    let generation = exchanges[slot].generation
    let principal = exchanges[slot].principal
    let batch = exchanges[slot].batch
    if PrincipalTable.isReference(principal) { principals.release(principal) }
    _ = exchanges.remove(slot)
    leaveGeneration(generation)
    if batch != .max { memberEnded(of: batch) }
  }

  /// There is no memory even for an error: the client sees its connection closed.
  mutating func dropConnection(_ slot: UInt32) {
    let connection = exchanges[slot].connection
    if connection != .max { closeConnection(connection) }
  }

  /// The client has gone while its exchange was under way.
  mutating func clientGone(_ slot: UInt32) {
    abandonHold(slot)
    exchanges[slot].connection = .max
    if exchanges[slot].membersLeft > 0 { orphanMembers(of: slot) }
    let upstream = exchanges[slot].upstream
    let finishes =
      exchanges[slot].era == .legacy && upstream != .max && !exchanges[slot].isSessionStream
      && (exchanges[slot].answerKind == .none
        || (exchanges[slot].answerKind == .stream && !exchanges[slot].hasStreamedMessage))
    // A legacy client's call runs to its end for the record; a modern one is cancelled by going away.
    if finishes { return }
    if upstream != .max {
      exchanges[slot].upstream = .max
      upstreams[upstream].exchange = .max
      closeUpstream(upstream)
    }
    exchanges[slot].outcome = outcome(slot, .cancelled, side: .agent)
    exchanges[slot].isAnswerComplete = true
    endExchange(slot)
  }
}
