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
