internal import EventLoop
internal import Wire

/// Phase receive: bytes from the client. A request that arrives in one piece is read where the kernel put it; only
/// what must wait is copied.
extension Worker {
  /// - Parameter result: the number of bytes; zero when the client has ended its direction, `-errno` when the connection has
  ///   failed.
  mutating func received(_ slot: UInt32, _ result: Int32, _ bytes: RawSpan) {
    guard result > 0 else { return peerEnded(slot, result) }
    switch connections[slot].state {
    case .handshake, .closing, .lingering: return
    // Nothing can follow on the connection of a stream.
    case .relaying: closeConnection(slot)
    case .exchange: keep(slot, bytes)
    case .idle, .head, .body:
      if connections[slot].inputCount == 0 {
        let used = consume(slot, bytes)
        if used < bytes.byteCount { keep(slot, bytes.extracting(droppingFirst: used)) }
      } else {
        keep(slot, bytes)
        consumeInput(slot)
      }
    }
  }

  /// Uses up as much of `bytes` as there are whole requests to begin; returns how much that was.
  private mutating func consume(_ slot: UInt32, _ bytes: RawSpan) -> Int {
    var used = 0
    while used < bytes.byteCount {
      let rest = bytes.extracting(droppingFirst: used)
      let step: Int
      switch connections[slot].state {
      case .idle, .head:
        if connections[slot].awaitsKeys || mustStall(slot) { return used }
        step = readHead(slot, rest)
      case .body: step = readBody(slot, rest)
      case .handshake, .exchange, .relaying, .lingering, .closing: return used
      }
      if step == 0 { return used }
      used &+= step
    }
    return used
  }

  /// Whether the next request has to wait, unread, because the audit ring is full just now. A short stall of the disk
  /// then slows agents down and refuses nobody; after `recordTime` the request goes on, and is refused with the reason.
  private mutating func mustStall(_ slot: UInt32) -> Bool {
    guard recording.isFull(), !recording.wakeWhenRoom() else {
      connections[slot].stalledSince = 0
      return false
    }
    if connections[slot].stalledSince == 0 {
      connections[slot].stalledSince = loop.now
      setDeadline(connection: slot, loop.now &+ limits.recordTime)
    }
    guard loop.now &- connections[slot].stalledSince < limits.recordTime else {
      connections[slot].stalledSince = 0
      return false
    }
    hasStalled = true
    return true
  }

  /// There may be room in the audit ring again.
  mutating func resumeStalled() {
    guard hasStalled else { return }
    hasStalled = false
    for slot in 0..<connections.highWater where connections.isUsed(slot) {
      guard connections[slot].stalledSince > 0, connections[slot].inputCount > 0 else { continue }
      resumeReceiving(slot)
      consumeInput(slot)
    }
  }

  /// Goes on with what was kept.
  mutating func consumeInput(_ slot: UInt32) {
    let block = connections[slot].input
    let bytes = block.bytes(from: connections[slot].inputStart, count: connections[slot].inputCount)
    let used = consume(slot, bytes)
    guard connections[slot].state != .closing, !connections[slot].input.isNone else { return }
    connections[slot].inputStart &+= used
    if connections[slot].inputCount == 0 { releaseInput(slot) }
  }

  /// Keeps bytes that cannot be used yet, up to the limits.
  private mutating func keep(_ slot: UInt32, _ bytes: RawSpan) {
    guard connections[slot].state != .closing, connections[slot].state != .lingering else { return }
    let count = connections[slot].inputCount
    let needed = count &+ bytes.byteCount
    if connections[slot].input.isNone {
      guard let block = blocks.take(atLeast: needed) else { return closeConnection(slot) }
      connections[slot].input = block
    } else if connections[slot].inputEnd &+ bytes.byteCount > connections[slot].input.capacity {
      guard makeInputRoom(slot, needed) else { return closeConnection(slot) }
    }
    connections[slot].input.write(bytes, at: connections[slot].inputEnd)
    connections[slot].inputEnd &+= bytes.byteCount
    if connections[slot].state == .exchange || connections[slot].isStalled,
      connections[slot].inputCount > limits.aheadBytesMax, !connections[slot].isPaused
    {
      connections[slot].isPaused = true
      loop.pauseReceiving(on: connections[slot].socket)
    }
  }

  /// Moves what is kept to the front of its block, or into a larger one.
  private mutating func makeInputRoom(_ slot: UInt32, _ needed: Int) -> Bool {
    let count = connections[slot].inputCount
    let start = connections[slot].inputStart
    let old = connections[slot].input
    if needed <= old.capacity {
      old.moveToFront(from: start, count: count)
    } else {
      guard let larger = blocks.take(atLeast: needed) else { return false }
      larger.write(old.bytes(from: start, count: count), at: 0)
      blocks.give(old)
      connections[slot].input = larger
    }
    connections[slot].inputStart = 0
    connections[slot].inputEnd = count
    return true
  }

  mutating func releaseInput(_ slot: UInt32) {
    blocks.give(connections[slot].input)
    connections[slot].input = .none
    connections[slot].inputStart = 0
    connections[slot].inputEnd = 0
  }

  mutating func resumeReceiving(_ slot: UInt32) {
    guard connections[slot].isPaused else { return }
    connections[slot].isPaused = false
    loop.receive(on: connections[slot].socket)
  }

  /// The client ended its direction (0) or the connection failed (-errno).
  ///
  /// Closing the connection of a modern exchange cancels it (revision 2026-07-28: closing the response stream IS the
  /// cancellation), and so does closing a session's own stream, which has no end to wait for; with a call, a legacy
  /// client may merely have lost its connection, and the server is let finish.
  private mutating func peerEnded(_ slot: UInt32, _ result: Int32) {
    connections[slot].peerEnded = true
    guard connections[slot].state == .exchange, result == 0 else { return closeConnection(slot) }
    let exchange = connections[slot].exchange
    guard exchange != .max, !exchanges[exchange].isAnswerComplete else { return }
    // Nobody waits for a held call whose client has gone, in either era: it must not run.
    if exchanges[exchange].era == .modern || exchanges[exchange].isSessionStream
      || exchanges[exchange].held != .max || holdsMember(exchange)
    {
      closeConnection(slot)
    }
  }
}
