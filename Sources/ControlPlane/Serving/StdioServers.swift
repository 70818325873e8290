import EventLoop
import Identity
public import Logging
public import SluiceConfiguration
import StdioBridge
import Synchronization

/// The part that starts servers which speak on standard input and output, and stands between them and the workers, who
/// reach them like any other server.
public final class StdioServers: ServicePart {
  public let name = "stdio"

  private let guardCommand: [String]?
  private let logger: Logger
  /// Opened for the first configuration that has such a server.
  private let bridge = Mutex<StdioBridge?>(nil)

  /// - Parameter guardCommand: a program that calls `StdioGuard.run`: it ends the servers' processes if this one is killed.
  public init(guardCommand: [String]?, logger: Logger) {
    self.guardCommand = guardCommand
    self.logger = logger
  }

  public func prepare(_ loaded: LoadedConfiguration) async throws(ServiceFailure) {
    let isNeeded = loaded.configuration.servers.contains(where: \.isCommand)
    guard isNeeded, bridge.withLock({ $0 == nil }) else { return }
    do {
      let opened = try await StdioBridge(logger: logger, guardCommand: guardCommand)
      bridge.withLock { $0 = opened }
    } catch {
      throw ServiceFailure("Servers on standard input and output cannot be reached: \(error)")
    }
  }

  public func contribute(to plan: inout ServingPlan, _ loaded: LoadedConfiguration) async {
    guard let bridge = bridge.withLock({ $0 }) else { return }
    // Before the workers hear of them.
    bridge.add(loaded.configuration.stdioServers)
    for server in loaded.configuration.servers where server.isCommand {
      var endpoint = plan.endpoints[server.name] ?? ServerEndpoint()
      endpoint.address = try? NumericSocketAddress(localName: bridge.socketName)
      endpoint.target = bridge.target(of: server.name)
      endpoint.credential = ("Authorization", Secret(Array(bridge.authorization.utf8)))
      plan.endpoints[server.name] = endpoint
    }
  }

  public func adopt(_ loaded: LoadedConfiguration, _ service: GatewayService) async {
    bridge.withLock { $0 }?.update(loaded.configuration.stdioServers)
  }

  public func stop() async {
    let bridge = bridge.withLock { bridge in
      defer { bridge = nil }
      return bridge
    }
    await bridge?.stop()
  }
}

extension Configuration {
  /// The servers that are started by a command, as the bridge takes them.
  var stdioServers: [StdioServer] {
    servers.filter(\.isCommand).map { server in
      var stdio = StdioServer(
        name: server.name, command: server.command,
        environment: Dictionary(
          server.environment.map { ($0.name, $0.value.text) }, uniquingKeysWith: { $1 }),
        directory: server.directory)
      stdio.sharing = server.sharing == .shared ? .shared : .session
      stdio.limits.processesMax = server.processLimits.processesMax
      stdio.limits.startTime = .milliseconds(server.processLimits.startMilliseconds)
      stdio.limits.idleTime = .milliseconds(server.processLimits.idleMilliseconds)
      // A message of a server is judged whole: what the workers would refuse need not be read to its end.
      stdio.limits.messageBytesMax = max(limits.requestBytesMax, limits.responseBytesMax)
      return stdio
    }
  }
}

extension Secret {
  /// For the environment of a process, which knows only text.
  fileprivate var text: String {
    reveal { bytes in unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) } }
  }
}
