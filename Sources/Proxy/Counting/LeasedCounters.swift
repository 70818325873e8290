/// A worker's blocks for the servers of one snapshot, given back when the snapshot is over.
@safe
struct LeasedCounters: ~Copyable {
  private let sources: [ServerCounters]
  private let blocks: UnsafeMutablePointer<CounterBlock>
  private let count: Int

  init(_ sources: [ServerCounters]) {
    self.sources = sources
    unsafe blocks = .allocate(capacity: max(1, sources.count))
    for index in sources.indices {
      unsafe (blocks + index).initialize(to: sources[index].lease())
    }
    count = sources.count
  }

  deinit {
    for index in sources.indices { unsafe sources[index].takeBack(blocks[index]) }
    unsafe blocks.deallocate()
  }

  subscript(route: Int32) -> CounterBlock {
    @inline(__always)
    get {
      precondition(route >= 0 && Int(route) < count)
      return unsafe blocks[Int(route)]
    }
  }
}
