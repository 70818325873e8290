public import Foundation

/// What the gateway is doing and has done, as `sluice status`, the console and scripts see it: plain values, the same names
/// in JSON.
public struct GatewayStatus: Sendable, Codable, Equatable {
  public enum State: String, Sendable, Codable {
    case serving
    /// Told to stop: what is under way is carried to its end.
    case stopping
  }

  public var version: String
  public var state: State
  /// Why no more calls should be sent here, in words; nil when they should.
  public var notReady: String?
  public var startedAt: Date
  public var uptimeSeconds: Double
  /// The policy's revision: 16 hexadecimal digits.
  public var revision: String
  /// How often a snapshot was put in force, the first included.
  public var generation: Int
  public var lastReload: Reload?
  public var listeners: [String]
  /// `io_uring` or `epoll`.
  public var io: String
  public var workers: [Worker]
  public var servers: [Server]
  /// In the order of the policy.
  public var rules: [Rule]
  public var audit: Audit

  /// The last time the configuration was read again.
  public struct Reload: Sendable, Codable, Equatable {
    public var at: Date
    public var reason: String
    /// Why it was not put in force; nil when it was, or had not changed.
    public var problem: String?
    /// What of it takes effect after a restart only.
    public var needsRestart: [String]
  }

  public struct Worker: Sendable, Codable, Equatable {
    /// Agents' connections open now.
    public var connections: Int
    /// Requests being carried or answered now.
    public var exchanges: Int
    /// Requests answered.
    public var requests: UInt64
    /// Requests by what was decided: allow, block, unauthenticated, malformed, unavailable, hold.
    public var decisions: [String: UInt64]
  }

  public struct Server: Sendable, Codable, Equatable {
    public enum State: String, Sendable, Codable {
      /// No call lately.
      case idle
      case serving
      /// Some calls fail at the server.
      case degraded
      /// Every call fails at the server.
      case failing
      /// Calls are refused: its credential or its address is not to be had.
      case unavailable
    }

    public var name: String
    public var path: String
    public var url: String
    /// The address that is used now.
    public var address: String?
    public var state: State
    /// What is wrong, in words.
    public var problem: String?
    public var connections: UInt64
    public var connectionsOpened: UInt64
    public var connectFailures: UInt64
    /// Calls by how they ended: success, tool_error, protocol_error, http_error, transport_error, refused, cancelled.
    public var calls: [String: UInt64]
    public var serverBytes: UInt64
    public var maskedValues: UInt64
    public var latency: Latency
    /// The record of the last call that failed at the server, for `sluice audit show`.
    public var lastFailure: String?
  }

  /// How long calls took, from the arrival of the request to the end of its answer.
  public struct Latency: Sendable, Codable, Equatable {
    /// Upper bounds in seconds.
    public var bounds: [Double]
    /// Calls per bucket, one more than there are bounds; not cumulative.
    public var counts: [UInt64]
    public var sumSeconds: Double

    public var count: UInt64 { counts.reduce(0, &+) }

    /// The time in seconds that this share of the calls (0 to 1) did not exceed, as well as the buckets tell; nil without
    /// calls. The last bucket has no bound: what falls there is told as the largest bound.
    public func quantile(_ share: Double) -> Double? {
      let total = count
      guard total > 0 else { return nil }
      let rank = share * Double(total)
      var below: UInt64 = 0
      for (index, count) in counts.enumerated() {
        let next = below &+ count
        if count > 0, Double(next) >= rank {
          guard index < bounds.count else { break }
          let lower = index == 0 ? 0 : bounds[index - 1]
          let inside = (rank - Double(below)) / Double(count)
          return lower + (bounds[index] - lower) * max(0, min(1, inside))
        }
        below = next
      }
      return bounds.last
    }
  }

  public struct Rule: Sendable, Codable, Equatable {
    public var name: String
    /// allow, block, mask, require_approval.
    public var effect: String
    /// How often it had a say since the process started.
    public var hits: UInt64
  }

  public struct Audit: Sendable, Codable, Equatable {
    public var directory: String
    /// healthy, or why calls cannot be recorded.
    public var state: String
    public var isFailing: Bool
    public var segment: UInt32
    public var entriesWritten: UInt64
    public var bytesWritten: UInt64
    public var unsyncedBytes: UInt64
    /// Bytes accepted and not yet in a file, over all workers.
    public var ringBytesUsed: UInt64
    /// The size of all workers' rings.
    public var ringBytes: UInt64
    public var syncs: UInt64
    public var writeFailures: UInt64
    public var syncFailures: UInt64
    public var callsDropped: UInt64
  }

  /// Whether calls should be sent here.
  public var isReady: Bool { notReady == nil }

  /// The status as JSON: dates in ISO 8601, keys sorted.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self)
  }

  public static func read(_ json: Data) throws -> GatewayStatus {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    return try decoder.decode(GatewayStatus.self, from: json)
  }
}
