/// Memory for the rare key that has to be unescaped before it can be hashed or compared.
@safe
struct JSONScratch: ~Copyable {
  private(set) var bytes: UnsafeMutablePointer<UInt8>
  private var capacity: Int

  init() {
    capacity = 256
    unsafe bytes = .allocate(capacity: capacity)
  }

  deinit { unsafe bytes.deallocate() }

  /// Makes room for `count` bytes; what was there before is lost.
  mutating func reserve(_ count: Int) {
    guard count > capacity else { return }
    unsafe bytes.deallocate()
    capacity = max(2 * capacity, count)
    unsafe bytes = .allocate(capacity: capacity)
  }
}

/// Memory for checking the keys of large objects. Objects are checked one at a time, when they close.
@safe
struct JSONKeyTable: ~Copyable {
  private(set) var slots: UnsafeMutablePointer<UInt32>
  private var capacity = 128

  init() {
    unsafe slots = .allocate(capacity: capacity)
    unsafe slots.initialize(repeating: 0, count: capacity)
  }

  deinit { unsafe slots.deallocate() }

  /// Makes room for `count` slots; what was there before is lost.
  mutating func reserve(_ count: Int) {
    guard count > capacity else { return }
    unsafe slots.deallocate()
    capacity = count
    unsafe slots = .allocate(capacity: capacity)
  }
}
