/// The bounds of everything that could otherwise grow: sizes in bytes, waits in milliseconds.
///
/// Defaults are those of the protocol's own software where it has any.
public struct LimitsConfiguration: Equatable, Sendable {
  // MARK: HTTP

  /// Bytes of a request's or answer's head. A longer one is answered 431.
  public var headBytesMax = 32 << 10
  /// Fields of a head. More are answered 431.
  public var headFieldsMax = 128
  /// Bytes of a request's body. A longer one is answered 413.
  public var requestBytesMax = 4 << 20

  // MARK: Servers' answers

  /// Bytes of one answer. A longer one is cut off, and the agent gets an error.
  public var responseBytesMax = 16 << 20
  /// Bytes of one event of a stream.
  public var eventBytesMax = 4 << 20

  // MARK: JSON

  public var jsonDepthMax = 64
  /// Characters of a number's literal.
  public var jsonNumberBytesMax = 64
  public var jsonStringBytesMax = 16 << 20

  // MARK: Counts

  /// Agents' connections, over all workers.
  public var connectionsMax = 20_000
  /// Connections to one server, per worker.
  public var upstreamConnectionsMax = 256
  /// Sessions of the protocol revisions that have them, over all workers.
  public var sessionsMax = 10_000

  // MARK: Waits

  /// From a connection's (or a kept-alive connection's next) first byte to the end of the head.
  /// Then 408.
  public var headMilliseconds = 10_000
  /// From the end of the head to the end of the body. Then 408.
  public var bodyMilliseconds = 30_000
  /// An agent's connection without a request.
  public var idleMilliseconds = 120_000
  /// An agent that does not take what is sent to it.
  public var writeMilliseconds = 30_000
  /// A session without a message.
  public var sessionIdleMilliseconds = 1_800_000
  public var connectMilliseconds = 5000
  /// From a request to the first byte of the server's answer.
  public var firstByteMilliseconds = 300_000
  /// Between two pieces of a server's answer.
  public var streamIdleMilliseconds = 300_000
  /// A connection to a server that nobody uses.
  public var upstreamIdleMilliseconds = 60_000
  /// How long a shutdown waits for calls under way.
  public var drainMilliseconds = 10_000

  public init() {}
}

extension LimitsConfiguration: SchemaObject {
  private static var bytes: ClosedRange<Int> { 1024...1 << 30 }
  private static var milliseconds: ClosedRange<Int> { 1...86_400_000 }

  static var keys: KeyTable<LimitsConfiguration> {
    KeyTable(
      keys: sizes + counts + waits,
      later: [
        ("hold_size", "an answer up to response_size is judged as a whole"),
        ("calls_per_minute", "leave it out"),
        ("approval_wait", "approvals come with a later version; leave it out"),
      ])
  }

