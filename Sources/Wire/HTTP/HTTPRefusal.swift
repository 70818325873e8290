/// Why a head or a body's framing is refused. Each reason has the status that a client is told; the status
/// is 502 instead when the message came from an upstream server.
public enum HTTPRefusalReason: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  // The head as a whole.
  case headTooLarge
  case tooManyFields
  case controlByte
  case bareCarriageReturn
  case bareLineFeed
  case tlsOnPlainListener
  // The request line.
  case malformedRequestLine
  case methodRefused
  case absoluteForm
  case asteriskForm
  case targetTooLong
  case targetCharacter
  case targetEncoding
  case targetEncodedSeparator
  case targetDotSegment
  case targetEmptySegment
  case versionMalformed
  case versionNotSupported
  // The fields.
  case foldedField
  case fieldWithoutColon
  case fieldNameEmpty
  case fieldNameCharacter
  case repeatedField
  case nonASCIIField
  case hostMissing
  case hostMalformed
  case upgradeRefused
  case expectationUnsupported
  // Framing.
  case contentLengthMalformed
  case transferEncodingUnsupported
  case transferEncodingInHTTP10
  case bothFramings
  // Media.
  case contentTypeUnsupported
  case contentEncodingUnsupported
  case notAcceptable, streamNotAcceptable
  // Answers of an upstream server.
  case statusLineMalformed
  case statusOutOfRange
  case protocolSwitched

  /// The status code a client is answered with.
  public var status: UInt16 {
    switch self {
    case .headTooLarge, .tooManyFields: 431
    case .methodRefused: 405
    case .targetTooLong: 414
    case .versionNotSupported: 505
    case .expectationUnsupported: 417
    case .contentTypeUnsupported, .contentEncodingUnsupported: 415
    case .notAcceptable, .streamNotAcceptable: 406
    case .statusLineMalformed, .statusOutOfRange, .protocolSwitched: 502
    default: 400
    }
  }

  /// One sentence for the client and the log. Holds nothing of what was received.
  public var description: StaticString {
    switch self {
    case .headTooLarge: "the head is larger than the limit"
    case .tooManyFields: "the head has more fields than the limit"
    case .controlByte: "the head holds a control byte"
    case .bareCarriageReturn: "a carriage return is not followed by a line feed"
    case .bareLineFeed: "a line feed does not follow a carriage return"
    case .tlsOnPlainListener: "TLS was spoken to a listener that speaks plain HTTP"
    case .malformedRequestLine: "the request line is not: method, space, target, space, version"
    case .methodRefused: "the method is refused"
    case .absoluteForm: "the request target must begin with a slash"
    case .asteriskForm: "the request target * is refused"
    case .targetTooLong: "the request target is longer than the limit"
    case .targetCharacter: "the request target holds a character that no target may hold"
    case .targetEncoding: "the request target holds a malformed percent-encoding"
    case .targetEncodedSeparator:
      "the request path encodes a slash, a backslash, a dot or a control byte"
    case .targetDotSegment: "the request path holds a dot segment"
    case .targetEmptySegment: "the request path holds an empty segment"
    case .versionMalformed: "the HTTP version is malformed"
    case .versionNotSupported: "only HTTP/1.1 and HTTP/1.0 are supported"
    case .foldedField: "a field is folded over several lines"
    case .fieldWithoutColon: "a field has no colon"
    case .fieldNameEmpty: "a field name is empty"
    case .fieldNameCharacter: "a field name holds a character that no name may hold"
    case .repeatedField: "a field that may appear once appears twice"
    case .nonASCIIField: "a field that Sluice reads holds a byte outside ASCII"
    case .hostMissing: "the Host field is missing"
    case .hostMalformed: "the Host field is malformed"
    case .upgradeRefused: "protocol upgrades are refused"
    case .expectationUnsupported: "the only expectation supported is 100-continue"
    case .contentLengthMalformed: "Content-Length is not a plain decimal number"
    case .transferEncodingUnsupported: "the only transfer coding supported is chunked"
    case .transferEncodingInHTTP10: "HTTP/1.0 has no transfer codings"
    case .bothFramings: "both Content-Length and Transfer-Encoding are present"
    case .contentTypeUnsupported: "the media type must be application/json in UTF-8"
    case .contentEncodingUnsupported: "content codings are refused"
    case .notAcceptable:
      "Not Acceptable: Client must accept both application/json and text/event-stream"
    case .streamNotAcceptable: "Not Acceptable: Client must accept text/event-stream"
    case .statusLineMalformed: "the status line is not: version, space, status, space, reason"
    case .statusOutOfRange: "the status code is not one of 100 to 599"
    case .protocolSwitched: "the server switched protocols, which nobody asked for"
    }
  }
}

/// A refused message: why, with which status, and where.
public struct HTTPRefusal: BitwiseCopyable, Equatable, Sendable {
  public var reason: HTTPRefusalReason
  /// Offset of the byte where it showed, from the start of the head.
  public var offset: UInt32

  @inlinable
  public init(_ reason: HTTPRefusalReason, at offset: Int) {
    self.reason = reason
    self.offset = UInt32(truncatingIfNeeded: offset)
  }

  /// The status code a client is answered with. After a refusal the connection is closed.
  public var status: UInt16 { reason.status }
}

/// What became of the bytes given to a head parser.
public enum HeadResult: BitwiseCopyable, Equatable, Sendable {
  /// The blank line is not there yet: call again with more.
  case incomplete
  /// The head is read.
  case complete
  /// The head is refused: answer (or, upstream, fail the exchange) and close the connection.
  case refused(HTTPRefusal)
}
