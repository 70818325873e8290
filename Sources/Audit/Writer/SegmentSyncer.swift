internal import CLinux

/// The thread that brings written frames to the disk with `.interval` durability, so that a slow disk holds up neither
/// the writer nor, through it, the workers.
final class SegmentSyncer: Sendable {
  private struct Desk {
    /// The segment being written; the writer never closes it, it retires it.
    var file: Int32 = -1
    var directory: Int32 = -1
    /// Segments that are complete and closed after their last sync.
    var retired: [Int32] = []
    /// Position in each ring up to which frames are written.
    var positions: [UInt64]
    var bytesWritten: UInt64 = 0
    var isNewFile = false
    var isStopping = false
  }

  private let desk: AuditLock<Desk>
  /// Where this thread sleeps; the same protocol as the writer's.
  private let bell = WriterGate()
  private let gate: WriterGate
  private let rings: [RingBlock]
  private let counters: AuditCounters
  private let faults: AuditFaults?

  init(rings: [RingBlock], gate: WriterGate, counters: AuditCounters, faults: AuditFaults?) {
    self.rings = rings
    self.gate = gate
    self.counters = counters
    self.faults = faults
    desk = AuditLock(Desk(positions: rings.map { _ in 0 }))
  }

  deinit { bell.free() }

  /// Writer: frames up to these positions are in the segment.
  func note(positions: [UInt64], bytesWritten: UInt64) {
    desk.withLock { desk in
      for ring in desk.positions.indices { desk.positions[ring] = positions[ring] }
      desk.bytesWritten = bytesWritten
    }
  }

  /// Writer: this is the segment from now on.
  func begin(file: Int32, directory: Int32) {
    desk.withLock { desk in
      desk.file = file
      desk.directory = directory
      desk.isNewFile = true
    }
  }

  /// Writer: no more frames go into this segment.
  func retire(file: Int32) {
    desk.withLock { desk in
      desk.retired.append(file)
      desk.file = -1
    }
  }

  /// Writer: sync what is written.
  func request() {
    bell.closing.storeOrdered(1)
    bell.wake(from: WriterGate.asleep)
  }

  /// Syncs once more and ends the thread.
  func stop() {
    desk.withLock { $0.isStopping = true }
    request()
  }

  func run() {
    while true {
      bell.stage.storeOrdered(WriterGate.asleep)
      if bell.closing.loadOrdered() == 0 {
        bell.sleep(in: WriterGate.asleep, nanoseconds: nil)
      } else {
        bell.stage.storeOrdered(WriterGate.running)
      }
      guard bell.closing.exchange(0) == 1 else { continue }
      if !syncOnce() { return }
    }
  }

  /// False after the sync that `stop` asked for.
  private func syncOnce() -> Bool {
    let work = desk.withLock { desk in
      let work = desk
      desk.retired = []
      desk.isNewFile = false
      return work
    }
    var failed: [Int32] = []
    var code: Int32 = 0
    for file in work.retired {
      let result = sync(file)
      if result == 0 {
        _ = linux_file_close(file)
      } else {
        code = result
        failed.append(file)
      }
    }
    if work.file >= 0 {
      let result = sync(work.file)
      if result != 0 { code = result }
    }
    if work.isNewFile, code == 0 { code = -linux_directory_sync(work.directory) }
    if code == 0 { publish(work) } else { fail(code, keeping: failed, isNewFile: work.isNewFile) }
    if work.isStopping {
      for file in failed { _ = linux_file_close(file) }
      if work.file >= 0 { _ = linux_file_close(work.file) }
    }
    return !work.isStopping
  }

  private func sync(_ file: Int32) -> Int32 {
    if let code = faults?.sync, code != 0 { return code }
    return -linux_file_sync(file)
  }

  private func publish(_ work: borrowing Desk) {
    for (ring, position) in zip(rings, work.positions) {
      ring.durable.storeOrdered(position)
      ring.wakeWorker()
    }
    counters.bytesSynced.storeRelaxed(work.bytesWritten)
    counters.syncs.add(1)
    gate.syncFailure.storeReleasing(0)
  }

  private func fail(_ code: Int32, keeping files: [Int32], isNewFile: Bool) {
    desk.withLock { desk in
      desk.retired.insert(contentsOf: files, at: 0)
      desk.isNewFile = desk.isNewFile || isNewFile
    }
    counters.syncFailures.add(1)
    gate.syncFailure.storeReleasing(UInt64(AuditReason.refusal(for: code).rawValue))
  }
}

extension RingBlock {
  /// Wakes the worker if something it waits for has come. Called after the number it waits for was stored.
  func wakeWorker() {
    let room = wantedRoom.loadOrdered()
    if room != Self.nothing, consumed.loadRelaxed() >= room { wakeWorker(resetting: wantedRoom) }
    let disk = wantedDurable.loadOrdered()
    if disk != Self.nothing, durable.loadRelaxed() >= disk { wakeWorker(resetting: wantedDurable) }
  }

  private func wakeWorker(resetting wanted: SharedNumber) {
    guard wanted.exchange(Self.nothing) != Self.nothing else { return }
    let descriptor = wakeDescriptor.loadAcquiring()
    if descriptor != 0 { _ = linux_wake_descriptor(Int32(truncatingIfNeeded: descriptor &- 1)) }
  }
}
