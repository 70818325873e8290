/// Strings of JSON (RFC 8259 §7) in ASCII without control characters: safe on a terminal, and one reading for every parser.
enum JSONEscape {
  /// Appends a text as it stands between the quotation marks of a string.
  static func append(_ text: String, to bytes: inout [UInt8]) {
    var text = text
    text.withUTF8 { source in
      var start = 0
      while start < source.count {
        var end = start
        while end < source.count, unsafe isPlain(source[end]) { end += 1 }
        if end > start { unsafe bytes.append(contentsOf: source[start..<end]) }
        guard end < source.count else { return }
        // As a rule it is a quotation mark.
        if unsafe source[end] < 0x80 {
          unsafe append(UInt16(source[end]), to: &bytes)
          start = end + 1
          continue
        }
        let length = unsafe characterBytes(source[end])
        let character = unsafe String(decoding: source[end..<end + length], as: UTF8.self)
        for unit in character.utf16 { append(unit, to: &bytes) }
        start = end + length
      }
    }
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte < 0x7F && byte != 0x22 && byte != 0x5C
  }

  /// How many bytes a character has that is not ASCII.
  private static func characterBytes(_ first: UInt8) -> Int {
    first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
  }

  private static func append(_ unit: UInt16, to bytes: inout [UInt8]) {
    switch unit {
    case 0x22, 0x5C:
      bytes.append(0x5C)
      bytes.append(UInt8(unit))
    case 0x0A:
      bytes.append(0x5C)
      bytes.append(0x6E)
    default:
      bytes.append(0x5C)
      bytes.append(0x75)
      for shift in [12, 8, 4, 0] as [UInt16] {
        let digit = UInt8(truncatingIfNeeded: unit >> shift & 15)
        bytes.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
      }
    }
  }
}
