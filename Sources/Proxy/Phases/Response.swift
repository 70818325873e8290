internal import Audit
internal import EventLoop
internal import Wire

/// Phase response: the server's answer, read as strictly as a request. An answer that arrives in one piece is judged
/// where the kernel put it.
extension Worker {
  /// - Parameter result: the number of bytes; zero when the server has ended its direction, `-errno` when the connection has
  ///   failed.
  mutating func upstreamReceived(_ slot: UInt32, _ result: Int32, _ bytes: RawSpan) {
    if upstreams[slot].state == .relaying { return relayReceived(slot, result, bytes) }
    guard result > 0 else { return upstreamEnded(slot, result) }
    // What comes before the request was sent is nobody's answer: a server that is about to hang up says 408.
    if upstreams[slot].isUnsent && upstreams[slot].state == .busy {
      return upstreams[slot].isReused
        ? sendAgain(slot) : serverFailed(slot, "The server speaks before it was asked.")
    }
    switch upstreams[slot].state {
    case .connecting, .relaying, .closing: return
    // A server that speaks out of turn cannot be trusted with the next request.
    case .idle: closeUpstream(slot)
    case .busy, .draining:
      let exchange = upstreams[slot].exchange
      if exchange != .max && exchanges[exchange].firstByte == 0 {
        exchanges[exchange].firstByte = loop.now
        giveOutput(slot)
      }
      setDeadline(upstream: slot, loop.now &+ limits.answerIdleTime)
      if upstreams[slot].hasHead {
        answerBody(slot, bytes)
      } else {
        answerHead(slot, bytes)
      }
    }
  }

  // MARK: Head

  private mutating func answerHead(_ slot: UInt32, _ bytes: RawSpan) {
    if upstreams[slot].inputCount == 0 {
      let used = parseAnswerHead(slot, bytes)
      guard used >= 0 else { return }
      if upstreams[slot].hasHead {
        answerBegins(slot, bytes.extracting(droppingFirst: used))
      } else {
        _ = keepAnswer(slot, bytes.extracting(droppingFirst: used))
      }
      return
    }
    guard keepAnswer(slot, bytes) else { return }
    let block = upstreams[slot].input
    let all = block.bytes(upstreams[slot].inputCount)
    let used = parseAnswerHead(slot, all)
    guard used >= 0 else { return }
    if upstreams[slot].hasHead {
      upstreams[slot].input = .none
      upstreams[slot].inputCount = 0
      answerBegins(slot, all.extracting(droppingFirst: used))
      blocks.give(block)
    } else if used > 0 {
      block.moveToFront(from: used, count: all.byteCount &- used)
      upstreams[slot].inputCount = all.byteCount &- used
    }
  }

  /// Reads the head, skipping interim answers. Returns the bytes used up, or -1 after a failure.
  private mutating func parseAnswerHead(_ slot: UInt32, _ bytes: RawSpan) -> Int {
    var used = 0
    while true {
      var head = ResponseHead()
      var scanned = upstreams[slot].scannedUpTo
      let result = ResponseHeadParser.parse(
        bytes.extracting(droppingFirst: used), scannedUpTo: &scanned, limits: httpLimits,
        into: &head, fields: &answerFields)
      switch result {
      case .incomplete:
        upstreams[slot].scannedUpTo = scanned
        return used
      case .refused:
        serverFailed(slot, "The server's answer is not sound HTTP.")
        return -1
      case .complete:
        upstreams[slot].scannedUpTo = 0
        if head.isInterim {
          used &+= Int(head.headBytes)
          continue
        }
        upstreams[slot].head = head
        upstreams[slot].hasHead = true
        if !sessionOpened(slot, head, bytes.extracting(droppingFirst: used)) { return -1 }
        return used &+ Int(head.headBytes)
      }
    }
  }

