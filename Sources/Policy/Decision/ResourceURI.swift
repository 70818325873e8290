import Wire

/// Whether a URI is written in the one way that patterns can be compared with.
///
/// Servers resolve dot segments and decode percent-encodings as they please, so that `orders://public/%2e%2e/salaries` may
/// be another resource than a pattern `orders://public/*` takes it for. Nobody has to write a URI like that: RFC 3986
/// has producers remove dot segments (§6.2.2.3) and leave letters, digits and `-._~` unencoded (§6.2.2.2). One that
/// is written otherwise is refused rather than understood.
///
///     orders://public/a.b/%20c     plain
///     orders://public/../salaries  not: a dot segment; also with \, %2F or %5C in place of /
///     orders://%70ublic/a          not: %70 is an encoded letter
enum ResourceURI {
  static func isPlain(_ text: RawSpan) -> Bool {
    var at = 0
    /// Characters of the current segment, up to three, and how many of them are dots.
    var length = 0
    var dots = 0
    var isInPath = true
    func isDotSegment() -> Bool { dots > 0 && dots == length && dots <= 2 }
    while at < text.byteCount {
      var byte = text.byte(at)
      at &+= 1
      if byte == 0x25, at &+ 1 < text.byteCount, let high = hexadecimal(text.byte(at)),
        let low = hexadecimal(text.byte(at &+ 1))
      {
        byte = high << 4 | low
        at &+= 2
        if isUnreserved(byte) { return false }
      } else if isInPath, byte == 0x3F || byte == 0x23 {
        // What follows ? or # has no segments.
        if isDotSegment() { return false }
        isInPath = false
      }
      guard isInPath else { continue }
      if byte == 0x2F || byte == 0x5C {
        if isDotSegment() { return false }
        length = 0
        dots = 0
      } else {
        length = min(length &+ 1, 3)
        if byte == 0x2E { dots = min(dots &+ 1, 3) }
      }
    }
    return !(isInPath && isDotSegment())
  }

  private static func hexadecimal(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte &- 0x30
    case 0x41...0x46: byte &- 0x37
    case 0x61...0x66: byte &- 0x57
    default: nil
    }
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: true
    default: false
    }
  }
}
