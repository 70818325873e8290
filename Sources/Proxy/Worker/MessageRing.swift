internal import Synchronization
internal import Wire

/// A bounded queue of messages from one thread to another: no locks, no allocation, nothing waits.
///
/// Messages are bytes, in one piece each, and leave in the order they came in. `head` and `tail` only grow and are on cache
/// lines of their own; the place of a position is its remainder by the capacity.
///
///     tail ↓                       ↓ head
///     | 40 | 25 bytes … fill | 24 | 16 bytes … |                    each message: its length, its size, its bytes, fill to 8
///
/// A message that does not fit before the end of the memory starts over at its beginning, behind a mark that says so.
@safe
final class MessageRing: Sendable {
  private static let headerBytes = 8
  private static let skipped = UInt32.max

  private nonisolated(unsafe) let memory: UnsafeMutableRawPointer
  let capacity: Int

  /// - Parameter capacity: a power of two, at least 64.
  init(capacity: Int) {
    precondition(capacity >= 64 && capacity.nonzeroBitCount == 1)
    self.capacity = capacity
    unsafe memory = .allocate(byteCount: 256 + capacity, alignment: 128)
    for offset in [0, 128] {
      unsafe (memory + offset).bindMemory(to: Atomic<UInt64>.self, capacity: 1)
        .initialize(to: Atomic(0))
    }
  }

  deinit { unsafe memory.deallocate() }

  private var head: UnsafePointer<Atomic<UInt64>> {
    unsafe UnsafePointer(memory.assumingMemoryBound(to: Atomic<UInt64>.self))
  }

  private var tail: UnsafePointer<Atomic<UInt64>> {
    unsafe UnsafePointer((memory + 128).assumingMemoryBound(to: Atomic<UInt64>.self))
  }

  private func place(_ position: UInt64) -> Int {
    Int(truncatingIfNeeded: position) & (capacity &- 1)
  }

  private static func whole(_ count: Int) -> Int { (headerBytes &+ count &+ 7) & ~7 }

  /// Adds a message of at most `count` bytes, which `write` writes. False, and nothing is added, when there is no room now, or
  /// `write` wanted more. For the one thread that adds.
  func push(upTo count: Int, _ write: (inout ByteWriter) -> Void) -> Bool {
    let head = unsafe head.pointee.load(ordering: .relaxed)
    let tail = unsafe tail.pointee.load(ordering: .acquiring)
    let at = place(head)
    let rest = capacity &- at
    let needed = MessageRing.whole(count)
    let skips = needed > rest
    let free = capacity &- Int(truncatingIfNeeded: head &- tail)
    guard needed &+ (skips ? rest : 0) <= free else { return false }
    let start = unsafe memory + 256 + (skips ? 0 : at)
    var writer = unsafe ByteWriter(
      unsafeInto: start + MessageRing.headerBytes, capacity: needed &- MessageRing.headerBytes)
    write(&writer)
    guard !writer.overflowed, writer.count <= count else { return false }
    if skips { store(256 + at, length: rest, size: MessageRing.skipped) }
    let length = MessageRing.whole(writer.count)
    store(256 + (skips ? 0 : at), length: length, size: UInt32(writer.count))
    let after = head &+ UInt64(truncatingIfNeeded: length &+ (skips ? rest : 0))
    unsafe self.head.pointee.store(after, ordering: .releasing)
    return true
  }

  private func store(_ offset: Int, length: Int, size: UInt32) {
    unsafe (memory + offset).storeBytes(of: UInt32(length), as: UInt32.self)
    unsafe (memory + offset).storeBytes(of: size, toByteOffset: 4, as: UInt32.self)
  }

  /// Takes the oldest message out, after `body` has read it; nil when there is none. For the one thread that takes.
  func pop<Result>(_ body: (RawSpan) -> Result) -> Result? {
    var tail = unsafe tail.pointee.load(ordering: .relaxed)
    let head = unsafe head.pointee.load(ordering: .acquiring)
    while tail != head {
      let start = unsafe memory + 256 + place(tail)
      let length = unsafe start.load(as: UInt32.self)
      let size = unsafe start.load(fromByteOffset: 4, as: UInt32.self)
      tail &+= UInt64(length)
      if size == MessageRing.skipped { continue }
      let span = unsafe RawSpan(
        _unsafeStart: UnsafeRawPointer(start + MessageRing.headerBytes), byteCount: Int(size))
      let result = body(span)
      unsafe self.tail.pointee.store(tail, ordering: .releasing)
      return result
    }
    return nil
  }

  /// Whether there is anything to take.
  var isEmpty: Bool {
    unsafe head.pointee.load(ordering: .relaxed) == tail.pointee.load(ordering: .relaxed)
  }

  /// Bytes that a message could have now, at least: for the thread that adds.
  var roomBytes: Int {
    let head = unsafe head.pointee.load(ordering: .relaxed)
    let tail = unsafe tail.pointee.load(ordering: .acquiring)
    let free = capacity &- Int(truncatingIfNeeded: head &- tail)
    let rest = capacity &- place(head)
    return max(0, min(free, max(rest, free &- rest)) &- MessageRing.headerBytes)
  }
}
