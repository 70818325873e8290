/// Which of the JSON-RPC messages it is.
public enum MCPMessageKind: UInt8, BitwiseCopyable, Sendable {
  case request, notification, response, error
}

/// How an id is written. `"1"` and `1` are different ids.
public enum MCPIDKind: UInt8, BitwiseCopyable, Sendable {
  /// There is none.
  case none
  case string, integer
}

/// One JSON-RPC message of the protocol, as places in the index and the bytes it was read from.
public struct MCPMessage: BitwiseCopyable, Sendable {
  public internal(set) var kind: MCPMessageKind = .notification
  public internal(set) var method: MCPMethod = .unknown
  public internal(set) var idKind: MCPIDKind = .none
  /// The id's literal, byte for byte, quotes included; empty when there is none.
  public internal(set) var id: ByteRange = .empty
  /// The method's string.
  public internal(set) var methodToken: JSONToken?
  /// The params object.
  public internal(set) var params: JSONToken?
  /// `params.name`, a string without control characters.
  public internal(set) var name: JSONToken?
  /// `params.uri`, likewise.
  public internal(set) var uri: JSONToken?
  /// `params.taskId`, likewise.
  public internal(set) var taskID: JSONToken?
  /// `params.arguments`, of any kind.
  public internal(set) var arguments: JSONToken?
  /// `params.protocolVersion`, of any kind (what `initialize` asks for).
  public internal(set) var requestedVersion: JSONToken?
  /// `params.requestId`, of any kind: the request that `notifications/cancelled` is about.
  public internal(set) var requestID: JSONToken?
  /// `params.requestState`, of any kind but null: what a server gave along with `input_required`, sent back (revision 2026-07-28).
  public internal(set) var requestState: JSONToken?
  /// `params.task`, of any kind: that a call is to be answered with a task (revision 2025-11-25).
  public internal(set) var task: JSONToken?
  /// `params.notifications`, of any kind: what `subscriptions/listen` asks for.
  public internal(set) var notifications: JSONToken?
  /// `params.ref.name` of `completion/complete`, where `ref.type` is `ref/prompt`; without control characters.
  public internal(set) var promptReference: JSONToken?
  /// `params.ref.uri`, where it is `ref/resource`: a URI, or a template's text.
  public internal(set) var resourceReference: JSONToken?
  /// `params._meta`, an object.
  public internal(set) var meta: JSONToken?
  /// `_meta["io.modelcontextprotocol/protocolVersion"]`, of any kind.
  public internal(set) var metaVersion: JSONToken?
  /// `_meta["io.modelcontextprotocol/clientCapabilities"]`, of any kind.
  public internal(set) var metaCapabilities: JSONToken?
  /// What the client says it is, of any kind: `params.clientInfo` of `initialize`, or
  /// `_meta["io.modelcontextprotocol/clientInfo"]`.
  public internal(set) var clientInfo: JSONToken?
  /// `_meta.progressToken`, of any kind.
  public internal(set) var progressToken: JSONToken?
  /// The result of a response.
  public internal(set) var result: JSONToken?
  /// The error of an error response, an object.
  public internal(set) var error: JSONToken?

  public init() {}

  /// The string that `Mcp-Name` must repeat, when the method has one and it is there.
  public var identity: JSONToken? {
    switch method.nameSource {
    case .none: nil
    case .name: name
    case .uri: uri
    case .taskID: taskID
    }
  }
}

/// Who wrote a message: servers may answer an unreadable request with an error that has no id.
public enum MCPSender: UInt8, BitwiseCopyable, Sendable {
  case client, server
}

public enum MCPReadResult: BitwiseCopyable, Sendable {
  case message(MCPMessage)
  case refused(MCPRefusal)
}
