/// A 64-bit hash of bytes, to tell most different texts apart before they are compared byte by byte.
///
/// Multiply and fold, eight bytes a step. It is not keyed: the tables it indexes are filled from the configuration
/// alone, so nobody who sends calls can make their chains longer.
enum TextHash {
  @inline(__always)
  private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
  }

  static func of(_ bytes: RawSpan) -> UInt64 {
    let count = bytes.byteCount
    var hash = 0x9E37_79B9_7F4A_7C15 ^ UInt64(truncatingIfNeeded: count)
    var offset = 0
    while offset &+ 8 <= count {
      let word = unsafe bytes.unsafeLoadUnaligned(
        fromUncheckedByteOffset: offset, as: UInt64.self)
      hash = mix(hash ^ word, 0xA076_1D64_78BD_642F)
      offset &+= 8
    }
    var rest: UInt64 = 0
    while offset < count {
      rest = rest << 8 | UInt64(bytes.byte(offset))
      offset &+= 1
    }
    return mix(hash ^ rest, 0xE703_7ED1_A0B4_28DB)
  }
}

extension RawSpan {
  /// The byte at `offset`, which must be below `byteCount`.
  @inline(__always)
  func byte(_ offset: Int) -> UInt8 {
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  /// The first eight bytes as a number, the first one lowest; zeros stand for those that are not there.
  var firstWord: UInt64 {
    if byteCount >= 8 {
      return unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: 0, as: UInt64.self).littleEndian
    }
    var word: UInt64 = 0
    for offset in 0..<byteCount { word |= UInt64(byte(offset)) << UInt64(8 &* offset) }
    return word
  }

  /// Whether both hold the same bytes.
  @inline(__always)
  func sameBytes(as other: RawSpan) -> Bool {
    byteCount == other.byteCount && hasPrefix(other)
  }

  /// Whether these bytes begin with those of `prefix`.
  func hasPrefix(_ prefix: RawSpan) -> Bool {
    let count = prefix.byteCount
    guard count <= byteCount else { return false }
    var offset = 0
    while offset &+ 8 <= count {
      let left = unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
      let right = unsafe prefix.unsafeLoadUnaligned(
        fromUncheckedByteOffset: offset, as: UInt64.self)
      guard left == right else { return false }
      offset &+= 8
    }
    while offset < count {
      guard byte(offset) == prefix.byte(offset) else { return false }
      offset &+= 1
    }
    return true
  }

  /// Whether these bytes end with those of `suffix`.
  func hasSuffix(_ suffix: RawSpan) -> Bool {
    guard suffix.byteCount <= byteCount else { return false }
    return extracting(byteCount &- suffix.byteCount..<byteCount).hasPrefix(suffix)
  }
}
