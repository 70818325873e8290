import Audit
import Foundation
import Logging
import Proxy
import Synchronization
import Testing

@testable import ControlPlane

/// What is said about handshakes that failed, and how often.
struct HandshakeWatchTests {
  /// Collects what is logged.
  final class Lines: Sendable {
    let texts = Mutex<[String]>([])
  }

  struct Handler: LogHandler {
    let lines: Lines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let values = (event.metadata ?? [:]).sorted { $0.key < $1.key }
        .map { "\($0.key)=\($0.value)" }
      lines.texts.withLock { $0.append("\(event.message) \(values.joined(separator: " "))") }
    }
  }

  @Test func aFloodIsOneLine() {
    let lines = Lines()
    let watch = HandshakeWatch(logger: Logger(label: "t") { _ in Handler(lines: lines) })
    var first = HandshakeFailures()
    watch.report([first, first], since: [first, first])
    #expect(lines.texts.withLock { $0 } == [])
    let before = first
    first.agents = 1000
    first.lastAgentReason = .notTLS
    first.servers = 3
    first.lastServer = 7
    first.lastServerReason = .certificateExpired
    watch.report([before, first], since: [before, before])
    #expect(
      lines.texts.withLock { $0 } == [
        "no secure connection to a server can be made failures=3 reason=certificate_expired server=?",
        "TLS handshakes with agents failed failures=1000 last_reason=not_tls",
      ])
  }
}
