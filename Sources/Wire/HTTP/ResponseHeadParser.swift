/// Reads the heads of upstream answers as strictly as `RequestHeadParser` reads requests. Every refusal means that the
/// server failed: the agent gets an error, the connection is closed, nothing of it is reused.
///
/// Example, with `|` for CRLF: `HTTP/1.1 200 OK|content-type: text/event-stream|transfer-encoding: chunked||`.
/// A status line without the space before an empty reason is accepted, since nothing depends on it.
public enum ResponseHeadParser {
  /// Reads a head from the beginning of `bytes`; parameters as in `RequestHeadParser.parse`.
  public static func parse(
    _ bytes: RawSpan, scannedUpTo: inout UInt32, limits: HTTPLimits,
    into head: inout ResponseHead, fields: inout FieldTable
  ) -> HeadResult {
    HeadScan.parse(bytes, scannedUpTo: &scannedUpTo, limits: limits, fields: &fields) {
      read($0, limits, &head, &$1)
    }
  }

  private static func read(
    _ head: HeadBytes, _ limits: HTTPLimits, _ response: inout ResponseHead,
    _ fields: inout FieldTable
  ) -> HTTPRefusal? {
    response = ResponseHead()
    response.headBytes = UInt32(truncatingIfNeeded: head.count)
    let feed = head.lineFeed(from: 0)
    if let refusal = statusLine(head, feed &- 1, &response) { return refusal }
    if let refusal = FieldSection.read(
      head, from: feed &+ 1, once: responseFieldsAllowedOnce(), limits: limits, into: &fields,
      known: &response.known)
    {
      return refusal
    }
    return semantics(head, fields, &response)
  }

  /// - Parameter end: offset of the carriage return that ends the line.
  private static func statusLine(
    _ head: HeadBytes, _ end: Int, _ response: inout ResponseHead
  ) -> HTTPRefusal? {
    guard end >= 12, head[8] == 0x20, end == 12 || head[12] == 0x20 else {
      return HTTPRefusal(.statusLineMalformed, at: 0)
    }
    switch head.word64(0) {
    case 0x312e_312f_5054_5448: response.minorVersion = 1
    case 0x302e_312f_5054_5448: response.minorVersion = 0
    default: return HTTPRefusal(.statusLineMalformed, at: 0)
    }
    var status: UInt16 = 0
    for offset in 9..<12 {
      let digit = head[offset] &- 0x30
      guard digit < 10 else { return HTTPRefusal(.statusLineMalformed, at: offset) }
      status = status &* 10 &+ UInt16(digit)
    }
    guard status >= 100 && status < 600 else { return HTTPRefusal(.statusOutOfRange, at: 9) }
    guard status != 101 else { return HTTPRefusal(.protocolSwitched, at: 9) }
    response.status = status
    return nil
  }

  private static func semantics(
    _ head: HeadBytes, _ fields: borrowing FieldTable, _ response: inout ResponseHead
  ) -> HTTPRefusal? {
    let known = response.known
    if let refusal = framing(head, known, &response) { return refusal }
    response.keepAlive =
      response.framing != .untilClose
      && RequestSemantics.keepAlive(head, known, fields, minorVersion: response.minorVersion)
    if known.contains(.contentType) {
      response.contentKind = head.withSpan(known[.contentType], MediaType.kind)
    }
    if known.contains(.contentEncoding) {
      response.isEncoded = !head.withSpan(known[.contentEncoding], MediaType.isIdentity)
    }
    let session = known[.mcpSessionID]
    for offset in session.range where head[offset] < 0x21 || head[offset] > 0x7e {
      return HTTPRefusal(.nonASCIIField, at: offset)
    }
    return nil
  }

  private static func framing(
    _ head: HeadBytes, _ known: KnownFields, _ response: inout ResponseHead
  ) -> HTTPRefusal? {
    let length = known[.contentLength]
    let coding = known[.transferEncoding]
    if known.contains(.contentLength) && known.contains(.transferEncoding) {
      return HTTPRefusal(.bothFramings, at: Int(coding.offset))
    }
    if known.contains(.contentLength) {
      guard let bytes = BodyLength.read(head, length) else {
        return HTTPRefusal(.contentLengthMalformed, at: Int(length.offset))
      }
      response.framing = .length(bytes)
    } else if known.contains(.transferEncoding) {
      guard response.minorVersion == 1 else {
        return HTTPRefusal(.transferEncodingInHTTP10, at: Int(coding.offset))
      }
      guard TransferCoding.isChunked(head, coding) else {
        return HTTPRefusal(.transferEncodingUnsupported, at: Int(coding.offset))
      }
      response.framing = .chunked
    } else {
      response.framing = .untilClose
    }
    let hasNoBody = response.status < 200 || response.status == 204 || response.status == 304
    if hasNoBody { response.framing = .none }
    return nil
  }
}
