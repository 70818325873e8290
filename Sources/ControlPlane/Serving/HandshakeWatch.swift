import Audit
import Logging
import Proxy
import SluiceConfiguration
import Synchronization

/// The part that tells the operator of TLS handshakes that fail: workers only count them.
///
/// Once a second at most, whatever agents do: a flood of bad handshakes is one line with its count.
final class HandshakeWatch: ServicePart {
  let name = "handshakes"

  static let interval = Duration.seconds(1)

  private let logger: Logger
  /// The servers' names, in the order of the configuration in force.
  private let servers = Mutex<[String]>([])
  private let task = Mutex<Task<Void, Never>?>(nil)

  init(logger: Logger) { self.logger = logger }

  func adopt(_ loaded: LoadedConfiguration, _ service: GatewayService) async {
    servers.withLock { $0 = loaded.configuration.servers.map(\.name) }
    task.withLock { task in
      guard task == nil else { return }
      let gateway = service.gateway
      task = Task { [weak self] in
        var seen = gateway.handshakeFailures
        while !Task.isCancelled {
          try? await Task.sleep(for: Self.interval)
          guard let self, !Task.isCancelled else { return }
          let now = gateway.handshakeFailures
          self.report(now, since: seen)
          seen = now
        }
      }
    }
  }

  func stop() async { task.withLock { $0?.cancel() } }

  /// Says what has failed between two looks, both by worker.
  func report(_ now: [HandshakeFailures], since seen: [HandshakeFailures]) {
    let names = servers.withLock { $0 }
    for (now, seen) in zip(now, seen) where now.servers > seen.servers {
      let name = now.lastServer < names.count ? names[now.lastServer] : "?"
      logger.warning(
        "no secure connection to a server can be made",
        metadata: [
          "server": "\(name)", "reason": "\(now.lastServerReason.text)",
          "failures": "\(now.servers - seen.servers)",
        ])
    }
    let agents = zip(now, seen).reduce(0) { $0 + $1.0.agents - $1.1.agents }
    guard agents > 0, let last = Array(zip(now, seen)).last(where: { $0.agents > $1.agents })?.0
    else {
      return
    }
    logger.notice(
      "TLS handshakes with agents failed",
      metadata: ["failures": "\(agents)", "last_reason": "\(last.lastAgentReason.text)"])
  }
}
