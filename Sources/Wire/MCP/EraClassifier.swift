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
  public static func classify(
    _ head: RequestHead, headBytes: RawSpan, message: MCPMessage, body: RawSpan,
    index: borrowing JSONIndex
  ) -> Classification {
    let header = headBytes.extracting(head.mcpProtocolVersion.range)
    let hasHeader = head.has(.mcpProtocolVersion)
    let version = ProtocolVersion(header)
    if message.metaVersion != nil || version?.era == .modern {
      let check = ModernLadder(
        head: head, hasHeader: hasHeader, message: message, version: version)
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

  /// Whether a legacy request may go on in a session that negotiated `negotiated`: the header must name that version, and
  /// only a session of 2025-03-26 or older may do without one.
  public static func matches(
    _ header: ProtocolVersion?, session negotiated: ProtocolVersion
  ) -> Bool {
    guard let header else { return negotiated <= .v2025_03_26 }
    return header == negotiated
  }
}

/// The checks of a modern request, in the order that conformance asserts: `_meta`, header against body, version, method.
struct ModernLadder {
  let head: RequestHead
  let hasHeader: Bool
  let message: MCPMessage
  /// The header's version, when it is one we know.
  let version: ProtocolVersion?

  func run(
    header: RawSpan, headBytes: RawSpan, body: RawSpan, index: borrowing JSONIndex
  ) -> Classification {
    guard message.kind == .request || message.kind == .notification else {
      return refuse(.responsePosted)
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
    guard message.method.isClientRequest(in: .modern) else {
      return refuse(.unknownMethod, status: 404)
    }
    guard message.method.nameSource == .none || message.identity != nil else {
      return refuse(.identityMissing)
    }
    return .modern
  }

  /// `Mcp-Method` and, where the method has one, `Mcp-Name` against the body.
  private func headersDiffer(
    _ headBytes: RawSpan, _ body: RawSpan, _ index: borrowing JSONIndex
  ) -> MCPRefusalReason? {
    guard let method = message.methodToken, head.has(.mcpMethod),
      index.equals(method, utf8: headBytes.extracting(head.mcpMethod.range), in: body)
    else { return .methodHeaderMismatch }
    guard message.method.nameSource != .none else { return nil }
    guard let identity = message.identity else {
      // Nothing in the body that the header could repeat: the params are wrong, unless a header claims otherwise.
      return head.has(.mcpName) ? .nameHeaderMismatch : nil
    }
    let name = headBytes.extracting(head.mcpName.range)
    let isEqual =
      head.has(.mcpName) && HeaderText.equals(name, identity, in: body, index: index)
    return isEqual ? nil : .nameHeaderMismatch
  }

  private func refuse(_ reason: MCPRefusalReason, status: UInt16 = 400) -> Classification {
    .refused(MCPRefusal(reason, status: status, id: message.id))
  }
}
