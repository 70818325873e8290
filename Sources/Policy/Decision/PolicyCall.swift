public import Wire

/// The MCP methods, as far as this version's policy tells them apart.
public enum CallMethod: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case initialize
  case ping
  /// Any `notifications/…` from the client.
  case notification
  case toolsList
  case toolsCall
  case serverDiscover
  case loggingSetLevel
  /// The verbs of a legacy session: GET for its stream, DELETE for its end.
  case session
  /// Everything else: refused.
  case other
}

/// The facts of one call that the policy judges, as places in the message's index.
public struct PolicyCall: BitwiseCopyable, Sendable {
  public var method: CallMethod
  /// Whether the message carries an id, that is, whether somebody waits for an answer.
  public var hasID: Bool
  /// The value of `params.name` of a `tools/call`; nil when it is not there.
  public var tool: JSONToken?
  /// The value of `params.arguments` of a `tools/call`; nil when it is not there.
  public var arguments: JSONToken?

  @inlinable
  public init(
    method: CallMethod, hasID: Bool, tool: JSONToken? = nil, arguments: JSONToken? = nil
  ) {
    self.method = method
    self.hasID = hasID
    self.tool = tool
    self.arguments = arguments
  }
}
