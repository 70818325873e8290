internal import EventLoop
internal import Glibc
internal import Identity

/// Bytes on their way out: plain ones as they are, or encrypted slice by slice.
extension Worker {
  /// Sends a block's bytes. It stays the owner's until its `.sent`, whichever transport runs.
  mutating func transmit(
    _ block: Block, from offset: Int, count: Int, over transport: Transport, on socket: Socket
  ) {
    switch transport {
    case .plain: loop.send(block, from: offset, count: count, on: socket)
    case .tls(let channel):
      channels[channel].plain = block
      channels[channel].plainAt = offset
      channels[channel].plainEnd = offset &+ count
      channels[channel].plainCount = count
      channels[channel].taken = 0
      pump(channel)
    }
  }

  /// Ends our direction after everything sent so far.
  mutating func endOutput(over transport: Transport, on socket: Socket) {
    switch transport {
    case .plain: loop.endSending(on: socket)
    case .tls(let channel):
      channels[channel].endsOutput = true
      pump(channel)
    }
  }

  /// Hands the socket what is next, if it is free: what the protocol has to say, a slice of what the owner sends, or the
  /// word that there is no more.
  mutating func pump(_ channel: UInt32) {
    guard !channels[channel].isSending, !channels[channel].hasFailed else { return }
    if channels[channel].spareCount == 0, channels[channel].plainAt == channels[channel].plainEnd,
      channels[channel].endsOutput, !channels[channel].hasSaidEnd
    {
      channels[channel].hasSaidEnd = true
      _ = unsafe channels[channel].session.end(
        output: tlsMemory.unsafeStart, capacity: TLSChannel.outputBytesMax)
      keepProduced(channel)
    }
    if channels[channel].spareCount > 0 {
      let count = channels[channel].spareCount
      channels[channel].wire = channels[channel].spare
      channels[channel].spare = .none
      channels[channel].spareCount = 0
      return sendWire(channel, count)
    }
    if channels[channel].plainAt < channels[channel].plainEnd { return encryptSlice(channel) }
    if channels[channel].hasSaidEnd, !channels[channel].isOutputOver {
      channels[channel].isOutputOver = true
      loop.endSending(on: channels[channel].socket)
    }
  }

  private mutating func encryptSlice(_ channel: UInt32) {
    let start = channels[channel].plainAt
    let count = min(channels[channel].plainEnd &- start, TLSChannel.sliceBytes)
    guard let block = blocks.take(atLeast: TLSSession.sealedBytesMax(count)) else {
      return failOutput(channel)
    }
    let plain = channels[channel].plain
    let step = unsafe channels[channel].session.write(
      plain.bytes(from: start, count: count), output: block.unsafeStart, capacity: block.capacity)
    channels[channel].wire = block
    guard step == .done else { return failOutput(channel) }
    channels[channel].plainAt = start &+ count
    channels[channel].wireEndsPlain = channels[channel].plainAt == channels[channel].plainEnd
    sendWire(channel, channels[channel].session.produced)
  }

  private mutating func sendWire(_ channel: UInt32, _ count: Int) {
    channels[channel].isSending = true
    loop.send(channels[channel].wire, from: 0, count: count, on: channels[channel].socket)
  }

  /// Keeps what the session has just written to the worker's memory, to be sent in its turn.
  mutating func keepProduced(_ channel: UInt32) {
    let count = channels[channel].session.produced
    guard count > 0 else { return }
    let before = channels[channel].spareCount
    let needed = before &+ count
    guard needed <= TLSChannel.outputBytesMax else { return failOutput(channel) }
    if channels[channel].spare.capacity < needed {
      let old = channels[channel].spare
      guard let larger = blocks.take(atLeast: needed) else { return failOutput(channel) }
      if before > 0 { larger.write(old.bytes(before), at: 0) }
      blocks.give(old)
      channels[channel].spare = larger
    }
    channels[channel].spare.write(tlsMemory.bytes(count), at: before)
    channels[channel].spareCount = needed
  }

  /// Nothing can be sent any more. The owner may be in the middle of a step of its own, so it hears of it from its timer, at
  /// the end of this turn.
  private mutating func failOutput(_ channel: UInt32) {
    channels[channel].hasFailed = true
    let owner = channels[channel].owner
    if owner.kind == Owner.connection {
      setDeadline(connection: owner.slot, loop.now)
    } else {
      setDeadline(upstream: owner.slot, loop.now)
    }
  }

  /// The socket is free again, or has failed.
  mutating func tlsSent(_ channel: UInt32, _ result: Int32, transferred: Int) {
    channels[channel].isSending = false
    blocks.give(channels[channel].wire)
    channels[channel].wire = .none
    channels[channel].taken &+= transferred
    let endsPlain = channels[channel].wireEndsPlain
    channels[channel].wireEndsPlain = false
    if result < 0 {
      let wasSending = endsPlain || channels[channel].plainAt < channels[channel].plainEnd
      channels[channel].plainAt = channels[channel].plainEnd
      channels[channel].endsOutput = false
      if wasSending { plainSent(channel, result) }
      return
    }
    if endsPlain { plainSent(channel, Int32(truncatingIfNeeded: channels[channel].plainCount)) }
    pump(channel)
  }

  /// Tells the owner what it would hear from the socket if its bytes were plain.
  private mutating func plainSent(_ channel: UInt32, _ result: Int32) {
    let owner = channels[channel].owner
    channels[channel].plain = .none
    if owner.kind == Owner.connection {
      sent(owner.slot, result)
    } else {
      upstreamSent(owner.slot, result, transferred: channels[channel].taken)
    }
  }
}
