internal import Audit
internal import EventLoop
internal import Policy
internal import Wire

/// Phase response, for event streams: each event is one message, judged and masked on its own and passed on at once.
extension Worker {
  /// Looks through what has arrived for whole events.
  mutating func readEvents(_ slot: UInt32) {
    while upstreams[slot].state == .busy {
      let block = upstreams[slot].input
      let bytes = block.bytes(upstreams[slot].inputCount)
      switch upstreams[slot].events.next(bytes) {
      case .needMore:
        dropEvents(slot)
        let exchange = upstreams[slot].exchange
        if exchange != .max, exchanges[exchange].answerKind == .stream { advanceAnswer(exchange) }
        return
      case .tooLarge:
        guard mayStream(slot) else {
          return serverFailed(slot, "An event of the server's stream is larger than the limit.")
        }
        _ = beginStreaming(slot, isEvent: true)
        return
      case .event(let event): takeEvent(slot, event, bytes)
      }
    }
  }

  /// Forgets the bytes of events that have been dealt with.
  private mutating func dropEvents(_ slot: UInt32) {
    let consumed = upstreams[slot].events.consumed
    guard consumed > 0 else { return }
    let left = upstreams[slot].inputCount &- consumed
    upstreams[slot].input.moveToFront(from: consumed, count: left)
    upstreams[slot].inputCount = left
    upstreams[slot].events.dropped(consumed)
    if left == 0 {
      blocks.give(upstreams[slot].input)
      upstreams[slot].input = .none
    }
  }

  private mutating func takeEvent(_ slot: UInt32, _ event: SSEEvent, _ bytes: RawSpan) {
    // Comments and names other than `message` carry nothing that may pass.
    let exchange = upstreams[slot].exchange
    guard event.name == .message, exchange != .max else { return }
    // The stream of a batch is made of several: none of them can be taken up again.
    let isOwn = exchanges[exchange].batch == .max
    let eventBytes =
      event.hasID && isOwn ? sealEventID(exchange, bytes.extracting(event.id.range)) : 0
    guard event.dataLines > 0, !event.data.isEmpty || event.dataLines > 1 else {
      return streamPriming(exchange, event, eventBytes: eventBytes)
    }
    if event.dataLines == 1 {
      return takeMessage(slot, bytes.extracting(event.data.range), eventBytes: eventBytes)
    }
    guard let block = blocks.take(atLeast: max(1, Int(event.block.count))) else {
      return serverFailed(slot, "The gateway has no memory for this answer now.")
    }
    var joined = unsafe ByteWriter(unsafeInto: block.unsafeStart, capacity: block.capacity)
    SSEParser.joinData(of: event, in: bytes, into: &joined)
    takeMessage(slot, block.bytes(joined.count), eventBytes: eventBytes)
    blocks.give(block)
  }

  /// One message of the stream.
  /// - Parameter eventBytes: length of its event's sealed id, which stands in working memory; zero for none.
  private mutating func takeMessage(_ slot: UInt32, _ message: RawSpan, eventBytes: Int) {
    let exchange = upstreams[slot].exchange
    guard exchange != .max else { return closeUpstream(slot) }
    exchanges[exchange].serverBytes &+= UInt64(message.byteCount)
    exchanges[exchange].phase = .mask
    switch readAnswer(exchange, message) {
    case .unreadable:
      serverFailed(slot, "The server's stream holds something that is no strict JSON-RPC message.")
    case .asksTooMuch:
      serverFailed(slot, "The server asks the agent for what it may not ask for.")
    // An answer to another request is nobody's.
    case .other: dropMessage()
    case .request(let method):
      takeServerRequest(slot, method, message, eventBytes: eventBytes)
    case .notification(.notificationsCancelled):
      takeServerCancellation(exchange, message, eventBytes: eventBytes)
    case .notification(let method):
      // Before the handshake is answered there is no session yet whose id the stream's head could carry.
      guard method.isServerNotification, !method.tellsOfTask,
        exchanges[exchange].method != .initialize
      else { return dropMessage() }
      streamMessage(exchange, message, eventBytes: eventBytes)
    case .answer:
      // On a stream that was taken up again, more may follow.
      if exchanges[exchange].isSessionStream {
        streamMessage(exchange, message, eventBytes: eventBytes)
      } else {
        finishStream(slot, exchange, message, eventBytes: eventBytes)
      }
    }
  }

