internal import Audit
internal import EventLoop
internal import Glibc
internal import Identity

/// Bytes on their way in: handshakes, and records that become plain bytes for the phases.
extension Worker {
  /// Begins TLS on a socket. Nil when there is no memory for it.
  mutating func openChannel(
    _ session: consuming TLSSession?, socket: Socket, owner: Token
  ) -> UInt32? {
    if tlsMemory.isNone {
      guard let block = blocks.take(atLeast: TLSChannel.outputBytesMax + tlsPlainBytes) else {
        return nil
      }
      tlsMemory = block
    }
    guard let session = session.take() else { return nil }
    return channels.insert(TLSChannel(session: session, socket: socket, owner: owner))
  }

  /// The socket is closed: the kernel reads nothing any more.
  mutating func closeChannel(_ transport: Transport) {
    guard case .tls(let channel) = transport else { return }
    blocks.give(channels[channel].wire)
    blocks.give(channels[channel].spare)
    _ = channels.remove(channel)
  }

  /// Room for plain bytes: everything that one receive buffer and a record begun earlier can hold.
  private var tlsPlainBytes: Int { receiveBytes &+ 20480 }

  mutating func tlsReceived(_ channel: UInt32, _ completion: Completion) {
    guard completion.result > 0, !channels[channel].isInputOver else {
      return tlsEnded(channel, completion.result)
    }
    let bytes = unsafe loop.unsafeBytes(of: completion)
    if channels[channel].isFresh {
      channels[channel].isFresh = false
      if channels[channel].owner.kind == Owner.connection, refuseUnlessTLS(channel, bytes) {
        return
      }
    }
    unsafe channels[channel].session.take(input: bytes)
    if channels[channel].isEstablished || advanceHandshake(channel) { readPlain(channel) }
    channels[channel].session.forgetInput()
  }

  // MARK: Handshake

  /// Goes on with the handshake; true once it is complete.
  @discardableResult
  mutating func advanceHandshake(_ channel: UInt32) -> Bool {
    let step = unsafe channels[channel].session.handshake(
      output: tlsMemory.unsafeStart, capacity: TLSChannel.outputBytesMax)
    keepProduced(channel)
    pump(channel)
    switch step {
    case .done: break
    case .needsInput: return false
    case .failed(let reason):
      handshakeFailed(channel, reason, systemCode: -EPROTO)
      return false
    case .needsOutput, .ended:
      handshakeFailed(channel, .broken, systemCode: -EPROTO)
      return false
    }
    channels[channel].isEstablished = true
    let owner = channels[channel].owner
    if owner.kind == Owner.upstream {
      upstreamReady(owner.slot)
      return upstreams[owner.slot].state != .closing
    }
    connections[owner.slot].state = .idle
    setDeadline(connection: owner.slot, loop.now &+ limits.keepAliveTime)
    return true
  }

  private mutating func handshakeFailed(
    _ channel: UInt32, _ reason: TLSFailure, systemCode: Int32
  ) {
    channels[channel].isInputOver = true
    // What the session had to say about it (an alert) still leaves; the word that it ends is not its to give.
    channels[channel].hasSaidEnd = true
    let owner = channels[channel].owner
    if owner.kind == Owner.connection {
      control.note(listenerFailure: reason)
      return linger(owner.slot)
    }
    control.note(
      serverFailure: reason, server: UInt32(truncatingIfNeeded: upstreams[owner.slot].route))
    connectFailed(
      owner.slot, "No secure connection to the server can be made.", systemCode: systemCode,
      reason: RecordedReason(reason))
  }

  /// Whether something else than TLS has begun, which is refused: with words if it looks like HTTP.
  private mutating func refuseUnlessTLS(_ channel: UInt32, _ bytes: RawSpan) -> Bool {
    let first = unsafe bytes.unsafeLoad(fromUncheckedByteOffset: 0, as: UInt8.self)
    // The type of a handshake record (RFC 8446 §5.1).
    guard first != 22 else { return false }
    let slot = channels[channel].owner.slot
    control.note(listenerFailure: .notTLS)
    guard (0x41...0x5A).contains(first) else {
      closeConnection(slot)
      return true
    }
    closeChannel(connections[slot].transport)
    connections[slot].transport = .plain
    refuseConnection(slot, .needsTLS)
    return true
  }

