/// Takes a JSON array apart into its elements, without looking into them: a batch of JSON-RPC (revision 2025-03-26).
///
/// Whoever uses the elements reads each of them strictly. Then the whole was strict JSON as well: between strict elements, where
/// strings and brackets are where they seem to be, there is nothing but commas and white space.
///
///     [ {"a":"]"} , {"b":[1,2]} ]     ranges of {"a":"]"} and {"b":[1,2]}
public struct JSONBatch: BitwiseCopyable, Sendable {
  /// Elements of one batch. Beyond: `tooMany`.
  public static var elementsMax: Int { 32 }

  public enum Outcome: BitwiseCopyable, Sendable, Equatable {
    case elements
    /// No array, or one that is not closed, or has something behind it, or nothing between two commas.
    case malformed
    case tooMany
  }

  private var ranges = InlineArray<32, ByteRange>(repeating: .empty)
  public private(set) var count = 0

  public init() {}

  public subscript(number: Int) -> ByteRange {
    precondition(number < count)
    return ranges[number]
  }

  /// Finds the elements of the array that `bytes` hold; an empty one has none.
  public mutating func read(_ bytes: RawSpan) -> Outcome {
    count = 0
    var at = Self.skipSpace(bytes, 0)
    guard at < bytes.byteCount, bytes[byte: at] == UInt8(ascii: "[") else { return .malformed }
    at = Self.skipSpace(bytes, at + 1)
    if at < bytes.byteCount, bytes[byte: at] == UInt8(ascii: "]") { return end(bytes, at) }
    while true {
      let start = Self.skipSpace(bytes, at)
      guard let stop = Self.elementEnd(bytes, start) else { return .malformed }
      var last = stop
      while last > start, Self.isSpace(bytes[byte: last - 1]) { last -= 1 }
      guard last > start else { return .malformed }
      guard count < Self.elementsMax else { return .tooMany }
      ranges[count] = ByteRange(start..<last)
      count += 1
      if bytes[byte: stop] == UInt8(ascii: "]") { return end(bytes, stop) }
      at = stop + 1
    }
  }

  /// Behind the array there may be white space only.
  private func end(_ bytes: RawSpan, _ bracket: Int) -> Outcome {
    Self.skipSpace(bytes, bracket + 1) == bytes.byteCount ? .elements : .malformed
  }

  /// The comma or bracket that ends the element; nil when there is none.
  private static func elementEnd(_ bytes: RawSpan, _ start: Int) -> Int? {
    var depth = 0
    var at = start
    while at < bytes.byteCount {
      switch bytes[byte: at] {
      case UInt8(ascii: "\""):
        guard let quote = stringEnd(bytes, at + 1) else { return nil }
        at = quote
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "]") where depth == 0, UInt8(ascii: ",") where depth == 0: return at
      case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
      default: break
      }
      if depth < 0 { return nil }
      at += 1
    }
    return nil
  }

  /// The quote that ends a string.
  private static func stringEnd(_ bytes: RawSpan, _ start: Int) -> Int? {
    var at = start
    while at < bytes.byteCount {
      switch bytes[byte: at] {
      case UInt8(ascii: "\""): return at
      case UInt8(ascii: "\\"): at += 2
      default: at += 1
      }
    }
    return nil
  }

  private static func skipSpace(_ bytes: RawSpan, _ start: Int) -> Int {
    var at = start
    while at < bytes.byteCount, isSpace(bytes[byte: at]) { at += 1 }
    return at
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }
}
