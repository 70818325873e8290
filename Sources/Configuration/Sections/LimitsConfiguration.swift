/// The bounds of everything that could otherwise grow: sizes in bytes, waits in milliseconds.
public struct LimitsConfiguration: Equatable, Sendable {
  // MARK: Sizes

  /// A request's or answer's head. A longer one is answered 431.
  public var headBytesMax = 32 << 10
  /// A request's body. A longer one is answered 413. The default is the Python SDK's.
  public var requestBytesMax = 4 << 20
  /// How much of one message from a server is held until it is judged and masked as a whole. A longer answer to a call is
  /// masked as it arrives; a longer list or request of the server's own is refused.
  public var responseHoldBytesMax = 4 << 20
  /// One message from a server. A longer one is refused, or cut when part of it has left.
  public var responseBytesMax = 64 << 20
  /// Nesting of JSON.
  public var jsonDepthMax = 64
  /// What an agent may send ahead of the answer it waits for; beyond, the gateway stops reading.
  public var pipelineBytesMax = 64 << 10
  /// What of a stream waits for a slow agent; beyond, the gateway stops reading from the server.
  public var streamBacklogBytesMax = 256 << 10
  /// Memory a worker lends for requests and answers that are on their way.
  public var workerMemoryBytesMax = 512 << 20

  // MARK: Counts

  /// Agents' connections, over all workers.
  public var connectionsMax = 16_384
  /// Connections to one server, per worker.
  public var upstreamConnectionsMax = 4096
  /// Unused connections to one server that are kept, per worker.
  public var upstreamIdleConnectionsMax = 256
  /// Attempts to connect to a server that fail in a row, per worker, before calls to it fail at once.
  public var connectFailuresMax = 3
  /// Calls that wait for an approval, over all workers. A further one is refused.
  public var heldCallsMax = 8192

  // MARK: Waits

  /// From the beginning of a TLS connection to the end of its handshake.
  public var handshakeMilliseconds = 10_000
  /// From the first byte of a head to its last. Then 408.
  public var headMilliseconds = 10_000
  /// From the end of the head to the end of the body. Then 408.
  public var bodyMilliseconds = 30_000
  /// Between two requests of an agent's connection.
  public var idleMilliseconds = 75_000
  /// Until an agent takes what is being sent to it.
  public var writeMilliseconds = 30_000
  /// Until a server accepts the connection.
  public var connectMilliseconds = 5000
  /// How long calls to a server that cannot be reached fail at once, before one of them tries again.
  public var unreachableMilliseconds = 1000
  /// From the request's last byte to the first of the server's answer.
  public var firstByteMilliseconds = 300_000
  /// Between two pieces of a server's answer or stream.
  public var streamIdleMilliseconds = 300_000
  /// How long an unused connection to a server is kept. Shorter than what common servers allow, so
  /// that a request hardly ever meets a connection that is being closed.
  public var upstreamIdleMilliseconds = 4000
  /// How long a call of the legacy era is held for its approval before its agent is told to come back.
  public var approvalWaitMilliseconds = 50_000
  /// The same for one leg of a call of the modern era, which the agent's client repeats by itself.
  public var approvalLegMilliseconds = 45_000
  /// How long a shutdown waits for calls under way.
  public var drainMilliseconds = 10_000
  /// How long the gateway still takes calls after it was told to stop, while `/readyz` says 503: time for a load balancer
  /// to notice.
  public var preStopMilliseconds = 0
  /// How often the servers' host names are looked up again.
  public var nameRefreshMilliseconds = 30_000

  public init() {}
}

extension LimitsConfiguration {
  /// The longest message that is judged whole.
  public var responseHeldBytesMax: Int { min(responseHoldBytesMax, responseBytesMax) }
}

extension LimitsConfiguration: SchemaObject {
  static var keys: KeyTable<LimitsConfiguration> {
    KeyTable(
      keys: sizes + counts + waits,
      later: [
        ("calls_per_minute", "leave it out")
      ])
  }

