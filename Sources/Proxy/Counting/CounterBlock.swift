internal import Synchronization

/// Numbers that one thread writes and any number of threads read: no lock, no locked instruction. Values may lag, but never
/// tear.
@safe
struct CounterBlock: @unchecked Sendable, BitwiseCopyable {
  private let counters: UnsafeMutablePointer<Atomic<UInt64>>
  let count: Int

  /// The memory is the maker's to free.
  static func make(count: Int) -> CounterBlock {
    let memory = UnsafeMutablePointer<Atomic<UInt64>>.allocate(capacity: count)
    for index in 0..<count { unsafe (memory + index).initialize(to: Atomic(0)) }
    return unsafe CounterBlock(counters: memory, count: count)
  }

  private init(counters: UnsafeMutablePointer<Atomic<UInt64>>, count: Int) {
    unsafe self.counters = unsafe counters
    self.count = count
  }

  /// Only the block's writer may, which is why a load and a store do.
  @inline(__always)
  func add(_ index: Int, _ amount: UInt64 = 1) {
    precondition(index >= 0 && index < count)
    let value = unsafe counters[index].load(ordering: .relaxed)
    unsafe counters[index].store(value &+ amount, ordering: .relaxed)
  }

  @inline(__always)
  func store(_ index: Int, _ value: UInt64) {
    precondition(index >= 0 && index < count)
    unsafe counters[index].store(value, ordering: .relaxed)
  }

  func read(_ index: Int) -> UInt64 {
    precondition(index >= 0 && index < count)
    return unsafe counters[index].load(ordering: .relaxed)
  }

  func free() {
    unsafe counters.deinitialize(count: count)
    unsafe counters.deallocate()
  }
}