  /// The answer itself: as JSON when nothing went before it (one message needs no stream), else as the last event. The
  /// handshake keeps the form that its server gave it: from it clients learn how the server answers.
  private mutating func finishStream(
    _ slot: UInt32, _ exchange: UInt32, _ message: RawSpan, eventBytes: Int
  ) {
    if exchanges[exchange].answerKind == .none, !sealStreamedSession(exchange) {
      giveMessage(exchange, message, status: upstreams[slot].head.status)
    } else {
      if streamMessage(exchange, message, eventBytes: eventBytes) {
        exchanges[exchange].isAnswerComplete = true
        exchanges[exchange].outcome.maskedValues = exchanges[exchange].maskedValues
        exchanges[exchange].outcome.hiddenEntries = exchanges[exchange].hiddenEntries
        exchanges[exchange].outcome.status = 200
      }
    }
    // After a failure the connection is closed already. Else what is left of the stream is read to its end.
    guard upstreams[slot].state == .busy else { return }
    detach(slot)
    upstreams[slot].state = .draining
    resumeUpstream(slot)
    if exchanges.isUsed(exchange), exchanges[exchange].answerKind == .stream {
      advanceAnswer(exchange)
    }
  }

  /// Adds one message to the stream to the agent. False after a failure, which may have ended the exchange.
  @discardableResult
  mutating func streamMessage(_ exchange: UInt32, _ message: RawSpan, eventBytes: Int) -> Bool {
    let idLine = eventBytes > 0 ? SSEWriter.idOverheadBytes &+ eventBytes : 0
    let prefix = SSEWriter.messagePrefix.utf8CodeUnitCount &+ idLine
    let suffix = SSEWriter.messageSuffix.utf8CodeUnitCount
    guard makeAnswerRoom(exchange, prefix) else {
      fail(exchange, .gateway, "The gateway has no memory for this answer now.")
      return false
    }
    let before = exchanges[exchange].answerEnd
    guard writeMessage(exchange, message, prefix: prefix, suffix: suffix) else {
      return false
    }
    let block = exchanges[exchange].answer
    let end = exchanges[exchange].answerEnd
    var head = unsafe ByteWriter(unsafeInto: block.unsafeStart + before, capacity: prefix)
    if eventBytes > 0 {
      SSEWriter.id(scratchBytes(Worker.eventArea, eventBytes), into: &head)
      exchanges[exchange].isResumable = true
    }
    head.append(SSEWriter.messagePrefix)
    var tail = unsafe ByteWriter(unsafeInto: block.unsafeStart + end, capacity: suffix)
    tail.append(SSEWriter.messageSuffix)
    // A line break between tokens would end the event early: JSON allows a space there as well.
    block.replaceLineBreaks(from: before &+ prefix, count: end &- before &- prefix)
    exchanges[exchange].answerEnd = end &+ suffix
    exchanges[exchange].answerKind = .stream
    exchanges[exchange].hasStreamedMessage = true
    let waiting = exchanges[exchange].answerEnd &- exchanges[exchange].answerStart
    if waiting > limits.streamAheadBytesMax, exchanges[exchange].upstream != .max {
      pauseUpstream(exchanges[exchange].upstream)
    }
    return true
  }

  /// An event without a message: it tells the agent where to take the stream up, and when to.
  private mutating func streamPriming(_ exchange: UInt32, _ event: SSEEvent, eventBytes: Int) {
    guard eventBytes > 0 || (event.hasRetry && exchanges[exchange].answerKind == .stream) else {
      return
    }
    let room = SSEWriter.primingOverheadBytes &+ eventBytes
    guard makeAnswerRoom(exchange, room) else {
      return fail(exchange, .gateway, "The gateway has no memory for this answer now.")
    }
    let block = exchanges[exchange].answer
    let end = exchanges[exchange].answerEnd
    var writer = unsafe ByteWriter(unsafeInto: block.unsafeStart + end, capacity: room)
    SSEWriter.priming(
      id: scratchBytes(Worker.eventArea, eventBytes),
      retryMilliseconds: event.hasRetry ? event.retryMilliseconds : nil, into: &writer)
    exchanges[exchange].answerEnd = end &+ writer.count
    exchanges[exchange].answerKind = .stream
    if eventBytes > 0 { exchanges[exchange].isResumable = true }
  }

  /// The server's stream has ended.
  mutating func streamEnded(_ slot: UInt32) {
    let exchange = upstreams[slot].exchange
    guard exchange != .max else { return releaseUpstream(slot) }
    if upstreams[slot].streamed != .max { return streamedBodyEnded(slot) }
    guard exchanges[exchange].isSessionStream || exchanges[exchange].isResumable else {
      return serverFailed(slot, "The server's stream ended without the answer.")
    }
    releaseUpstream(slot)
    endStream(exchange)
  }
}
