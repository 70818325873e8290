internal import Synchronization

/// A 64-bit number in memory that two threads share: an atomic behind a pointer, with the few operations rings need.
@safe
struct SharedNumber {
  private let place: UnsafePointer<Atomic<UInt64>>

  /// - Parameter address: eight bytes that `initialize` has been called on.
  @inline(__always)
  init(unsafeAt address: UnsafeMutableRawPointer) {
    unsafe place = UnsafePointer(address.assumingMemoryBound(to: Atomic<UInt64>.self))
  }

  static func initialize(unsafeAt address: UnsafeMutableRawPointer, to value: UInt64) {
    unsafe address.bindMemory(to: Atomic<UInt64>.self, capacity: 1).initialize(to: Atomic(value))
  }

  /// For the number's only writer reading it back, and for statistics.
  @inline(__always)
  func loadRelaxed() -> UInt64 { unsafe place.pointee.load(ordering: .relaxed) }

  /// Everything written before the matching store is seen.
  @inline(__always)
  func loadAcquiring() -> UInt64 { unsafe place.pointee.load(ordering: .acquiring) }

  @inline(__always)
  func storeRelaxed(_ value: UInt64) { unsafe place.pointee.store(value, ordering: .relaxed) }

  @inline(__always)
  func storeReleasing(_ value: UInt64) { unsafe place.pointee.store(value, ordering: .releasing) }

  /// Of two threads that each store ordered and then load ordered what the other stored, at least one sees the
  /// other's store. Sleeping and waking rest on this.
  @inline(__always)
  func storeOrdered(_ value: UInt64) {
    unsafe place.pointee.store(value, ordering: .sequentiallyConsistent)
  }

  @inline(__always)
  func loadOrdered() -> UInt64 { unsafe place.pointee.load(ordering: .sequentiallyConsistent) }

  @inline(__always)
  func exchange(_ value: UInt64) -> UInt64 {
    unsafe place.pointee.exchange(value, ordering: .sequentiallyConsistent)
  }

  @inline(__always)
  func replace(_ expected: UInt64, by value: UInt64) -> Bool {
    unsafe place.pointee.compareExchange(
      expected: expected, desired: value, ordering: .sequentiallyConsistent
    ).exchanged
  }

  @inline(__always)
  func add(_ value: UInt64) {
    unsafe place.pointee.wrappingAdd(value, ordering: .relaxed)
  }
}
