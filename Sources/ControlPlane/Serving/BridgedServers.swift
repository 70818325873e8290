public import Bridge
import EventLoop
import Identity
public import Logging
import Policy
import Proxy
public import SluiceConfiguration
public import Status
import Synchronization

/// The part that stands between the workers and the servers which they cannot speak with by themselves: those on standard
/// input and output, which it starts, those of HTTP+SSE, and for agents of the legacy era those of the modern era only.
public final class BridgedServers: ServicePart {
  public let name = "bridge"

  private let helpers: ProcessHelpers?
  private let logger: Logger
  /// Opened for the first configuration that has such a server.
  private let bridge = Mutex<ProtocolBridge?>(nil)
  /// What the last plan says of such servers.
  private let planned = Mutex<[BridgedServer]>([])

  /// - Parameter helpers: what keeps servers' processes from being left behind.
  public init(helpers: ProcessHelpers?, logger: Logger) {
    self.helpers = helpers
    self.logger = logger
  }

  public func prepare(_ loaded: LoadedConfiguration) async throws(ServiceFailure) {
    let isNeeded = loaded.configuration.servers.contains {
      $0.isBridged || $0.isBridgedForLegacy || $0.servesEventStreams
    }
    guard isNeeded, bridge.withLock({ $0 == nil }) else { return }
    do {
      let opened = try await ProtocolBridge(logger: logger, helpers: helpers)
      bridge.withLock { $0 = opened }
    } catch {
      throw ServiceFailure("Servers behind the bridge cannot be reached: \(error)")
    }
  }

  public func contribute(to plan: inout ServingPlan, _ loaded: LoadedConfiguration) async {
    guard let bridge = bridge.withLock({ $0 }) else { return }
    let servers = loaded.configuration.bridgedServers(plan)
    planned.withLock { $0 = servers }
    // Before the workers hear of them.
    bridge.add(servers)
    guard let address = try? NumericSocketAddress(localName: bridge.socketName) else { return }
    let credential = ("Authorization", Secret(Array(bridge.authorization.utf8)))
    for server in loaded.configuration.servers {
      var endpoint = plan.endpoints[server.name] ?? ServerEndpoint()
      let target = bridge.target(of: server.name)
      if server.isBridged {
        endpoint.address = address
        endpoint.target = target
        endpoint.credential = credential
      } else if server.isBridgedForLegacy {
        endpoint.legacyDoor = LegacyDoor(address: address, target: target, credential: credential)
      }
      if server.servesEventStreams {
        endpoint.eventStreamDoor = EventStreamDoor(
          path: server.eventStreamPath, address: address,
          target: bridge.doorTarget(of: server.name), credential: credential)
      }
      plan.endpoints[server.name] = endpoint
    }
  }

  public func adopt(_ loaded: LoadedConfiguration, _ service: GatewayService) async {
    guard let bridge = bridge.withLock({ $0 }) else { return }
    bridge.update(planned.withLock { $0 })
    let open = loaded.configuration.servers.filter(\.servesEventStreams)
    bridge.updateDoor(
      paths: Dictionary(open.map { ($0.name, $0.path) }, uniquingKeysWith: { $1 }))
    bridge.connectDoor(to: service.gateway.innerAddresses.map(\.description))
  }

  public func report(in status: inout GatewayStatus) async {
    guard let bridge = bridge.withLock({ $0 }) else { return }
    status.add(await bridge.status, planned.withLock { $0 })
  }

  public func stopping() async { await bridge.withLock { $0 }?.drain() }

  public func stop() async {
    let bridge = bridge.withLock { bridge in
      defer { bridge = nil }
      return bridge
    }
    await bridge?.stop()
  }
}

extension Configuration {
  /// The servers that the bridge stands before, as it takes them.
  func bridgedServers(_ plan: ServingPlan) -> [BridgedServer] {
    servers.compactMap { server in
      if server.isCommand { return commandServer(server) }
      guard server.isBridged || server.isBridgedForLegacy else { return nil }
      return remoteServer(server, plan.endpoints[server.name])
    }
  }

  /// Nil while its address is not known.
  private func remoteServer(
    _ server: ServerConfiguration, _ endpoint: ServerEndpoint?
  ) -> BridgedServer? {
    guard let address = endpoint?.address else { return nil }
    let url = server.url
    let access = RemoteAccess(
      host: address.host, port: address.port, authority: url.authority,
      credential: endpoint?.credential
        ?? server.credential.map { (field: $0.header, value: $0.fieldValue) },
      tls: server.tlsContext)
    var bridged = BridgedServer(
      name: server.name,
      remote: RemoteServer(
        speech: server.transport == .sse ? .eventStream : .modern, origin: url.origin,
        target: url.path, access: access))
    bridged.limits.messageBytesMax = max(limits.requestBytesMax, limits.responseHeldBytesMax)
    return bridged
  }

  private func commandServer(_ server: ServerConfiguration) -> BridgedServer {
    var bridged = BridgedServer(
      name: server.name, command: server.command,
      environment: Dictionary(
        server.environment.map { ($0.name, $0.value.text) }, uniquingKeysWith: { $1 }),
      directory: server.directory)
    bridged.sharing = server.sharing == .shared ? .shared : .session
    bridged.limits.processesMax = server.processLimits.processesMax
    bridged.limits.startTime = .milliseconds(server.processLimits.startMilliseconds)
    bridged.limits.idleTime = .milliseconds(server.processLimits.idleMilliseconds)
    // A message of a server is judged whole: what the workers would refuse need not be read to its end.
    bridged.limits.messageBytesMax = max(limits.requestBytesMax, limits.responseHeldBytesMax)
    return bridged
  }
}

extension Secret {
  /// For the environment of a process, which knows only text.
  fileprivate var text: String {
    reveal { bytes in unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) } }
  }
}
