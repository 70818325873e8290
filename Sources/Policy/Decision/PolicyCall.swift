public import Wire

/// The MCP methods, as far as the policy tells them apart.
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
  /// A method beyond the protocol that the configuration lets this server be sent.
  case listed
  /// Everything else: refused.
  case other
  case promptsList
  case promptsGet
  case resourcesList
  case resourcesTemplatesList
  case resourcesRead
  /// `resources/subscribe` and its undoing: judged as reading the resource.
  case resourcesSubscribe
  case resourcesUnsubscribe
  /// `completion/complete` for an argument of a prompt: judged as getting it.
  case completionOfPrompt
  /// The same for a resource's template: judged as reading a resource whose URI is the template's text.
  case completionOfResource
  /// `subscriptions/listen`: judged as reading every resource it asks for.
  case subscriptionsListen
  /// The client's answer to a request of the server's that was let through to it.
  case clientAnswer
}

/// The facts of one call that the policy judges, as places in the message's index.
public struct PolicyCall: BitwiseCopyable, Sendable {
  public var method: CallMethod
  /// Whether the message carries an id, that is, whether somebody waits for an answer.
  public var hasID: Bool
  /// What says which tool, prompt or resource the call is for: the value of `params.name` or `params.uri`, that of the
  /// reference of a completion, or the object `params.notifications` of `subscriptions/listen`; nil when it is not there.
  public var target: JSONToken?
  /// The value of `params.arguments` of `tools/call` and `prompts/get`; nil when it is not there.
  public var arguments: JSONToken?

  @inlinable
  public init(
    method: CallMethod, hasID: Bool, target: JSONToken? = nil, arguments: JSONToken? = nil
  ) {
    self.method = method
    self.hasID = hasID
    self.target = target
    self.arguments = arguments
  }
}
