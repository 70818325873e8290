/// Judges what the fields of a request say together: framing, host, persistence, expectations.
enum RequestSemantics {
  @inline(__always)
  static func apply(
    _ head: HeadBytes, _ fields: borrowing FieldTable, _ request: inout RequestHead
  ) -> HTTPRefusal? {
    let known = request.known
    if known.contains(.upgrade) {
      return HTTPRefusal(.upgradeRefused, at: Int(known[.upgrade].offset))
    }
    if let refusal = host(head, known, minorVersion: request.minorVersion) { return refusal }
    if let refusal = framing(head, known, &request) { return refusal }
    if known.contains(.expect) {
      guard head.equals(known[.expect], folded: "100-continue") else {
        return HTTPRefusal(.expectationUnsupported, at: Int(known[.expect].offset))
      }
      // RFC 9110 §10.1.1: a server ignores the expectation of an HTTP/1.0 client.
      request.expectsContinue = request.minorVersion == 1 && request.framing != .none
    }
    request.keepAlive = keepAlive(head, known, fields, minorVersion: request.minorVersion)
    request.accepts = accepts(head, known, fields)
    return onlyASCII(head, known)
  }

  /// RFC 9112 §3.2: exactly one Host with HTTP/1.1 (twice was refused before), at most one with HTTP/1.0.
  private static func host(
    _ head: HeadBytes, _ known: KnownFields, minorVersion: UInt8
  ) -> HTTPRefusal? {
    let range = known[.host]
    guard known.contains(.host) else {
      return minorVersion == 0 ? nil : HTTPRefusal(.hostMissing, at: head.count)
    }
    guard !range.isEmpty else { return HTTPRefusal(.hostMalformed, at: Int(range.offset)) }
    for offset in range.range where !isHostByte(head[offset]) {
      return HTTPRefusal(.hostMalformed, at: offset)
    }
    return nil
  }

  /// Letters, digits, and what else names, addresses and ports are written with. No user, path, list or encoding.
  @inline(__always)
  private static func isHostByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x3a, 0x41...0x5b, 0x61...0x7a, 0x2d, 0x2e, 0x5d, 0x5f: true
    default: false
    }
  }

  private static func framing(
    _ head: HeadBytes, _ known: KnownFields, _ request: inout RequestHead
  ) -> HTTPRefusal? {
    let length = known[.contentLength]
    let coding = known[.transferEncoding]
    switch (known.contains(.contentLength), known.contains(.transferEncoding)) {
    case (false, false):
      request.framing = .none
    case (true, true):
      return HTTPRefusal(.bothFramings, at: Int(coding.offset))
    case (true, false):
      guard let bytes = BodyLength.read(head, length) else {
        return HTTPRefusal(.contentLengthMalformed, at: Int(length.offset))
      }
      request.framing = .length(bytes)
    case (false, true):
      guard request.minorVersion == 1 else {
        return HTTPRefusal(.transferEncodingInHTTP10, at: Int(coding.offset))
      }
      guard TransferCoding.isChunked(head, coding) else {
        return HTTPRefusal(.transferEncodingUnsupported, at: Int(coding.offset))
      }
      request.framing = .chunked
    }
    return nil
  }

  private static func accepts(
    _ head: HeadBytes, _ known: KnownFields, _ fields: borrowing FieldTable
  ) -> AcceptedTypes {
    guard known.contains(.accept) else { return [] }
    // What the SDKs send, word for word.
    if head.equals(known[.accept], folded: "application/json, text/event-stream") {
      return [.json, .eventStream]
    }
    var types: AcceptedTypes = []
    for index in 0..<fields.count where fields[index].known == .accept {
      types.formUnion(head.withSpan(fields[index].value) { MediaType.accepted($0) })
    }
    return types
  }

  /// RFC 9112 §9.3. Connection is a list and may come in several fields; `close` anywhere wins.
  static func keepAlive(
    _ head: HeadBytes, _ known: KnownFields, _ fields: borrowing FieldTable, minorVersion: UInt8
  ) -> Bool {
    guard known.contains(.connection) else { return minorVersion == 1 }
    var keeps = minorVersion == 1
    for index in 0..<fields.count where fields[index].known == .connection {
      switch head.withSpan(fields[index].value, ConnectionOptions.read) {
      case .close: return false
      case .keepAlive: keeps = true
      case .neither: break
      }
    }
    return keeps
  }

  /// A field that the gateway reads must not depend on how bytes outside ASCII are decoded.
  private static func onlyASCII(_ head: HeadBytes, _ known: KnownFields) -> HTTPRefusal? {
    guard head.hasHighMarks else { return nil }
    for index in 0..<HTTPFieldName.knownCount
    where index != Int(HTTPFieldName.userAgent.rawValue) {
      let range = known.values[index]
      if head.hasHigh(Int(range.offset), Int(range.end)) {
        return HTTPRefusal(.nonASCIIField, at: Int(range.offset))
      }
    }
    return nil
  }
}

/// Content-Length (RFC 9110 §8.6), digits only.
enum BodyLength {
  /// The number that 1 to 18 digits without needless leading zeros write; nil for anything else.
  static func read(_ head: HeadBytes, _ range: ByteRange) -> UInt64? {
    let count = Int(range.count)
    guard count >= 1 && count <= 18 else { return nil }
    if count > 1 && head[Int(range.offset)] == 0x30 { return nil }
    var value: UInt64 = 0
    for offset in range.range {
      let digit = head[offset] &- 0x30
      guard digit < 10 else { return nil }
      value = value &* 10 &+ UInt64(digit)
    }
    return value
  }
}

/// Transfer-Encoding (RFC 9112 §6.1): `chunked`, alone.
enum TransferCoding {
  static func isChunked(_ head: HeadBytes, _ range: ByteRange) -> Bool {
    guard head.equals(range, folded: "chunked") else { return false }
    // Some readers take a tab behind the value for a part of it, and so for a coding they do not know, others for the
    // optional white space that it is (RFC 9110 §5.6.3). Nobody sends one there, and framing has one reading or none.
    var offset = Int(range.end)
    while offset < head.count, head[offset] == 0x20 { offset += 1 }
    return offset >= head.count || head[offset] != 0x09
  }
}

/// The options of one Connection field.
enum ConnectionOptions {
  case close, keepAlive, neither

  static func read(_ value: RawSpan) -> ConnectionOptions {
    var found = ConnectionOptions.neither
    var start = 0
    while start < value.byteCount {
      var end = start
      while end < value.byteCount, value[byte: end] != 0x2c { end += 1 }
      var first = start
      var last = end
      while first < last, FieldSection.isSpace(value[byte: first]) { first += 1 }
      while first < last, FieldSection.isSpace(value[byte: last - 1]) { last -= 1 }
      if equals(value, first, last, "close") { return .close }
      if equals(value, first, last, "keep-alive") { found = .keepAlive }
      start = end + 1
    }
    return found
  }

  private static func equals(_ value: RawSpan, _ start: Int, _ end: Int, _ text: StaticString)
    -> Bool
  {
    guard end - start == text.utf8CodeUnitCount else { return false }
    for index in 0..<end - start {
      let expected = unsafe text.utf8Start[index]
      if value[byte: start + index] | 0x20 != expected { return false }
    }
    return true
  }
}
