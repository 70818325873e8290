internal import Audit
internal import EventLoop
internal import Identity

/// When a server counts as hard to reach, and for how long it is left alone then.
struct ReachLimits: BitwiseCopyable {
  /// Attempts to connect that fail in a row.
  var failuresMax: Int
  /// Nanoseconds.
  var pause: UInt64
}

/// Per server: the idle connections, most recently used first, how many connections there are in all, and whether it could
/// be reached lately.
///
/// A server that refuses connections several times in a row is left alone for a moment: calls to it fail at once, and
/// when the moment is over one of them tries, while the others still fail at once. So a server that is down costs
/// agents no waiting, and one that comes up again is not met by a crowd.
///
///     failures 0 1 2   every call may connect
///     failures 3       until `closedUntil` nobody; then one probe at a time, which ends it or begins the next moment
@safe
struct UpstreamPools: ~Copyable {
  private struct Pool: ~Copyable {
    var first: UInt32 = .max
    var idle = 0
    var total = 0
    /// Attempts to connect that failed since one succeeded.
    var failures = 0
    /// The errno of the last of them, negative.
    var lastFailure: Int32 = 0
    /// Nanoseconds of the loop's clock.
    var closedUntil: UInt64 = 0
    var lastReason = RecordedReason.none
    var isProbing = false
    /// What shortens the next TLS handshake.
    var ticket: TLSTicket? = nil
  }

  /// Whether a call may open a connection.
  enum Admission: Equatable {
    case open
    /// As the one that tries again.
    case probe
    /// Not now; errno and reason are those of the last attempt.
    case closed(Int32, RecordedReason)
  }

  private let pools: UnsafeMutablePointer<Pool>
  private let count: Int

  init(routes: Int) {
    count = routes
    unsafe pools = .allocate(capacity: routes)
    for route in 0..<routes { unsafe (pools + route).initialize(to: Pool()) }
  }

  deinit {
    unsafe pools.deinitialize(count: count)
    unsafe pools.deallocate()
  }

  private func pool(_ route: Int32) -> UnsafeMutablePointer<Pool> {
    precondition(route >= 0 && Int(route) < count)
    return unsafe pools + Int(route)
  }

  func total(_ route: Int32) -> Int { unsafe pool(route).pointee.total }
  func idle(_ route: Int32) -> Int { unsafe pool(route).pointee.idle }

  mutating func opened(_ route: Int32) { unsafe pool(route).pointee.total &+= 1 }
  mutating func closed(_ route: Int32) { unsafe pool(route).pointee.total &-= 1 }

  // MARK: Idle connections

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

  // MARK: Whether the server can be reached

  /// Asks before each attempt. `.probe` must be answered by `connected`, `connectFailed` or `probeAbandoned`.
  mutating func admit(_ route: Int32, now: UInt64, limits: ReachLimits) -> Admission {
    let pool = unsafe pool(route)
    guard unsafe pool.pointee.failures >= limits.failuresMax else { return .open }
    guard unsafe now >= pool.pointee.closedUntil, unsafe !pool.pointee.isProbing else {
      return .closed(unsafe pool.pointee.lastFailure, unsafe pool.pointee.lastReason)
    }
    unsafe pool.pointee.isProbing = true
    return .probe
  }

  mutating func connected(_ route: Int32) {
    let pool = unsafe pool(route)
    unsafe pool.pointee.failures = 0
    unsafe pool.pointee.isProbing = false
  }

  mutating func connectFailed(
    _ route: Int32, code: Int32, reason: RecordedReason, isProbe: Bool, now: UInt64,
    limits: ReachLimits
  ) {
    let pool = unsafe pool(route)
    unsafe pool.pointee.failures = min(pool.pointee.failures + 1, limits.failuresMax)
    unsafe pool.pointee.lastFailure = code
    unsafe pool.pointee.lastReason = reason
    unsafe pool.pointee.closedUntil = now &+ limits.pause
    if isProbe { unsafe pool.pointee.isProbing = false }
  }

  /// The call that tried again went away before there was an outcome.
  mutating func probeAbandoned(_ route: Int32) { unsafe pool(route).pointee.isProbing = false }

  // MARK: TLS

  /// A new session with the server, shortened if an earlier one left something to remember. Nil without memory.
  func session(_ route: Int32, _ context: TLSContextReference) -> TLSSession? {
    switch unsafe pool(route).pointee.ticket {
    case .some(let ticket): TLSSession(context, resuming: ticket)
    case .none: TLSSession(context)
    }
  }

  /// Remembers how to resume a session; nothing replaces nothing.
  mutating func keep(_ ticket: consuming TLSTicket?, _ route: Int32) {
    switch consume ticket {
    case .some(let ticket): unsafe pool(route).pointee.ticket = consume ticket
    case .none: break
    }
  }
}
