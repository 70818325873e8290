internal import CScan

/// The bytes of one head and what the scanning kernel marked in them: the fence around raw loads.
///
/// Invariant: `marks` covers `bytes[0..<count]`, and every offset handed to a method lies below `count` (debug builds
/// check it). Line feeds come out in order; the scan has already established that the last one ends the head.
@safe
struct HeadBytes {
  private let base: UnsafePointer<UInt8>
  private let marks: UnsafePointer<cscan_http_marks>
  /// Bytes of the head, the blank line included.
  let count: Int

  init(_ base: UnsafePointer<UInt8>, count: Int, marks: UnsafePointer<cscan_http_marks>) {
    unsafe self.base = base
    unsafe self.marks = marks
    self.count = count
  }

  @inline(__always)
  subscript(_ offset: Int) -> UInt8 {
    assert(offset >= 0 && offset < count)
    return unsafe base[offset]
  }

  @inline(__always)
  func word64(_ offset: Int) -> UInt64 {
    assert(offset >= 0 && offset + 8 <= count)
    return unsafe UnsafeRawPointer(base).loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      .littleEndian
  }

  @inline(__always)
  func word32(_ offset: Int) -> UInt32 {
    assert(offset >= 0 && offset + 4 <= count)
    return unsafe UnsafeRawPointer(base).loadUnaligned(fromByteOffset: offset, as: UInt32.self)
      .littleEndian
  }

  /// Whether the byte may stand in a name (tchar, RFC 9110 §5.6.2).
  @inline(__always)
  func isToken(_ offset: Int) -> Bool { cscan_http_is_token(self[offset]) != 0 }

  /// Offset of the first line feed at or after `offset`. There is one: the head ends with it.
  @inline(__always)
  func lineFeed(from offset: Int) -> Int {
    var block = offset &>> 6
    var word = unsafe marks[block].line_feeds & (~0 &<< UInt64(truncatingIfNeeded: offset & 63))
    while word == 0 {
      block &+= 1
      assert(block &* 64 < count)
      word = unsafe marks[block].line_feeds
    }
    return block &<< 6 &+ word.trailingZeroBitCount
  }

  /// Offset of the first colon at or after `offset`, or a value at or past `end` when there is none before it.
  @inline(__always)
  func colon(from offset: Int, before end: Int) -> Int {
    var block = offset &>> 6
    var word = unsafe marks[block].colons & (~0 &<< UInt64(truncatingIfNeeded: offset & 63))
    while word == 0 {
      block &+= 1
      if block &<< 6 >= end { return end }
      word = unsafe marks[block].colons
    }
    return block &<< 6 &+ word.trailingZeroBitCount
  }

  /// Whether a byte from 0x80 up lies in `start..<end`, byte by byte.
  func hasHigh(_ start: Int, _ end: Int) -> Bool {
    for offset in start..<end where self[offset] >= 0x80 { return true }
    return false
  }

  /// Whether the bytes of `range` are `text` in any case of its ASCII letters. `text` is lower-case letters, digits and
  /// marks that have bit 5 set, so that setting that bit in the bytes folds them: only control bytes and letters change,
  /// and the scan has refused control bytes (HTAB becomes a closing bracket, which no text has).
  @inline(__always)
  func equals(_ range: ByteRange, folded text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    guard Int(range.count) == length else { return false }
    return unsafe equals(Int(range.offset), folded: UnsafeRawPointer(text.utf8Start), length)
  }

  private func equals(_ start: Int, folded text: UnsafeRawPointer, _ length: Int) -> Bool {
    var index = 0
    while index &+ 8 <= length {
      let word = word64(start &+ index) | 0x2020_2020_2020_2020
      let expected = unsafe text.loadUnaligned(fromByteOffset: index, as: UInt64.self).littleEndian
      if word != expected { return false }
      index &+= 8
    }
    while index < length {
      let expected = unsafe text.load(fromByteOffset: index, as: UInt8.self)
      if self[start &+ index] | 0x20 != expected { return false }
      index &+= 1
    }
    return true
  }

  /// Hands out the bytes of a range as a span.
  @inline(__always)
  func withSpan<Result>(_ range: ByteRange, _ body: (RawSpan) -> Result) -> Result {
    assert(Int(range.end) <= count)
    return unsafe body(
      RawSpan(_unsafeStart: UnsafeRawPointer(base + Int(range.offset)), byteCount: Int(range.count))
    )
  }

  /// Whether any byte of the head is 0x80 or more.
  var hasHighMarks: Bool {
    let last = (count &- 1) &>> 6
    var any: UInt64 = 0
    for block in 0..<last { any |= unsafe marks[block].high }
    // The last block may hold bytes of the body too.
    let inHead = ~0 &>> UInt64(truncatingIfNeeded: 63 &- (count &- 1) & 63)
    return unsafe (any | marks[last].high & inHead) != 0
  }
}