  private static var sizes: [Key<LimitsConfiguration>] {
    let bytes = 1024...1 << 30
    return [
      .optional(
        "head_size", \.headBytesMax, .size(1024...1 << 20),
        "a request's or answer's head; a longer one is answered 431"),
      .optional(
        "request_size", \.requestBytesMax, .size(bytes),
        "a request's body; a longer one is answered 413"),
      .optional(
        "response_hold", \.responseHoldBytesMax, .size(64 << 10...8 << 20),
        "what of a server's message is held to be judged whole; a longer answer is masked as it arrives"
      ),
      .optional(
        "response_size", \.responseBytesMax, .size(bytes),
        "one message from a server; a longer one is refused, or cut when part of it has left"),
      .optional(
        "json_depth", \.jsonDepthMax, .integer(4...512), "how deep a message may be nested"),
      .optional(
        "pipeline_size", \.pipelineBytesMax, .size(bytes),
        "what an agent may send ahead of the answer it waits for"),
      .optional(
        "stream_backlog_size", \.streamBacklogBytesMax, .size(bytes),
        "what of a stream waits for a slow agent"),
      .optional(
        "worker_memory", \.workerMemoryBytesMax, .size(1 << 20...1 << 40),
        "each worker's memory for messages on their way"),
    ]
  }

  private static var counts: [Key<LimitsConfiguration>] {
    [
      .optional(
        "max_connections", \.connectionsMax, .integer(1...1_000_000),
        "agents' connections, over all workers (flag --max-connections)"),
      .optional(
        "upstream_connections", \.upstreamConnectionsMax, .integer(1...65535),
        "connections to one server, per worker"),
      .optional(
        "upstream_idle_connections", \.upstreamIdleConnectionsMax, .integer(0...65535),
        "unused connections to one server, per worker"),
      .optional(
        "connect_failures", \.connectFailuresMax, .integer(1...1000),
        "failed attempts in a row to connect to a server, after which calls to it fail at once"),
      .optional(
        "held_calls", \.heldCallsMax, .integer(1...1_000_000),
        "calls that wait for an approval, over all workers; a further one is refused"),
    ]
  }

  private static var waits: [Key<LimitsConfiguration>] {
    let wait = Shape<Int>.duration(1...86_400_000)
    return [
      .optional(
        "handshake_timeout", \.handshakeMilliseconds, wait,
        "to agree on TLS, with agents and with servers"),
      .optional(
        "head_timeout", \.headMilliseconds, wait, "to receive a request's head; then 408"),
      .optional(
        "body_timeout", \.bodyMilliseconds, wait, "to receive a request's body; then 408"),
      .optional(
        "idle_timeout", \.idleMilliseconds, wait, "an agent's connection without a request"),
      .optional(
        "write_timeout", \.writeMilliseconds, wait, "an agent that does not take its answer"),
      .optional("connect_timeout", \.connectMilliseconds, wait, "to connect to a server"),
      .optional(
        "unreachable_pause", \.unreachableMilliseconds, wait,
        "calls to a server that cannot be reached fail at once for so long; then one tries again"),
      .optional(
        "first_byte_timeout", \.firstByteMilliseconds, wait,
        "from a request to the server's first byte"),
      .optional(
        "stream_idle_timeout", \.streamIdleMilliseconds, wait,
        "between two pieces of a server's answer"),
      .optional(
        "upstream_idle_timeout", \.upstreamIdleMilliseconds, wait,
        "an unused connection to a server"),
      .optional(
        "approval_wait", \.approvalWaitMilliseconds, wait,
        "a call held for its approval, before its agent is told to come back"),
      .optional(
        "approval_leg", \.approvalLegMilliseconds, wait,
        "one leg of a held call whose client repeats it by itself (revision 2026-07-28)"),
      .optional(
        "drain_timeout", \.drainMilliseconds, wait, "a shutdown that waits for calls under way"),
      .optional(
        "pre_stop_delay", \.preStopMilliseconds, .duration(0...3_600_000),
        "calls still taken after the signal to stop, while /readyz says 503 to the load balancer"),
      .optional(
        "name_refresh", \.nameRefreshMilliseconds, .duration(1000...86_400_000),
        "how often the host names of servers are looked up again"),
    ]
  }
}
