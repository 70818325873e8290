/// What a server may ask of an agent.
public enum ClientRequest: String, Sendable, CaseIterable {
  /// To have its model write something.
  case sampling
  /// To ask its user something.
  case elicitation
  /// To tell which directories it works in.
  case roots
}
