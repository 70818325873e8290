import Audit
import Foundation
import Policy
import Proxy
import SluiceConfiguration

extension GatewayService {
  /// Everything there is to know about the gateway now.
  public func status() -> GatewayStatus {
    let now = Date.now
    return GatewayStatus(
      version: version, state: isStopping ? .stopping : .serving, notReady: notReady,
      startedAt: startedAt, uptimeSeconds: now.timeIntervalSince(startedAt),
      revision: loaded.revision, generation: generation, lastReload: lastReload,
      listeners: gateway.addresses.map { "\($0)" }, io: gateway.backend,
      workers: gateway.workers.map(GatewayStatus.Worker.init),
      servers: loaded.configuration.servers.map(server),
      rules: rules, audit: auditStatus)
  }

  /// The status as metrics, and what the parts add of their own.
  public func metrics() async -> [MetricFamily] {
    var families = status().metrics
    for part in parts { families += await part.metrics() }
    return families
  }

  /// Why no more calls should be sent here; nil when they should.
  public var notReady: String? {
    if isStopping { return "the gateway is stopping" }
    if case .failing(let refusal) = audit.statistics.state,
      loaded.configuration.audit.onFailure == .failClosed
    {
      return "\(refusal)"
    }
    return nil
  }

  private func server(_ server: ServerConfiguration) -> GatewayStatus.Server {
    let counts = tallies.counters(of: server.name).counts
    let endpoint = plan?.endpoints[server.name]
    return GatewayStatus.Server(
      name: server.name, path: server.path,
      url: server.isCommand ? server.command[0] : "\(server.url)",
      address: endpoint?.address.map { "\($0)" },
      state: endpoint?.problem == nil ? (health[server.name]?.state ?? .idle) : .unavailable,
      problem: endpoint?.problem,
      connections: counts.connections, connectionsOpened: counts.connectionsOpened,
      connectFailures: counts.connectFailures, calls: GatewayStatus.calls(counts),
      serverBytes: counts.serverBytes, maskedValues: counts.maskedValues,
      latency: GatewayStatus.Latency(counts), lastFailure: counts.lastFailure.map { "\($0)" })
  }

  private var rules: [GatewayStatus.Rule] {
    let effects = Dictionary(
      loaded.configuration.rules.map { ($0.definition.name, $0.definition.effect.rawValue) },
      uniquingKeysWith: { first, _ in first })
    return ruleHits.counts(of: loaded.policy).map {
      GatewayStatus.Rule(name: $0.name, effect: effects[$0.name] ?? "", hits: $0.hits)
    }
  }

  private var auditStatus: GatewayStatus.Audit {
    let statistics = audit.statistics
    var state = "healthy"
    var isFailing = false
    if case .failing(let refusal) = statistics.state {
      state = "\(refusal)"
      isFailing = true
    }
    return GatewayStatus.Audit(
      directory: loaded.configuration.audit.directory, state: state, isFailing: isFailing,
      segment: statistics.segment, entriesWritten: statistics.entriesWritten,
      bytesWritten: statistics.bytesWritten, unsyncedBytes: statistics.unsyncedBytes,
      ringBytesUsed: statistics.lagBytes,
      ringBytes: UInt64(audit.settings.ringBytes * audit.workers), syncs: statistics.syncs,
      writeFailures: statistics.writeFailures, syncFailures: statistics.syncFailures,
      callsDropped: statistics.callsDropped)
  }
}

extension GatewayStatus {
  private static let decisions: [(RecordedDecision, String)] = [
    (.allow, "allow"), (.block, "block"), (.unauthenticated, "unauthenticated"),
    (.malformed, "malformed"), (.unavailable, "unavailable"), (.hold, "hold"),
  ]

  private static let results: [(RecordedResult, String)] = [
    (.success, "success"), (.toolError, "tool_error"), (.protocolError, "protocol_error"),
    (.httpError, "http_error"), (.transportError, "transport_error"), (.refused, "refused"),
    (.cancelled, "cancelled"),
  ]

  static func decisions(_ status: WorkerStatus) -> [String: UInt64] {
    Dictionary(uniqueKeysWithValues: decisions.map { ($0.1, status.requests($0.0)) })
  }

  static func calls(_ counts: ServerCounts) -> [String: UInt64] {
    Dictionary(uniqueKeysWithValues: results.map { ($0.1, counts.calls($0.0)) })
  }
}

extension GatewayStatus.Worker {
  init(_ status: WorkerStatus) {
    self.init(
      connections: status.connections, exchanges: status.exchanges, requests: status.requests,
      decisions: GatewayStatus.decisions(status))
  }
}

extension GatewayStatus.Latency {
  init(_ counts: ServerCounts) {
    self.init(
      bounds: ServerCounts.bucketBounds.map { Double($0) / 1_000_000 }, counts: counts.buckets,
      sumSeconds: Double(counts.microseconds) / 1_000_000)
  }
}
