/// Methods beyond the protocol's that a server may be sent, as one text: a line for each, exact or with a star at its end that
/// stands for the rest.
///
/// Example: `com.example/jobs.*` lists `com.example/jobs.status`.
enum MethodList {
  /// - Parameter methods: without line breaks.
  static func text(_ methods: [String]) -> String { methods.joined(separator: "\n") }

  /// - Parameter method: unescaped, and without control characters, so that it never reaches over a line's end.
  static func contains(_ list: RawSpan, _ method: RawSpan) -> Bool {
    var start = 0
    while start < list.byteCount {
      var end = start
      while end < list.byteCount, byte(list, end) != UInt8(ascii: "\n") { end &+= 1 }
      if matches(list.extracting(start..<end), method) { return true }
      start = end &+ 1
    }
    return false
  }

  private static func matches(_ pattern: RawSpan, _ method: RawSpan) -> Bool {
    let count = pattern.byteCount
    guard count > 0 else { return false }
    guard byte(pattern, count &- 1) == UInt8(ascii: "*") else {
      return equalBytes(pattern, method)
    }
    return method.byteCount >= count &- 1
      && equalBytes(pattern.extracting(first: count &- 1), method.extracting(first: count &- 1))
  }

  private static func byte(_ text: RawSpan, _ offset: Int) -> UInt8 {
    unsafe text.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }
}
