/// A stretch of bytes inside a message, by offset: what survives a completion where a span cannot.
///
/// Messages are bounded well below 4 GiB, so 32 bits each suffice and a range fits in a register.
public struct ByteRange: BitwiseCopyable, Equatable, Sendable {
  /// Offset of the first byte from the start of the message.
  public var offset: UInt32
  /// Number of bytes; zero for an absent or empty stretch.
  public var count: UInt32

  @inlinable
  public init(offset: UInt32, count: UInt32) {
    self.offset = offset
    self.count = count
  }

  @inlinable
  public init(_ range: Range<Int>) {
    self.init(
      offset: UInt32(truncatingIfNeeded: range.lowerBound),
      count: UInt32(truncatingIfNeeded: range.count))
  }

  /// Nothing, at the start.
  @inlinable
  public static var empty: ByteRange { ByteRange(offset: 0, count: 0) }

  @inlinable
  public var isEmpty: Bool { count == 0 }

  /// Offset one past the last byte.
  @inlinable
  public var end: UInt32 { offset &+ count }

  /// The same stretch as a range of `Int` offsets, for slicing spans.
  @inlinable
  public var range: Range<Int> { Int(offset)..<Int(offset) + Int(count) }
}
