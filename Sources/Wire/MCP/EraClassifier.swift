/// What a request is, by headers and body together (mcp-wire §2).
public enum Classification: BitwiseCopyable, Sendable {
  /// A message of the legacy era; its header names this version, or none (then the session decides, 2025-03-26 without one).
  case legacy(ProtocolVersion?)
  /// A legacy `initialize`: the handshake that begins a session.
  case initialize
  /// A message of the modern era: headers and body agree, and the method is one that clients may send.
  case modern
  case refused(MCPRefusal)
}

/// Decides the era of a POST before anything else looks at it, and makes sure that headers and body cannot be taken for
/// different things: SDKs differ in which of the two they believe.
///
/// Example: header `2025-11-25` with a body whose `_meta` says `2026-07-28` is refused with -32020; a server that believes
/// the header would run it without checking `Mcp-Name`, one that believes the body would not see a session.
public enum EraClassifier {
  /// - Parameters:
  ///   - head: the request's head; a repeated protected header was refused when it was read.
  ///   - headBytes: the bytes that it was read from.
  ///   - message: the message in the body, read from `body` and `index`.
  ///   - isListed: whether its method, one that the protocol does not have, is one of those that its server may be sent.
  public static func classify(
    _ head: RequestHead, headBytes: RawSpan, message: MCPMessage, body: RawSpan,
    index: borrowing JSONIndex, isListed: Bool = false
  ) -> Classification {
    let header = headBytes.extracting(head.mcpProtocolVersion.range)
    let hasHeader = head.has(.mcpProtocolVersion)
    let version = ProtocolVersion(header)
    if message.metaVersion != nil || version?.era == .modern {
      let check = ModernLadder(
        head: head, hasHeader: hasHeader, message: message, version: version,
        isListed: isListed)
      return check.run(header: header, headBytes: headBytes, body: body, index: index)
    }
    guard hasHeader else {
      return message.method == .initialize && message.kind == .request
        ? .initialize : .legacy(nil)
    }
    guard let version, version >= .v2025_03_26 else {
      // An unknown version without its `_meta`: what a modern server would say first.
      return .refused(MCPRefusal(.metaMissing, id: message.id))
    }
    return message.method == .initialize && message.kind == .request
      ? .initialize : .legacy(version)
  }

  /// What a request without a body (GET, DELETE) says about its era: those exist in the legacy one only. A version that
  /// no legacy revision sends in a header is refused.
  public static func classifyWithoutBody(_ head: RequestHead, headBytes: RawSpan) -> Classification
  {
    guard head.has(.mcpProtocolVersion) else { return .legacy(nil) }
    let version = ProtocolVersion(headBytes.extracting(head.mcpProtocolVersion.range))
    guard let version, version.era == .legacy, version >= .v2025_03_26 else {
      return .refused(MCPRefusal(.unsupportedVersion))
    }
    return .legacy(version)
  }

  /// Whether a legacy request may go on in a session that negotiated `negotiated`: a header must name that version. Without
  /// one the session says it (2025-11-25, transports: "by relying on the protocol version negotiated").
  public static func matches(
    _ header: ProtocolVersion?, session negotiated: ProtocolVersion
  ) -> Bool {
    header == nil || header == negotiated
  }
}

/// The checks of a modern request, in the order that conformance asserts: `_meta`, header against body, version, method.
struct ModernLadder {
  let head: RequestHead
  let hasHeader: Bool
  let message: MCPMessage
  /// The header's version, when it is one we know.
  let version: ProtocolVersion?
  /// Whether the method is none of the protocol's, and its server may be sent it all the same.
  let isListed: Bool

  func run(
    header: RawSpan, headBytes: RawSpan, body: RawSpan, index: borrowing JSONIndex
  ) -> Classification {
    guard message.kind == .request || message.kind == .notification else {
      // The id is one of the server's requests: an error with it would be taken for an answer to another.
      return .refused(MCPRefusal(.responsePosted))
    }
    if isBareNotification {
      if let reason = headersDiffer(headBytes, body, index) { return refuse(reason) }
      return .modern
    }
    guard let metaVersion = message.metaVersion, index.isString(metaVersion, in: body) else {
      return refuse(.metaMissing)
    }
    if message.kind == .request {
      guard let capabilities = message.metaCapabilities,
        index.kind(of: capabilities, in: body) == .object
      else { return refuse(.metaMissing) }
    }
    guard hasHeader else { return refuse(.versionHeaderMissing) }
    guard index.equals(metaVersion, utf8: header, in: body) else { return refuse(.versionMismatch) }
    if let reason = headersDiffer(headBytes, body, index) { return refuse(reason) }
    guard version?.era == .modern else { return refuse(.unsupportedVersion) }
    guard message.kind == .request else { return .modern }
    guard message.method.isClientRequest(in: .modern) || isListed else {
      return refuse(.unknownMethod, status: 404)
    }
    guard message.method.nameSource == .none || message.identity != nil else {
      return refuse(.identityMissing)
    }
    return .modern
  }

  /// A notification without `_meta`, which only requests must have. Not a request that has lost its id.
  private var isBareNotification: Bool {
    message.kind == .notification && message.metaVersion == nil && version?.era == .modern
      && !message.method.isClientRequest(in: .modern)
  }

  /// `Mcp-Method` and, where the method has one, `Mcp-Name` against the body.
  private func headersDiffer(
    _ headBytes: RawSpan, _ body: RawSpan, _ index: borrowing JSONIndex
  ) -> MCPRefusalReason? {
    guard let method = message.methodToken, head.has(.mcpMethod),
      index.equals(method, utf8: headBytes.extracting(head.mcpMethod.range), in: body)
    else { return .methodHeaderMismatch }
    guard message.method.nameSource != .none else {
      return isListed && !listedNameAgrees(headBytes, body, index) ? .nameHeaderMismatch : nil
    }
    guard let identity = message.identity else {
      // Nothing in the body that the header could repeat: the params are wrong, unless a header claims otherwise.
      return head.has(.mcpName) ? .nameHeaderMismatch : nil
    }
    let name = headBytes.extracting(head.mcpName.range)
    let isEqual =
      head.has(.mcpName) && HeaderText.equals(name, identity, in: body, index: index)
    return isEqual ? nil : .nameHeaderMismatch
  }

  /// Which of the params the name of a method beyond the protocol repeats is known to its client and server alone. Here it
  /// must be one of them, so that it says nothing that the body does not.
  private func listedNameAgrees(
    _ headBytes: RawSpan, _ body: RawSpan, _ index: borrowing JSONIndex
  ) -> Bool {
    guard head.has(.mcpName) else { return true }
    guard let params = message.params else { return false }
    return ParameterFields.repeats(
      headBytes.extracting(head.mcpName.range), valueIn: params, body, index)
  }

  private func refuse(_ reason: MCPRefusalReason, status: UInt16 = 400) -> Classification {
    .refused(MCPRefusal(reason, status: status, id: message.id))
  }
}
