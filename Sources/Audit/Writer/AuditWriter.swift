internal import CLinux
internal import Glibc

/// The writer's thread: gathers what the rings hold into frames, writes them, and sleeps in between.
///
/// One turn takes whole entries from all rings, up to a batch, and makes one frame of them: a header, the stretches of
/// ring memory as they lie, a hash. The kernel gathers them (`pwritev`), so records are copied once, by the worker
/// into its ring. Only then are the rings' positions advanced. A frame that cannot be written is tried again, at the same place
/// in the file, until it can: nothing accepted is lost, and the file never holds half a frame for good.
struct AuditWriter: ~Copyable {
  let settings: AuditSettings
  let rings: [RingBlock]
  let gate: WriterGate
  let counters: AuditCounters
  let syncer: SegmentSyncer?
  let faults: AuditFaults?
  let interval: UInt64

  var chain: SegmentChain
  var frame: FrameBuilder
  /// Per ring: the end of what is in the file.
  var written: [UInt64]
  /// Per ring: drops already told by a gap entry.
  var dropsTold: [UInt64]
  /// When waiting records are written at the latest, on the monotonic clock.
  var deadline: UInt64 = 0
  var syncRequested: UInt64 = 0
  var linkChecked: UInt64 = 0
  /// Some ring was more than half full when the frame was begun.
  var isBehind = false
  /// When to give up a failing disk; set once the log is closing.
  var givesUp: UInt64?

  init(
    settings: AuditSettings, rings: [RingBlock], gate: WriterGate, counters: AuditCounters,
    chain: SegmentChain, syncer: SegmentSyncer?, faults: AuditFaults?
  ) {
    self.settings = settings
    self.rings = rings
    self.gate = gate
    self.counters = counters
    self.chain = chain
    self.syncer = syncer
    self.faults = faults
    interval = settings.intervalNanoseconds
    frame = FrameBuilder(rings: rings, batchBytesMax: settings.writeBatchBytesMax)
    written = rings.map { _ in 0 }
    dropsTold = rings.map { _ in 0 }
  }

  /// Runs until the log closes and everything is written (or the disk has failed for too long).
  mutating func run() {
    syncer?.begin(file: chain.file, directory: chain.directory)
    counters.segment.storeRelaxed(UInt64(chain.number))
    if let repair = chain.repair { frame.add(repair: repair) }
    while true {
      let isClosing = gate.closing.loadOrdered() == 1
      tellDrops()
      isBehind = pendingBytesMax() > UInt64(settings.ringBytes / 2)
      if frame.gather(from: written) {
        guard store() else { break }
        deadline = linux_audit_monotonic_nanoseconds() &+ interval
        if isClosing || pendingBytesMax() >= wakeBytes { continue }
      } else if isClosing {
        break
      }
      requestSync()
      rest()
    }
    finish()
  }

  private var wakeBytes: UInt64 {
    UInt64(min(settings.writeBatchBytesMax, settings.ringBytes / 4))
  }

  /// The most that waits in any one ring.
  private func pendingBytesMax() -> UInt64 {
    var most: UInt64 = 0
    for ring in rings.indices { most = max(most, rings[ring].head.loadOrdered() &- written[ring]) }
    return most
  }

  // MARK: Sleeping

  /// Sleeps until there is a reason to write.
  private mutating func rest() {
    while true {
      gate.stage.storeOrdered(WriterGate.napping)
      if isUrgent() { break }
      if isIdle() {
        gate.stage.storeOrdered(WriterGate.asleep)
        if isUrgent() { break }
        if isIdle() {
          gate.sleep(in: WriterGate.asleep, nanoseconds: nil)
          // What woke us is most often the first entry of a call: give the rest of it, and other calls, time.
          deadline = linux_audit_monotonic_nanoseconds() &+ interval
        }
        continue
      }
      let now = linux_audit_monotonic_nanoseconds()
      if now >= deadline { break }
      gate.sleep(in: WriterGate.napping, nanoseconds: deadline &- now)
    }
    gate.stage.storeOrdered(WriterGate.running)
  }

  /// Somebody waits, or much has gathered.
  private func isUrgent() -> Bool {
    if gate.closing.loadOrdered() == 1 { return true }
    for index in rings.indices {
      let ring = rings[index]
      let pending = ring.head.loadOrdered() &- written[index]
      if pending >= wakeBytes { return true }
      if pending == 0 { continue }
      if ring.wantedDurable.loadOrdered() != RingBlock.nothing { return true }
      if ring.wantedRoom.loadOrdered() != RingBlock.nothing { return true }
    }
    return false
  }

  /// Nothing to write, nothing to sync, nothing to tell.
  private func isIdle() -> Bool {
    if hasUnsynced { return false }
    for index in rings.indices {
      if rings[index].head.loadOrdered() != written[index] { return false }
      if rings[index].drops.loadRelaxed() != dropsTold[index] { return false }
    }
    return true
  }

  private var hasUnsynced: Bool {
    syncer != nil
      && (counters.bytesSynced.loadRelaxed() < counters.bytesWritten.loadRelaxed()
        || gate.syncFailure.loadAcquiring() != 0)
  }

  /// Has written frames synced once per interval, and at once when a worker waits for it.
  private mutating func requestSync() {
    guard let syncer, hasUnsynced else { return }
    let now = linux_audit_monotonic_nanoseconds()
    let isAwaited = rings.contains { $0.wantedDurable.loadOrdered() != RingBlock.nothing }
    guard isAwaited || now &- syncRequested >= interval else { return }
    syncRequested = now
    deadline = now &+ interval
    syncer.request()
  }

  /// A gap entry for every worker whose calls went ahead unrecorded since the last one.
  private mutating func tellDrops() {
    for index in rings.indices {
      let drops = rings[index].drops.loadAcquiring()
      guard drops != dropsTold[index] else { continue }
      guard frame.add(gap: drops &- dropsTold[index], inAll: drops, worker: index) else { return }
      dropsTold[index] = drops
    }
  }

  private mutating func finish() {
    gate.writeFailure.storeReleasing(UInt64(AuditRefusal.closed.rawValue))
    if let syncer {
      // The syncer closes the file after its last sync.
      _ = chain.release()
      syncer.stop()
    }
    chain.closeAll()
  }
}
