public import Logging

/// The bridge to whatever is not Streamable HTTP of the agent's era: servers on standard input and output, servers of HTTP+SSE,
/// modern servers for legacy agents, and agents of HTTP+SSE. Inside this process it is an HTTP server that only the gateway's own
/// workers can reach, and they treat each such server as any other, with policy, masks, record and sessions.
///
/// A message passes its folders in this order:
///
///     Listener    a worker's request comes in
///     Door        from an agent of HTTP+SSE: becomes requests to the workers, which begin at Listener again where needed
///     Server      sessions, and who waits for which answer; Messages reads and writes what it looks at
///     Processes   to a program on standard input and output, or
///     Modern      into the modern era and back, or
///     Remote      over HTTP: to servers of HTTP+SSE, and what Modern and Door send
///
///     let bridge = try await ProtocolBridge(logger: log, helpers: helpers)
///     await bridge.update(servers)
///     …                                    // workers: bridge.socketName, target(of:), authorization
///     await bridge.stop()
public final class ProtocolBridge: Sendable {
  private let listener: BridgeListener
  private let servers: ServerTable
  private let processGuard: ProcessGuard?
  private let door: EventStreamDoor

  /// Opens the bridge; it runs no process before an agent asks for one.
  /// - Parameter helpers: what keeps servers' processes from being left behind; nil for nothing.
  /// - Throws: when its socket cannot be had.
  public init(logger: Logger, helpers: ProcessHelpers?) async throws {
    let processGuard = helpers.map { ProcessGuard(command: $0.guardCommand, log: logger) }
    let clients = RemoteClients()
    let servers = ServerTable(log: logger) { server, events in
      guard let remote = server.remote else {
        return ChildProcess(
          server, log: logger, processGuard: processGuard, keeper: helpers?.keeperCommand,
          events: events)
      }
      let client = clients.client(of: server.name, remote)
      return switch remote.speech {
      case .eventStream: EventStreamProcess(server, remote, client: client, events: events)
      case .modern: ModernProcess(server, remote, client: client, log: logger, events: events)
      }
    }
    self.servers = servers
    self.processGuard = processGuard
    let door = EventStreamDoor(log: logger)
    self.door = door
    listener = try await BridgeListener.start(bodyBytesMax: 64 << 20) { request, reply in
      // Away from the listener's thread, which only moves bytes.
      Task {
        if request.server.hasPrefix(EventStreamDoor.prefix) {
          return await door.handle(request, reply)
        }
        guard let server = servers[request.server] else { return reply.finish(404, nil) }
        await server.handle(request, reply)
      }
    }
  }

  /// The name of the Unix socket, of the abstract namespace, at which the workers reach it.
  public var socketName: String { listener.name }

  /// What they prove themselves with: the value of the field Authorization. A secret.
  public var authorization: String { listener.authorization }

  /// The request target of a server.
  public func target(of server: String) -> String { "/\(server)" }

  /// The request target of the door for agents that speak HTTP+SSE, for a server.
  public func doorTarget(of server: String) -> String { "/\(EventStreamDoor.prefix)\(server)" }

  /// Connects that door to the gateway, whose workers listen for this process at these names ("@…").
  public func connectDoor(to workers: [String]) { door.connect(to: workers) }

  /// Where the gateway's servers are reached by agents, by their names: what the door is open for.
  public func updateDoor(paths: [String: String]) { door.update(paths: paths) }

  /// The gateway is about to stop: streams of HTTP+SSE end as soon as their agents wait for nothing.
  public func drain() async { await door.drain() }

  /// Makes servers known that are not yet, and takes over how the others are reached now.
  public func add(_ servers: [BridgedServer]) { self.servers.add(servers) }

  /// Puts another set of servers in force. Those that have not changed go on; those that are started differently from now
  /// on, or are gone, finish what is under way, and their sessions end.
  public func update(_ servers: [BridgedServer]) { self.servers.update(servers) }

  /// What it holds now.
  public var status: BridgeStatus {
    get async { BridgeStatus(servers: await servers.status, door: door.status) }
  }

  /// Ends all processes in good order and closes the bridge. Takes up to the time that a server's limits give.
  public func stop() async {
    await door.stop()
    await servers.stop()
    await processGuard?.stop()
    await listener.stop()
  }
}

/// Programs that keep servers' processes from being left behind: the first part of their command lines.
public struct ProcessHelpers: Sendable {
  /// One that calls `StdioGuard.run`: it ends the servers' processes when this one is gone without doing so itself.
  public var guardCommand: [String]
  /// One that calls `StdioKeeper.run` with the arguments that follow: it ends what a server's program leaves behind.
  public var keeperCommand: [String]

  public init(guardCommand: [String], keeperCommand: [String]) {
    self.guardCommand = guardCommand
    self.keeperCommand = keeperCommand
  }
}

/// What the bridge holds.
public struct BridgeStatus: Sendable, Equatable {
  /// What it holds of one server.
  public struct Server: Sendable, Equatable {
    /// Processes that run, those that are ending included; connections where the server is reached over HTTP.
    public var processes = 0
    /// Sessions of the legacy era.
    public var sessions = 0

    public init() {}
  }

  /// By the servers' names; of one that was changed together with what it was before.
  public var servers: [String: Server]
  public var door: DoorStatus
}
