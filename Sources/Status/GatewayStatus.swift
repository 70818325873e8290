public import Foundation

/// What the gateway is doing and has done, as `sluice status`, the console, the admin API and scripts see it: plain values,
/// in JSON under the same names in snake case.
public struct GatewayStatus: Sendable, Codable, Equatable {
  public enum State: String, Sendable, Codable {
    case serving
    /// Told to stop: what is under way is carried to its end.
    case stopping
  }

  public var version = ""
  public var state = State.serving
  /// Why no more calls should be sent here, in words; nil when they should.
  public var notReady: String?
  public var startedAt = Date(timeIntervalSince1970: 0)
  public var uptimeSeconds = 0.0
  /// The policy's revision: 16 hexadecimal digits.
  public var revision = ""
  /// How often a snapshot was put in force, the first included.
  public var generation = 0
  public var lastReload: Reload?
  public var listeners: [String] = []
  /// `io_uring` or `epoll`.
  public var io = ""
  public var workers: [Worker] = []
  public var servers: [Server] = []
  /// In the order of the policy.
  public var rules: [Rule] = []
  public var audit = Audit()
  /// Nil where the gateway has no store.
  public var approvals: Approvals?
  /// Nil where no server has a door for agents of HTTP+SSE.
  public var eventStreams: EventStreams?
  /// In the order of their names.
  public var sinks: [Sink] = []
  /// In the order of the file.
  public var identityProviders: [IdentityProvider] = []

  public init() {}

  /// The last time the configuration was read again.
  public struct Reload: Sendable, Codable, Equatable {
    public var at: Date
    public var reason: String
    /// Why it was not put in force; nil when it was, or had not changed.
    public var problem: String?
    /// What of it takes effect after a restart only.
    public var needsRestart: [String]

    public init(at: Date, reason: String, problem: String?, needsRestart: [String]) {
      self.at = at
      self.reason = reason
      self.problem = problem
      self.needsRestart = needsRestart
    }
  }

  public struct Worker: Sendable, Codable, Equatable {
    /// Agents' connections open now.
    public var connections = 0
    /// Requests being carried or answered now.
    public var exchanges = 0
    /// Requests answered.
    public var requests: UInt64 = 0
    /// Requests by what was decided: allow, block, unauthenticated, malformed, unavailable, hold.
    public var decisions: [String: UInt64] = [:]

    public init() {}

    /// Requests that were decided otherwise than to let them through.
    public var refused: UInt64 {
      decisions.filter { $0.key != "allow" }.values.reduce(0, &+)
    }
  }

  public struct Rule: Sendable, Codable, Equatable {
    public var name: String
    /// allow, block, mask, require_approval.
    public var effect: String
    /// How often it had a say since the process started.
    public var hits: UInt64

    public init(name: String, effect: String, hits: UInt64) {
      self.name = name
      self.effect = effect
      self.hits = hits
    }
  }

  public struct Audit: Sendable, Codable, Equatable {
    public var directory = ""
    /// healthy, or why calls cannot be recorded.
    public var state = "healthy"
    public var isFailing = false
    public var segment: UInt32 = 0
    public var entriesWritten: UInt64 = 0
    public var bytesWritten: UInt64 = 0
    public var unsyncedBytes: UInt64 = 0
    /// Bytes accepted and not yet in a file, over all workers.
    public var ringBytesUsed: UInt64 = 0
    /// The size of all workers' rings.
    public var ringBytes: UInt64 = 0
    public var syncs: UInt64 = 0
    public var writeFailures: UInt64 = 0
    public var syncFailures: UInt64 = 0
    public var callsDropped: UInt64 = 0

    public init() {}
  }

  /// Whether calls should be sent here.
  public var isReady: Bool { notReady == nil }

  /// Requests by what was decided, over all workers.
  public var decisions: [String: UInt64] {
    workers.reduce(into: [:]) { sum, worker in sum.merge(worker.decisions, uniquingKeysWith: &+) }
  }

  /// The status as JSON: dates in ISO 8601, keys sorted.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self)
  }

  public static func read(_ json: Data) throws -> GatewayStatus {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(GatewayStatus.self, from: json)
  }
}
