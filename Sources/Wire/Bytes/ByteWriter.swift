/// Writes bytes one after the other into memory that somebody else owns, and never past its end.
///
/// A write that does not fit writes nothing, sets `overflowed`, and so does every later one: the owner looks
/// once, at the end, and fails closed. The owner keeps the memory alive for as long as the writer lives.
@safe
public struct ByteWriter: ~Copyable {
  @usableFromInline let base: UnsafeMutableRawPointer

  /// Number of bytes the memory holds.
  public let capacity: Int
  /// Number of bytes written so far.
  public private(set) var count: Int = 0
  /// Whether some write did not fit. What was written before it is intact, what came after is missing.
  public private(set) var overflowed = false

  /// - Parameters:
  ///   - base: the first writable byte; the caller owns the memory and outlives the writer.
  ///   - capacity: how many bytes may be written from `base` on.
  public init(unsafeInto base: UnsafeMutableRawPointer, capacity: Int) {
    precondition(capacity >= 0)
    unsafe self.base = base
    self.capacity = capacity
  }

  /// What was written so far.
  public var written: RawSpan {
    @_lifetime(borrow self)
    get {
      let span = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(base), byteCount: count)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// Makes room for `bytes` more and returns where they go, or nil (and `overflowed`) when they do not fit.
  @inline(__always)
  private mutating func claim(_ bytes: Int) -> UnsafeMutableRawPointer? {
    guard bytes <= capacity &- count, !overflowed else {
      overflowed = true
      return nil
    }
    let place = unsafe base + count
    count &+= bytes
    return unsafe place
  }

  public mutating func append(_ byte: UInt8) {
    guard let place = unsafe claim(1) else { return }
    unsafe place.storeBytes(of: byte, as: UInt8.self)
  }

  public mutating func append(_ text: StaticString) {
    let length = text.utf8CodeUnitCount
    guard let place = unsafe claim(length) else { return }
    unsafe place.copyMemory(from: text.utf8Start, byteCount: length)
  }

  public mutating func append(_ bytes: RawSpan) {
    guard let place = unsafe claim(bytes.byteCount) else { return }
    unsafe bytes.withUnsafeBytes { source in
      if let start = source.baseAddress {
        unsafe place.copyMemory(from: start, byteCount: source.count)
      }
    }
  }

  /// Appends the part of `bytes` that `range` names; the range must lie inside.
  public mutating func append(_ bytes: RawSpan, _ range: ByteRange) {
    append(bytes.extracting(range.range))
  }

  /// Appends `value` in decimal.
  public mutating func append(decimal value: UInt64) {
    var digits: InlineArray<20, UInt8> = .init(repeating: 0)
    var first = 20
    var rest = value
    repeat {
      first &-= 1
      digits[first] = UInt8(truncatingIfNeeded: 48 &+ rest % 10)
      rest /= 10
    } while rest != 0
    guard let place = unsafe claim(20 &- first) else { return }
    for index in first..<20 {
      unsafe place.storeBytes(of: digits[index], toByteOffset: index &- first, as: UInt8.self)
    }
  }

  /// Lets `body` write straight into the free memory: it gets the next free byte and how many there are, and returns
  /// how many it wrote, or nil when what it has to write does not fit.
  public mutating func appendUnsafely(
    _ body: (_ place: UnsafeMutableRawPointer, _ room: Int) -> Int?
  ) {
    guard !overflowed else { return }
    let room = capacity &- count
    guard let bytes = unsafe body(base + count, room) else {
      overflowed = true
      return
    }
    precondition(bytes >= 0 && bytes <= room, "wrote past the end")
    count &+= bytes
  }

  /// Forgets everything written from `count` on, so that a caller can take back a piece it began.
  /// Has no effect once the writer has overflowed.
  public mutating func rewind(to count: Int) {
    guard !overflowed, count <= self.count else { return }
    self.count = count
  }
}
