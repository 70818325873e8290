import Glibc

/// Plain searches in bytes, on `memchr`, which the C library vectorises.
enum ByteSearch {
  /// Where `byte` occurs first at or after `start`, or nil.
  static func first(_ byte: UInt8, in bytes: RawSpan, from start: Int = 0) -> Int? {
    unsafe bytes.withUnsafeBytes { buffer in
      guard start < buffer.count, let base = buffer.baseAddress else { return nil }
      guard let hit = unsafe memchr(base + start, Int32(byte), buffer.count - start) else {
        return nil
      }
      return unsafe UnsafeRawPointer(hit) - base
    }
  }

  /// Whether `bytes` has `text` (ASCII, lower case) at `start`, letters compared without case.
  static func hasName(_ text: StaticString, in bytes: RawSpan, from start: Int, to end: Int) -> Bool
  {
    guard end - start == text.utf8CodeUnitCount else { return false }
    return unsafe bytes.withUnsafeBytes { buffer in
      for index in 0..<(end - start) {
        var byte = unsafe buffer[start + index]
        if byte >= 0x41 && byte <= 0x5A { byte |= 0x20 }
        if unsafe byte != text.utf8Start[index] { return false }
      }
      return true
    }
  }

  /// Whether `bytes` from `start` to `end` are exactly `text`.
  static func equals(_ text: StaticString, in bytes: RawSpan, from start: Int, to end: Int) -> Bool
  {
    guard end - start == text.utf8CodeUnitCount, end <= bytes.byteCount else { return false }
    return unsafe bytes.withUnsafeBytes { buffer in
      unsafe memcmp(buffer.baseAddress! + start, text.utf8Start, end - start) == 0
    }
  }

  /// The decimal number in `start..<end`, or nil when there is anything but 1 to 18 digits.
  static func decimal(in bytes: RawSpan, from start: Int, to end: Int) -> Int? {
    guard start < end, end - start <= 18 else { return nil }
    var value = 0
    for index in start..<end {
      let byte = bytes.byte(index)
      guard byte >= 0x30 && byte <= 0x39 else { return nil }
      value = value * 10 + Int(byte - 0x30)
    }
    return value
  }
}

/// A text to look for in many answers, looked for by its rarest byte.
///
/// Example: in `"isError"` the capital E is rare in ordinary JSON, so `memchr` skips almost everything.
struct Needle: Sendable {
  let text: [UInt8]
  private let rareOffset: Int

  init(_ string: String) {
    let text = Array(string.utf8)
    precondition(!text.isEmpty)
    self.text = text
    rareOffset = text.indices.min { Needle.frequency(text[$0]) < Needle.frequency(text[$1]) }!
  }

  /// A rough order of how common a byte is in JSON made of English words and numbers.
  private static func frequency(_ byte: UInt8) -> Int {
    switch byte {
    case 0x22, 0x20, 0x2C, 0x3A: 4
    case 0x61...0x7A: 3
    case 0x30...0x39: 2
    case 0x41...0x5A: 1
    default: 0
    }
  }

  /// Where the text begins at or after `start`, or nil.
  func first(in bytes: RawSpan, from start: Int = 0) -> Int? {
    unsafe bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress, buffer.count - start >= text.count else { return nil }
      var place = start + rareOffset
      let last = buffer.count - text.count + rareOffset
      while place <= last {
        guard let hit = unsafe memchr(base + place, Int32(text[rareOffset]), last - place + 1)
        else { return nil }
        let candidate = unsafe UnsafeRawPointer(hit) - base - rareOffset
        let isEqual = unsafe text.withUnsafeBytes {
          unsafe memcmp(base + candidate, $0.baseAddress!, text.count) == 0
        }
        if isEqual { return candidate }
        place = candidate + rareOffset + 1
      }
      return nil
    }
  }
}
