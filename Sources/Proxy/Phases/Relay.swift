internal import Audit
internal import EventLoop
internal import Policy
internal import Wire

/// A stream of HTTP+SSE once it is open: the door's bytes go to the agent as they come, chunks and all. They were masked and
/// recorded on their way to the door, message by message.
///
/// A stream lasts for as long as its agent does, so it holds nothing of what it was opened with: no exchange, no snapshot. What
/// goes over it is judged by what is in force then.
extension Worker {
  /// The door has opened the stream: the agent is told where to post, and the exchange comes to its end.
  /// - Parameter rest: what came behind the head.
  mutating func beginRelay(_ slot: UInt32, _ rest: RawSpan) {
    let exchange = upstreams[slot].exchange
    let connection = exchanges[exchange].connection
    guard connection != .max, case .chunked = upstreams[slot].head.framing else {
      return serverFailed(slot, "The event stream cannot be opened.")
    }
    let server = serverName(of: exchange)
    let principal = sessionOwner(of: exchange)
    scratch.write(exchanges[exchange].serverSession.span, at: Worker.sessionArea)
    let id = scratchBytes(Worker.sessionArea, exchanges[exchange].serverSession.count)
    let place = unsafe scratch.unsafeStart + Worker.sealedArea
    guard
      let count = unsafe sealer.seal(
        id, for: .eventStream, principal: principal, server: server, into: place)
    else { return serverFailed(slot, "The event stream cannot be opened.") }
    guard writeEndpoint(exchange, scratchBytes(Worker.sealedArea, count)) else {
      return serverFailed(slot, "The gateway has no memory for this answer now.")
    }
    exchanges[exchange].outcome = outcome(exchange, .success)
    exchanges[exchange].isAnswerComplete = true
    detach(slot)
    upstreams[slot].state = .relaying
    upstreams[slot].relay = connection
    connections[connection].relay = slot
    leavePool(slot)
    if rest.byteCount > 0 { relayReceived(slot, Int32(rest.byteCount), rest) }
    advanceAnswer(exchange)
  }

  /// The head of the answer, and the first event.
  private mutating func writeEndpoint(_ exchange: UInt32, _ id: RawSpan) -> Bool {
    let generation = exchanges[exchange].generation
    let server = Int(route(of: exchange).server.index)
    let address = generations[generation].texts[
      generations[generation].snapshot.route(server).doorAddress]
    let room = Worker.answerFront &+ address.byteCount &+ id.byteCount &+ 256
    guard let block = blocks.take(atLeast: room) else { return false }
    exchanges[exchange].status = 200
    var out = unsafe ByteWriter(unsafeInto: block.unsafeStart, capacity: block.capacity)
    HTTPWriter.status(200, into: &out)
    HTTPWriter.eventStreamFields(into: &out)
    writeVaryingFields(exchanges[exchange], RawSpan(), into: &out)
    HTTPWriter.chunked(into: &out)
    HTTPWriter.end(into: &out)
    let prefix: StaticString = "event: endpoint\ndata: "
    let parameter: StaticString = "?session_id="
    HTTPWriter.chunkStart(
      prefix.utf8CodeUnitCount &+ address.byteCount &+ parameter.utf8CodeUnitCount
        &+ id.byteCount &+ 2, into: &out)
    out.append(prefix)
    out.append(address)
    out.append(parameter)
    out.append(id)
    out.append("\n\n")
    HTTPWriter.chunkEnd(into: &out)
    precondition(!out.overflowed, "the head of a stream is longer than its room")
    blocks.give(exchanges[exchange].answer)
    exchanges[exchange].answer = block
    exchanges[exchange].answerStart = 0
    exchanges[exchange].answerEnd = out.count
    // Of a stream the record has that it was opened.
    exchanges[exchange].recordStart = out.count
    exchanges[exchange].answerKind = .whole
    exchanges[exchange].headSent = true
    return true
  }

  // MARK: Passing on

  /// More of the stream, or its end.
  mutating func relayReceived(_ slot: UInt32, _ result: Int32, _ bytes: RawSpan) {
    let connection = upstreams[slot].relay
    guard connection != .max else { return closeUpstream(slot) }
    if result > 0 {
      guard keepRelayed(slot, bytes) else { return closeConnection(connection) }
      setDeadline(upstream: slot, loop.now &+ limits.answerIdleTime)
      if upstreams[slot].inputCount > limits.streamAheadBytesMax { pauseUpstream(slot) }
    } else {
      upstreams[slot].peerEnded = true
    }
    if connections[connection].state == .relaying { relay(connection) }
  }

  private mutating func keepRelayed(_ slot: UInt32, _ bytes: RawSpan) -> Bool {
    let count = upstreams[slot].inputCount
    let needed = count &+ bytes.byteCount
    if upstreams[slot].input.capacity < needed {
      guard let larger = blocks.take(atLeast: needed) else { return false }
      let old = upstreams[slot].input
      if count > 0 { larger.write(old.bytes(count), at: 0) }
      blocks.give(old)
      upstreams[slot].input = larger
    }
    upstreams[slot].input.write(bytes, at: count)
    upstreams[slot].inputCount = needed
    return true
  }

  /// Hands what waits to the agent, unless it is still being sent something.
  mutating func relay(_ connection: UInt32) {
    let slot = connections[connection].relay
    if connections[connection].state != .relaying {
      // The first time. An agent that has sent more behind its GET waits for what does not come.
      guard connections[connection].inputCount == 0, !connections[connection].peerEnded else {
        return closeConnection(connection)
      }
      connections[connection].state = .relaying
      resumeReceiving(connection)
    }
    guard !connections[connection].isSending else { return }
    let count = upstreams[slot].inputCount
    guard count > 0 else {
      guard upstreams[slot].peerEnded else {
        return setDeadline(connection: connection, loop.now &+ Worker.relayLookTime)
      }
      endRelay(connection)
      return linger(connection)
    }
    connections[connection].output = upstreams[slot].input
    connections[connection].isSending = true
    upstreams[slot].input = .none
    upstreams[slot].inputCount = 0
    resumeUpstream(slot)
    setDeadline(connection: connection, loop.now &+ limits.sendTime)
    transmit(
      connections[connection].output, from: 0, count: count,
      over: connections[connection].transport, on: connections[connection].socket)
  }

  // MARK: The end

  /// Takes connection and stream apart; the door learns that the agent has gone.
  mutating func endRelay(_ connection: UInt32) {
    let slot = connections[connection].relay
    guard slot != .max else { return }
    connections[connection].relay = .max
    upstreams[slot].relay = .max
    closeUpstream(slot)
  }

  /// How often a stream on which nothing is sent is looked at: never, but timers want a time.
  private static var relayLookTime: UInt64 { 3600_000_000_000 }

  mutating func relayDue(_ connection: UInt32) {
    // The agent does not take what is sent to it.
    if connections[connection].isSending { return closeConnection(connection) }
    setDeadline(connection: connection, loop.now &+ Worker.relayLookTime)
  }

  /// The door, which says now and then that it is there, has not.
  mutating func relaySilent(_ slot: UInt32) {
    let connection = upstreams[slot].relay
    guard connection != .max else { return closeUpstream(slot) }
    if upstreams[slot].isPaused {
      return setDeadline(upstream: slot, loop.now &+ limits.answerIdleTime)
    }
    closeConnection(connection)
  }
}
