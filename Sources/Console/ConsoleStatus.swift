public import Foundation

/// What the gateway is doing, as the console shows it. Plain values: whoever runs the gateway fills them in.
public struct ConsoleStatus: Sendable, Codable, Equatable {
  public var version: String
  /// The policy's revision, 16 hexadecimal digits.
  public var revision: String
  /// How often a configuration was put in force, the first included.
  public var generation: Int
  public var started: Date
  /// `io_uring` or `epoll`.
  public var inputOutput: String
  public var listeners: [String]
  /// Why no more calls should be sent here; nil when all is well.
  public var problem: String?
  /// Why the latest configuration was not put in force; nil when it was.
  public var reloadProblem: String?
  public var workers: [Worker] = []
  public var servers: [Server] = []
  /// In the order of the policy.
  public var rules: [Rule] = []
  public var record: Record
  public var sinks: [Sink] = []

  public init(
    version: String, revision: String, generation: Int, started: Date, inputOutput: String,
    listeners: [String], record: Record
  ) {
    self.version = version
    self.revision = revision
    self.generation = generation
    self.started = started
    self.inputOutput = inputOutput
    self.listeners = listeners
    self.record = record
  }

  public struct Worker: Sendable, Codable, Equatable {
    public var connections: Int
    public var exchanges: Int
    public var requests: UInt64
    public var refused: UInt64

    public init(connections: Int, exchanges: Int, requests: UInt64, refused: UInt64) {
      self.connections = connections
      self.exchanges = exchanges
      self.requests = requests
      self.refused = refused
    }
  }

  public struct Server: Sendable, Codable, Equatable {
    public var name: String
    public var path: String
    public var url: String
    /// One word: serving, idle, degraded, failing, unavailable.
    public var state: String
    public var isWell: Bool
    /// What is wrong, in words.
    public var problem: String?
    public var connections: UInt64
    public var calls: UInt64
    public var failures: UInt64
    public var maskedValues: UInt64
    /// Seconds that half of the calls, and 99 of 100, did not exceed.
    public var latencyMedian: Double?
    public var latencyHigh: Double?
    /// The record of the last call that failed there.
    public var lastFailure: String?

    public init(
      name: String, path: String, url: String, state: String, isWell: Bool, connections: UInt64,
      calls: UInt64, failures: UInt64, maskedValues: UInt64
    ) {
      self.name = name
      self.path = path
      self.url = url
      self.state = state
      self.isWell = isWell
      self.connections = connections
      self.calls = calls
      self.failures = failures
      self.maskedValues = maskedValues
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

  public struct Record: Sendable, Codable, Equatable {
    public var directory: String
    /// "healthy", or why calls cannot be recorded.
    public var state: String
    public var isFailing: Bool
    public var segment: UInt32
    public var entries: UInt64
    public var bytes: UInt64
    public var unsyncedBytes: UInt64
    public var callsDropped: UInt64

    public init(
      directory: String, state: String, isFailing: Bool, segment: UInt32, entries: UInt64,
      bytes: UInt64, unsyncedBytes: UInt64, callsDropped: UInt64
    ) {
      self.directory = directory
      self.state = state
      self.isFailing = isFailing
      self.segment = segment
      self.entries = entries
      self.bytes = bytes
      self.unsyncedBytes = unsyncedBytes
      self.callsDropped = callsDropped
    }
  }

  public struct Sink: Sendable, Codable, Equatable {
    public var name: String
    public var kind: String
    public var isWell: Bool
    /// "keeping up", or what is wrong.
    public var state: String
    public var bytesBehind: UInt64
    public var secondsBehind: Double

    public init(
      name: String, kind: String, isWell: Bool, state: String, bytesBehind: UInt64,
      secondsBehind: Double
    ) {
      self.name = name
      self.kind = kind
      self.isWell = isWell
      self.state = state
      self.bytesBehind = bytesBehind
      self.secondsBehind = secondsBehind
    }
  }
}
