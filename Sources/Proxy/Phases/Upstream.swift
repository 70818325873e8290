internal import Audit
internal import EventLoop
internal import Policy
internal import Wire

/// What of a request's fields is made from the judged message and the session. Empty for none.
struct UpstreamFields: ~Escapable {
  /// The message whose version, method and name the fields of the modern era repeat; nil in the legacy era.
  var message: MCPMessage?
  /// The revision of the legacy era, for MCP-Protocol-Version.
  var version: RawSpan
  /// The server's own session id, of the legacy era.
  var session: RawSpan
  var lastEventID: RawSpan

  @_lifetime(immortal)
  init() {
    message = nil
    version = RawSpan()
    session = RawSpan()
    lastEventID = RawSpan()
  }
}

/// Phase upstream: the permitted call goes to its server, on a connection from the pool or a new one.
///
/// The request is written afresh: our framing, our fields, the server's credential, and the body as it was judged.
extension Worker {
  /// Sends a call that the policy let through. The permit is spent here, and nowhere else.
  mutating func forward(
    _ permit: consuming Permit, _ slot: UInt32, fields: borrowing UpstreamFields, body: RawSpan
  ) {
    let call = permit.redeem()
    exchanges[slot].masks = call.masks
    exchanges[slot].phase = .upstream
    let route = route(of: slot)
    precondition(route.server == call.server, "a permit for another server")
    guard let (block, count) = composeRequest(slot, route, fields, body) else {
      return fail(slot, .gateway, "The gateway has no memory for this request now.")
    }
    guard
      let upstream = takeUpstream(exchanges[slot].generation, exchanges[slot].route, route)
    else {
      blocks.give(block)
      return fail(slot, .gateway, "Too many connections to the server are in use.")
    }
    upstreams[upstream].exchange = slot
    upstreams[upstream].output = block
    upstreams[upstream].outputCount = count
    exchanges[slot].upstream = upstream
    if upstreams[upstream].state == .busy { sendRequest(upstream) }
  }

  private mutating func composeRequest(
    _ slot: UInt32, _ route: GatewaySnapshot.Route, _ fields: borrowing UpstreamFields,
    _ body: RawSpan
  ) -> (Block, Int)? {
    let method = exchanges[slot].head.method
    let prefix = generations[exchanges[slot].generation].texts[
      method == .post ? route.post : method == .get ? route.get : route.delete]
    let room = prefix.byteCount &+ body.byteCount &+ 4096
    guard let block = blocks.take(atLeast: room) else { return nil }
    var out = unsafe ByteWriter(unsafeInto: block.unsafeStart, capacity: block.capacity)
    out.append(prefix)
    var isSound = true
    func add(_ name: StaticString, _ value: RawSpan, _ out: inout ByteWriter) {
      if value.byteCount > 0, !HTTPWriter.field(name, value, into: &out) { isSound = false }
    }
    if let message = fields.message {
      HTTPWriter.modernFields(message, body, index: requestIndex, into: &out)
    } else {
      add("MCP-Protocol-Version", fields.version, &out)
    }
    add("Mcp-Session-Id", fields.session, &out)
    add("Last-Event-ID", fields.lastEventID, &out)
    if method == .post { HTTPWriter.contentLength(UInt64(body.byteCount), into: &out) }
    HTTPWriter.end(into: &out)
    out.append(body)
    guard isSound, !out.overflowed else {
      blocks.give(block)
      return nil
    }
    return (block, out.count)
  }

  // MARK: Connections to servers

  /// A connection for one exchange: idle and ready (`busy` at once), or being made.
  private mutating func takeUpstream(
    _ generation: UInt8, _ index: Int32, _ route: GatewaySnapshot.Route
  ) -> UInt32? {
    if let slot = generations[generation].pools.take(index, from: upstreams) {
      upstreams[slot].state = .busy
      return slot
    }
    guard generations[generation].pools.total(index) < limits.upstreamMax else { return nil }
    let fresh = Upstream(
      socket: .none, generation: generation, route: index,
      chunks: ChunkedDecoder(limits: httpLimits), events: SSEParser())
    guard let slot = upstreams.insert(fresh) else { return nil }
    let token = Token(
      kind: Owner.upstream, slot: slot, generation: upstreams.generation(slot))
    guard let socket = loop.connect(to: route.address, token: token) else {
      _ = upstreams.remove(slot)
      return nil
    }
    upstreams[slot].socket = socket
    generations[generation].pools.opened(index)
    generations[generation].users &+= 1
    setDeadline(upstream: slot, loop.now &+ limits.connectTime)
    return slot
  }

  mutating func upstreamConnected(_ slot: UInt32, _ result: Int32) {
    guard upstreams[slot].state == .connecting else { return }
    guard result == 0 else {
      let exchange = upstreams[slot].exchange
      detach(slot)
      closeUpstream(slot)
      if exchange != .max {
        fail(exchange, .server, "The server cannot be reached.", systemCode: result)
      }
      return
    }
    loop.receive(on: upstreams[slot].socket)
    guard upstreams[slot].exchange != .max else { return closeUpstream(slot) }
    upstreams[slot].state = .busy
    sendRequest(slot)
  }

