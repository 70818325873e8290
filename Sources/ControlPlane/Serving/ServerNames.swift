import Logging
import Proxy
import SluiceConfiguration
import Synchronization

/// The part that knows where servers are. Looks their host names up before a configuration is put in force, again every
/// `limits.name_refresh`, and when connections fail; what has changed is published.
///
/// An address stays in use for as long as the name has it and connections to it work: a name with several addresses, in an
/// order that changes, moves nothing.
final class ServerNames: ServicePart {
  let name = "names"

  /// Least time between two look-ups of a name because connections fail.
  static let failureInterval = Duration.seconds(5)

  private struct Name {
    var host: String
    var port: UInt16
    /// In the resolver's order; not empty.
    var addresses: [NumericSocketAddress]
    var current: NumericSocketAddress
    var lookedUp = ContinuousClock.now
  }

  private struct State {
    /// By `host:port`.
    var names: [String: Name] = [:]
    var servers: [ServerConfiguration] = []
    var interval = Duration.seconds(30)
    /// Failed attempts to connect so far, by server.
    var failures: [String: UInt64] = [:]
    var loop: Task<Void, Never>?
  }

  private let state = Mutex(State())
  private let tallies: ServerTallies
  private let logger: Logger

  init(_ tallies: ServerTallies, logger: Logger) {
    self.tallies = tallies
    self.logger = logger
  }

  func prepare(_ loaded: LoadedConfiguration) async throws(ServiceFailure) {
    for server in loaded.configuration.servers where !server.isCommand {
      let url = server.url
      let addresses = await Self.lookUp(url.host, url.port)
      guard let first = addresses.first else {
        throw ServiceFailure(
          loaded.source.error(at: "servers.\(server.name).url", "no such host: \(url.host)"))
      }
      state.withLock { state in
        let before = state.names[url.location]?.current
        let kept = before.flatMap { addresses.contains($0) ? $0 : nil }
        state.names[url.location] = Name(
          host: url.host, port: url.port, addresses: addresses, current: kept ?? first)
      }
    }
  }

  private static func lookUp(_ host: String, _ port: UInt16) async -> [NumericSocketAddress] {
    await BlockingWork.run { NumericAddress.lookUp(host: host, port: port) }
  }

  func contribute(to plan: inout ServingPlan, _ loaded: LoadedConfiguration) async {
    for server in loaded.configuration.servers where !server.isCommand {
      guard let name = state.withLock({ $0.names[server.url.location] }) else { continue }
      plan.endpoints[server.name, default: ServerEndpoint()].address = name.current
    }
  }

  func adopt(_ loaded: LoadedConfiguration, _ service: GatewayService) async {
    let servers = loaded.configuration.servers
    state.withLock { state in
      let used = Set(servers.map(\.url.location))
      state.names = state.names.filter { used.contains($0.key) }
      state.failures = state.failures.filter { entry in servers.contains { $0.name == entry.key } }
      // What is a number already needs no looking up.
      state.servers = servers.filter { !$0.isCommand && $0.url.addressBytes == nil }
      state.interval = .milliseconds(loaded.configuration.limits.nameRefreshMilliseconds)
      guard state.loop == nil else { return }
      state.loop = Task { [weak self, weak service] in
        while !Task.isCancelled {
          try? await Task.sleep(for: .seconds(1))
          guard let self, let service, !Task.isCancelled else { return }
          await self.look(service)
        }
      }
    }
  }

  func stopping() async { state.withLock { $0.loop?.cancel() } }

  private func look(_ service: GatewayService) async {
    var moved: [String] = []
    for server in state.withLock({ $0.servers }) {
      let failures = tallies.counters(of: server.name).counts.connectFailures
      let (name, fails, isDue) = state.withLock { state -> (Name?, Bool, Bool) in
        guard let name = state.names[server.url.location] else { return (nil, false, false) }
        let fails = failures > state.failures[server.name] ?? 0
        let age = ContinuousClock.now - name.lookedUp
        return (name, fails, age >= (fails ? Self.failureInterval : state.interval))
      }
      guard let name, isDue else { continue }
      let addresses = await Self.lookUp(name.host, name.port)
      let current = Self.choose(addresses, current: name.current, fails: fails)
      state.withLock { state in
        state.failures[server.name] = failures
        state.names[server.url.location]?.lookedUp = .now
        guard !addresses.isEmpty else { return }
        state.names[server.url.location]?.addresses = addresses
        state.names[server.url.location]?.current = current
      }
      if addresses.isEmpty {
        logger.warning(
          "a host name is not known any more; its last address is used",
          metadata: ["server": "\(server.name)", "host": "\(name.host)"])
      } else if current != name.current {
        moved.append(server.name)
      }
    }
    guard !moved.isEmpty else { return }
    await service.republish(because: "address of \(moved.joined(separator: ", "))")
  }

  /// The address to use: the one in use while the name has it and it works, else the one after it.
  static func choose(
    _ addresses: [NumericSocketAddress], current: NumericSocketAddress, fails: Bool
  ) -> NumericSocketAddress {
    guard let place = addresses.firstIndex(of: current) else { return addresses.first ?? current }
    return fails ? addresses[(place + 1) % addresses.count] : current
  }
}

extension UpstreamURL {
  /// Where connections go. Not the authority, which leaves the port out when it is the scheme's own: 80 or 443.
  fileprivate var location: String { "\(host):\(port)" }
}
