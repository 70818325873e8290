internal import EventLoop
internal import Identity
internal import Synchronization
internal import Wire

/// Phase accept: a client's connection begins, and (at the other end of its life) ends.
extension Worker {
  mutating func accepted(_ completion: Completion) {
    guard completion.kind == .accepted else { return }
    guard completion.result >= 0 else {
      // Out of descriptors or of table entries: others must close first. Asking at once would spin.
      acceptPausedUntil = loop.now &+ 100_000_000
      return
    }
    let isStranger =
      completion.token.slot == Worker.innerListener && !loop.isOwnProcess(completion.socket)
    guard !isDraining, !isStranger,
      let slot = connections.insert(Connection(socket: completion.socket))
    else {
      loop.close(completion.socket)
      return
    }
    connections[slot].listener = UInt8(truncatingIfNeeded: completion.token.slot)
    control.connections.add(1, ordering: .relaxed)
    loop.setToken(
      Token(kind: Owner.connection, slot: slot, generation: connections.generation(slot)),
      of: completion.socket)
    if tlsListeners.contains(Int(completion.token.slot)) {
      guard beginTLS(slot, listener: Int(completion.token.slot)) else {
        return closeConnection(slot)
      }
      setDeadline(connection: slot, loop.now &+ limits.handshakeTime)
    } else {
      setDeadline(connection: slot, loop.now &+ limits.keepAliveTime)
    }
    loop.receive(on: completion.socket)
  }

  /// Has the connection speak TLS, with the certificates that are in force now. False when there are none, or no memory.
  private mutating func beginTLS(_ slot: UInt32, listener: Int) -> Bool {
    let snapshot = generations[generations.current].snapshot
    guard let context = snapshot.listenerContext(listener) else { return false }
    let owner = Token(kind: Owner.connection, slot: slot)
    let socket = connections[slot].socket
    guard let channel = openChannel(TLSSession(context), socket: socket, owner: owner) else {
      return false
    }
    connections[slot].transport = .tls(channel)
    connections[slot].state = .handshake
    return true
  }

  mutating func resumeAccepting() {
    acceptPausedUntil = .max
    for listener in listeners { loop.accept(on: listener) }
  }

  /// Ends our direction and waits a little for the peer's end: closing at once would reset the connection and might
  /// take the last answer with it.
  mutating func linger(_ slot: UInt32) {
    guard !connections[slot].peerEnded else { return closeConnection(slot) }
    connections[slot].state = .lingering
    releaseInput(slot)
    resumeReceiving(slot)
    setDeadline(connection: slot, loop.now &+ 2_000_000_000)
    endOutput(over: connections[slot].transport, on: connections[slot].socket)
  }

  /// Closes the connection; what it carries is detached from it.
  mutating func closeConnection(_ slot: UInt32) {
    guard connections[slot].state != .closing else { return }
    connections[slot].state = .closing
    if connections[slot].keysSince > 0 { endKeysWait(slot) }
    releaseInput(slot)
    endRelay(slot)
    let exchange = connections[slot].exchange
    connections[slot].exchange = .max
    loop.close(connections[slot].socket)
    if exchange != .max { clientGone(exchange) }
  }

  /// The kernel holds nothing of the connection any more.
  mutating func connectionClosed(_ slot: UInt32) {
    blocks.give(connections[slot].output)
    closeChannel(connections[slot].transport)
    cancelTimer(connection: slot)
    _ = connections.remove(slot)
    control.connections.subtract(1, ordering: .relaxed)
  }

  mutating func connectionTimedOut(_ slot: UInt32) {
    if connections[slot].awaitsKeys { return lookForKeys(slot) }
    if connections[slot].stalledSince > 0 {
      // The wait for the audit ring has been long enough: the request goes on, to be refused with the reason.
      resumeReceiving(slot)
      return consumeInput(slot)
    }
    if case .tls(let channel) = connections[slot].transport, channels[channel].hasFailed {
      return closeConnection(slot)
    }
    switch connections[slot].state {
    // Over TLS the peer is told that it was not cut off.
    case .idle where connections[slot].transport != .plain: linger(slot)
    case .idle: closeConnection(slot)
    case .handshake, .lingering: closeConnection(slot)
    case .relaying: relayDue(slot)
    case .head: refuseConnection(slot, LocalRefusal.headTooSlow)
    case .body: refuse(connections[slot].exchange, LocalRefusal.bodyTooSlow)
    case .exchange:
      // Only an agent that does not take its answer is late here; a late server is the upstream's deadline.
      if connections[slot].isSending { return closeConnection(slot) }
      let exchange = connections[slot].exchange
      guard exchange != .max else { return }
      if exchanges[exchange].held != .max {
        heldDue(exchange)
      } else if exchanges[exchange].membersLeft == 0 {
        streamDue(exchange)
      }
      if exchanges.isUsed(exchange), exchanges[exchange].membersLeft > 0 {
        heldMembersDue(exchange)
      }
    case .closing: break
    }
  }
}
