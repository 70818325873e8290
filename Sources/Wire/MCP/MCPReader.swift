/// Reads one JSON-RPC message from a document that the strict index has accepted.
///
/// One reading or none: the envelope holds exactly the keys of JSON-RPC, ids are strings or integers, and no key of the
/// envelope, of `params` or of `_meta` could be taken for a protocol key by a server that folds case or compatible
/// characters (see `MCPKey`).
///
/// Example: `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"query"}}` is a request with id `7`, method
/// `toolsCall` and the token of `"query"`; the same without `id` is a notification, with `"id":7.0` it is refused.
public enum MCPReader {
  /// Longest string id, in bytes between its quotes.
  public static var idBytesMax: Int { 256 }

  public static func read(
    _ bytes: RawSpan, index: borrowing JSONIndex, from sender: MCPSender = .client
  ) -> MCPReadResult {
    switch index.kind(of: index.root, in: bytes) {
    case .object: break
    case .array: return .refused(MCPRefusal(.batch))
    default: return .refused(MCPRefusal(.notAnObject))
    }
    var message = MCPMessage()
    if let reason = envelope(bytes, index, sender, &message) {
      return .refused(MCPRefusal(reason, id: message.id))
    }
    return .message(message)
  }

  /// What to answer to a body that the index refused: a batch where only objects are read is an invalid request, anything
  /// else a parse error.
  public static func refusal(for violation: JSONViolation, in bytes: RawSpan) -> MCPRefusal {
    guard violation.reason == .rootNotObject else { return MCPRefusal(.notJSON) }
    let start = Int(violation.offset)
    guard start < bytes.byteCount else { return MCPRefusal(.notJSON) }
    switch bytes[byte: start] {
    case UInt8(ascii: "["): return MCPRefusal(.batch)
    case UInt8(ascii: "\""), UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      return MCPRefusal(.notAnObject)
    default:
      let rest = bytes.extracting(droppingFirst: start)
      let isWord = begins(rest, "true") || begins(rest, "false") || begins(rest, "null")
      return MCPRefusal(isWord ? .notAnObject : .notJSON)
    }
  }

  private static func begins(_ text: RawSpan, _ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    return text.byteCount >= count && WireText.equals(text.extracting(first: count), word)
  }

  private static func envelope(
    _ bytes: RawSpan, _ index: borrowing JSONIndex, _ sender: MCPSender, _ message: inout MCPMessage
  ) -> MCPRefusalReason? {
    var hasVersion = false
    var hasID = false
    var isNullID = false
    var firstProblem: MCPRefusalReason?
    var key = index.firstMember(of: index.root, in: bytes)
    while let here = key {
      let value = index.value(ofKey: here)
      var problem: MCPRefusalReason?
      if index.equals(here, "jsonrpc", in: bytes) {
        hasVersion = index.isString(value, in: bytes) && index.equals(value, "2.0", in: bytes)
        problem = hasVersion ? nil : .versionOfJSONRPC
      } else if index.equals(here, "id", in: bytes) {
        hasID = true
        isNullID = index.kind(of: value, in: bytes) == .null
        problem = readID(bytes, index, value, &message)
        if isNullID && sender == .server { problem = nil }
      } else if index.equals(here, "method", in: bytes) {
        problem = readMethod(bytes, index, value, &message)
      } else if index.equals(here, "params", in: bytes) {
        message.params = value
      } else if index.equals(here, "result", in: bytes) {
        message.result = value
      } else if index.equals(here, "error", in: bytes) {
        message.error = value
      } else {
        problem = .unknownEnvelopeKey
      }
      // Read on after a problem: the answer should carry the id, wherever it stands.
      if firstProblem == nil { firstProblem = problem }
      key = index.nextMember(after: here, in: bytes)
    }
    if let firstProblem { return firstProblem }
    guard hasVersion else { return .versionOfJSONRPC }
    if let problem = classify(hasID: hasID, isNullID: isNullID, &message) { return problem }
    return readContents(bytes, index, &message)
  }

  private static func classify(
    hasID: Bool, isNullID: Bool, _ message: inout MCPMessage
  ) -> MCPRefusalReason? {
    let hasAnswer = message.result != nil || message.error != nil
    if message.methodToken != nil {
      guard !hasAnswer, !isNullID else { return isNullID ? .idMalformed : .messageShape }
      message.kind = hasID ? .request : .notification
      return nil
    }
    guard (message.result != nil) != (message.error != nil), message.params == nil, hasID else {
      return .messageShape
    }
    message.kind = message.result != nil ? .response : .error
    return isNullID && message.kind == .response ? .idMalformed : nil
  }

  private static func readContents(
    _ bytes: RawSpan, _ index: borrowing JSONIndex, _ message: inout MCPMessage
  ) -> MCPRefusalReason? {
    if let error = message.error, index.kind(of: error, in: bytes) != .object {
      return .errorNotAnObject
    }
    guard let params = message.params else { return nil }
    guard index.kind(of: params, in: bytes) == .object else { return .paramsNotAnObject }
    if let problem = readParams(bytes, index, params, &message) { return problem }
    guard let meta = message.meta else { return nil }
    switch index.kind(of: meta, in: bytes) {
    case .object: break
    // As good as left out, and written by clients whose language has no other word for it.
    case .null:
      message.meta = nil
      return nil
    default: return .metaNotAnObject
    }
    return readMeta(bytes, index, meta, &message)
  }

