internal import EventLoop

/// Per server: the idle connections, most recently used first, and how many connections there are in all.
@safe
struct UpstreamPools: ~Copyable {
  private struct Pool {
    var first: UInt32 = .max
    var idle = 0
    var total = 0
  }

  private let pools: UnsafeMutablePointer<Pool>
  private let count: Int

  init(routes: Int) {
    count = routes
    unsafe pools = .allocate(capacity: routes)
    unsafe pools.initialize(repeating: Pool(), count: routes)
  }

  deinit { unsafe pools.deallocate() }

  private func pool(_ route: Int32) -> UnsafeMutablePointer<Pool> {
    precondition(route >= 0 && Int(route) < count)
    return unsafe pools + Int(route)
  }

  func total(_ route: Int32) -> Int { unsafe pool(route).pointee.total }
  func idle(_ route: Int32) -> Int { unsafe pool(route).pointee.idle }

  mutating func opened(_ route: Int32) { unsafe pool(route).pointee.total &+= 1 }
  mutating func closed(_ route: Int32) { unsafe pool(route).pointee.total &-= 1 }

  /// The connection used last, taken out of the pool.
  mutating func take(_ route: Int32, from upstreams: borrowing Slab<Upstream>) -> UInt32? {
    let slot = unsafe pool(route).pointee.first
    guard slot != .max else { return nil }
    remove(slot, route, from: upstreams)
    return slot
  }

  mutating func add(_ slot: UInt32, _ route: Int32, to upstreams: borrowing Slab<Upstream>) {
    let first = unsafe pool(route).pointee.first
    upstreams[slot].nextIdle = first
    upstreams[slot].previousIdle = .max
    if first != .max { upstreams[first].previousIdle = slot }
    unsafe pool(route).pointee.first = slot
    unsafe pool(route).pointee.idle &+= 1
  }

  mutating func remove(_ slot: UInt32, _ route: Int32, from upstreams: borrowing Slab<Upstream>) {
    let next = upstreams[slot].nextIdle
    let previous = upstreams[slot].previousIdle
    if previous == .max {
      unsafe pool(route).pointee.first = next
    } else {
      upstreams[previous].nextIdle = next
    }
    if next != .max { upstreams[next].previousIdle = previous }
    upstreams[slot].nextIdle = .max
    upstreams[slot].previousIdle = .max
    unsafe pool(route).pointee.idle &-= 1
  }
}
