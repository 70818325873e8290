internal import Audit
internal import EventLoop
internal import Wire

/// Phase HTTP head: one strict reading of the request line and the fields, then the route.
extension Worker {
  /// Reads a head from the front of `bytes`. Returns how many bytes were used up: none while it is incomplete (or the
  /// body behind it is, which is read in one piece with it), or after a refusal.
  mutating func readHead(_ slot: UInt32, _ bytes: RawSpan) -> Int {
    var head = RequestHead()
    var scanned = connections[slot].scannedUpTo
    let result = RequestHeadParser.parse(
      bytes, scannedUpTo: &scanned, limits: httpLimits, into: &head, fields: &requestFields)
    switch result {
    case .incomplete:
      connections[slot].scannedUpTo = scanned
      if connections[slot].state == .idle {
        connections[slot].state = .head
        setDeadline(connection: slot, loop.now &+ limits.headTime)
      }
      return 0
    case .refused(let refusal):
      refuseConnection(
        slot,
        LocalRefusal(
          status: refusal.status, code: refusal.reason == .repeatedField ? -32020 : -32600,
          text: refusal.reason.description, decision: .malformed, closes: true))
      return 0
    case .complete:
      connections[slot].scannedUpTo = 0
      return beginExchange(slot, head, bytes)
    }
  }

  /// A request has begun: routes it, recognises the caller, checks what the head promises, then turns to the body.
  private mutating func beginExchange(
    _ slot: UInt32, _ head: RequestHead, _ bytes: RawSpan
  ) -> Int {
    let fresh = Exchange(
      generation: generations.current, connection: slot, head: head,
      chunks: ChunkedDecoder(limits: httpLimits),
      received: loop.now)
    guard let exchange = exchanges.insert(fresh) else {
      refuseConnection(slot, LocalRefusal.overloaded)
      return 0
    }
    generations[generations.current].users &+= 1
    connections[slot].exchange = exchange
    connections[slot].state = .exchange
    exchanges[exchange].record = recording.makeRecordID()
    exchanges[exchange].closesConnection = !head.keepAlive
    let isOurs = allowsHost(exchange, head, bytes)
    if isOurs, answersMetadata(exchange, head, bytes) || answersPreflight(exchange, head, bytes) {
      return Int(head.headBytes)
    }
    if let refusal = isOurs ? judgeHead(exchange, head, bytes) : .hostRefused {
      if isOurs, awaitKeys(slot, exchange) { return 0 }
      // The body is not wanted; it can only be skipped when all of it is here.
      let whole = wholeLength(head)
      guard let whole, whole <= bytes.byteCount else {
        exchanges[exchange].closesConnection = true
        refuse(exchange, refusal, request: bytes.extracting(first: Int(head.headBytes)))
        return bytes.byteCount
      }
      refuse(exchange, refusal, request: bytes.extracting(first: Int(head.headBytes)))
      return whole
    }
    if connections[slot].keysSince > 0 { endKeysWait(slot) }
    return beginBody(slot, exchange, head, bytes)
  }

  /// Head and body together, when the head says how long the body is.
  private func wholeLength(_ head: RequestHead) -> Int? {
    switch head.framing {
    case .none: Int(head.headBytes)
    case .length(let count): Int(exactly: count).map { $0 &+ Int(head.headBytes) }
    case .chunked: nil
    }
  }

  /// Everything that can be decided from the head alone.
  private mutating func judgeHead(
    _ exchange: UInt32, _ head: RequestHead, _ bytes: RawSpan
  ) -> LocalRefusal? {
    exchanges[exchange].phase = .authenticate
    let path = bytes.extracting(head.target.range)
    let generation = exchanges[exchange].generation
    guard
      let route = generations[generation].snapshot.route(
        path: path, texts: generations[generation].texts)
    else { return .notFound }
    exchanges[exchange].route = Int32(truncatingIfNeeded: route.index)
    exchanges[exchange].isEventStream = route.isDoor
    guard allowsOrigin(exchange, head, bytes) else { return .originRefused }
    if let refusal = authenticate(exchange, head, bytes) { return refusal }
    switch head.method {
    case .post:
      if let refusal = head.mediaRefusal(in: bytes) { return LocalRefusal(refusal) }
      if case .none = head.framing { return .bodyMissing }
    case .get, .delete:
      if case .none = head.framing {} else { return .bodyUnexpected }
    case .options, .head, .put, .patch, .other: return .methodNotAllowed
    }
    if route.isDoor {
      if let refusal = judgeEventStreamHead(head, bytes) { return refusal }
    } else if head.method != .delete, let refusal = head.acceptRefusal {
      return LocalRefusal(refusal)
    }
    if case .length(let count) = head.framing, count > UInt64(limits.bodyBytesMax) {
      return .bodyTooLarge
    }
    return nil
  }
}
