internal import Audit
internal import EventLoop
internal import Wire

/// Phase body: until the whole message is in one piece of memory, within the limits.
extension Worker {
  /// Decides how the body will arrive. Returns the bytes used up.
  mutating func beginBody(
    _ slot: UInt32, _ exchange: UInt32, _ head: RequestHead, _ bytes: RawSpan
  ) -> Int {
    exchanges[exchange].phase = .body
    let headBytes = Int(head.headBytes)
    switch head.framing {
    case .none:
      judgeSessionVerb(exchange, bytes.extracting(first: headBytes))
      return headBytes
    case .length(let count):
      let whole = headBytes &+ Int(count)
      if bytes.byteCount >= whole {
        judge(exchange, bytes.extracting(first: whole))
        return whole
      }
      awaitBody(slot, head)
      return 0
    case .chunked:
      guard let block = blocks.take(atLeast: headBytes &+ 4096) else {
        exchanges[exchange].closesConnection = true
        refuse(exchange, .overloaded, request: bytes.extracting(first: headBytes))
        return headBytes
      }
      block.write(bytes.extracting(first: headBytes), at: 0)
      exchanges[exchange].request = block
      exchanges[exchange].requestCount = headBytes
      awaitBody(slot, head)
      return headBytes
    }
  }

  private mutating func awaitBody(_ slot: UInt32, _ head: RequestHead) {
    connections[slot].state = .body
    setDeadline(connection: slot, loop.now &+ limits.bodyTime)
    if head.expectsContinue { sendContinue(slot) }
  }

  /// Tells a client that waits for it to send the body (RFC 9110 §10.1.1): the head has passed.
  private mutating func sendContinue(_ slot: UInt32) {
    guard !connections[slot].isSending, let block = blocks.take(atLeast: 64) else { return }
    var writer = unsafe ByteWriter(unsafeInto: block.unsafeStart, capacity: 64)
    HTTPWriter.continueHead(into: &writer)
    let count = writer.count
    connections[slot].output = block
    connections[slot].isSending = true
    transmit(
      block, from: 0, count: count, over: connections[slot].transport,
      on: connections[slot].socket)
  }

  /// Reads on in a body. Returns the bytes used up.
  mutating func readBody(_ slot: UInt32, _ bytes: RawSpan) -> Int {
    let exchange = connections[slot].exchange
    let head = exchanges[exchange].head
    if case .length(let count) = head.framing {
      let whole = Int(head.headBytes) &+ Int(count)
      guard bytes.byteCount >= whole else { return 0 }
      connections[slot].state = .exchange
      judge(exchange, bytes.extracting(first: whole))
      return whole
    }
    return readChunks(slot, exchange, bytes)
  }

  private mutating func readChunks(_ slot: UInt32, _ exchange: UInt32, _ bytes: RawSpan) -> Int {
    var at = 0
    while true {
      switch exchanges[exchange].chunks.next(bytes, at: &at) {
      case .needMore: return at
      case .malformed(let violation):
        refuse(
          exchange,
          LocalRefusal(
            status: 400, code: -32600, text: violation.description, decision: .malformed,
            closes: true))
        return at
      case .data(let range):
        guard appendRequest(exchange, bytes.extracting(range.range)) else { return at }
      case .end:
        connections[slot].state = .exchange
        let block = exchanges[exchange].request
        judge(exchange, block.bytes(exchanges[exchange].requestCount))
        return at
      }
    }
  }

  /// Adds decoded bytes to a chunked request; false after a refusal.
  private mutating func appendRequest(_ exchange: UInt32, _ bytes: RawSpan) -> Bool {
    let count = exchanges[exchange].requestCount
    let needed = count &+ bytes.byteCount
    if needed &- Int(exchanges[exchange].head.headBytes) > limits.bodyBytesMax {
      refuse(exchange, .bodyTooLarge)
      return false
    }
    if needed > exchanges[exchange].request.capacity {
      guard let larger = blocks.take(atLeast: needed) else {
        refuse(exchange, .overloaded)
        return false
      }
      let old = exchanges[exchange].request
      larger.write(old.bytes(count), at: 0)
      blocks.give(old)
      exchanges[exchange].request = larger
    }
    exchanges[exchange].request.write(bytes, at: count)
    exchanges[exchange].requestCount = needed
    return true
  }
}
