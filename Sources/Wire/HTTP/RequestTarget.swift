internal import CScan

/// Judges the target of a request line: origin form only, and a path that can be read in one way only.
///
/// Servers differ in what `/a/../b`, `/a//b`, `/a%2Fb`, `/%2e%2e/b` or `/a/..;/b` mean, so none of them gets through.
/// Other percent-encodings stay as they are: routes match the bytes.
///
/// Example: `/orders/mcp?x=%41` gives path `/orders/mcp` and query `x=%41`.
enum RequestTarget {
  /// - Parameters:
  ///   - start: offset of the first byte.
  ///   - limit: offset past the last byte that may be looked at (the line's carriage return).
  /// - Returns: a refusal, or nil with `end` at the space after the target.
  static func read(
    _ head: HeadBytes, _ start: Int, _ limit: Int, into request: inout RequestHead, end: inout Int
  ) -> HTTPRefusal? {
    guard head[start] == 0x2f else { return otherForm(head, start) }
    var at = start
    while true {
      let byte = head[at]
      switch Int(cscan_http_target_class(byte)) {
      case CSCAN_HTTP_TARGET_PLAIN:
        at &+= 1
      case CSCAN_HTTP_TARGET_SLASH:
        if let refusal = segment(head, at &+ 1) { return refusal }
        at &+= 1
      case CSCAN_HTTP_TARGET_PERCENT:
        guard let value = decoded(head, at, limit) else {
          return HTTPRefusal(.targetEncoding, at: at)
        }
        let isSeparator = value == 0x2f || value == 0x5c || value == 0x2e
        if isSeparator || value < 0x20 || value == 0x7f {
          return HTTPRefusal(.targetEncodedSeparator, at: at)
        }
        at &+= 3
      case CSCAN_HTTP_TARGET_QUERY:
        request.target = ByteRange(start..<at)
        return query(head, at &+ 1, limit, into: &request, end: &end)
      default:
        guard byte == 0x20 else { return notATarget(byte, at) }
        request.target = ByteRange(start..<at)
        request.query = ByteRange(offset: UInt32(truncatingIfNeeded: at), count: 0)
        end = at
        return nil
      }
    }
  }

  /// Reads the query: the path's characters, and slashes and question marks too.
  private static func query(
    _ head: HeadBytes, _ start: Int, _ limit: Int, into request: inout RequestHead, end: inout Int
  ) -> HTTPRefusal? {
    var at = start
    while true {
      let byte = head[at]
      switch Int(cscan_http_target_class(byte)) {
      case CSCAN_HTTP_TARGET_REFUSED:
        guard byte == 0x20 else { return notATarget(byte, at) }
        request.query = ByteRange(start..<at)
        end = at
        return nil
      case CSCAN_HTTP_TARGET_PERCENT:
        guard let value = decoded(head, at, limit) else {
          return HTTPRefusal(.targetEncoding, at: at)
        }
        if value < 0x20 || value == 0x7f { return HTTPRefusal(.targetEncodedSeparator, at: at) }
        at &+= 3
      default:
        at &+= 1
      }
    }
  }

  private static func notATarget(_ byte: UInt8, _ offset: Int) -> HTTPRefusal {
    HTTPRefusal(byte == 0x0d ? .malformedRequestLine : .targetCharacter, at: offset)
  }

  private static func otherForm(_ head: HeadBytes, _ start: Int) -> HTTPRefusal {
    switch head[start] {
    case 0x2a:
      // The connection preface of HTTP/2 (RFC 9113 §3.4) deserves an answer that says so.
      head.equals(ByteRange(0..<14), folded: "pri * http/2.0")
        ? HTTPRefusal(.versionNotSupported, at: 0) : HTTPRefusal(.asteriskForm, at: start)
    case 0x0d, 0x20: HTTPRefusal(.malformedRequestLine, at: start)
    default: HTTPRefusal(.absoluteForm, at: start)
    }
  }

  /// Refuses a segment that is empty (unless it is the last), `.`, or `..`, also with `;parameters` behind the dots.
  @inline(__always)
  private static func segment(_ head: HeadBytes, _ start: Int) -> HTTPRefusal? {
    let byte = head[start]
    if byte == 0x2f { return HTTPRefusal(.targetEmptySegment, at: start) }
    guard byte == 0x2e else { return nil }
    let second = head[start &+ 1]
    let last = second == 0x2e ? head[start &+ 2] : second
    switch last {
    case 0x2f, 0x3b, 0x3f, 0x20, 0x0d: return HTTPRefusal(.targetDotSegment, at: start)
    default: return nil
    }
  }

  /// The byte that `%XX` at `offset` stands for; nil when it is not two hexadecimal digits.
  private static func decoded(_ head: HeadBytes, _ offset: Int, _ limit: Int) -> UInt8? {
    guard offset &+ 2 < limit, let high = hexadecimal(head[offset &+ 1]),
      let low = hexadecimal(head[offset &+ 2])
    else { return nil }
    return high &<< 4 | low
  }

  /// The value of a hexadecimal digit.
  @inline(__always)
  static func hexadecimal(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte &- 0x30
    case 0x41...0x46: byte &- 0x37
    case 0x61...0x66: byte &- 0x57
    default: nil
    }
  }
}
