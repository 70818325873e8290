extension GatewayStatus {
  /// One MCP server behind the gateway.
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

    public var name = ""
    public var path = ""
    public var url = ""
    /// The address that is used now.
    public var address: String?
    public var state = State.idle
    /// What is wrong, in words.
    public var problem: String?
    public var connections: UInt64 = 0
    public var connectionsOpened: UInt64 = 0
    public var connectFailures: UInt64 = 0
    /// Calls by how they ended: success, tool_error, protocol_error, http_error, transport_error, refused, cancelled.
    public var calls: [String: UInt64] = [:]
    public var serverBytes: UInt64 = 0
    public var maskedValues: UInt64 = 0
    public var latency = Latency()
    /// The record of the last call that failed at the server, for `sluice audit show`.
    public var lastFailure: String?
    /// Programs that run now; nil for a server that is reached over HTTP.
    public var processes: Int?
    /// Sessions of the legacy era that the gateway itself holds for it now; nil where agents' sessions are the server's own.
    public var sessions: Int?
    /// Streams of agents that speak HTTP+SSE open now; nil where it has no door for them (`client_sse`).
    public var eventStreams: Int?

    public init() {}

    public var isWell: Bool { state == .serving || state == .idle }
    public var callCount: UInt64 { calls.values.reduce(0, &+) }
    /// Calls that the server did not answer well: it was not reached, or answered with an HTTP error.
    public var failureCount: UInt64 {
      (calls["transport_error"] ?? 0) &+ (calls["http_error"] ?? 0)
    }
  }

  /// How long calls took, from the arrival of the request to the end of its answer.
  public struct Latency: Sendable, Codable, Equatable {
    /// Upper bounds in seconds.
    public var bounds: [Double]
    /// Calls per bucket, one more than there are bounds; not cumulative.
    public var counts: [UInt64]
    public var sumSeconds: Double

    public init(bounds: [Double] = [], counts: [UInt64] = [], sumSeconds: Double = 0) {
      self.bounds = bounds
      self.counts = counts
      self.sumSeconds = sumSeconds
    }

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
}
