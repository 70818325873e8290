import Glibc

/// The receive buffers of one event loop: a fixed number of equal buffers, lent to whoever gets a completion.
///
/// With io_uring the kernel picks the buffer when bytes arrive, so a connection that is idle owns none. A pool of a
/// few MiB stays in the cache; a large one is slower, however idle.
@safe
struct BufferPool: ~Copyable {
  let memory: UnsafeMutablePointer<UInt8>
  let count: Int
  let bufferBytes: Int
  /// Buffers that nobody has, as a stack. Used by the back ends that choose the buffer themselves.
  private let free: UnsafeMutablePointer<Int32>
  private(set) var freeCount: Int

  /// - Parameters:
  ///   - count: how many buffers; a power of two up to 32768.
  ///   - bufferBytes: the size of each; a multiple of 64.
  init(count: Int, bufferBytes: Int) {
    precondition(count > 0 && count <= 32768 && count & (count - 1) == 0)
    precondition(bufferBytes >= 64 && bufferBytes % 64 == 0)
    self.count = count
    self.bufferBytes = bufferBytes
    let size = count * bufferBytes
    let pages = unsafe mmap(
      nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    precondition(unsafe pages != MAP_FAILED, "no memory for the receive buffers")
    unsafe memory = pages!.bindMemory(to: UInt8.self, capacity: size)
    unsafe free = .allocate(capacity: count)
    // The lowest buffer is taken first and again: the fewest pages are touched.
    for index in 0..<count { unsafe free[index] = Int32(count - 1 - index) }
    freeCount = count
  }

  deinit {
    unsafe munmap(memory, count * bufferBytes)
    unsafe free.deallocate()
  }

  /// A buffer that nobody has, or nil.
  mutating func take() -> Int32? {
    guard freeCount > 0 else { return nil }
    freeCount &-= 1
    return unsafe free[freeCount]
  }

  mutating func give(_ buffer: Int32) {
    precondition(freeCount < count)
    unsafe free[freeCount] = buffer
    freeCount &+= 1
  }

  func start(of buffer: Int32) -> UnsafeMutablePointer<UInt8> {
    precondition(buffer >= 0 && Int(buffer) < count)
    return unsafe memory + Int(buffer) * bufferBytes
  }
}
