internal import Synchronization

/// What other threads tell a worker, and what it tells them: a few numbers, no locks.
final class WorkerControl: Sendable {
  private let stopping = Atomic<Bool>(false)
  /// Monotonic nanoseconds after which a stopping worker waits for nobody.
  private let deadline = Atomic<UInt64>(.max)
  /// Client connections open now.
  let connections = Atomic<Int>(0)
  /// Requests answered since the start.
  let requests = Atomic<UInt64>(0)

  var isStopping: Bool { stopping.load(ordering: .acquiring) }

  func isOverdue(now: UInt64) -> Bool { now >= deadline.load(ordering: .relaxed) }

  func stop(deadline time: UInt64) {
    deadline.store(time, ordering: .relaxed)
    stopping.store(true, ordering: .releasing)
  }
}
