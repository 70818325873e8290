internal import Audit
internal import EventLoop
internal import Policy
internal import Wire

/// Phase response, for a message that is longer than what is held: it is judged and masked as it arrives, recorded and passed
/// on piece by piece, in memory that does not depend on its length.
///
///     held ─ at most `messageBytesMax` ─┐ sound so far, the answer to this request?  no: an error, as for every other message
///                                       └ yes: 200, chunked, then pieces … the end: complete and of this request? last chunk
///                                                                       any violation: no last chunk, the connection ends
///
/// The message's last brace is given out when everything was checked, so that a message that was cut never looks complete.
///
/// Only what a call gives back is streamed. Lists, sessions' streams, members of batches and what clients of HTTP/1.0 ask for
/// (who could not tell a cut) are held whole or refused.
extension Worker {
  /// Whether the message that is arriving may go on beyond what is held.
  func mayStream(_ slot: UInt32) -> Bool {
    let exchange = upstreams[slot].exchange
    guard exchange != .max, upstreams[slot].state == .busy, upstreams[slot].head.status == 200,
      upstreams[slot].streamedBytesMax > upstreams[slot].messageBytesMax,
      exchanges[exchange].isForwarded, !exchanges[exchange].isSessionStream,
      !exchanges[exchange].isNotification, exchanges[exchange].batch == .max,
      exchanges[exchange].head.minorVersion > 0, exchanges[exchange].head.method == .post
    else { return false }
    switch exchanges[exchange].method {
    case .toolsCall, .promptsGet, .resourcesRead: return true
    default: return false
    }
  }

  /// What was held of the message is more than is held: it goes on, from here on as it arrives. False when it is over.
  mutating func beginStreaming(_ slot: UInt32, isEvent: Bool) -> Bool {
    let exchange = upstreams[slot].exchange
    guard mayStream(slot) else {
      serverFailed(slot, "The server's answer is larger than the gateway's limit.")
      return false
    }
    guard let answer = takeStreamedAnswer(slot, isEvent: isEvent) else {
      serverFailed(slot, "The gateway passes on as many long answers as it can. Try again later.")
      return false
    }
    let block = upstreams[slot].input
    let count = upstreams[slot].inputCount
    let start = isEvent ? upstreams[slot].events.consumed : 0
    upstreams[slot].input = .none
    upstreams[slot].inputCount = 0
    defer { blocks.give(block) }
    let isWhole = exchanges[exchange].answerKind == .none
    exchanges[exchange].phase = .mask
    exchanges[exchange].streamedForm = isWhole ? .json : .event
    let before = exchanges[exchange].answerEnd
    var problem: StaticString?
    // Room for all of it at once: a block that grows leaves others behind.
    if !makeAnswerRoom(exchange, count &+ 4096) {
      problem = "The gateway has no memory for this answer now."
    } else if !isWhole {
      problem = addText(SSEWriter.messagePrefix, to: exchange)
    }
    if problem == nil {
      problem = streamPart(exchange, answer, block.bytes(from: start, count: count &- start))
    }
    if problem == nil, answer.masker.kind == .unknown {
      problem = "The server's answer is not one strict JSON-RPC message."
    }
    if problem == nil, answer.masker.id.byteCount > 0, !isOfRequest(exchange, answer) {
      problem = "The server's answer belongs to another request."
    }
    if let problem {
      // Nothing of it has left: the agent gets an error.
      exchanges[exchange].streamedForm = .none
      if !isWhole {
        exchanges[exchange].answerEnd = before
        exchanges[exchange].recordStart = min(exchanges[exchange].recordStart, before)
      }
      serverFailed(slot, problem)
      return false
    }
    exchanges[exchange].answerKind = .stream
    exchanges[exchange].hasStreamedMessage = true
    exchanges[exchange].status = 200
    return streamedOn(slot, exchange, answer)
  }

