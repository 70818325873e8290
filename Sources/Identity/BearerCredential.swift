/// The syntax of `Authorization: Bearer <token68>` (RFC 9110 §11.2, RFC 6750 §2.1).
///
///     B e a r e r _ a b c =
///     0 1 2 3 4 5 6 7 8 9 10          tokenOffset -> 7
///
/// `token68 = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`. RFC 6750 allows
/// several spaces after the scheme; one is what every client sends, and one reading is better than
/// two.
enum BearerCredential {
  /// Where the token begins, or nil if the value is not a bearer credential of at most
  /// `Authenticator.valueBytesMax` bytes.
  static func tokenOffset(in value: RawSpan) -> Int? {
    let first = 7
    guard value.byteCount > first, value.byteCount <= Authenticator.valueBytesMax,
      hasScheme(value)
    else { return nil }
    var index = first
    while index < value.byteCount, isTokenByte(byte(value, index)) { index &+= 1 }
    guard index > first else { return nil }
    while index < value.byteCount, byte(value, index) == UInt8(ascii: "=") { index &+= 1 }
    return index == value.byteCount ? first : nil
  }

  /// Whether the value begins with "bearer " in any case. Needs 7 bytes.
  private static func hasScheme(_ value: RawSpan) -> Bool {
    lowercase(value, 0) == UInt8(ascii: "b") && lowercase(value, 1) == UInt8(ascii: "e")
      && lowercase(value, 2) == UInt8(ascii: "a") && lowercase(value, 3) == UInt8(ascii: "r")
      && lowercase(value, 4) == UInt8(ascii: "e") && lowercase(value, 5) == UInt8(ascii: "r")
      && byte(value, 6) == UInt8(ascii: " ")
  }

  @inline(__always)
  private static func byte(_ value: RawSpan, _ index: Int) -> UInt8 {
    unsafe value.unsafeLoad(fromByteOffset: index, as: UInt8.self)
  }

  /// The byte with bit 5 set: a letter's lower case, and for any other byte nothing that equals a
  /// letter of "bearer" (0x42 and 0x62 are the only bytes that become 0x62, and so on).
  @inline(__always)
  private static func lowercase(_ value: RawSpan, _ index: Int) -> UInt8 {
    byte(value, index) | 0x20
  }

  /// One bit per ASCII character, set for those of token68 other than the padding: `+`, and `-` `.`
  /// `/` `0` to `9`.
  @inline(__always)
  private static var tokenBytesBelow64: UInt64 { 1 << 43 | 0x1FFF << 45 }

  /// `A` to `Z`, `_`, `a` to `z`, `~`, each less 64.
  @inline(__always)
  private static var tokenBytesFrom64: UInt64 {
    0x3FF_FFFF << 1 | 1 << 31 | 0x3FF_FFFF << 33 | 1 << 62
  }

  @inline(__always)
  private static func isTokenByte(_ byte: UInt8) -> Bool {
    let set = byte < 64 ? tokenBytesBelow64 : tokenBytesFrom64
    return byte < 128 && (set >> UInt64(byte & 63)) & 1 == 1
  }
}