  /// Judges the head, then takes what came with it of the body.
  private mutating func answerBegins(_ slot: UInt32, _ rest: RawSpan) {
    let exchange = upstreams[slot].exchange
    let head = upstreams[slot].head
    guard exchange != .max else { return closeUpstream(slot) }
    exchanges[exchange].phase = .response
    exchanges[exchange].serverStatus = head.status
    if exchanges[exchange].isEventStream, exchanges[exchange].isSessionStream,
      head.status == 200, head.contentKind == .eventStream
    {
      return beginRelay(slot, rest)
    }
    if head.isEncoded {
      return serverFailed(slot, "The server's answer is compressed, so it cannot be judged.")
    }
    if head.status >= 300 && head.status < 400 {
      return serverFailed(slot, "The server redirects; the gateway does not follow.")
    }
    if head.status == 401 || head.status == 403 {
      return serverFailed(slot, "The server does not accept the gateway's credential.")
    }
    switch head.framing {
    case .none: return answerIsWhole(slot, RawSpan())
    case .length(let count) where count == 0: return answerIsWhole(slot, RawSpan())
    case .length(let count) where head.contentKind == .json:
      let isStreamed = count > UInt64(upstreams[slot].messageBytesMax)
      if isStreamed, !mayStream(slot) || count > UInt64(upstreams[slot].streamedBytesMax) {
        return answerTooLarge(slot)
      }
      // One allocation for an answer whose length is known, instead of several.
      if rest.byteCount < Int(count) {
        let room = isStreamed ? upstreams[slot].messageBytesMax &+ receiveBytes : Int(count)
        guard let block = blocks.take(atLeast: room) else { return answerTooLarge(slot) }
        upstreams[slot].input = block
      }
    default: break
    }
    if exchanges[exchange].isSessionStream, head.status == 200, head.contentKind == .eventStream {
      // The agent learns at once that it has its stream: the first event may be hours away.
      exchanges[exchange].answerKind = .stream
      advanceAnswer(exchange)
      guard upstreams[slot].state == .busy else { return }
    }
    if rest.byteCount > 0 { answerBody(slot, rest) }
  }

  // MARK: Body

  private mutating func answerBody(_ slot: UInt32, _ bytes: RawSpan) {
    if upstreams[slot].state == .draining { return drainBody(slot, bytes) }
    switch upstreams[slot].head.framing {
    case .none: closeUpstream(slot)
    case .length(let count): answerLength(slot, bytes, Int(count))
    case .chunked: answerChunks(slot, bytes)
    case .untilClose: _ = takeBody(slot, bytes)
    }
  }

  private mutating func answerLength(_ slot: UInt32, _ bytes: RawSpan, _ count: Int) {
    let missing = count &- Int(upstreams[slot].bodyBytes)
    if bytes.byteCount > missing {
      // More than was announced: what follows is nobody's answer.
      upstreams[slot].peerEnded = true
    }
    let part = bytes.extracting(first: min(missing, bytes.byteCount))
    if upstreams[slot].bodyBytes == 0, part.byteCount == count,
      upstreams[slot].head.contentKind != .eventStream
    {
      upstreams[slot].bodyBytes = UInt64(count)
      return answerIsWhole(slot, part)
    }
    let goesOn = takeBody(slot, part)
    guard Int(upstreams[slot].bodyBytes) == count else { return }
    if goesOn {
      bodyEnded(slot)
    } else if upstreams[slot].state == .draining {
      releaseUpstream(slot)
    }
  }

  private mutating func answerChunks(_ slot: UInt32, _ bytes: RawSpan) {
    var at = 0
    while upstreams[slot].state == .busy {
      switch upstreams[slot].chunks.next(bytes, at: &at) {
      case .needMore: return
      case .malformed: return serverFailed(slot, "The server's answer is not sound HTTP.")
      // The final event may be in it: then the loop ends and the rest is drained.
      case .data(let range): _ = takeBody(slot, bytes.extracting(range.range))
      case .end:
        if at < bytes.byteCount { upstreams[slot].peerEnded = true }
        return bodyEnded(slot)
      }
    }
    if upstreams[slot].state == .draining {
      drainBody(slot, bytes.extracting(droppingFirst: at))
    }
  }

  /// Takes decoded body bytes: kept for a whole answer, looked through for events of a stream. False when the exchange
  /// is over, one way or the other.
  private mutating func takeBody(_ slot: UInt32, _ bytes: RawSpan) -> Bool {
    upstreams[slot].bodyBytes &+= UInt64(bytes.byteCount)
    if upstreams[slot].streamed != .max { return streamOn(slot, bytes) }
    guard keepAnswer(slot, bytes) else { return false }
    guard upstreams[slot].head.contentKind == .eventStream else {
      return upstreams[slot].inputCount <= upstreams[slot].messageBytesMax
        || beginStreaming(slot, isEvent: false)
    }
    readEvents(slot)
    return upstreams[slot].state == .busy
  }

  /// Appends to what is kept of the answer; false (and the exchange failed) when that is over the limit.
  private mutating func keepAnswer(_ slot: UInt32, _ bytes: RawSpan) -> Bool {
    let count = upstreams[slot].inputCount
    let needed = count &+ bytes.byteCount
    guard needed <= upstreams[slot].messageBytesMax &+ 65536 else {
      answerTooLarge(slot)
      return false
    }
    if upstreams[slot].input.capacity < needed {
      let old = upstreams[slot].input
      guard let larger = blocks.take(atLeast: needed) else {
        answerTooLarge(slot)
        return false
      }
      if count > 0 { larger.write(old.bytes(count), at: 0) }
      blocks.give(old)
      upstreams[slot].input = larger
    }
    upstreams[slot].input.write(bytes, at: count)
    upstreams[slot].inputCount = needed
    return true
  }