  private mutating func sendRequest(_ slot: UInt32) {
    upstreams[slot].hasHead = false
    upstreams[slot].scannedUpTo = 0
    upstreams[slot].inputCount = 0
    upstreams[slot].bodyBytes = 0
    upstreams[slot].chunks = ChunkedDecoder(limits: httpLimits)
    upstreams[slot].events = SSEParser(eventBytesMax: limits.messageBytesMax)
    upstreams[slot].isSending = true
    setDeadline(upstream: slot, loop.now &+ limits.firstByteTime)
    loop.send(
      upstreams[slot].output, from: 0, count: upstreams[slot].outputCount,
      on: upstreams[slot].socket)
  }

  mutating func upstreamSent(_ slot: UInt32, _ result: Int32) {
    upstreams[slot].isSending = false
    guard upstreams[slot].state == .busy else {
      blocks.give(upstreams[slot].output)
      upstreams[slot].output = .none
      if upstreams[slot].state == .idle { return }
      return
    }
    let exchange = upstreams[slot].exchange
    if result >= 0 {
      blocks.give(upstreams[slot].output)
      upstreams[slot].output = .none
      if exchange != .max { exchanges[exchange].upstreamSent = loop.now }
      return
    }
    // A failed send may have left in part: the call is not repeated (it might run twice).
    detach(slot)
    closeUpstream(slot)
    if exchange != .max {
      fail(
        exchange, .server, "The connection to the server broke while the request was sent.",
        systemCode: result)
    }
  }

  // MARK: Letting go

  /// Takes exchange and connection apart.
  mutating func detach(_ slot: UInt32) {
    let exchange = upstreams[slot].exchange
    upstreams[slot].exchange = .max
    if exchange != .max { exchanges[exchange].upstream = .max }
  }

  /// The answer was read to its end: the connection goes back to the pool, if it may be used again.
  mutating func releaseUpstream(_ slot: UInt32) {
    detach(slot)
    blocks.give(upstreams[slot].input)
    upstreams[slot].input = .none
    upstreams[slot].inputCount = 0
    resumeUpstream(slot)
    let route = upstreams[slot].route
    let generation = upstreams[slot].generation
    guard generation == generations.current, upstreams[slot].head.keepAlive,
      !upstreams[slot].isSending, !upstreams[slot].peerEnded,
      !isDraining, generations[generation].pools.idle(route) < limits.upstreamIdleMax
    else { return closeUpstream(slot) }
    upstreams[slot].state = .idle
    generations[generation].pools.add(slot, route, to: upstreams)
    setDeadline(upstream: slot, loop.now &+ limits.upstreamIdleTime)
  }

  mutating func closeUpstream(_ slot: UInt32) {
    guard upstreams[slot].state != .closing else { return }
    if upstreams[slot].state == .idle {
      generations[upstreams[slot].generation].pools.remove(
        slot, upstreams[slot].route, from: upstreams)
    }
    upstreams[slot].state = .closing
    detach(slot)
    blocks.give(upstreams[slot].input)
    upstreams[slot].input = .none
    upstreams[slot].inputCount = 0
    loop.close(upstreams[slot].socket)
  }

  mutating func upstreamClosed(_ slot: UInt32) {
    blocks.give(upstreams[slot].output)
    let generation = upstreams[slot].generation
    generations[generation].pools.closed(upstreams[slot].route)
    cancelTimer(upstream: slot)
    _ = upstreams.remove(slot)
    leaveGeneration(generation)
  }

  mutating func pauseUpstream(_ slot: UInt32) {
    guard !upstreams[slot].isPaused, upstreams[slot].state == .busy else { return }
    upstreams[slot].isPaused = true
    loop.pauseReceiving(on: upstreams[slot].socket)
  }

  mutating func resumeUpstream(_ slot: UInt32) {
    guard upstreams[slot].isPaused else { return }
    upstreams[slot].isPaused = false
    loop.receive(on: upstreams[slot].socket)
  }

  mutating func upstreamTimedOut(_ slot: UInt32) {
    let exchange = upstreams[slot].exchange
    let state = upstreams[slot].state
    let hadHead = upstreams[slot].hasHead
    if state == .busy && upstreams[slot].isPaused {
      // It is the agent that does not read; its own deadline is running.
      return setDeadline(upstream: slot, loop.now &+ limits.answerIdleTime)
    }
    guard state != .closing else { return }
    detach(slot)
    closeUpstream(slot)
    guard exchange != .max else { return }
    switch state {
    case .connecting: fail(exchange, .server, "The server did not accept the connection in time.")
    case .busy where hadHead:
      fail(exchange, .server, "The server stopped in the middle of its answer.")
    default: fail(exchange, .server, "The server did not answer in time.")
    }
  }
}
