public import Foundation
public import Status

/// A gateway's state to look at.
public enum SampleStatus {
  /// - Parameter names: what servers, rules, sinks and providers are called: names that people choose, or that attackers would.
  public static func status(names: [String] = ["orders", "bank", "ops-shell"], now: Date = Date())
    -> GatewayStatus
  {
    var status = GatewayStatus()
    status.version = "0.2.0"
    status.revision = "8c1f00d2a4b3e596"
    status.generation = 4
    status.startedAt = now.addingTimeInterval(-93_000)
    status.uptimeSeconds = 93_000
    status.io = "io_uring"
    status.listeners = ["0.0.0.0:8443", "127.0.0.1:8080"]
    status.lastReload = GatewayStatus.Reload(
      at: now, reason: "SIGHUP",
      problem:
        "sluice.yaml:14:3: policies[2].match: unknown key \"tool\"; did you mean \"tools\"? \(names[0])",
      needsRestart: ["workers", names[0]])
    status.workers = (0..<4).map { number in
      var worker = GatewayStatus.Worker()
      worker.connections = 240 + number
      worker.exchanges = 12
      worker.requests = 301_204 + UInt64(number) * 911
      worker.decisions = ["allow": 300_000, "block": 1_100, "hold": 104]
      return worker
    }
    status.servers = names.enumerated().map(server)
    let effects = ["block", "require_approval", "mask", "allow"]
    status.rules = names.enumerated().map { index, name in
      GatewayStatus.Rule(name: name, effect: effects[index % 4], hits: index == 2 ? 0 : 4_711)
    }
    status.audit.directory = "/var/lib/sluice/recordings"
    status.audit.segment = 7
    status.audit.entriesWritten = 1_203_441
    status.audit.bytesWritten = 1_811_939_328
    status.audit.unsyncedBytes = 18_442
    status.approvals = approvals(problem: names[0])
    status.eventStreams = eventStreams
    status.sinks = sinks(names)
    var provider = GatewayStatus.IdentityProvider()
    provider.name = names[0]
    provider.issuer = "https://idp.example/\(names[0])"
    provider.keys = 2
    status.identityProviders = [provider]
    return status
  }

  private static func server(_ index: Int, _ name: String) -> GatewayStatus.Server {
    var server = GatewayStatus.Server()
    server.name = name
    server.path = "/\(name)/mcp"
    server.url = "http://10.2.0.\(index + 1):9000/mcp"
    server.state = [.serving, .failing, .idle][index % 3]
    server.connections = 12
    server.calls = ["success": 88_123, "refused": 20]
    server.maskedValues = 5_120
    server.latency = GatewayStatus.Latency(
      bounds: [0.005, 0.01, 0.2], counts: [60_000, 20_000, 8_000, 123], sumSeconds: 700)
    server.eventStreams = index
    if index % 3 == 2 {
      server.processes = 2
      server.sessions = 1
    }
    if index % 3 == 1 {
      server.calls["transport_error"] = 441
      server.problem = "connection refused, \(name)"
      server.lastFailure = "01JDN3B9Q2S4T"
    }
    return server
  }

  private static func approvals(problem: String) -> GatewayStatus.Approvals {
    var approvals = GatewayStatus.Approvals()
    approvals.heldCalls = 3
    approvals.heldCallsMax = 8192
    approvals.counts = ["pending": 4, "consumed": 31, "denied": 2]
    approvals.oldestPendingSeconds = 700
    approvals.asked = 38
    approvals.granted = 31
    approvals.denied = 2
    approvals.refused = 1
    approvals.problem = "the webhook answered 503, \(problem)"
    return approvals
  }

  private static var eventStreams: GatewayStatus.EventStreams {
    var streams = GatewayStatus.EventStreams()
    streams.open = 3
    streams.openMax = 4096
    streams.messages = 1
    streams.opened = 1_204
    streams.cut = 2
    return streams
  }

  private static func sinks(_ names: [String]) -> [GatewayStatus.Sink] {
    var well = GatewayStatus.Sink()
    well.name = names[0]
    well.target = "syslog siem.example:6514 (TLS)"
    well.state = .delivering
    well.eventsDelivered = 1_203_000
    var failing = GatewayStatus.Sink()
    failing.name = names[1 % names.count]
    failing.target = "webhook https://hooks.example/\(names[1 % names.count])"
    failing.state = .failing
    failing.failures = 12
    failing.lagBytes = 1_204
    failing.lagSeconds = 95
    failing.problem = "answered 503, \(names[1 % names.count])"
    return [well, failing]
  }
}
