internal import Wire

/// Where the three parts of a signed JWT in compact form are (RFC 7515 §3.1).
///
///     e y J . e y J . H x 9
///     0     3       7       11      header 0..<3, payload 4..<7, signature 8..<11, signed 0..<7
struct TokenParts {
  let header: Range<Int>
  let payload: Range<Int>
  let signature: Range<Int>

  /// What the signature is over: header, dot, payload.
  var signed: Range<Int> { 0..<payload.upperBound }

  /// Nil unless there are exactly two dots, something on both sides of the first, and only characters of base64url between
  /// them. The signature may be empty: it then is a wrong one, and said to be.
  init?(_ token: RawSpan) {
    var first = -1
    var second = -1
    for offset in 0..<token.byteCount {
      let byte = unsafe token.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      switch byte {
      case UInt8(ascii: "."):
        guard second < 0 else { return nil }
        if first < 0 { first = offset } else { second = offset }
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        break
      default: return nil
      }
    }
    guard first > 0, second > first + 1 else { return nil }
    header = 0..<first
    payload = (first + 1)..<second
    signature = (second + 1)..<token.byteCount
  }
}
