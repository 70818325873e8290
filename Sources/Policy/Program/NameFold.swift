import Wire

/// Brings names to the form under which a careless reader would take them for the same.
///
/// Some servers match names without regard to case, blanks or width; the policy matches exactly. A name that is
/// not a known one, but folds to it, would slip between the two readings, so such names are refused.
///
///     " Query\u{200B}"   ->  "query"        blanks around, invisible characters, ASCII case
///     "Ｑｕｅｒｙ"         ->  "query"        fullwidth forms (U+FF01...U+FF5E)
///     "\u{212A}ey"       ->  "key"          Kelvin sign and long s, which fold to ASCII (CVE-2026-27896)
///
/// This is less than NFKC: it covers the foldings to ASCII that JSON libraries and servers are known to do.
enum NameFold {
  private enum Folded {
    case dropped
    case blank
    case scalar(UInt32)
  }

  /// Appends the folded form of `name`, valid UTF-8, to `writer`.
  static func fold(_ name: RawSpan, into writer: inout ByteWriter) {
    let start = writer.count
    var lastVisible = start
    var offset = 0
    while offset < name.byteCount {
      let (scalar, length) = decode(name, at: offset)
      switch fold(scalar) {
      case .dropped: break
      case .blank:
        if writer.count > start { writer.append(0x20) }
      case .scalar(let folded) where folded < 0x80:
        writer.append(UInt8(truncatingIfNeeded: folded))
        lastVisible = writer.count
      case .scalar:
        writer.append(name.extracting(offset..<offset &+ length))
        lastVisible = writer.count
      }
      offset &+= length
    }
    writer.rewind(to: lastVisible)
  }

  private static func fold(_ scalar: UInt32) -> Folded {
    switch scalar {
    case 0x20: .blank
    case 0x00...0x1F, 0x7F: .dropped
    case 0x41...0x5A: .scalar(scalar | 0x20)
    case 0x00...0x7E: .scalar(scalar)
    case 0xA0, 0x2000...0x200A, 0x202F, 0x205F, 0x3000: .blank
    case 0x80...0x9F, 0xAD, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFE00...0xFE0F,
      0xFEFF, 0xE0000...0xE007F:
      .dropped
    case 0x17F: .scalar(0x73)
    case 0x212A: .scalar(0x6B)
    case 0xFF21...0xFF3A: .scalar((scalar &- 0xFEE0) | 0x20)
    case 0xFF01...0xFF5E: .scalar(scalar &- 0xFEE0)
    default: .scalar(scalar)
    }
  }

  /// The scalar at `offset` of valid UTF-8, and its length in bytes.
  private static func decode(_ text: RawSpan, at offset: Int) -> (UInt32, Int) {
    let lead = UInt32(text.byte(offset))
    if lead < 0x80 { return (lead, 1) }
    let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
    guard offset &+ length <= text.byteCount else { return (lead, text.byteCount &- offset) }
    var scalar = lead & (0x7F >> UInt32(length))
    for step in 1..<length {
      scalar = scalar << 6 | UInt32(text.byte(offset &+ step)) & 0x3F
    }
    return (scalar, length)
  }
}

extension NameFold {
  /// The folded form of a name of the configuration.
  static func fold(_ name: String) -> [UInt8] {
    fold(Array(name.utf8))
  }

  static func fold(_ bytes: [UInt8]) -> [UInt8] {
    return unsafe withUnsafeTemporaryAllocation(byteCount: bytes.count + 1, alignment: 1) {
      buffer in
      guard let base = buffer.baseAddress else { return [] }
      var writer = unsafe ByteWriter(unsafeInto: base, capacity: buffer.count)
      unsafe fold(bytes.span.bytes, into: &writer)
      let written = writer.written
      return (0..<written.byteCount).map { written.byte($0) }
    }
  }

  /// Whether `key` folds to `folded`, without being equal to `exact`; nil when `key` is too long to say.
  ///
  /// Almost every key is visible ASCII of another length, or differs at once: those never reach the buffer.
  static func differsOnlyByFolding(
    _ key: RawSpan, exact: RawSpan, folded: RawSpan, buffer: inout ByteWriter
  ) -> Bool? {
    if key.sameBytes(as: exact) { return false }
    if isVisibleASCII(key) {
      return key.byteCount == folded.byteCount && equalsIgnoringCase(key, folded)
    }
    buffer.rewind(to: 0)
    fold(key, into: &buffer)
    return buffer.overflowed ? nil : buffer.written.sameBytes(as: folded)
  }

  private static func isVisibleASCII(_ text: RawSpan) -> Bool {
    for offset in 0..<text.byteCount {
      guard 0x21...0x7E ~= text.byte(offset) else { return false }
    }
    return true
  }

  /// Whether `text`, visible ASCII, equals `lowercase` once its letters are lower case.
  private static func equalsIgnoringCase(_ text: RawSpan, _ lowercase: RawSpan) -> Bool {
    for offset in 0..<text.byteCount {
      let byte = text.byte(offset)
      let lower = 0x41...0x5A ~= byte ? byte | 0x20 : byte
      guard lower == lowercase.byte(offset) else { return false }
    }
    return true
  }
}