  private mutating func bodyEnded(_ slot: UInt32) {
    if upstreams[slot].head.contentKind == .eventStream { return streamEnded(slot) }
    if upstreams[slot].streamed != .max { return streamedBodyEnded(slot) }
    let block = upstreams[slot].input
    let count = upstreams[slot].inputCount
    answerIsWhole(slot, count > 0 ? block.bytes(count) : RawSpan())
  }

  /// Reads what is left behind an answer that has been given, so that the connection can be used again.
  private mutating func drainBody(_ slot: UInt32, _ bytes: RawSpan) {
    upstreams[slot].bodyBytes &+= UInt64(bytes.byteCount)
    guard upstreams[slot].bodyBytes < 1 << 20 else { return closeUpstream(slot) }
    switch upstreams[slot].head.framing {
    case .length(let count):
      if upstreams[slot].bodyBytes == count { releaseUpstream(slot) }
      if upstreams[slot].bodyBytes > count { closeUpstream(slot) }
    case .chunked:
      var at = 0
      while true {
        switch upstreams[slot].chunks.next(bytes, at: &at) {
        case .needMore: return
        case .data: continue
        case .malformed: return closeUpstream(slot)
        case .end:
          return at == bytes.byteCount ? releaseUpstream(slot) : closeUpstream(slot)
        }
      }
    case .none, .untilClose: closeUpstream(slot)
    }
  }

  // MARK: Failures

  /// The server ended the connection (0) or it failed (-errno).
  private mutating func upstreamEnded(_ slot: UInt32, _ result: Int32) {
    upstreams[slot].peerEnded = true
    guard upstreams[slot].state == .busy, upstreams[slot].exchange != .max else {
      return closeUpstream(slot)
    }
    if outlivesEnd(slot, result) { return }
    if result == 0, upstreams[slot].hasHead, case .untilClose = upstreams[slot].head.framing {
      return bodyEnded(slot)
    }
    let text: StaticString =
      upstreams[slot].hasHead || upstreams[slot].inputCount > 0
      ? "The server ended the connection in the middle of its answer."
      : "The server ended the connection without an answer."
    serverFailed(slot, text, systemCode: result)
  }

  private mutating func answerTooLarge(_ slot: UInt32) {
    serverFailed(slot, "The server's answer is larger than the gateway's limit.")
  }

  /// The server broke the rules or its connection: the agent gets an error, the connection is not used again.
  mutating func serverFailed(_ slot: UInt32, _ text: StaticString, systemCode: Int32 = 0) {
    let exchange = upstreams[slot].exchange
    detach(slot)
    closeUpstream(slot)
    if exchange != .max { fail(exchange, .server, text, systemCode: systemCode) }
  }

  /// The exchange cannot succeed: an error answer, or, when part of a stream has already left, a cut.
  mutating func fail(
    _ slot: UInt32, _ side: RecordedSide, _ text: StaticString, systemCode: Int32 = 0
  ) {
    let upstream = exchanges[slot].upstream
    if upstream != .max {
      detach(upstream)
      closeUpstream(upstream)
    }
    exchanges[slot].isAnswerComplete = true
    // A message of a batch has its error as one more event: what the others say goes on.
    if exchanges[slot].answerKind == .stream, exchanges[slot].batch == .max,
      exchanges[slot].hasStreamedMessage || exchanges[slot].isSessionStream
    {
      // The client must not take what it got for the whole: no last chunk, and the connection ends.
      exchanges[slot].isCut = true
      exchanges[slot].outcome = outcome(
        slot, .transportError, side: side, systemCode: systemCode)
      return advanceAnswer(slot)
    }
    if exchanges[slot].isSessionStream || exchanges[slot].isNotification {
      beginLocalAnswer(slot, status: side == .server ? 502 : 503) { out, exchange in
        LocalAnswer.error(
          id: exchange.id, code: -32603, text: text, record: exchange.record, into: &out)
      }
    } else {
      beginLocalAnswer(slot, status: 200) { out, exchange in
        LocalAnswer.error(
          id: exchange.id, code: -32603, text: text, record: exchange.record, into: &out)
      }
    }
    exchanges[slot].outcome = outcome(
      slot, .transportError, side: side, errorCode: -32603, systemCode: systemCode)
    completeAnswer(slot)
  }

  /// The answer's body stands in its block: its head is written, it is recorded and sent.
  mutating func completeAnswer(_ slot: UInt32, session: RawSpan = RawSpan()) {
    exchanges[slot].isAnswerComplete = true
    if exchanges[slot].answerKind == .stream { return advanceAnswer(slot) }
    let record = exchanges[slot].recordStart
    writeAnswerHead(slot, session: session)
    exchanges[slot].recordStart = record
    advanceAnswer(slot)
  }
}
