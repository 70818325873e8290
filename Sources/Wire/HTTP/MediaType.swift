/// The media types of MCP answers that an Accept field lists.
public struct AcceptedTypes: OptionSet, BitwiseCopyable, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// `application/json`, directly or through a wildcard.
  public static var json: AcceptedTypes { AcceptedTypes(rawValue: 1) }
  /// `text/event-stream`, directly or through a wildcard.
  public static var eventStream: AcceptedTypes { AcceptedTypes(rawValue: 2) }
}

/// What the body of an answer is, by its Content-Type.
public enum ContentKind: UInt8, BitwiseCopyable, Sendable {
  /// No Content-Type.
  case absent
  /// `application/json`, in UTF-8 as far as it says.
  case json
  /// `text/event-stream`, in UTF-8 as far as it says.
  case eventStream
  /// Anything else, and everything malformed.
  case other
}

/// Reads field values that speak of media types (RFC 9110 §8.3.1 and §12.5.1).
///
/// Example: ` text/event-stream ; q=0.5` is type `text/event-stream`, one parameter.
public enum MediaType {
  /// Whether a Content-Type is `application/json` with no parameter or with `charset=utf-8` only. Anything that some
  /// server could read as another type or charset, such as a list or a second parameter, is not.
  public static func isStrictJSON(_ value: RawSpan) -> Bool {
    let end = typeEnd(value)
    guard equals(value, 0..<end, "application/json") else { return false }
    return end == value.byteCount || isCharsetUTF8(value, from: end)
  }

  /// Whether a Content-Encoding changes nothing.
  public static func isIdentity(_ value: RawSpan) -> Bool {
    equals(value, 0..<value.byteCount, "identity")
  }

  /// The kind of an answer's Content-Type. Parameters other than a charset are ignored: the type is never forwarded.
  public static func kind(_ value: RawSpan) -> ContentKind {
    let end = typeEnd(value)
    let isJSON = equals(value, 0..<end, "application/json")
    guard isJSON || equals(value, 0..<end, "text/event-stream") else { return .other }
    guard end == value.byteCount || hasAcceptableParameters(value, from: end) else {
      return .other
    }
    return isJSON ? .json : .eventStream
  }

  /// What one Accept field lists. A range with a quality of zero does not count; nor does a malformed one.
  public static func accepted(_ value: RawSpan) -> AcceptedTypes {
    var types: AcceptedTypes = []
    var start = 0
    while start < value.byteCount {
      let end = itemEnd(value, from: start)
      types.formUnion(acceptedItem(value, start, end))
      start = end + 1
    }
    return types
  }

  private static func acceptedItem(_ value: RawSpan, _ start: Int, _ end: Int) -> AcceptedTypes {
    var first = start
    while first < end, isSpace(value[byte: first]) { first += 1 }
    var last = first
    while last < end, value[byte: last] != 0x3b, !isSpace(value[byte: last]) { last += 1 }
    let range = first..<last
    let types: AcceptedTypes
    if equals(value, range, "application/json") {
      types = .json
    } else if equals(value, range, "text/event-stream") {
      types = .eventStream
    } else if equals(value, range, "*/*") {
      types = [.json, .eventStream]
    } else if equals(value, range, "application/*") {
      types = .json
    } else if equals(value, range, "text/*") {
      types = .eventStream
    } else {
      return []
    }
    return hasQualityZero(value, last, end) ? [] : types
  }

  /// Whether `;q=0`, `;q=0.0` and the like stand in `start..<end`, or something that is not a parameter list.
  private static func hasQualityZero(_ value: RawSpan, _ start: Int, _ end: Int) -> Bool {
    var at = start
    while at < end {
      while at < end, isSpace(value[byte: at]) { at += 1 }
      if at == end { return false }
      guard value[byte: at] == 0x3b else { return true }
      at += 1
      while at < end, isSpace(value[byte: at]) { at += 1 }
      let name = at
      while at < end, value[byte: at] != 0x3b, !isSpace(value[byte: at]) { at += 1 }
      guard at - name >= 2, value[byte: name] | 0x20 == 0x71, value[byte: name + 1] == 0x3d else {
        continue
      }
      var isZero = true
      for digit in name + 2..<at where value[byte: digit] != 0x30 && value[byte: digit] != 0x2e {
        isZero = false
      }
      if isZero { return true }
    }
    return false
  }

  /// Where the item that begins at `start` ends: a comma outside quotes, or the end.
  private static func itemEnd(_ value: RawSpan, from start: Int) -> Int {
    var at = start
    var isQuoted = false
    while at < value.byteCount {
      let byte = value[byte: at]
      if byte == 0x22 { isQuoted.toggle() }
      if byte == 0x2c && !isQuoted { return at }
      at += isQuoted && byte == 0x5c ? 2 : 1
    }
    return value.byteCount
  }

  /// Where type and subtype end: before white space or a semicolon.
  private static func typeEnd(_ value: RawSpan) -> Int {
    var end = 0
    while end < value.byteCount, value[byte: end] != 0x3b, !isSpace(value[byte: end]) { end += 1 }
    return end
  }

  /// Whether `; charset=utf-8` and nothing else stands from `start` on.
  private static func isCharsetUTF8(_ value: RawSpan, from start: Int) -> Bool {
    var at = start
    while at < value.byteCount, isSpace(value[byte: at]) { at += 1 }
    guard at < value.byteCount, value[byte: at] == 0x3b else { return false }
    at += 1
    while at < value.byteCount, isSpace(value[byte: at]) { at += 1 }
    let parameter = at..<value.byteCount
    return equals(value, parameter, "charset=utf-8")
      || equals(value, parameter, "charset=\"utf-8\"")
  }

  /// Whether parameters stand from `start` on and none of them names a charset other than UTF-8.
  private static func hasAcceptableParameters(_ value: RawSpan, from start: Int) -> Bool {
    var at = start
    while at < value.byteCount {
      while at < value.byteCount, isSpace(value[byte: at]) { at += 1 }
      if at == value.byteCount { return true }
      guard value[byte: at] == 0x3b else { return false }
      at += 1
      while at < value.byteCount, isSpace(value[byte: at]) { at += 1 }
      let name = at
      while at < value.byteCount, value[byte: at] != 0x3b, !isSpace(value[byte: at]) {
        if value[byte: at] == 0x2c { return false }
        at += 1
      }
      guard at - name >= 8, equals(value, name..<name + 8, "charset=") else { continue }
      let charset = name + 8..<at
      guard equals(value, charset, "utf-8") || equals(value, charset, "\"utf-8\"") else {
        return false
      }
    }
    return true
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  /// Whether the bytes in `range` are `text` (given in lower case) in any case of ASCII letters.
  private static func equals(_ value: RawSpan, _ range: Range<Int>, _ text: StaticString) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    for index in 0..<range.count {
      var byte = value[byte: range.lowerBound + index]
      if byte >= 0x41 && byte <= 0x5a { byte |= 0x20 }
      let expected = unsafe text.utf8Start[index]
      if byte != expected { return false }
    }
    return true
  }
}

extension RawSpan {
  /// The byte at `offset`, checked.
  @inline(__always)
  subscript(byte offset: Int) -> UInt8 { unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self) }
}