  private static var sizes: [Key<LimitsConfiguration>] {
    [
      .optional(
        "head_size", \.headBytesMax, .size(1024...1 << 20),
        "a request's or answer's head; a longer one is answered 431"),
      .optional(
        "head_fields", \.headFieldsMax, .integer(8...1024),
        "fields of a head; more are answered 431"),
      .optional(
        "request_size", \.requestBytesMax, .size(bytes),
        "a request's body; a longer one is answered 413"),
      .optional(
        "response_size", \.responseBytesMax, .size(bytes),
        "one answer of a server; the agent gets an error for a longer one"),
      .optional("event_size", \.eventBytesMax, .size(bytes), "one event of a server's stream"),
      .optional(
        "json_depth", \.jsonDepthMax, .integer(4...512), "how deep a message may be nested"),
      .optional(
        "json_number_length", \.jsonNumberBytesMax, .integer(16...1024),
        "characters of a number in a message"),
      .optional("json_string_size", \.jsonStringBytesMax, .size(bytes), "one text in a message"),
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
        "sessions", \.sessionsMax, .integer(1...1_000_000), "sessions of agents, over all workers"),
    ]
  }

  private static var waits: [Key<LimitsConfiguration>] {
    [
      .optional(
        "head_timeout", \.headMilliseconds, .duration(milliseconds),
        "to receive a request's head; then 408"),
      .optional(
        "body_timeout", \.bodyMilliseconds, .duration(milliseconds),
        "to receive a request's body; then 408"),
      .optional(
        "idle_timeout", \.idleMilliseconds, .duration(milliseconds),
        "an agent's connection without a request"),
      .optional(
        "write_timeout", \.writeMilliseconds, .duration(milliseconds),
        "an agent that does not take its answer"),
      .optional(
        "session_idle_timeout", \.sessionIdleMilliseconds, .duration(milliseconds),
        "a session without a message"),
      .optional(
        "connect_timeout", \.connectMilliseconds, .duration(milliseconds), "to connect to a server"),
      .optional(
        "first_byte_timeout", \.firstByteMilliseconds, .duration(milliseconds),
        "from a request to the first byte of the server's answer"),
      .optional(
        "stream_idle_timeout", \.streamIdleMilliseconds, .duration(milliseconds),
        "between two pieces of a server's answer"),
      .optional(
        "upstream_idle_timeout", \.upstreamIdleMilliseconds, .duration(milliseconds),
        "an unused connection to a server"),
      .optional(
        "drain_timeout", \.drainMilliseconds, .duration(milliseconds),
        "how long a shutdown waits for calls under way"),
    ]
  }
}

/// A server's own bounds. Nil means as `LimitsConfiguration` says.
public struct ServerLimitsConfiguration: Equatable, Sendable {
  public var responseBytesMax: Int?
  public var eventBytesMax: Int?
  public var upstreamConnectionsMax: Int?
  public var connectMilliseconds: Int?
  public var firstByteMilliseconds: Int?
  public var streamIdleMilliseconds: Int?
  public var upstreamIdleMilliseconds: Int?

  public init() {}
}

extension ServerLimitsConfiguration: SchemaObject {
  static var keys: KeyTable<ServerLimitsConfiguration> {
    let size = Shape<Int>.size(1024...1 << 30).optional
    let wait = Shape<Int>.duration(1...86_400_000).optional
    return KeyTable(keys: [
      .optional("response_size", \.responseBytesMax, size, "one answer of the server"),
      .optional("event_size", \.eventBytesMax, size, "one event of the server's stream"),
      .optional(
        "upstream_connections", \.upstreamConnectionsMax, Shape<Int>.integer(1...65535).optional,
        "connections to the server, per worker"),
      .optional("connect_timeout", \.connectMilliseconds, wait, "to connect to the server"),
      .optional(
        "first_byte_timeout", \.firstByteMilliseconds, wait,
        "from a request to the first byte of the server's answer"),
      .optional(
        "stream_idle_timeout", \.streamIdleMilliseconds, wait,
        "between two pieces of the server's answer"),
      .optional(
        "upstream_idle_timeout", \.upstreamIdleMilliseconds, wait,
        "an unused connection to the server"),
    ])
  }
}

extension Configuration {
  /// The limits that hold for a server: its own where it has any, else the general ones.
  public func limits(of server: ServerConfiguration) -> LimitsConfiguration {
    var limits = limits
    let own = server.limits
    limits.responseBytesMax = own.responseBytesMax ?? limits.responseBytesMax
    limits.eventBytesMax = own.eventBytesMax ?? limits.eventBytesMax
    limits.upstreamConnectionsMax = own.upstreamConnectionsMax ?? limits.upstreamConnectionsMax
    limits.connectMilliseconds = own.connectMilliseconds ?? limits.connectMilliseconds
    limits.firstByteMilliseconds = own.firstByteMilliseconds ?? limits.firstByteMilliseconds
    limits.streamIdleMilliseconds = own.streamIdleMilliseconds ?? limits.streamIdleMilliseconds
    limits.upstreamIdleMilliseconds =
      own.upstreamIdleMilliseconds ?? limits.upstreamIdleMilliseconds
    return limits
  }
}