  /// More of it has arrived. False when it is over.
  mutating func streamOn(_ slot: UInt32, _ bytes: RawSpan) -> Bool {
    let exchange = upstreams[slot].exchange
    guard exchange != .max, let answer = streamed[upstreams[slot].streamed] else {
      closeUpstream(slot)
      return false
    }
    if let problem = streamPart(exchange, answer, bytes) {
      serverFailed(slot, problem)
      return false
    }
    return streamedOn(slot, exchange, answer)
  }

  /// The body has ended, which is where a message that needs no event ends.
  mutating func streamedBodyEnded(_ slot: UInt32) {
    let exchange = upstreams[slot].exchange
    guard exchange != .max, let answer = streamed[upstreams[slot].streamed] else {
      return closeUpstream(slot)
    }
    guard answer.event == nil else {
      return serverFailed(slot, "The server's stream ended in the middle of its answer.")
    }
    guard completeStreamed(slot, exchange, answer) else { return }
    releaseUpstream(slot)
    advanceAnswer(exchange)
  }

  /// Called by whatever ends the exchange's use of the connection.
  mutating func endStreaming(_ slot: UInt32) {
    guard upstreams[slot].streamed != .max else { return }
    streamed.remove(upstreams[slot].streamed)
    upstreams[slot].streamed = .max
  }

  // MARK: Pieces

  private mutating func takeStreamedAnswer(_ slot: UInt32, isEvent: Bool) -> StreamedAnswer? {
    let exchange = upstreams[slot].exchange
    var bounds = StreamLimits()
    bounds.depthMax = limits.depthMax
    bounds.textBytesMax = upstreams[slot].messageBytesMax
    let program = generations[exchanges[exchange].generation].masks.use { $0 }
    let answer = StreamedAnswer(
      masker: StreamMasker(program: program, active: exchanges[exchange].masks, limits: bounds),
      isEvent: isEvent, bytesMax: upstreams[slot].streamedBytesMax)
    guard let place = streamed.insert(answer, most: limits.streamedAnswersMax) else { return nil }
    upstreams[slot].streamed = place
    return answer
  }

  /// Masks a piece of the body and adds what can be given out to the answer. Returns what is wrong, if anything is.
  private mutating func streamPart(
    _ exchange: UInt32, _ answer: StreamedAnswer, _ bytes: RawSpan
  ) -> StaticString? {
    guard answer.event != nil else { return streamMessagePart(exchange, answer, bytes) }
    var at = 0
    while true {
      switch answer.event!.next(bytes, at: &at) {
      case .needMore: return nil
      case .end:
        answer.hasEnded = true
        return nil
      case .otherEvent: return "An event of the server's stream is larger than the limit."
      case .data(let range):
        if let problem = streamMessagePart(exchange, answer, bytes.extracting(range)) {
          return problem
        }
      case .lineBreak:
        if let problem = streamMessagePart(exchange, answer, Worker.blank) { return problem }
      }
    }
  }

  private mutating func streamMessagePart(
    _ exchange: UInt32, _ answer: StreamedAnswer, _ bytes: RawSpan
  ) -> StaticString? {
    answer.taken &+= bytes.byteCount
    guard answer.taken <= answer.bytesMax else {
      return "The server's answer is larger than the gateway's limit."
    }
    exchanges[exchange].serverBytes &+= UInt64(bytes.byteCount)
    var rest = bytes
    while rest.byteCount > 0 {
      let part = rest.extracting(first: min(Worker.streamedPartBytes, rest.byteCount))
      switch answer.masker.feed(part, with: &masker) {
      case nil: break
      case .needsWholeMessage:
        return "The server's answer is larger than what the gateway holds of its kind."
      case .json, .envelope, .keys:
        return "The server's answer is not one strict JSON-RPC message."
      }
      if let problem = addReady(answer, to: exchange) { return problem }
      rest = rest.extracting(droppingFirst: part.byteCount)
    }
    exchanges[exchange].maskedValues = UInt32(truncatingIfNeeded: answer.masker.maskedValues)
    return nil
  }

