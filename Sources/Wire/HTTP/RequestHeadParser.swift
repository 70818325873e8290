/// Reads request heads (RFC 9112), one reading or none.
///
/// A C kernel marks line feeds and colons and refuses control bytes, 64 bytes at a time, until it has seen the
/// blank line; Swift then walks the marks. Stricter than the RFC where servers differ: see `HTTPRefusalReason`.
///
/// Example, with `|` for CRLF: `POST /mcp HTTP/1.1|Host: a|Content-Length: 2||{}` gives method POST, target `/mcp`,
/// framing 2 bytes, headBytes 47, one known field besides; the two body bytes are not looked at.
public enum RequestHeadParser {
  /// Reads a head from the beginning of `bytes`.
  /// - Parameters:
  ///   - bytes: everything received of this request so far (more may follow the head).
  ///   - scannedUpTo: zero for a new request; the parser keeps in it how far it has looked, so that a head that
  ///     arrives in many pieces is looked at about once.
  ///   - head: filled when the answer is `.complete`, undefined otherwise.
  ///   - fields: filled likewise.
  public static func parse(
    _ bytes: RawSpan, scannedUpTo: inout UInt32, limits: HTTPLimits,
    into head: inout RequestHead, fields: inout FieldTable
  ) -> HeadResult {
    HeadScan.parse(bytes, scannedUpTo: &scannedUpTo, limits: limits, fields: &fields) {
      read($0, limits, &head, &$1)
    }
  }

  private static func read(
    _ head: HeadBytes, _ limits: HTTPLimits, _ request: inout RequestHead,
    _ fields: inout FieldTable
  ) -> HTTPRefusal? {
    request = RequestHead()
    request.headBytes = UInt32(truncatingIfNeeded: head.count)
    let line = head.lineFeed(from: 0)
    if let refusal = requestLine(head, line &- 1, limits, &request) { return refusal }
    if let refusal = FieldSection.read(
      head, from: line &+ 1, once: requestFieldsAllowedOnce(), limits: limits, into: &fields,
      known: &request.known)
    {
      return refusal
    }
    return RequestSemantics.apply(head, fields, &request)
  }

  /// - Parameter end: offset of the carriage return that ends the line.
  private static func requestLine(
    _ head: HeadBytes, _ end: Int, _ limits: HTTPLimits, _ request: inout RequestHead
  ) -> HTTPRefusal? {
    // The shortest line there is: "X / HTTP/1.1".
    guard end >= 12 else { return HTTPRefusal(.malformedRequestLine, at: 0) }
    var space = 0
    while head.isToken(space) { space &+= 1 }
    guard space > 0, head[space] == 0x20 else {
      return HTTPRefusal(.malformedRequestLine, at: space)
    }
    guard let method = method(head, count: space) else { return HTTPRefusal(.methodRefused, at: 0) }
    request.method = method
    var targetEnd = 0
    if let refusal = RequestTarget.read(head, space &+ 1, end, into: &request, end: &targetEnd) {
      return refusal
    }
    guard targetEnd &- space &- 1 <= limits.targetBytesMax else {
      return HTTPRefusal(.targetTooLong, at: space &+ 1)
    }
    return version(head, targetEnd &+ 1, end, &request)
  }

  /// nil for CONNECT and TRACE. Methods are case-sensitive (RFC 9110 §9.1).
  @inline(__always)
  private static func method(_ head: HeadBytes, count: Int) -> HTTPMethod? {
    // The line is at least 12 bytes long, so eight can be loaded; what is not of the method is shifted out.
    guard count <= 8 else { return .other }
    let word = head.word64(0) &<< UInt64(truncatingIfNeeded: 64 &- count &* 8)
    switch word {
    case Self.word("POST"): return .post
    case Self.word("GET"): return .get
    case Self.word("DELETE"): return .delete
    case Self.word("OPTIONS"): return .options
    case Self.word("HEAD"): return .head
    case Self.word("PUT"): return .put
    case Self.word("PATCH"): return .patch
    case Self.word("CONNECT"), Self.word("TRACE"): return nil
    default: return .other
    }
  }

  /// The letters of `text` in the high bytes, the last letter highest; the compiler folds it.
  @inline(__always)
  private static func word(_ text: StaticString) -> UInt64 {
    var value: UInt64 = 0
    for index in 0..<text.utf8CodeUnitCount {
      value = value &>> 8 | UInt64(unsafe text.utf8Start[index]) &<< 56
    }
    return value
  }

  /// `HTTP/1.1` or `HTTP/1.0`, in capitals.
  @inline(__always)
  private static func version(
    _ head: HeadBytes, _ start: Int, _ end: Int, _ request: inout RequestHead
  ) -> HTTPRefusal? {
    guard end &- start == 8 else { return HTTPRefusal(.versionMalformed, at: start) }
    switch head.word64(start) {
    case 0x312e_312f_5054_5448: request.minorVersion = 1
    case 0x302e_312f_5054_5448: request.minorVersion = 0
    default:
      let isVersion =
        head.word32(start) == 0x5054_5448 && head[start &+ 4] == 0x2f
        && isDigit(head[start &+ 5]) && head[start &+ 6] == 0x2e && isDigit(head[start &+ 7])
      return HTTPRefusal(isVersion ? .versionNotSupported : .versionMalformed, at: start)
    }
    return nil
  }

  @inline(__always)
  private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
}
