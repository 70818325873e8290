import Identity
import Policy
import Proxy
import SluiceConfiguration

extension GatewaySnapshot {
  /// Everything workers decide by, from a loaded configuration. Looks host names up, so it may take a moment.
  convenience init(_ loaded: LoadedConfiguration) throws(CommandFailure) {
    var servers: [UpstreamServer] = []
    for server in loaded.configuration.servers {
      servers.append(try UpstreamServer(server, in: loaded.source))
    }
    self.init(
      policy: loaded.policy, identity: loaded.identities,
      servers: servers)
  }
}

extension UpstreamServer {
  init(
    _ server: ServerConfiguration, in source: ConfigurationSource
  ) throws(CommandFailure) {
    let url = server.url
    guard let address = try Address.lookUp(host: url.host, port: url.port) else {
      throw CommandFailure(
        source.error(at: "servers.\(server.name).url", "no such host: \(url.host)"))
    }
    self.init(
      name: server.name, path: server.path, address: address, host: url.authority, target: url.path,
      credential: server.credential.map { ($0.header, $0.fieldValue) })
  }
}
