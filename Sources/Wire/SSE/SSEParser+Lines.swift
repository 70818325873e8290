internal import CScan

extension SSEParser {
  /// Offset of the first CR or LF at or after `start`, or the end of the bytes.
  static func lineEnd(_ bytes: RawSpan, from start: Int) -> Int {
    precondition(start >= 0 && start <= bytes.byteCount, "the buffer was cut without dropped(_:)")
    return unsafe bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return start }
      let first = unsafe base.assumingMemoryBound(to: UInt8.self)
      return unsafe Int(cscan_http_line_end(first, start, buffer.count))
    }
  }

  /// The value of a line `data…`; nil when the line is of another field.
  static func dataValue(_ bytes: RawSpan, _ line: Range<Int>) -> Range<Int>? {
    let (name, value) = split(bytes, line)
    return equals(bytes, name, "data") ? value : nil
  }

  /// Splits a line at its first colon and takes one space off the value. No colon: all is name, the value is empty.
  static func split(_ bytes: RawSpan, _ line: Range<Int>) -> (name: Range<Int>, value: Range<Int>) {
    var colon = line.lowerBound
    // No field name that means something is longer than "event" or "retry".
    let limit = min(line.upperBound, line.lowerBound + 6)
    while colon < limit, bytes[byte: colon] != 0x3a { colon += 1 }
    guard colon < line.upperBound, bytes[byte: colon] == 0x3a else {
      return (line.lowerBound..<line.upperBound, line.upperBound..<line.upperBound)
    }
    var start = colon + 1
    if start < line.upperBound, bytes[byte: start] == 0x20 { start += 1 }
    return (line.lowerBound..<colon, start..<line.upperBound)
  }

  static func equals(_ bytes: RawSpan, _ range: Range<Int>, _ text: StaticString) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    for index in 0..<range.count {
      let expected = unsafe text.utf8Start[index]
      if bytes[byte: range.lowerBound + index] != expected { return false }
    }
    return true
  }

  static func eventName(_ bytes: RawSpan, _ value: Range<Int>) -> SSEEventName {
    if value.isEmpty || equals(bytes, value, "message") { return .message }
    return equals(bytes, value, "endpoint") ? .endpoint : .other
  }

  static func hasNUL(_ bytes: RawSpan, _ value: Range<Int>) -> Bool {
    for offset in value where bytes[byte: offset] == 0 { return true }
    return false
  }

  /// The number that ASCII digits write, no more than 32 bits; nil for anything else.
  static func decimal(_ bytes: RawSpan, _ value: Range<Int>) -> UInt32? {
    guard !value.isEmpty && value.count <= 10 else { return nil }
    var number: UInt64 = 0
    for offset in value {
      let digit = bytes[byte: offset] &- 0x30
      guard digit < 10 else { return nil }
      number = number * 10 + UInt64(digit)
    }
    return UInt32(exactly: number)
  }
}
