/// The names of keys that somebody wants to hear of, as a small filter the index asks for every key.
///
/// A filter has no false negatives and few false positives; whoever reads the hits compares names exactly.
public struct JSONWatch: BitwiseCopyable, Sendable {
  /// One bit per value of ten bits of the key's hash.
  var filter: InlineArray<16, UInt64> = .init(repeating: 0)
  /// Whether anything is watched. If not, no hits are recorded at all.
  public private(set) var isActive = false

  /// Differs between watches with different filters: an index that meets it again need not look at the filter.
  private(set) var signature: UInt64 = 0

  /// Watches nothing.
  public static var none: JSONWatch { JSONWatch() }

  public init() {}

  /// Watches keys with this name, whatever the case of their ASCII letters and however they are escaped.
  public mutating func insert(_ name: String) {
    let hash = Self.hash(of: name)
    filter[Self.word(hash)] |= 1 << Self.bit(hash)
    signature = (signature ^ UInt64(hash) ^ 0x9E37_79B9_7F4A_7C15) &* 0xD6E8_FEB8_6659_FD93
    isActive = true
  }

  /// The hash under which the index knows a key of this name (see `JSONIndex.keyHash`). Changes with every process.
  public static func hash(of name: String) -> UInt32 {
    UInt32(truncatingIfNeeded: fullHash(of: name))
  }

  /// The same for a name in UTF-8.
  public static func hash(of name: RawSpan) -> UInt32 {
    unsafe name.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return hash(of: "") }
      return unsafe UInt32(
        truncatingIfNeeded: JSONHash.hash(
          start.assumingMemoryBound(to: UInt8.self), bytes.count, JSONHash.seed))
    }
  }

  private static func fullHash(of name: String) -> UInt64 {
    var name = name
    return name.withUTF8 { bytes in
      guard let start = bytes.baseAddress else {
        return unsafe JSONHash.hash(UnsafePointer(bitPattern: 1)!, 0, JSONHash.seed)
      }
      return unsafe JSONHash.hash(start, bytes.count, JSONHash.seed)
    }
  }

  /// Word and bit of the filter for a key's 32-bit hash.
  @inline(__always)
  static func word(_ hash: UInt32) -> Int { Int(hash &>> 28) }

  @inline(__always)
  static func bit(_ hash: UInt32) -> UInt64 { UInt64(hash &>> 22) & 63 }
}
