/// Room in the ring: claiming it, setting it aside for closing entries, publishing what was written.
extension AuditProducer {
  /// Bytes that only closing entries may use: one entry per open ticket, and once the padding a wrap may cost.
  ///
  /// That is enough: the entries together are shorter than the ring, so they cross its end at most once, and the
  /// padding there is shorter than the one entry that did not fit.
  var setAside: Int { (ticketsOpen &+ 1) &* EntryFormat.closingBytes }

  /// Most bytes of data in one of this ring's entries.
  var pieceBytesMax: Int { min(EntryFormat.dataBytesMax, ring.capacity / 8) }

  /// Claims `count` contiguous bytes (a multiple of 8) at `head` and moves it, or returns nil when they and what
  /// is set aside do not fit before what the writer still has to read.
  @inline(__always)
  mutating func claim(_ count: Int, setAside: Int) -> UnsafeMutableRawPointer? {
    let place = ring.place(of: head)
    let rest = ring.capacity &- place
    let padding = count > rest ? rest : 0
    let after = head &+ UInt64(truncatingIfNeeded: count &+ padding)
    let limit = after &+ UInt64(truncatingIfNeeded: setAside &- ring.capacity)
    if Int64(truncatingIfNeeded: limit &- consumedSeen) > 0 {
      consumedSeen = ring.consumed.loadAcquiring()
      if Int64(truncatingIfNeeded: limit &- consumedSeen) > 0 { return nil }
    }
    head = after
    if padding == 0 { return unsafe ring.bytes + place }
    // A padding entry: its length, and kind 0.
    unsafe (ring.bytes + place).storeBytes(of: UInt64(padding), as: UInt64.self)
    return unsafe ring.bytes
  }

  /// Shows the writer everything up to `head`, and wakes it where it would come too late by itself.
  @inline(__always)
  mutating func publish() {
    ring.head.storeOrdered(head)
    let stage = gate.stage.loadOrdered()
    if stage == WriterGate.running { return }
    if stage == WriterGate.asleep || head &- ring.consumed.loadRelaxed() >= wakeBytes {
      gate.wake(from: stage)
    }
  }
}
