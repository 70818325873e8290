/// An MCP server that the bridge stands before: how to start or to reach it, and how many of its processes or sessions may be.
public struct BridgedServer: Sendable, Equatable {
  /// Who shares a process of a server of the legacy era (2024-11-05 to 2025-11-25). A server of the modern era keeps
  /// nothing between requests, so all share one.
  public enum Sharing: Sendable, Equatable {
    /// Each session has a process of its own: what the server remembers stays with one agent.
    case session
    /// One process serves all sessions.
    case shared
  }

  public var name: String
  /// The program, looked for on the PATH of `environment` unless it holds a slash, and its arguments.
  public var command: [String]
  /// The whole environment of the process: nothing of the gateway's own is passed on. Its values may be secrets.
  public var environment: [String: String]
  public var directory: String?
  /// Where it is, when it is no program but reached over HTTP in a way that the workers do not speak.
  public var remote: RemoteServer?
  public var sharing = Sharing.session
  public var limits = BridgeLimits()

  public init(
    name: String, command: [String], environment: [String: String] = [:], directory: String? = nil
  ) {
    self.name = name
    self.command = command
    self.environment = environment
    self.directory = directory
  }

  /// One that is reached over HTTP.
  public init(name: String, remote: RemoteServer) {
    self.init(name: name, command: [])
    self.remote = remote
    // What a session costs is a connection at most, and people take their time with what they are asked.
    limits.processesMax = 4096
    limits.serverRequestTime = .seconds(600)
  }

  /// What runs for a session, in words for people.
  var noun: String { remote == nil ? "process" : "session" }
}

extension BridgedServer: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Never the environment: secrets stand in it.
  public var description: String { "\(name): \(command.first ?? "")" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: []) }
}

/// What is bounded for one server behind the bridge, with its default.
public struct BridgeLimits: Sendable, Equatable {
  /// Processes at once, those that are ending included. Beyond, a new session is refused.
  public var processesMax = 64
  /// Sessions at once on a shared process. Beyond, a new session is refused.
  public var sessionsMax = 10_000
  /// Until a process answers its first request; programs that are fetched first take their time.
  public var startTime = Duration.seconds(60)
  /// A session or a process without any request.
  public var idleTime = Duration.seconds(1800)
  /// From when on a session without a request may end to make room for another one.
  public var evictionTime = Duration.seconds(30)
  /// One message, in either direction.
  public var messageBytesMax = 16 << 20
  /// Requests that wait for one process. Beyond, requests are refused.
  public var requestsMax = 1024
  /// Bytes that wait for a process that does not read. Beyond, requests are refused.
  public var inputBytesMax = 32 << 20
  /// How long a request is remembered whose agent went away without cancelling it.
  public var abandonedTime = Duration.seconds(300)
  /// Bytes and events of one session that are kept for streams that are taken up again; the oldest are forgotten first.
  public var keptBytesMax = 256 << 10
  public var keptEventsMax = 256
  /// The same bytes over all sessions.
  public var keptTotalBytesMax = 64 << 20
  /// How long a request of the server itself waits for an agent's answer, and how many may.
  public var serverRequestTime = Duration.seconds(60)
  public var serverRequestsMax = 64
  /// From the end of its input until a process is asked to terminate, and from there until it is killed.
  public var closeTime = Duration.seconds(2)
  public var terminateTime = Duration.seconds(3)
  /// Between two signs of life on a stream without messages.
  public var keepAliveTime = Duration.seconds(15)

  public init() {}
}
