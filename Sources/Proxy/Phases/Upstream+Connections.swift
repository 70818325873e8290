internal import Audit
internal import EventLoop
internal import Glibc
internal import Identity
internal import Wire

/// Phase upstream: connections to servers. A request takes one from the pool or opens one, and is sent once: see `Phase`
/// for when it is sent again.
extension Worker {
  /// Finds a connection for a request that stands in `block`, which it takes over.
  mutating func carry(_ exchange: UInt32, _ block: Block, _ count: Int, isRepeatable: Bool) {
    let generation = exchanges[exchange].generation
    let index = exchanges[exchange].route
    if let slot = generations[generation].pools.take(index, from: upstreams) {
      upstreams[slot].state = .busy
      upstreams[slot].isReused = true
      attach(exchange, block, count, isRepeatable, to: slot)
      return sendLater(slot)
    }
    openUpstream(exchange, block, count, isRepeatable)
  }

  private mutating func attach(
    _ exchange: UInt32, _ block: Block, _ count: Int, _ isRepeatable: Bool, to slot: UInt32
  ) {
    upstreams[slot].exchange = exchange
    upstreams[slot].output = block
    upstreams[slot].outputCount = count
    upstreams[slot].isRepeatable = isRepeatable
    exchanges[exchange].upstream = slot
  }

  /// A new connection for one exchange; the exchange fails when there is none to be had.
  private mutating func openUpstream(
    _ exchange: UInt32, _ block: Block, _ count: Int, _ isRepeatable: Bool
  ) {
    let generation = exchanges[exchange].generation
    let index = exchanges[exchange].route
    guard
      generations[generation].pools.total(index) < route(of: exchange).limits.connectionsMax
        ?? limits.upstreamMax
    else {
      blocks.give(block)
      return fail(exchange, .gateway, "Too many connections to the server are in use.")
    }
    let admission = generations[generation].pools.admit(
      index, now: loop.now, limits: reach(generation, index))
    if case .closed(let code, let reason) = admission {
      blocks.give(block)
      exchanges[exchange].failureReason = reason
      return fail(
        exchange, .server, "The server cannot be reached; the gateway tries again in a moment.",
        systemCode: code)
    }
    guard let slot = connect(generation, index, route(of: exchange)) else {
      if admission == .probe { generations[generation].pools.probeAbandoned(index) }
      blocks.give(block)
      return fail(exchange, .gateway, "Too many connections to the server are in use.")
    }
    upstreams[slot].isProbe = admission == .probe
    attach(exchange, block, count, isRepeatable, to: slot)
  }

  private mutating func connect(
    _ generation: UInt8, _ index: Int32, _ route: GatewaySnapshot.Route
  ) -> UInt32? {
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
    tally(ServerCounters.Place.opened, generation, index)
    generations[generation].users &+= 1
    setDeadline(upstream: slot, loop.now &+ limits.connectTime)
    return slot
  }

  mutating func upstreamConnected(_ slot: UInt32, _ result: Int32) {
    guard upstreams[slot].state == .connecting else { return }
    guard result == 0 else {
      return connectFailed(slot, "The server cannot be reached.", systemCode: result)
    }
    loop.receive(on: upstreams[slot].socket)
    guard
      let context = generations[upstreams[slot].generation].snapshot
        .route(Int(upstreams[slot].route)).tls
    else { return upstreamReady(slot) }
    beginTLS(upstream: slot, context)
  }

  private mutating func beginTLS(upstream slot: UInt32, _ context: TLSContextReference) {
    let session = generations[upstreams[slot].generation].pools.session(
      upstreams[slot].route, context)
    let owner = Token(kind: Owner.upstream, slot: slot)
    guard let channel = openChannel(session, socket: upstreams[slot].socket, owner: owner) else {
      let exchange = upstreams[slot].exchange
      detach(slot)
      closeUpstream(slot)
      guard exchange != .max else { return }
      return fail(exchange, .gateway, "The gateway has no memory for this request now.")
    }
    upstreams[slot].transport = .tls(channel)
    setDeadline(upstream: slot, loop.now &+ limits.handshakeTime)
    advanceHandshake(channel)
  }

