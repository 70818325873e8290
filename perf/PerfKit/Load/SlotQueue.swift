/// Slots first in, first out, each at most once.
@safe
struct SlotQueue: ~Copyable {
  private let slots: UnsafeMutablePointer<UInt32>
  private let capacity: Int
  private var head = 0
  private(set) var count = 0

  init(capacity: Int) {
    self.capacity = capacity
    unsafe slots = .allocate(capacity: capacity)
  }

  deinit { unsafe slots.deallocate() }

  var isEmpty: Bool { count == 0 }

  mutating func append(_ slot: UInt32) {
    precondition(count < capacity)
    unsafe slots[(head + count) % capacity] = slot
    count += 1
  }

  mutating func popFirst() -> UInt32? {
    guard count > 0 else { return nil }
    let slot = unsafe slots[head]
    head = (head + 1) % capacity
    count -= 1
    return slot
  }
}
