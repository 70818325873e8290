/// The memory one worker and the writer share: a ring's bytes, and the numbers that say how far each has come, each
/// party's on cache lines of its own. Positions count bytes since the start and never wrap; a position's place
/// in the ring is its low bits.
///
/// Worked example, capacity 64 (real rings are larger). Entries of 24, 24 and 24 bytes: the first two lie at 0 and
/// 24; the third does not fit in the 16 bytes left before the end, so those become padding and it starts at place 0,
/// position 64, once the writer has passed position 24 (64 + 24 - 24 <= 64):
///
///     place     0........23 24.......47 48....63        head = 88, consumed = 24
///               third       second      padding         positions 64..<88, 24..<48, 48..<64
///
/// The ring is full when head + the entry + what is set aside would pass consumed + capacity.
@safe
struct RingBlock: @unchecked Sendable {
  private static let lineBytes = 128
  private static let lines = 3
  /// "Nothing wanted" in the two numbers of that name.
  static let nothing = UInt64.max

  /// First byte of the ring.
  let bytes: UnsafeMutableRawPointer
  let capacity: Int
  private let shared: UnsafeMutableRawPointer

  init(capacity: Int) {
    precondition(capacity >= 64 && capacity & (capacity - 1) == 0)
    self.capacity = capacity
    // Zero pages come from the kernel as they are touched, so an idle worker's ring costs nothing.
    unsafe bytes = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 4096)
    unsafe shared = UnsafeMutableRawPointer.allocate(
      byteCount: Self.lines * Self.lineBytes, alignment: Self.lineBytes)
    for place in stride(from: 0, to: Self.lines * Self.lineBytes, by: 8) {
      unsafe SharedNumber.initialize(unsafeAt: shared + place, to: 0)
    }
    wantedRoom.storeRelaxed(Self.nothing)
    wantedDurable.storeRelaxed(Self.nothing)
  }

  /// Gives the memory back; nobody uses the block afterwards.
  func free() {
    unsafe bytes.deallocate()
    unsafe shared.deallocate()
  }

  @inline(__always)
  private func number(line: Int, _ slot: Int) -> SharedNumber {
    unsafe SharedNumber(unsafeAt: shared + (line &* Self.lineBytes &+ slot &* 8))
  }

  /// Worker: everything before this position is written and may be taken.
  var head: SharedNumber { number(line: 0, 0) }
  /// Worker: calls that went ahead unrecorded.
  var drops: SharedNumber { number(line: 0, 1) }
  /// Writer: everything before this position is in a file and its room free again. With `synced` it also is durable.
  var consumed: SharedNumber { number(line: 1, 0) }
  /// Writer: everything before this position is on the disk.
  var durable: SharedNumber { number(line: 1, 1) }
  /// Worker sets, writer resets: wake me when `consumed` has reached this.
  var wantedRoom: SharedNumber { number(line: 2, 0) }
  /// Worker sets, writer resets: wake me when `durable` has reached this.
  var wantedDurable: SharedNumber { number(line: 2, 1) }

  /// The worker's eventfd plus one; 0 before the producer is handed out.
  var wakeDescriptor: SharedNumber { number(line: 2, 2) }

  /// Place in memory of a position.
  @inline(__always)
  func place(of position: UInt64) -> Int { Int(truncatingIfNeeded: position) & (capacity &- 1) }
}