  /// The connection can carry requests.
  mutating func upstreamReady(_ slot: UInt32) {
    let generation = upstreams[slot].generation
    generations[generation].pools.connected(upstreams[slot].route)
    upstreams[slot].isProbe = false
    guard upstreams[slot].exchange != .max else { return closeUpstream(slot) }
    upstreams[slot].state = .busy
    sendLater(slot)
  }

  /// The server's own bounds, else the general ones.
  private func reach(_ generation: UInt8, _ route: Int32) -> ReachLimits {
    let own = generations[generation].snapshot.route(Int(route)).limits
    return ReachLimits(
      failuresMax: own.connectFailuresMax ?? limits.connectFailuresMax,
      pause: own.unreachableTime ?? limits.unreachableTime)
  }

  /// There is no connection: the exchange fails, and the server counts as hard to reach.
  mutating func connectFailed(
    _ slot: UInt32, _ text: StaticString, systemCode: Int32, reason: RecordedReason = .none
  ) {
    let exchange = upstreams[slot].exchange
    let generation = upstreams[slot].generation
    generations[generation].pools.connectFailed(
      upstreams[slot].route, code: systemCode, reason: reason,
      isProbe: upstreams[slot].isProbe, now: loop.now,
      limits: reach(generation, upstreams[slot].route))
    tally(ServerCounters.Place.connectFailures, generation, upstreams[slot].route)
    upstreams[slot].isProbe = false
    detach(slot)
    closeUpstream(slot)
    guard exchange != .max else { return }
    exchanges[exchange].failureReason = reason
    fail(exchange, .server, text, systemCode: systemCode)
  }

  // MARK: Sending

  /// Has the request sent when everything that is known of the connection has been seen.
  private mutating func sendLater(_ slot: UInt32) {
    upstreams[slot].hasHead = false
    upstreams[slot].scannedUpTo = 0
    upstreams[slot].inputCount = 0
    upstreams[slot].bodyBytes = 0
    upstreams[slot].chunks = ChunkedDecoder(limits: httpLimits)
    let bounds = serverLimits(slot)
    upstreams[slot].streamedBytesMax = min(
      bounds.messageBytesMax ?? limits.streamedBytesMax, limits.streamedBytesMax)
    upstreams[slot].messageBytesMax = min(
      bounds.messageBytesMax ?? limits.messageBytesMax, limits.messageBytesMax)
    upstreams[slot].events = SSEParser(eventBytesMax: upstreams[slot].messageBytesMax)
    upstreams[slot].isUnsent = true
    setDeadline(upstream: slot, loop.now &+ (bounds.firstByteTime ?? limits.firstByteTime))
    if !unsent.append(slot, generation: upstreams.generation(slot)) { sendRequest(slot) }
  }

  private func serverLimits(_ slot: UInt32) -> ServerLimits {
    generations[upstreams[slot].generation].snapshot.route(Int(upstreams[slot].route)).limits
  }

  /// Sends what waits for the end of the turn; whether there was anything.
  mutating func sendUnsent() -> Bool {
    guard !unsent.isEmpty else { return false }
    while let entry = unsent.popFirst() {
      guard upstreams.contains(entry.slot, generation: entry.generation),
        upstreams[entry.slot].isUnsent, upstreams[entry.slot].state == .busy
      else { continue }
      sendRequest(entry.slot)
    }
    return true
  }

  private mutating func sendRequest(_ slot: UInt32) {
    upstreams[slot].isUnsent = false
    upstreams[slot].isSending = true
    transmit(
      upstreams[slot].output, from: 0, count: upstreams[slot].outputCount,
      over: upstreams[slot].transport, on: upstreams[slot].socket)
  }

