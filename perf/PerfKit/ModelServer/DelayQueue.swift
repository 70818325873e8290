/// Slots that wait for one and the same delay, so that the first in is the first due.
///
/// Example: with a delay of 5 ms, `append(3, …, at: 12 ms)` and `append(8, …, at: 14 ms)`; at 13 ms `pop` gives 3 and
/// then nothing. A slot may have been given to somebody else meanwhile, which its generation tells.
@safe
struct DelayQueue: ~Copyable {
  struct Entry: BitwiseCopyable {
    var slot: UInt32
    var generation: UInt16
    var deadline: UInt64
  }

  private var entries: UnsafeMutablePointer<Entry>
  private var capacity: Int
  private var head = 0
  private var count = 0

  /// - Parameter capacity: how many are expected; more make it grow.
  init(capacity: Int) {
    precondition(capacity > 0)
    self.capacity = capacity
    unsafe entries = .allocate(capacity: capacity)
  }

  deinit { unsafe entries.deallocate() }

  /// When the next one is due, or `UInt64.max`.
  var nextDeadline: UInt64 { count > 0 ? unsafe entries[head].deadline : .max }

  mutating func append(_ slot: UInt32, generation: UInt16 = 0, at deadline: UInt64) {
    if count == capacity { grow() }
    unsafe entries[(head + count) % capacity] = Entry(
      slot: slot, generation: generation, deadline: deadline)
    count += 1
  }

  /// One that is due, or nil.
  mutating func pop(now: UInt64) -> Entry? {
    guard count > 0, unsafe entries[head].deadline <= now else { return nil }
    let entry = unsafe entries[head]
    head = (head + 1) % capacity
    count -= 1
    return entry
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<Entry>.allocate(capacity: capacity * 2)
    for index in 0..<count { unsafe larger[index] = entries[(head + index) % capacity] }
    unsafe entries.deallocate()
    unsafe entries = larger
    capacity *= 2
    head = 0
  }
}