  private static var streamedPartBytes: Int { 64 << 10 }

  private static var blank: RawSpan {
    @_lifetime(immortal)
    get {
      let text: StaticString = "\n"
      let span = unsafe RawSpan(_unsafeStart: text.utf8Start, byteCount: text.utf8CodeUnitCount)
      return unsafe _overrideLifetime(span, copying: ())
    }
  }

  /// Moves what the masker gives out to the answer.
  private mutating func addReady(_ answer: StreamedAnswer, to exchange: UInt32) -> StaticString? {
    let count = answer.masker.ready.byteCount
    guard count > 0 else { return nil }
    guard makeAnswerRoom(exchange, count) else {
      return "The gateway has no memory for this answer now."
    }
    let block = exchanges[exchange].answer
    let end = exchanges[exchange].answerEnd
    block.write(answer.masker.ready, at: end)
    answer.masker.take()
    // A line break between tokens would end the event early: JSON allows a space there as well.
    if exchanges[exchange].streamedForm == .event {
      block.replaceLineBreaks(from: end, count: count)
    }
    exchanges[exchange].answerEnd = end &+ count
    return nil
  }

  private mutating func addText(_ text: StaticString, to exchange: UInt32) -> StaticString? {
    let count = text.utf8CodeUnitCount
    guard makeAnswerRoom(exchange, count) else {
      return "The gateway has no memory for this answer now."
    }
    let end = exchanges[exchange].answerEnd
    var writer = unsafe ByteWriter(
      unsafeInto: exchanges[exchange].answer.unsafeStart + end, capacity: count)
    writer.append(text)
    exchanges[exchange].answerEnd = end &+ count
    return nil
  }

  /// A piece was added: it is recorded and sent, and a client that takes nothing stops the server.
  private mutating func streamedOn(
    _ slot: UInt32, _ exchange: UInt32, _ answer: StreamedAnswer
  ) -> Bool {
    if answer.hasEnded {
      guard completeStreamed(slot, exchange, answer) else { return false }
      // What is left of the stream is read to its end.
      detach(slot)
      upstreams[slot].state = .draining
      resumeUpstream(slot)
      advanceAnswer(exchange)
      return false
    }
    advanceAnswer(exchange)
    guard upstreams[slot].state == .busy, upstreams[slot].exchange == exchange else { return false }
    let waiting = exchanges[exchange].answerEnd &- exchanges[exchange].answerStart
    if waiting > limits.streamAheadBytesMax {
      pauseUpstream(slot)
    } else {
      resumeUpstream(slot)
    }
    return true
  }

  // MARK: The end

  private func isOfRequest(_ exchange: UInt32, _ answer: StreamedAnswer) -> Bool {
    exchanges[exchange].id.span.elementsEqual(answer.masker.id)
  }

  /// The whole message is here: the last of it goes out if all of it was as it should be. False when it was cut.
  private mutating func completeStreamed(
    _ slot: UInt32, _ exchange: UInt32, _ answer: StreamedAnswer
  ) -> Bool {
    var problem: StaticString?
    if answer.masker.finish() != nil {
      problem = "The server's answer is not one strict JSON-RPC message."
    } else if !isOfRequest(exchange, answer) {
      problem = "The server's answer belongs to another request."
    }
    if problem == nil { problem = addReady(answer, to: exchange) }
    if problem == nil, exchanges[exchange].streamedForm == .event {
      problem = addText(SSEWriter.messageSuffix, to: exchange)
    }
    if let problem {
      serverFailed(slot, problem)
      return false
    }
    var result = RecordedResult.success
    if answer.masker.kind == .error {
      result = .protocolError
    } else if answer.masker.isToolError, exchanges[exchange].method == .toolsCall {
      result = .toolError
    }
    exchanges[exchange].outcome = outcome(
      exchange, result, side: result == .success ? .none : .server,
      errorCode: Int32(clamping: answer.masker.errorCode))
    exchanges[exchange].isAnswerComplete = true
    return true
  }
}
