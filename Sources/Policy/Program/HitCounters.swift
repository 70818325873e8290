import Synchronization

/// How often each rule has matched: one block of counters per worker, so that counting costs a worker an add to its
/// own memory, and reading sums the blocks.
final class HitCounters: Sendable {
  private struct Blocks {
    var all: [HitBlock] = []
    var idle: [HitBlock] = []
  }

  private let count: Int
  private let blocks = Mutex(Blocks())

  init(count: Int) {
    self.count = count
  }

  /// A block for one worker, with the counts of whoever had it before.
  func lease() -> HitBlock {
    blocks.withLock { blocks in
      if let block = blocks.idle.popLast() { return block }
      let block = HitBlock(count: count)
      blocks.all.append(block)
      return block
    }
  }

  /// Takes a block back; its counts stay.
  func takeBack(_ block: HitBlock) {
    blocks.withLock { $0.idle.append(block) }
  }

  func sum(_ index: Int) -> UInt64 {
    blocks.withLock { blocks in
      blocks.all.reduce(0) { $0 &+ $1.read(index) }
    }
  }

  deinit {
    blocks.withLock { blocks in
      for block in blocks.all { block.free() }
    }
  }
}

/// The counters of one worker: one writer, any number of readers. Values may lag, but never tear.
@safe
struct HitBlock: @unchecked Sendable {
  private let counters: UnsafeMutablePointer<Atomic<UInt64>>
  private let count: Int

  fileprivate init(count: Int) {
    self.count = count
    unsafe counters = .allocate(capacity: max(count, 1))
    for index in 0..<count {
      unsafe (counters + index).initialize(to: Atomic(0))
    }
  }

  /// Adds one. Only the block's writer may, which is why a load and a store do.
  @inline(__always)
  func add(_ index: Int) {
    precondition(index >= 0 && index < count)
    let value = unsafe counters[index].load(ordering: .relaxed)
    unsafe counters[index].store(value &+ 1, ordering: .relaxed)
  }

  fileprivate func read(_ index: Int) -> UInt64 {
    precondition(index >= 0 && index < count)
    return unsafe counters[index].load(ordering: .relaxed)
  }

  fileprivate func free() {
    unsafe counters.deinitialize(count: count)
    unsafe counters.deallocate()
  }
}
