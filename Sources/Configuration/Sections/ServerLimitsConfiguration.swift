/// Bounds for one server, in place of the general ones; nil for those.
public struct ServerLimitsConfiguration: Equatable, Sendable {
  /// From the request's last byte to the first of the answer.
  public var firstByteMilliseconds: Int?
  /// Connections to it, per worker.
  public var connectionsMax: Int?
  /// One message from it. At most the general `response_size`, for which memory was laid out.
  public var responseBytesMax: Int?
  /// Failed attempts in a row to connect, after which calls fail at once.
  public var connectFailuresMax: Int?
  /// How long they then do.
  public var unreachableMilliseconds: Int?
  /// Of a server that is started by a command.
  public var processes = ProcessLimitsConfiguration()

  public init() {}
}

extension ServerLimitsConfiguration: SchemaObject {
  static var keys: KeyTable<ServerLimitsConfiguration> {
    KeyTable(
      keys: general + ofProcesses,
      later: [
        ("request_size", "the general limits.request_size bounds every request"),
        ("calls_per_minute", "leave it out"),
      ],
      // A server with a URL would refuse them.
      tells: { key, _ in !ofProcesses.contains { $0.name == key } })
  }

  private static var general: [Key<ServerLimitsConfiguration>] {
    [
      .optional(
        "first_byte_timeout", \.firstByteMilliseconds, Shape<Int>.duration(1...86_400_000).optional,
        "from a request to the server's first byte; limits.first_byte_timeout when left out"),
      .optional(
        "connections", \.connectionsMax, Shape<Int>.integer(1...65535).optional,
        "connections to the server, per worker; limits.upstream_connections when left out"),
      .optional(
        "response_size", \.responseBytesMax, Shape<Int>.size(1024...1 << 30).optional,
        "one message from the server, at most limits.response_size, which holds when left out"),
      .optional(
        "connect_failures", \.connectFailuresMax, Shape<Int>.integer(1...1000).optional,
        "failed attempts in a row to connect, after which calls fail at once; limits.connect_failures when left out"
      ),
      .optional(
        "unreachable_pause", \.unreachableMilliseconds,
        Shape<Int>.duration(1...86_400_000).optional,
        "how long they then do, before one tries again; limits.unreachable_pause when left out"),
    ]
  }

  private static var ofProcesses: [Key<ServerLimitsConfiguration>] {
    [
      .optional(
        "max_processes", \.processes.processesMax, .integer(1...4096),
        "with command: processes at once; a session beyond is refused"),
      .optional(
        "start_timeout", \.processes.startMilliseconds, .duration(100...3_600_000),
        "with command: for a process to answer its first request, downloads included"),
      .optional(
        "idle_timeout", \.processes.idleMilliseconds, .duration(1000...86_400_000),
        "with command: for a session or process without a request, which then ends"),
    ]
  }

  /// What bounds processes means nothing for a server with a URL.
  func refuseProcessKeys(_ node: Node?, _ reading: inout Reading) {
    guard case .mapping(let members)? = node?.content else { return }
    let names = Set(Self.ofProcesses.map(\.name))
    for member in members where names.contains(member.key) {
      reading.report(
        member.keyOrigin,
        "\"limits.\(member.key)\" is for servers with a \"command\"; leave it out")
    }
  }
}