  /// - Parameter transferred: how many bytes of the request the kernel had taken.
  mutating func upstreamSent(_ slot: UInt32, _ result: Int32, transferred: Int) {
    upstreams[slot].isSending = false
    let exchange = upstreams[slot].exchange
    guard upstreams[slot].state == .busy, exchange != .max else { return giveOutput(slot) }
    if result >= 0, !upstreams[slot].peerEnded || exchanges[exchange].firstByte > 0 {
      exchanges[exchange].upstreamSent = loop.now
      // Kept for a second time only as long as there may be one.
      if !mayRepeat(slot) { giveOutput(slot) }
      return
    }
    let isUntouched = result < 0 && transferred == 0 && upstreams[slot].isReused
    if exchanges[exchange].firstByte == 0, isUntouched || mayRepeat(slot) {
      return sendAgain(slot)
    }
    if result >= 0 {
      return serverFailed(
        slot, "The server ended the connection without an answer.",
        systemCode: upstreams[slot].endCode)
    }
    // It may have arrived in part or as a whole: the call is not repeated, it might run twice.
    serverFailed(
      slot, "The connection to the server broke while the request was sent.", systemCode: result)
  }

  /// Whether the request may have arrived and be sent again all the same.
  private func mayRepeat(_ slot: UInt32) -> Bool {
    upstreams[slot].isReused && upstreams[slot].isRepeatable
      && exchanges[upstreams[slot].exchange].firstByte == 0
  }

  /// The memory of a request that is not needed any more.
  mutating func giveOutput(_ slot: UInt32) {
    guard !upstreams[slot].isSending else { return }
    blocks.give(upstreams[slot].output)
    upstreams[slot].output = .none
  }

  // MARK: Sending again

  /// The connection ended before a byte of the answer came. Whether the request goes out again, or what becomes of it
  /// must be waited for; false when it has failed.
  mutating func outlivesEnd(_ slot: UInt32, _ result: Int32) -> Bool {
    let exchange = upstreams[slot].exchange
    guard upstreams[slot].isReused, exchanges[exchange].firstByte == 0 else { return false }
    if upstreams[slot].isSending {
      // How much of it was taken is only known when the sending is over, which it is soon.
      upstreams[slot].endCode = result
      setDeadline(upstream: slot, loop.now &+ limits.sendOutcomeTime)
      return true
    }
    guard upstreams[slot].isUnsent || mayRepeat(slot) else { return false }
    sendAgain(slot)
    return true
  }

  /// Moves the request to a fresh connection. There is no third time: a fresh one is not `isReused`.
  mutating func sendAgain(_ slot: UInt32) {
    let exchange = upstreams[slot].exchange
    let block = upstreams[slot].output
    let count = upstreams[slot].outputCount
    let isRepeatable = upstreams[slot].isRepeatable
    upstreams[slot].output = .none
    upstreams[slot].isUnsent = false
    exchanges[exchange].failureReason = .none
    detach(slot)
    closeUpstream(slot)
    openUpstream(exchange, block, count, isRepeatable)
  }

  // MARK: Letting go

  /// Takes exchange and connection apart.
  mutating func detach(_ slot: UInt32) {
    endStreaming(slot)
    let exchange = upstreams[slot].exchange
    upstreams[slot].exchange = .max
    if exchange != .max { exchanges[exchange].upstream = .max }
  }

  /// The answer was read to its end: the connection goes back to the pool, if it may be used again.
  mutating func releaseUpstream(_ slot: UInt32) {
    detach(slot)
    giveOutput(slot)
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
    if upstreams[slot].isProbe {
      generations[upstreams[slot].generation].pools.probeAbandoned(upstreams[slot].route)
    }
    upstreams[slot].state = .closing
    detach(slot)
    blocks.give(upstreams[slot].input)
    upstreams[slot].input = .none
    upstreams[slot].inputCount = 0
    if !sayFarewell(slot) { loop.close(upstreams[slot].socket) }
  }

