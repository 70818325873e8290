/// Slots that wait for one and the same delay, so that the first in is the first due. Each slot waits at most once.
@safe
struct DelayQueue: ~Copyable {
  private struct Entry {
    var slot: UInt32
    var deadline: UInt64
  }

  private let entries: UnsafeMutablePointer<Entry>
  private let capacity: Int
  private var head = 0
  private var count = 0

  init(capacity: Int) {
    self.capacity = capacity
    unsafe entries = .allocate(capacity: capacity)
  }

  deinit { unsafe entries.deallocate() }

  /// When the next one is due, or `UInt64.max`.
  var nextDeadline: UInt64 { count > 0 ? unsafe entries[head].deadline : .max }

  mutating func append(_ slot: UInt32, at deadline: UInt64) {
    precondition(count < capacity)
    unsafe entries[(head + count) % capacity] = Entry(slot: slot, deadline: deadline)
    count += 1
  }

  /// A slot that is due, or nil.
  mutating func pop(now: UInt64) -> UInt32? {
    guard count > 0, unsafe entries[head].deadline <= now else { return nil }
    let slot = unsafe entries[head].slot
    head = (head + 1) % capacity
    count -= 1
    return slot
  }
}
