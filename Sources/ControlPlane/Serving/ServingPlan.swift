public import Identity
public import Policy
public import Proxy
internal import SluiceConfiguration

/// What the workers are to judge and forward by, as the service and its parts put it together for one snapshot.
public struct ServingPlan: Sendable {
  public var policy: PolicyProgram
  public var identities: IdentitySnapshot
  /// What is known of each server beyond the file, by its name.
  public var endpoints: [String: ServerEndpoint] = [:]

  init(_ loaded: LoadedConfiguration) {
    policy = loaded.policy
    identities = loaded.identities
  }
}

/// How a server is reached just now, where that differs from what the file says.
public struct ServerEndpoint: Sendable {
  /// Nil while nobody knows: the calls of this server are refused.
  public var address: NumericSocketAddress?
  /// The request target in place of the file's path, for a server that has no URL.
  public var target: String?
  /// Why the server's calls are refused just now, in words for the operator; nil when they are not.
  public var problem: String?
  /// In place of the file's.
  public var credential: (field: String, value: Secret)?
  /// Where requests of the legacy era go instead, for a server that speaks only the modern one.
  public var legacyDoor: LegacyDoor?
  /// Where agents of HTTP+SSE go; nil: they are not served.
  public var eventStreamDoor: EventStreamDoor?

  public init() {}
}
