/// How the body of an answer is framed (RFC 9112 §6.3).
public enum ResponseFraming: BitwiseCopyable, Equatable, Sendable {
  /// No body: 1xx, 204, 304.
  case none
  case length(UInt64)
  case chunked
  /// The body ends with the connection. Whether it is whole cannot be told.
  case untilClose
}

/// An answer's head from an upstream server, read and found sound. Ranges count from its first byte.
public struct ResponseHead: BitwiseCopyable, Sendable {
  /// 100 to 599; 101 is refused.
  public internal(set) var status: UInt16 = 0
  /// 1 for HTTP/1.1, 0 for HTTP/1.0.
  public internal(set) var minorVersion: UInt8 = 1
  /// Whether the connection may carry another exchange once this body is read to its end.
  public internal(set) var keepAlive = false
  public internal(set) var contentKind: ContentKind = .absent
  /// Whether a content coding other than `identity` is applied: the body cannot be judged, so it must not pass.
  public internal(set) var isEncoded = false
  /// Bytes of the head, the blank line included.
  public internal(set) var headBytes: UInt32 = 0
  public internal(set) var framing: ResponseFraming = .untilClose
  var known = KnownFields()

  public init() {}

  /// Whether this is an interim answer (1xx): the caller skips it and reads the next head behind it.
  public var isInterim: Bool { status < 200 }

  public func has(_ name: HTTPFieldName) -> Bool {
    name.rawValue < HTTPFieldName.knownCount && known.contains(name)
  }

  public var contentType: ByteRange { known[.contentType] }
  public var mcpSessionID: ByteRange { known[.mcpSessionID] }
  public var location: ByteRange { known[.location] }
  public var retryAfter: ByteRange { known[.retryAfter] }
  public var authenticate: ByteRange { known[.authenticate] }
}
