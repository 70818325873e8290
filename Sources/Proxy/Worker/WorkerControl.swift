internal import Synchronization

/// What other threads tell a worker, and what it tells them: a few numbers, no locks.
@safe
final class WorkerControl: Sendable {
  private let stopping = Atomic<Bool>(false)
  /// Monotonic nanoseconds after which a stopping worker waits for nobody.
  private let deadline = Atomic<UInt64>(.max)
  /// Client connections open now.
  let connections = Atomic<Int>(0)
  /// Requests that are being carried or answered now, as of the end of the last turn.
  let exchanges = Atomic<Int>(0)
  /// Requests by `RecordedDecision`, written by the worker.
  let decisions = CounterBlock.make(count: WorkerControl.decisionCount)
  /// Requests answered since the start.
  let requests = Atomic<UInt64>(0)

  /// TLS handshakes with agents that failed since the start, and why the last of them did (`RecordedReason`).
  let listenerFailures = Atomic<Int>(0)
  let lastListenerFailure = Atomic<UInt8>(0)
  /// The same with servers. The last: the number of the server, above 8 bits of reason.
  let serverFailures = Atomic<Int>(0)
  let lastServerFailure = Atomic<UInt64>(0)

  /// Messages of servers that were not passed on: of unknown kinds, or nobody's.
  let droppedMessages = Atomic<UInt64>(0)

  /// What was published and not yet taken.
  private nonisolated(unsafe) let offered = unsafe Atomic<UnsafeMutablePointer<Generation>?>(nil)
  /// What the worker no longer uses, linked by `nextRetired`.
  private nonisolated(unsafe) let retired = unsafe Atomic<UnsafeMutablePointer<Generation>?>(nil)

  deinit {
    if let place = unsafe offered.load(ordering: .acquiring) { unsafe Generation.destroy(place) }
    collectRetired()
    decisions.free()
  }

  var isStopping: Bool { stopping.load(ordering: .acquiring) }

  func isOverdue(now: UInt64) -> Bool { now >= deadline.load(ordering: .relaxed) }

  func stop(deadline time: UInt64) {
    deadline.store(time, ordering: .relaxed)
    stopping.store(true, ordering: .releasing)
  }

  // MARK: Publishing

  /// Offers a snapshot, made ready for this worker on the calling thread. One that was not taken yet is forgotten.
  func offer(_ snapshot: GatewaySnapshot) {
    collectRetired()
    let place = unsafe Generation.make(snapshot)
    if let older = unsafe offered.exchange(place, ordering: .acquiringAndReleasing) {
      unsafe Generation.destroy(older)
    }
  }

  var hasOffer: Bool { unsafe offered.load(ordering: .relaxed) != nil }

  func takeOffer() -> UnsafeMutablePointer<Generation>? {
    unsafe offered.exchange(nil, ordering: .acquiringAndReleasing)
  }

  /// Called by the worker: destroying a snapshot frees much, which is not its business.
  func handBack(_ place: UnsafeMutablePointer<Generation>) {
    var head = unsafe retired.load(ordering: .relaxed)
    while true {
      unsafe place.pointee.nextRetired = head
      let (done, seen) = unsafe retired.compareExchange(
        expected: head, desired: place, ordering: .acquiringAndReleasing)
      if done { return }
      unsafe head = seen
    }
  }

  /// Destroys what the worker has handed back.
  func collectRetired() {
    var place = unsafe retired.exchange(nil, ordering: .acquiringAndReleasing)
    while let current = unsafe place {
      unsafe place = current.pointee.nextRetired
      unsafe Generation.destroy(current)
    }
  }
}
