/// Deadlines of many things, each looked at about when it is due: two wheels of 512 buckets, of 8 ms and of 4 s.
///
/// An entry is a number from 0 up to the capacity, in at most one bucket. Scheduling and cancelling take a few
/// instructions. The wheel is made to be lazy about: an owner whose deadline moves with every message leaves its
/// entry where it is, and when it fires compares with the real deadline and schedules again.
///
/// Example: at 0 s, `schedule(7, at: 10 s)` puts 7 into the far wheel's bucket of 8 to 12 s; when the near wheel has turned
/// to 8 s that bucket is spread over the near one, and `popExpired` gives 7 at 10 s or up to 8 ms later.
@safe
public struct TimerWheel: ~Copyable {
  private static let slots = 512
  private static let nearShift: UInt64 = 23  // 2^23 ns = 8.4 ms
  private static let farShift: UInt64 = 32  // 2^32 ns = 4.3 s, 512 near buckets

  private struct Entry {
    var next: Int32 = -1
    var previous: Int32 = -1
    /// Near bucket 0..<512, far bucket 512..<1024, or -1 when not scheduled.
    var bucket: Int32 = -1
    var deadline: UInt64 = 0
  }

  private let entries: UnsafeMutablePointer<Entry>
  private let heads: UnsafeMutablePointer<Int32>
  private let capacity: Int
  private var initialised = 0
  /// The near tick up to which everything has been taken.
  private var tick: UInt64
  private var nearCount = 0
  private var farCount = 0

  public init(capacity: Int, now: UInt64) {
    self.capacity = capacity
    unsafe entries = .allocate(capacity: capacity)
    unsafe heads = .allocate(capacity: TimerWheel.slots * 2)
    unsafe heads.initialize(repeating: -1, count: TimerWheel.slots * 2)
    tick = now >> TimerWheel.nearShift
  }

  deinit {
    unsafe entries.deallocate()
    unsafe heads.deallocate()
  }

  /// Whether nothing is scheduled.
  public var isEmpty: Bool { nearCount &+ farCount == 0 }

  private mutating func prepare(_ id: UInt32) {
    precondition(Int(id) < capacity)
    while initialised <= Int(id) {
      unsafe (entries + initialised).initialize(to: Entry())
      initialised &+= 1
    }
  }

  /// Sets (or moves) the entry's deadline, in nanoseconds of the loop's clock.
  public mutating func schedule(_ id: UInt32, at deadline: UInt64) {
    cancel(id)
    unsafe entries[Int(id)].deadline = deadline
    // An entry that is due already goes to the next tick, which is the first that will be looked at.
    insert(id, deadline, earliest: tick &+ 1)
  }

  private mutating func insert(_ id: UInt32, _ deadline: UInt64, earliest: UInt64) {
    let due = max(deadline >> TimerWheel.nearShift, earliest)
    let bucket: Int
    if due &- tick < UInt64(TimerWheel.slots) {
      bucket = Int(due % UInt64(TimerWheel.slots))
      nearCount &+= 1
    } else {
      let far = deadline >> TimerWheel.farShift
      let farthest = (tick >> 9) &+ UInt64(TimerWheel.slots) &- 1
      bucket = TimerWheel.slots + Int(min(far, farthest) % UInt64(TimerWheel.slots))
      farCount &+= 1
    }
    let head = unsafe heads[bucket]
    unsafe entries[Int(id)].next = head
    unsafe entries[Int(id)].previous = -1
    unsafe entries[Int(id)].bucket = Int32(truncatingIfNeeded: bucket)
    if head >= 0 { unsafe entries[Int(head)].previous = Int32(truncatingIfNeeded: id) }
    unsafe heads[bucket] = Int32(truncatingIfNeeded: id)
  }

  /// Takes the entry out; nothing happens when it is not scheduled.
  public mutating func cancel(_ id: UInt32) {
    prepare(id)
    let entry = unsafe entries[Int(id)]
    guard entry.bucket >= 0 else { return }
    if entry.previous >= 0 {
      unsafe entries[Int(entry.previous)].next = entry.next
    } else {
      unsafe heads[Int(entry.bucket)] = entry.next
    }
    if entry.next >= 0 { unsafe entries[Int(entry.next)].previous = entry.previous }
    if Int(entry.bucket) < TimerWheel.slots { nearCount &-= 1 } else { farCount &-= 1 }
    unsafe entries[Int(id)].bucket = -1
  }

  public func isScheduled(_ id: UInt32) -> Bool {
    unsafe Int(id) < initialised && entries[Int(id)].bucket >= 0
  }

  /// When the loop should next look, or `UInt64.max`.
  public func nextDeadline() -> UInt64 {
    if nearCount > 0 {
      for step in 1..<UInt64(TimerWheel.slots) {
        let bucket = Int((tick &+ step) % UInt64(TimerWheel.slots))
        if unsafe heads[bucket] >= 0 {
          // Not past the next far bucket, which may hold something earlier than it seems.
          return min((tick &+ step) << TimerWheel.nearShift, nextCascade)
        }
      }
    }
    return farCount > 0 ? nextCascade : .max
  }

  private var nextCascade: UInt64 {
    farCount > 0 ? ((tick >> 9) &+ 1) << TimerWheel.farShift : .max
  }

  /// An entry whose time has come, no longer scheduled; nil when there is none up to `now`.
  public mutating func popExpired(now: UInt64) -> UInt32? {
    let target = now >> TimerWheel.nearShift
    if isEmpty {
      tick = max(tick, target)
      return nil
    }
    while true {
      let bucket = Int(tick % UInt64(TimerWheel.slots))
      let head = unsafe heads[bucket]
      if head >= 0 {
        cancel(UInt32(head))
        return UInt32(head)
      }
      guard tick < target else { return nil }
      tick &+= 1
      if tick & 511 == 0 { cascade() }
    }
  }

  /// Spreads the far bucket whose time has come over the near wheel.
  private mutating func cascade() {
    let bucket = TimerWheel.slots + Int((tick >> 9) % UInt64(TimerWheel.slots))
    var head = unsafe heads[bucket]
    unsafe heads[bucket] = -1
    while head >= 0 {
      let next = unsafe entries[Int(head)].next
      let deadline = unsafe entries[Int(head)].deadline
      farCount &-= 1
      unsafe entries[Int(head)].bucket = -1
      // What is due at this very tick may use its bucket, which is about to be looked at.
      insert(UInt32(head), deadline, earliest: tick)
      head = next
    }
  }
}
