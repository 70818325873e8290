/// What the audit threads count, for metrics. One writer per number.
@safe
struct AuditCounters: @unchecked Sendable {
  private let shared: UnsafeMutableRawPointer

  init() {
    unsafe shared = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 128)
    for place in stride(from: 0, to: 128, by: 8) {
      unsafe SharedNumber.initialize(unsafeAt: shared + place, to: 0)
    }
  }

  func free() { unsafe shared.deallocate() }

  private func number(_ slot: Int) -> SharedNumber {
    unsafe SharedNumber(unsafeAt: shared + slot * 8)
  }

  var entriesWritten: SharedNumber { number(0) }
  var bytesWritten: SharedNumber { number(1) }
  var framesWritten: SharedNumber { number(2) }
  var bytesSynced: SharedNumber { number(3) }
  var syncs: SharedNumber { number(4) }
  var writeFailures: SharedNumber { number(5) }
  var syncFailures: SharedNumber { number(6) }
  var segment: SharedNumber { number(7) }
  /// Frames written past the page cache.
  var directWrites: SharedNumber { number(8) }

  func snapshot() -> AuditStatistics {
    var statistics = AuditStatistics()
    let synced = bytesSynced.loadRelaxed()
    statistics.directFrames = directWrites.loadRelaxed()
    statistics.bytesWritten = bytesWritten.loadRelaxed()
    statistics.entriesWritten = entriesWritten.loadRelaxed()
    statistics.framesWritten = framesWritten.loadRelaxed()
    statistics.unsyncedBytes = max(statistics.bytesWritten, synced) - synced
    statistics.syncs = syncs.loadRelaxed()
    statistics.writeFailures = writeFailures.loadRelaxed()
    statistics.syncFailures = syncFailures.loadRelaxed()
    statistics.segment = UInt32(truncatingIfNeeded: segment.loadRelaxed())
    return statistics
  }
}
