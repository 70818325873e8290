import Audit
import Foundation
import Policy
import Proxy
import SluiceConfiguration
public import Status

extension GatewayService {
  /// Everything there is to know about the gateway now.
  public func status() async -> GatewayStatus {
    var status = ownStatus()
    for part in parts { await part.report(in: &status) }
    return status
  }

  /// The same without the parts.
  func ownStatus() -> GatewayStatus {
    var status = GatewayStatus()
    status.version = version
    status.state = isStopping ? .stopping : .serving
    status.notReady = notReady
    status.startedAt = startedAt
    status.uptimeSeconds = Date.now.timeIntervalSince(startedAt)
    status.revision = loaded.revision
    status.generation = generation
    status.lastReload = lastReload
    status.listeners = gateway.addresses.map { "\($0)" }
    status.io = gateway.backend
    status.workers = gateway.workers.map(GatewayStatus.Worker.init)
    status.servers = loaded.configuration.servers.map(server)
    status.rules = rules
    status.audit = auditStatus
    return status
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
    var status = GatewayStatus.Server()
    status.name = server.name
    status.path = server.path
    status.url = server.isCommand ? server.command[0] : "\(server.url)"
    status.address = endpoint?.address.map { "\($0)" }
    status.state =
      endpoint?.problem == nil ? (health[server.name]?.state ?? .idle) : .unavailable
    status.problem = endpoint?.problem
    status.connections = counts.connections
    status.connectionsOpened = counts.connectionsOpened
    status.connectFailures = counts.connectFailures
    status.calls = GatewayStatus.calls(counts)
    status.serverBytes = counts.serverBytes
    status.maskedValues = counts.maskedValues
    status.latency = GatewayStatus.Latency(counts)
    status.lastFailure = counts.lastFailure.map { "\($0)" }
    return status
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
    var status = GatewayStatus.Audit()
    if case .failing(let refusal) = statistics.state {
      status.state = "\(refusal)"
      status.isFailing = true
    }
    status.directory = loaded.configuration.audit.directory
    status.segment = statistics.segment
    status.entriesWritten = statistics.entriesWritten
    status.bytesWritten = statistics.bytesWritten
    status.unsyncedBytes = statistics.unsyncedBytes
    status.ringBytesUsed = statistics.lagBytes
    status.ringBytes = UInt64(audit.settings.ringBytes * audit.workers)
    status.syncs = statistics.syncs
    status.writeFailures = statistics.writeFailures
    status.syncFailures = statistics.syncFailures
    status.callsDropped = statistics.callsDropped
    return status
  }
}

extension GatewayStatus {
  static func decisions(_ status: WorkerStatus) -> [String: UInt64] {
    Dictionary(
      uniqueKeysWithValues: RecordedDecision.allCases.map { ($0.text, status.requests($0)) })
  }

  static func calls(_ counts: ServerCounts) -> [String: UInt64] {
    Dictionary(uniqueKeysWithValues: RecordedResult.allCases.map { ($0.text, counts.calls($0)) })
  }
}

extension GatewayStatus.Worker {
  init(_ status: WorkerStatus) {
    self.init()
    connections = status.connections
    exchanges = status.exchanges
    requests = status.requests
    decisions = GatewayStatus.decisions(status)
  }
}

extension GatewayStatus.Latency {
  init(_ counts: ServerCounts) {
    self.init(
      bounds: ServerCounts.bucketBounds.map { Double($0) / 1_000_000 }, counts: counts.buckets,
      sumSeconds: Double(counts.microseconds) / 1_000_000)
  }
}
