/// How the body of a request is framed.
public enum RequestFraming: BitwiseCopyable, Equatable, Sendable {
  /// Neither Content-Length nor Transfer-Encoding: there is no body.
  case none
  /// So many bytes follow.
  case length(UInt64)
  /// Chunks follow: see `ChunkedDecoder`.
  case chunked
}

/// A request head that was read and found sound. Plain values: every range counts from the first byte of the head,
/// so the head outlives the span it was read from as long as the bytes stay where they are.
public struct RequestHead: BitwiseCopyable, Sendable {
  public internal(set) var method: HTTPMethod = .other
  /// 1 for HTTP/1.1, 0 for HTTP/1.0.
  public internal(set) var minorVersion: UInt8 = 1
  /// Whether the connection may carry another request after this one (RFC 9112 §9.3).
  public internal(set) var keepAlive = false
  /// Whether the client waits for `100 Continue` before it sends the body.
  public internal(set) var expectsContinue = false
  /// The media types of MCP answers that the client accepts.
  public internal(set) var accepts: AcceptedTypes = []
  /// Bytes of the head, the blank line included: the body begins there.
  public internal(set) var headBytes: UInt32 = 0
  /// The path as it came, percent-encodings and all: begins with a slash, no dot segments, no empty segments before the
  /// last, no encoded slash, backslash, dot or control byte. Routes match it byte for byte.
  public internal(set) var target: ByteRange = .empty
  /// What follows the question mark; empty when there is none.
  public internal(set) var query: ByteRange = .empty
  public internal(set) var framing: RequestFraming = .none
  var known = KnownFields()

  public init() {}

  /// The head of a request of the gateway's own.
  public init(method: HTTPMethod) { self.method = method }

  /// Whether the field was there at all; a field with an empty value is there.
  public func has(_ name: HTTPFieldName) -> Bool {
    name.rawValue < HTTPFieldName.knownCount && known.contains(name)
  }

  /// Whether there is a field `Mcp-Param-…`.
  public var hasParameters: Bool { known.contains(.mcpParameter) }

  // Values without surrounding white space; empty when the field is absent or has no value.
  public var host: ByteRange { known[.host] }
  public var authorization: ByteRange { known[.authorization] }
  public var contentType: ByteRange { known[.contentType] }
  public var contentEncoding: ByteRange { known[.contentEncoding] }
  /// The last Accept field; `accepts` has the sum of all of them.
  public var accept: ByteRange { known[.accept] }
  public var origin: ByteRange { known[.origin] }
  public var mcpSessionID: ByteRange { known[.mcpSessionID] }
  public var mcpProtocolVersion: ByteRange { known[.mcpProtocolVersion] }
  public var mcpMethod: ByteRange { known[.mcpMethod] }
  public var mcpName: ByteRange { known[.mcpName] }
  public var lastEventID: ByteRange { known[.lastEventID] }
  public var userAgent: ByteRange { known[.userAgent] }

  /// Judges Content-Type and Content-Encoding of a POST: exactly `application/json`, at most with `charset=utf-8`, and no
  /// content coding. nil when both are as they must be. (mcp-wire: 415.)
  public func mediaRefusal(in bytes: RawSpan) -> HTTPRefusal? {
    if known.contains(.contentEncoding),
      !MediaType.isIdentity(bytes.extracting(contentEncoding.range))
    {
      return HTTPRefusal(.contentEncodingUnsupported, at: Int(contentEncoding.offset))
    }
    guard MediaType.isStrictJSON(bytes.extracting(contentType.range)) else {
      return HTTPRefusal(.contentTypeUnsupported, at: Int(contentType.offset))
    }
    return nil
  }

  /// Judges Accept: a POST must list both types, a GET `text/event-stream`. nil when it does. (mcp-wire: 406.)
  public var acceptRefusal: HTTPRefusal? {
    let needed: AcceptedTypes = method == .post ? [.json, .eventStream] : [.eventStream]
    if accepts.isSuperset(of: needed) { return nil }
    return HTTPRefusal(
      method == .post ? .notAcceptable : .streamNotAcceptable, at: Int(accept.offset))
  }
}