  // MARK: Records

  /// Reads everything that has arrived and hands it on in one piece.
  private mutating func readPlain(_ channel: UInt32) {
    let front = TLSChannel.outputBytesMax
    while true {
      var count = 0
      var step = TLSSession.Step.done
      while step == .done, count < tlsPlainBytes {
        var more = 0
        unsafe step = channels[channel].session.read(
          into: tlsMemory.unsafeStart + front + count, capacity: tlsPlainBytes &- count,
          count: &more, output: tlsMemory.unsafeStart, capacity: front)
        count &+= more
        keepProduced(channel)
      }
      pump(channel)
      let owner = channels[channel].owner
      if count > 0 {
        let memory = tlsMemory
        deliver(owner, Int32(truncatingIfNeeded: count), memory.bytes(from: front, count: count))
      }
      switch step {
      case .done: if isClosing(owner) { return }
      case .needsInput: return
      case .ended: return endInput(channel, 0)
      case .failed(let reason):
        noteReason(owner, reason)
        return endInput(channel, -EPROTO)
      case .needsOutput: return endInput(channel, -EPROTO)
      }
    }
  }

  /// The socket has ended. Without the peer's word (close_notify) something may be missing: that is no proper end.
  private mutating func tlsEnded(_ channel: UInt32, _ result: Int32) {
    let owner = channels[channel].owner
    guard result <= 0 else { return }
    if owner.kind == Owner.upstream, upstreams[owner.slot].state == .closing {
      return loop.close(channels[channel].socket)
    }
    guard !channels[channel].isInputOver else { return endInput(channel, result) }
    guard channels[channel].isEstablished else {
      if owner.kind == Owner.connection { return closeConnection(owner.slot) }
      return handshakeFailed(channel, .cutOff, systemCode: result == 0 ? -EPROTO : result)
    }
    if result == 0 { noteReason(owner, .cutOff) }
    endInput(channel, result == 0 ? -EPROTO : result)
  }

  private mutating func endInput(_ channel: UInt32, _ result: Int32) {
    channels[channel].isInputOver = true
    let owner = channels[channel].owner
    if !isClosing(owner) { deliver(owner, result, RawSpan()) }
  }

  private mutating func deliver(_ owner: Token, _ result: Int32, _ bytes: RawSpan) {
    if owner.kind == Owner.connection {
      received(owner.slot, result, bytes)
    } else {
      upstreamReceived(owner.slot, result, bytes)
    }
  }

  private func isClosing(_ owner: Token) -> Bool {
    owner.kind == Owner.connection
      ? connections[owner.slot].state == .closing : upstreams[owner.slot].state == .closing
  }

  /// Has the record of the call that this breaks say why.
  private mutating func noteReason(_ owner: Token, _ reason: TLSFailure) {
    guard owner.kind == Owner.upstream else { return }
    let exchange = upstreams[owner.slot].exchange
    if exchange != .max { exchanges[exchange].failureReason = RecordedReason(reason) }
  }
}

extension RecordedReason {
  init(_ failure: TLSFailure) {
    self =
      switch failure {
      case .certificateExpired: .certificateExpired
      case .certificateNotYetValid: .certificateNotYetValid
      case .certificateWrongName: .certificateWrongName
      case .certificateUnknownAuthority: .certificateUnknownAuthority
      case .certificateUnsuitable: .certificateUnsuitable
      case .certificateMissing: .certificateMissing
      case .version: .tlsVersion
      case .parameters: .tlsParameters
      case .refusedByPeer: .tlsRefusedByPeer
      case .notTLS: .notTLS
      case .broken: .tlsBroken
      case .cutOff: .tlsCutOff
      }
  }
}
