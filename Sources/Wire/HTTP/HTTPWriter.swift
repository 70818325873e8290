/// Writes heads: status lines, request lines and fields, one after the other, and the blank line.
///
/// Example: `HTTPWriter.status(200, into: &out)`, `HTTPWriter.field("Content-Type", "application/json", into: &out)`,
/// `HTTPWriter.contentLength(2, into: &out)`, `HTTPWriter.end(into: &out)`. Nothing is allocated; a head that does not fit shows
/// in the writer's `overflowed`.
public enum HTTPWriter {
  /// `HTTP/1.1 <status> <reason>`.
  public static func status(_ status: UInt16, into out: inout ByteWriter) {
    out.append("HTTP/1.1 ")
    out.append(decimal: UInt64(status))
    out.append(0x20)
    out.append(reason(status))
    out.append("\r\n")
  }

  /// `<method> <target> HTTP/1.1`. The target is the configuration's: it holds no byte that a target may not hold.
  public static func request(
    _ method: HTTPMethod, target: RawSpan, into out: inout ByteWriter
  ) {
    out.append(name(method))
    out.append(0x20)
    out.append(target)
    out.append(" HTTP/1.1\r\n")
  }

  /// A field with a fixed value.
  public static func field(
    _ name: StaticString, _ value: StaticString, into out: inout ByteWriter
  ) {
    out.append(name)
    out.append(": ")
    out.append(value)
    out.append("\r\n")
  }

  /// A field with a value from elsewhere. Returns false, and writes nothing, when the value holds a byte that would end
  /// the field (CR, LF) or that no value may hold: the caller fails closed.
  public static func field(
    _ name: StaticString, _ value: RawSpan, into out: inout ByteWriter
  ) -> Bool {
    guard isFieldValue(value) else { return false }
    out.append(name)
    out.append(": ")
    out.append(value)
    out.append("\r\n")
    return true
  }

  /// A field whose name and value came with another head, such as `Mcp-Param-…`. Checked like the other.
  public static func field(
    name: RawSpan, value: RawSpan, into out: inout ByteWriter
  ) -> Bool {
    guard isFieldName(name), isFieldValue(value) else { return false }
    out.append(name)
    out.append(": ")
    out.append(value)
    out.append("\r\n")
    return true
  }

  /// A field with a number.
  public static func field(_ name: StaticString, decimal: UInt64, into out: inout ByteWriter) {
    out.append(name)
    out.append(": ")
    out.append(decimal: decimal)
    out.append("\r\n")
  }

  public static func contentLength(_ bytes: UInt64, into out: inout ByteWriter) {
    field("Content-Length", decimal: bytes, into: &out)
  }

  public static func chunked(into out: inout ByteWriter) {
    out.append("Transfer-Encoding: chunked\r\n")
  }

  /// `Connection: close`, or `keep-alive` to a client of HTTP/1.0 that asked for it; nothing where the version says so
  /// already.
  public static func connection(
    keepAlive: Bool, minorVersion: UInt8 = 1, into out: inout ByteWriter
  ) {
    if !keepAlive {
      out.append("Connection: close\r\n")
    } else if minorVersion == 0 {
      out.append("Connection: keep-alive\r\n")
    }
  }

  /// The fields of an event stream (mcp-wire §8): type, and what keeps caches and buffering proxies from holding it up.
  public static func eventStreamFields(into out: inout ByteWriter) {
    field("Content-Type", "text/event-stream", into: &out)
    field("Cache-Control", "no-cache, no-transform", into: &out)
    field("X-Accel-Buffering", "no", into: &out)
  }

  /// The blank line.
  public static func end(into out: inout ByteWriter) {
    out.append("\r\n")
  }

  /// A whole interim answer: the client may send its body.
  public static func continueHead(into out: inout ByteWriter) {
    out.append("HTTP/1.1 100 Continue\r\n\r\n")
  }

  /// Bytes of the longest line that begins a chunk (`chunkStart`).
  public static var chunkStartBytesMax: Int { 10 }

  /// The line that begins a chunk of `count` bytes, which is not zero. After the data comes `chunkEnd`.
  public static func chunkStart(_ count: Int, into out: inout ByteWriter) {
    precondition(count > 0 && count <= UInt32.max)
    var shift = (31 &- UInt32(truncatingIfNeeded: count).leadingZeroBitCount) & ~3
    while shift >= 0 {
      let digit = UInt8(truncatingIfNeeded: count &>> shift & 15)
      out.append(digit < 10 ? 0x30 &+ digit : 0x57 &+ digit)
      shift &-= 4
    }
    out.append("\r\n")
  }

  /// What follows the data of a chunk.
  public static func chunkEnd(into out: inout ByteWriter) {
    out.append("\r\n")
  }

  /// The last chunk: the body is whole. Leaving it out tells the client that it is not.
  public static func lastChunk(into out: inout ByteWriter) {
    out.append("0\r\n\r\n")
  }

  /// Whether a value can stand in a field: no control byte but HTAB, no space at either side.
  public static func isFieldValue(_ value: RawSpan) -> Bool {
    let count = value.byteCount
    guard count > 0 else { return true }
    if FieldSection.isSpace(value[byte: 0]) || FieldSection.isSpace(value[byte: count - 1]) {
      return false
    }
    for offset in 0..<count {
      let byte = value[byte: offset]
      if (byte < 0x20 && byte != 0x09) || byte == 0x7f { return false }
    }
    return true
  }

  /// Whether a text can be the name of a field (RFC 9110 §5.1).
  public static func isFieldName(_ name: RawSpan) -> Bool {
    guard name.byteCount > 0 else { return false }
    for offset in 0..<name.byteCount where !isTokenByte(name[byte: offset]) { return false }
    return true
  }

  /// The name of a method; `other` has none and must not be written.
  static func name(_ method: HTTPMethod) -> StaticString {
    switch method {
    case .get: "GET"
    case .post: "POST"
    case .delete: "DELETE"
    case .options: "OPTIONS"
    case .head: "HEAD"
    case .put: "PUT"
    case .patch: "PATCH"
    case .other: preconditionFailure("only known methods are sent")
    }
  }

  /// The reason phrase of a status the gateway uses; empty for others.
  public static func reason(_ status: UInt16) -> StaticString {
    switch status {
    case 200: "OK"
    case 202: "Accepted"
    case 204: "No Content"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 406: "Not Acceptable"
    case 408: "Request Timeout"
    case 411: "Length Required"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 415: "Unsupported Media Type"
    case 417: "Expectation Failed"
    case 421: "Misdirected Request"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    default: ""
    }
  }
}
