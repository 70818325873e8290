import Identity
import Policy
import Proxy
import SluiceConfiguration

extension GatewaySnapshot {
  /// Everything workers decide by: a configuration, and what the parts found out about its servers.
  convenience init(
    _ loaded: LoadedConfiguration, _ plan: ServingPlan, _ tallies: ServerTallies
  ) throws(ServiceFailure) {
    var servers: [UpstreamServer] = []
    for server in loaded.configuration.servers {
      guard var made = UpstreamServer(server, plan.endpoints[server.name]) else {
        throw ServiceFailure(
          loaded.source.error(at: "servers.\(server.name).url", "no such host: \(server.url.host)"))
      }
      made.counters = tallies.counters(of: server.name)
      servers.append(made)
    }
    self.init(
      policy: plan.policy, identity: plan.identities, servers: servers,
      limits: GatewayLimits(loaded.configuration.limits),
      listeners: loaded.configuration.listeners.map { $0.tls?.context },
      access: loaded.configuration.listeners.map {
        ListenerAccess(
          hosts: $0.hosts(publicHost: loaded.configuration.publicURL?.host),
          origins: $0.allowedOrigins)
      },
      publicURL: loaded.configuration.publicURL)
  }
}

extension UpstreamServer {
  /// Nil while the address is not known.
  fileprivate init?(_ server: ServerConfiguration, _ endpoint: ServerEndpoint?) {
    guard let address = endpoint?.address else { return nil }
    let nanoseconds = { (milliseconds: Int) in UInt64(milliseconds) * 1_000_000 }
    self.init(
      name: server.name, path: server.path, address: address,
      host: server.isBridged ? "localhost" : server.url.authority,
      target: endpoint?.target ?? server.url.path,
      credential: endpoint?.credential
        ?? server.credential.map { (field: $0.header, value: $0.fieldValue) },
      tls: server.isBridged ? nil : server.tlsContext)
    for request in server.clientRequests {
      switch request {
      case .sampling: clientRequests.insert(.sampling)
      case .elicitation: clientRequests.insert(.elicitation)
      case .roots: clientRequests.insert(.roots)
      }
    }
    methods = server.methods
    passesEventIDs = server.eventIDs == .server
    legacyDoor = endpoint?.legacyDoor
    eventStreamDoor = endpoint?.eventStreamDoor
    isAvailable = endpoint?.problem == nil
    limits.firstByteTime = server.limits.firstByteMilliseconds.map(nanoseconds)
    limits.connectionsMax = server.limits.connectionsMax
    limits.messageBytesMax = server.limits.responseBytesMax
    limits.connectFailuresMax = server.limits.connectFailuresMax
    limits.unreachableTime = server.limits.unreachableMilliseconds.map(nanoseconds)
  }
}
