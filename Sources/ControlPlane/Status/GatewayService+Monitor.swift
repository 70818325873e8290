import Audit
import Foundation
import Logging
import Proxy
import SluiceConfiguration
import Status

/// What the log says of calls. Each call is on the record, so the log does not repeat them: it says when a server begins to
/// fail, how many calls that cost so far, with the record of the last, and when it is well again; and at debug how many
/// requests were refused. However many calls there are, that is a line per server and ten seconds.
extension GatewayService {
  /// Least time between two lines about the same thing.
  static var reportSeconds: Double { 10 }

  /// Looks at the counters; called twice a second.
  func monitor() {
    for server in loaded.configuration.servers {
      let counts = tallies.counters(of: server.name).counts
      var health = self.health[server.name] ?? ServerHealth()
      let before = health.state
      let step = health.look(counts)
      self.health[server.name] = health
      unreported[server.name, default: 0] += step.failed
      if health.state == .serving, before == .failing || before == .degraded {
        logger.notice("a server answers again", metadata: ["server": "\(server.name)"])
      }
      reportFailures(of: server.name, counts)
    }
    reportRefusals()
  }

  private func reportFailures(of server: String, _ counts: ServerCounts) {
    guard let failures = unreported[server], failures > 0, isTime(for: server) else { return }
    unreported[server] = 0
    var metadata: Logger.Metadata = ["server": "\(server)", "calls": "\(failures)"]
    if let record = counts.lastFailure { metadata["last_ref"] = "\(record)" }
    if counts.lastFailureCode > 0 {
      let text = unsafe strerror(counts.lastFailureCode).map { unsafe String(cString: $0) }
      metadata["reason"] = "\(text ?? "error \(counts.lastFailureCode)")"
    }
    logger.warning("calls failed at a server", metadata: metadata)
  }

  private func reportRefusals() {
    guard logger.logLevel <= .debug, isTime(for: "") else { return }
    let now = ownStatus().decisions.filter { $0.key != "allow" }
    let new = now.compactMap { entry -> (String, UInt64)? in
      let count = entry.value &- (reportedRefusals[entry.key] ?? 0)
      return count > 0 ? (entry.key, count) : nil
    }
    reportedRefusals = now
    guard !new.isEmpty else { return }
    logger.debug(
      "requests were refused",
      metadata: Dictionary(
        uniqueKeysWithValues: new.map { ($0.0, Logger.MetadataValue.string("\($0.1)")) }))
  }

  /// Whether a line about this may be written now; if so, the next may not for a while.
  private func isTime(for subject: String) -> Bool {
    let now = ContinuousClock.now
    if let last = lastReport[subject], now - last < .seconds(Self.reportSeconds) { return false }
    lastReport[subject] = now
    return true
  }
}