  /// An id is a string of bounded length, or an integer literal that every parser reads as the same number.
  private static func readID(
    _ bytes: RawSpan, _ index: borrowing JSONIndex, _ value: JSONToken, _ message: inout MCPMessage
  ) -> MCPRefusalReason? {
    switch index.kind(of: value, in: bytes) {
    case .string:
      guard Int(index.contents(of: value).count) <= idBytesMax else { return .idMalformed }
      message.idKind = .string
    case .number:
      let limit: Int64 = 1 << 53
      guard let number = index.integer(value, in: bytes), number > -limit, number < limit else {
        return .idMalformed
      }
      let range = index.range(of: value)
      let isMinusZero = number == 0 && range.count > 1
      guard !isMinusZero else { return .idMalformed }
      message.idKind = .integer
    default: return .idMalformed
    }
    message.id = index.range(of: value)
    return nil
  }

  private static func readMethod(
    _ bytes: RawSpan, _ index: borrowing JSONIndex, _ value: JSONToken, _ message: inout MCPMessage
  ) -> MCPRefusalReason? {
    guard index.isString(value, in: bytes), !index.contents(of: value).isEmpty else {
      return .methodMalformed
    }
    message.methodToken = value
    if index.hasControlCharacter(value, in: bytes) { return .controlCharacter }
    message.method = index.withText(value, in: bytes) { MCPMethod($0) }
    return nil
  }

  private static func readParams(
    _ bytes: RawSpan, _ index: borrowing JSONIndex, _ params: JSONToken,
    _ message: inout MCPMessage
  ) -> MCPRefusalReason? {
    var reference: JSONToken?
    var key = index.firstMember(of: params, in: bytes)
    while let here = key {
      let value = index.value(ofKey: here)
      switch index.withText(here, in: bytes, { MCPKey.read($0) }) {
      case .misleading: return .misleadingKey
      case .foreign(isASCII: false): return .nonASCIIKey
      case .foreign(isASCII: true): break
      case .known(let known):
        if known == .name || known == .uri || known == .taskID {
          guard index.isString(value, in: bytes) else { return .identityNotAString }
          if index.hasControlCharacter(value, in: bytes) { return .controlCharacter }
        }
        switch known {
        case .name: message.name = value
        case .uri: message.uri = value
        case .taskID: message.taskID = value
        case .arguments: message.arguments = value
        case .meta: message.meta = value
        case .protocolVersion: message.requestedVersion = value
        case .clientInfo: message.clientInfo = value
        case .requestID: message.requestID = value
        // null is none.
        case .requestState where index.kind(of: value, in: bytes) != .null:
          message.requestState = value
        case .notifications: message.notifications = value
        case .task: message.task = value
        case .ref: reference = value
        default: break
        }
      }
      key = index.nextMember(after: here, in: bytes)
    }
    guard message.method == .completionComplete, let reference else { return nil }
    return readReference(bytes, index, reference, &message)
  }

  /// What a completion is for: exactly a type and what goes with it, so that no server finds another name in it. A prompt's
  /// reference may have a title as well, which says nothing.
  private static func readReference(
    _ bytes: RawSpan, _ index: borrowing JSONIndex, _ reference: JSONToken,
    _ message: inout MCPMessage
  ) -> MCPRefusalReason? {
    guard index.kind(of: reference, in: bytes) == .object else { return .referenceMalformed }
    var type: JSONToken?
    var name: JSONToken?
    var uri: JSONToken?
    var key = index.firstMember(of: reference, in: bytes)
    while let here = key {
      let value = index.value(ofKey: here)
      guard index.isString(value, in: bytes) else { return .referenceMalformed }
      if index.hasControlCharacter(value, in: bytes) { return .controlCharacter }
      if index.equals(here, "type", in: bytes) {
        type = value
      } else if index.equals(here, "name", in: bytes) {
        name = value
      } else if index.equals(here, "uri", in: bytes) {
        uri = value
      } else if !index.equals(here, "title", in: bytes) {
        return .referenceMalformed
      }
      key = index.nextMember(after: here, in: bytes)
    }
    guard let type, (name == nil) != (uri == nil) else { return .referenceMalformed }
    if index.equals(type, "ref/prompt", in: bytes), let name {
      message.promptReference = name
    } else if index.equals(type, "ref/resource", in: bytes), let uri {
      message.resourceReference = uri
    } else {
      return .referenceMalformed
    }
    return nil
  }

  private static func readMeta(
    _ bytes: RawSpan, _ index: borrowing JSONIndex, _ meta: JSONToken, _ message: inout MCPMessage
  ) -> MCPRefusalReason? {
    var key = index.firstMember(of: meta, in: bytes)
    while let here = key {
      let value = index.value(ofKey: here)
      switch index.withText(here, in: bytes, { MCPKey.read($0) }) {
      case .misleading: return .misleadingKey
      case .foreign: break
      case .known(.metaProtocolVersion): message.metaVersion = value
      case .known(.metaClientCapabilities): message.metaCapabilities = value
      case .known(.metaClientInfo): message.clientInfo = value
      case .known(.progressToken): message.progressToken = value
      case .known: break
      }
      key = index.nextMember(after: here, in: bytes)
    }
    return nil
  }
}
