/// Why a message is refused.
public enum MCPRefusalReason: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  // The document.
  case notJSON
  // The envelope (mcp-wire §3.2, §3.3).
  case batch, batchEmpty, batchTooLong, batchInitialize, batchIDTwice
  case notAnObject, unknownEnvelopeKey, versionOfJSONRPC, idMalformed, methodMalformed
  case messageShape, paramsNotAnObject, metaNotAnObject, errorNotAnObject
  case misleadingKey, nonASCIIKey, controlCharacter, identityNotAString, referenceMalformed
  case responsePosted, answerUnasked
  // Era and headers (§2, §3.4).
  case metaMissing, versionHeaderMissing, versionMismatch, methodHeaderMismatch, nameHeaderMismatch
  case parameterMismatch, headerRepeated, unsupportedVersion, unknownMethod, identityMissing,
    sessionVersionMismatch, stateUnknown, taskUnknown

  /// The JSON-RPC error code (§13).
  public var code: Int32 {
    switch self {
    case .notJSON: -32700
    case .metaMissing, .identityMissing, .referenceMalformed, .stateUnknown, .taskUnknown:
      -32602
    case .versionHeaderMissing, .versionMismatch, .methodHeaderMismatch, .nameHeaderMismatch,
      .parameterMismatch, .headerRepeated:
      -32020
    case .unsupportedVersion: -32022
    case .unknownMethod: -32601
    default: -32600
    }
  }

  /// The message for the client and the log. Holds nothing of what was received.
  public var description: StaticString {
    switch self {
    case .notJSON: "Parse error: the body is not one JSON document in UTF-8"
    case .batch: "Invalid request: batches are not supported"
    case .batchEmpty: "Invalid request: the batch is empty"
    case .batchTooLong: "Invalid request: the batch has more than 32 messages"
    case .batchInitialize: "Invalid request: initialize must not be in a batch"
    case .batchIDTwice: "Invalid request: two requests of the batch have the same id"
    case .notAnObject: "Invalid request: the message is not an object"
    case .unknownEnvelopeKey: "Invalid request: the message has a key that JSON-RPC does not know"
    case .versionOfJSONRPC: "Invalid request: jsonrpc must be \"2.0\""
    case .idMalformed: "Invalid request: the id must be a string or an integer"
    case .methodMalformed: "Invalid request: the method must be a string"
    case .messageShape: "Invalid request: neither a request, a notification nor a response"
    case .paramsNotAnObject: "Invalid request: params must be an object"
    case .metaNotAnObject: "Invalid request: _meta must be an object"
    case .errorNotAnObject: "Invalid request: error must be an object"
    case .misleadingKey:
      "Invalid request: a key differs from a protocol key only in case or compatible characters"
    case .nonASCIIKey: "Invalid request: a key of params holds characters outside ASCII"
    case .controlCharacter:
      "Invalid request: a name, uri, taskId or method holds a control character"
    case .identityNotAString: "Invalid request: name, uri and taskId must be strings"
    case .referenceMalformed:
      "Invalid params: ref must be a prompt's type and name, or a resource's type and uri"
    case .responsePosted: "Body must be a single JSON-RPC request or notification object"
    case .answerUnasked:
      "Invalid request: the server has not asked for this answer, or not any more"
    case .metaMissing:
      "Invalid params: _meta must hold the protocol version and the client's capabilities"
    case .versionHeaderMissing: "Header mismatch: MCP-Protocol-Version is missing"
    case .versionMismatch: "Header mismatch: MCP-Protocol-Version differs from _meta"
    case .methodHeaderMismatch: "Header mismatch: Mcp-Method is missing or differs from the body"
    case .nameHeaderMismatch: "Header mismatch: Mcp-Name is missing or differs from the body"
    case .parameterMismatch:
      "Header mismatch: an Mcp-Param field appears twice, or repeats no argument of the call"
    case .headerRepeated: "Header mismatch: a header appears twice"
    case .unsupportedVersion: "Unsupported protocol version"
    case .unknownMethod: "Method not found"
    case .identityMissing: "Invalid params: the name, uri or taskId is missing"
    case .sessionVersionMismatch:
      "Invalid request: MCP-Protocol-Version differs from the session's version"
    case .stateUnknown:
      "Invalid params: the requestState is not of this call, or has expired: make the call anew without it"
    case .taskUnknown: "Invalid params: there is no such task"
    }
  }
}

/// A refused message: the HTTP status, the JSON-RPC code and text, and the id to answer with.
public struct MCPRefusal: BitwiseCopyable, Sendable {
  public var reason: MCPRefusalReason
  /// The status of the HTTP answer.
  public var status: UInt16
  /// The id's literal in the body; empty when it could not be read, which is answered with null.
  public var id: ByteRange

  @inlinable
  public init(_ reason: MCPRefusalReason, status: UInt16 = 400, id: ByteRange = .empty) {
    self.reason = reason
    self.status = status
    self.id = id
  }

  public var code: Int32 { reason.code }
}
