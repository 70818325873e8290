/// Completions that a back end made itself and not the kernel, first in, first out; grows by doubling, never shrinks.
@safe
struct CompletionQueue: ~Copyable {
  private var storage: UnsafeMutablePointer<Completion>
  private var mask: Int
  private var head = 0
  private var tail = 0

  init(capacity: Int) {
    precondition(capacity > 0 && capacity & (capacity - 1) == 0)
    unsafe storage = .allocate(capacity: capacity)
    mask = capacity - 1
  }

  deinit { unsafe storage.deallocate() }

  var isEmpty: Bool { head == tail }

  mutating func append(_ completion: Completion) {
    if tail &- head > mask { grow() }
    unsafe storage[tail & mask] = completion
    tail &+= 1
  }

  mutating func popFirst(into completion: inout Completion) -> Bool {
    guard head != tail else { return false }
    completion = unsafe storage[head & mask]
    head &+= 1
    return true
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<Completion>.allocate(capacity: (mask + 1) * 2)
    for index in head..<tail { unsafe larger[index - head] = storage[index & mask] }
    unsafe storage.deallocate()
    unsafe storage = larger
    tail -= head
    head = 0
    mask = mask * 2 + 1
  }
}
