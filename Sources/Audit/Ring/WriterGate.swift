internal import CLinux

/// Where the writer sleeps and producers wake it, and where it says that it is failing. One per log.
///
/// The writer announces that it is about to sleep, looks once more for work, and sleeps; a producer publishes its work
/// and then looks whether the writer has announced it. As both use ordered stores and loads, at least one of the two
/// sees the other, and no wake-up is lost. A running writer costs a producer one load and no system call.
@safe
struct WriterGate: @unchecked Sendable {
  /// The writer will look at the rings by itself.
  static let running: UInt64 = 0
  /// It sleeps until its interval is over: wake it early only when much is waiting or somebody waits for the disk.
  static let napping: UInt64 = 1
  /// It sleeps until woken, because there is nothing at all: wake it for anything.
  static let asleep: UInt64 = 2
  /// It waits before it tries a failing disk again: only `close` wakes it.
  static let backingOff: UInt64 = 3

  private let shared: UnsafeMutableRawPointer

  init() {
    unsafe shared = UnsafeMutableRawPointer.allocate(byteCount: 256, alignment: 128)
    for place in stride(from: 0, to: 256, by: 8) {
      unsafe SharedNumber.initialize(unsafeAt: shared + place, to: 0)
    }
  }

  func free() { unsafe shared.deallocate() }

  var stage: SharedNumber { unsafe SharedNumber(unsafeAt: shared) }
  /// Set by the writer: 0 while healthy, else an `AuditRefusal`.
  var writeFailure: SharedNumber { unsafe SharedNumber(unsafeAt: shared + 128) }
  /// The same, set by the thread that syncs.
  var syncFailure: SharedNumber { unsafe SharedNumber(unsafeAt: shared + 136) }
  /// 1 once the log is closing.
  var closing: SharedNumber { unsafe SharedNumber(unsafeAt: shared + 144) }
  /// 1 once the writer has ended.
  var ended: SharedNumber { unsafe SharedNumber(unsafeAt: shared + 152) }

  /// Wakes the writer if it is in `stage`; only one of several callers makes the system call.
  @inline(never)
  func wake(from stage: UInt64) {
    if self.stage.replace(stage, by: Self.running) { unsafe _ = linux_futex_wake(shared) }
  }

  /// Somebody waits for the writer's work: has it look at the rings now.
  func wakeForWork() {
    let stage = stage.loadOrdered()
    if stage == Self.napping || stage == Self.asleep { wake(from: stage) }
  }

  /// Has the writer look at `closing`, whatever it waits for.
  func wakeForClosing() {
    for stage in [Self.napping, Self.asleep, Self.backingOff] { wake(from: stage) }
  }

  /// Sleeps until somebody leaves `stage`, or the time is over (never when nil).
  func sleep(in stage: UInt64, nanoseconds: UInt64?) {
    let limit = nanoseconds.map { Int64(clamping: $0) } ?? -1
    // The futex is the number's low half: records and rings are little-endian, and so is every machine we run on.
    unsafe _ = linux_futex_wait(shared, UInt32(truncatingIfNeeded: stage), limit)
    self.stage.storeOrdered(Self.running)
  }

  /// Why calls cannot be recorded now, or nil.
  var refusal: AuditRefusal? {
    @inline(__always) get {
      var word = writeFailure.loadAcquiring()
      if word == 0 { word = syncFailure.loadAcquiring() }
      return word == 0 ? nil : AuditRefusal(rawValue: UInt8(truncatingIfNeeded: word))
    }
  }
}
