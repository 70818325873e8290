import Proxy
import Synchronization

/// The counters of every server by name, so that they go on when a snapshot is replaced.
final class ServerTallies: Sendable {
  private let counters = Mutex<[String: ServerCounters]>([:])

  func counters(of server: String) -> ServerCounters {
    counters.withLock { counters in
      if let known = counters[server] { return known }
      let made = ServerCounters()
      counters[server] = made
      return made
    }
  }

  /// Forgets servers that no longer exist.
  func keep(_ names: Set<String>) {
    counters.withLock { $0 = $0.filter { names.contains($0.key) } }
  }
}
