extension GatewayStatus {
  /// The approvals of this gateway.
  public struct Approvals: Sendable, Codable, Equatable {
    /// Calls that wait in workers now, each with an agent at the other end.
    public var heldCalls = 0
    /// How many `heldCalls` there may be.
    public var heldCallsMax = 0
    /// Approvals in the store, by their state: pending, approved, denied, expired, consumed, cancelled. Those that are over are
    /// counted for as long as they are kept (approvals.retention).
    public var counts: [String: Int] = [:]
    /// How long the oldest that is pending has waited; 0 when none is.
    public var oldestPendingSeconds = 0.0
    /// Since the process started.
    public var asked: UInt64 = 0
    /// Calls that went ahead since the process started.
    public var granted: UInt64 = 0
    public var denied: UInt64 = 0
    /// Calls that could not be put before reviewers: a limit was reached, or the store failed.
    public var refused: UInt64 = 0
    /// Why the store or the webhook failed last; nil once it has worked again.
    public var problem: String?

    public init() {}

    public var pending: Int { counts["pending"] ?? 0 }
  }

  /// Streams of agents that speak HTTP+SSE, over all servers.
  public struct EventStreams: Sendable, Codable, Equatable {
    /// Open now.
    public var open = 0
    /// How many may be open at once.
    public var openMax = 0
    /// Messages of their agents that wait or are under way now.
    public var messages = 0
    /// Since the process started, as all that follow.
    public var opened: UInt64 = 0
    /// Those that found no room, or a gateway that was stopping.
    public var refused: UInt64 = 0
    /// Those that were cut, because too much waited for an agent that did not read.
    public var cut: UInt64 = 0
    /// Messages that found too many of their stream under way.
    public var messagesRefused: UInt64 = 0

    public init() {}
  }

  /// Where events of the record go.
  public struct Sink: Sendable, Codable, Equatable {
    public enum State: String, Sendable, Codable {
      /// Has not spoken to its receiver yet.
      case starting
      case delivering
      /// The receiver cannot be reached or refuses; it is tried again.
      case failing
      case stopped
    }

    public var name = ""
    /// What kind of receiver, and where.
    public var target = ""
    public var state = State.starting
    /// Since the process started.
    public var eventsDelivered: UInt64 = 0
    public var eventsFiltered: UInt64 = 0
    public var failures: UInt64 = 0
    /// Bytes of the record that it has not delivered yet.
    public var lagBytes: UInt64 = 0
    /// How long it has not been level with the record; 0 when it is.
    public var lagSeconds = 0.0
    /// Why the last attempt failed; nil once one has succeeded.
    public var problem: String?
    /// Stretches of the record that were gone before it had read them.
    public var gaps: [String] = []

    public init() {}
  }

  /// Whose tokens are accepted.
  public struct IdentityProvider: Sendable, Codable, Equatable {
    public var name = ""
    public var issuer = ""
    /// Keys in force; while there are none, its tokens are answered with 503.
    public var keys = 0
    /// How often keys were fetched since the process started.
    public var fetches = 0
    /// Why the last fetch failed; nil when it did not.
    public var problem: String?

    public init() {}
  }
}
