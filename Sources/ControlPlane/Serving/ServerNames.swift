import SluiceConfiguration
import Synchronization

/// The part that knows where servers are: looks their host names up before a configuration is put in force.
final class ServerNames: ServicePart {
  let name = "names"

  /// What was found for each `host:port`, in the resolver's order.
  private let found = Mutex<[String: [NumericSocketAddress]]>([:])

  func prepare(_ loaded: LoadedConfiguration) async throws(ServiceFailure) {
    for server in loaded.configuration.servers where !server.isCommand {
      let url = server.url
      let addresses = await BlockingWork.run {
        NumericAddress.lookUp(host: url.host, port: url.port)
      }
      guard !addresses.isEmpty else {
        throw ServiceFailure(
          loaded.source.error(at: "servers.\(server.name).url", "no such host: \(url.host)"))
      }
      found.withLock { $0[url.location] = addresses }
    }
  }

  func contribute(to plan: inout ServingPlan, _ loaded: LoadedConfiguration) async {
    for server in loaded.configuration.servers where !server.isCommand {
      guard let address = found.withLock({ $0[server.url.location]?.first }) else { continue }
      plan.endpoints[server.name, default: ServerEndpoint()].address = address
    }
  }

  func adopt(_ loaded: LoadedConfiguration, _ service: GatewayService) async {
    let used = Set(loaded.configuration.servers.map(\.url.location))
    found.withLock { $0 = $0.filter { used.contains($0.key) } }
  }
}

extension UpstreamURL {
  /// Where connections go. Not the authority, which leaves the port out when it is the scheme's own: 80 or 443.
  fileprivate var location: String { "\(host):\(port)" }
}