  /// Over TLS: remembers how to resume, and says that nothing more is sent. True while that is on its way; the socket is
  /// closed when it has left.
  private mutating func sayFarewell(_ slot: UInt32) -> Bool {
    guard case .tls(let channel) = upstreams[slot].transport else { return false }
    if channels[channel].isEstablished {
      generations[upstreams[slot].generation].pools.keep(
        channels[channel].session.ticket(), upstreams[slot].route)
    } else {
      channels[channel].hasSaidEnd = true
    }
    // A request that has left in part must not look as if it were whole.
    guard channels[channel].plainAt == channels[channel].plainEnd,
      !channels[channel].wireEndsPlain, !channels[channel].hasFailed
    else { return false }
    endOutput(over: upstreams[slot].transport, on: upstreams[slot].socket)
    guard channels[channel].isSending else { return false }
    setDeadline(upstream: slot, loop.now &+ limits.farewellTime)
    return true
  }

  /// Something happened on a connection that waits for its last word to leave.
  mutating func endFarewell(_ slot: UInt32, _ completion: Completion) {
    guard case .tls(let channel) = upstreams[slot].transport else { return }
    if !channels[channel].isSending || completion.result <= 0 {
      loop.close(upstreams[slot].socket)
    }
  }

  mutating func upstreamClosed(_ slot: UInt32) {
    blocks.give(upstreams[slot].output)
    closeChannel(upstreams[slot].transport)
    if !upstreams[slot].isUncounted { leavePool(slot) }
    cancelTimer(upstream: slot)
    _ = upstreams.remove(slot)
  }

  /// The connection is none of its generation's any more.
  mutating func leavePool(_ slot: UInt32) {
    let generation = upstreams[slot].generation
    generations[generation].pools.closed(upstreams[slot].route)
    tally(ServerCounters.Place.closed, generation, upstreams[slot].route)
    upstreams[slot].isUncounted = true
    leaveGeneration(generation)
  }

  mutating func pauseUpstream(_ slot: UInt32) {
    guard !upstreams[slot].isPaused,
      upstreams[slot].state == .busy || upstreams[slot].state == .relaying
    else { return }
    upstreams[slot].isPaused = true
    loop.pauseReceiving(on: upstreams[slot].socket)
  }

  mutating func resumeUpstream(_ slot: UInt32) {
    guard upstreams[slot].isPaused else { return }
    upstreams[slot].isPaused = false
    loop.receive(on: upstreams[slot].socket)
  }

  mutating func upstreamTimedOut(_ slot: UInt32) {
    if case .tls(let channel) = upstreams[slot].transport, channels[channel].hasFailed,
      upstreams[slot].state != .closing
    {
      return serverFailed(slot, "The connection to the server broke while the request was sent.")
    }
    switch upstreams[slot].state {
    case .closing: loop.close(upstreams[slot].socket)
    case .idle, .draining: closeUpstream(slot)
    case .relaying: relaySilent(slot)
    case .connecting:
      connectFailed(
        slot, "The server did not accept the connection in time.", systemCode: -ETIMEDOUT)
    case .busy where upstreams[slot].isPaused:
      // It is the agent that does not read; its own deadline is running.
      setDeadline(upstream: slot, loop.now &+ limits.answerIdleTime)
    case .busy where upstreams[slot].hasHead && isLasting(upstreams[slot].exchange):
      // Nothing has gone wrong: there was nothing to say. The agent opens another stream.
      endLastingStream(upstreams[slot].exchange)
    case .busy where upstreams[slot].hasHead:
      serverFailed(slot, "The server stopped in the middle of its answer.")
    case .busy where upstreams[slot].peerEnded:
      serverFailed(
        slot, "The server ended the connection without an answer.",
        systemCode: upstreams[slot].endCode)
    case .busy: serverFailed(slot, "The server did not answer in time.")
    }
  }
}
