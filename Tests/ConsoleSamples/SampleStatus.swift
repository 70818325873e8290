public import Console
public import Foundation

/// A gateway's state to look at.
public enum SampleStatus {
  /// - Parameter texts: what servers and rules are called: names that people choose, or that attackers would.
  public static func status(names: [String] = ["orders", "bank", "ops-shell"], now: Date = Date())
    -> ConsoleStatus
  {
    var status = ConsoleStatus(
      version: "0.2.0", revision: "8c1f00d2a4b3e596", generation: 4,
      started: now.addingTimeInterval(-93_000), inputOutput: "io_uring",
      listeners: ["0.0.0.0:8443", "127.0.0.1:8080"],
      record: ConsoleStatus.Record(
        directory: "/var/lib/sluice/recordings", state: "healthy", isFailing: false, segment: 7,
        entries: 1_203_441, bytes: 1_811_939_328, unsyncedBytes: 18_442, callsDropped: 0))
    status.reloadProblem =
      "sluice.yaml:14:3: policies[2].match: unknown key \"tool\"; did you mean \"tools\"?"
    status.workers = (0..<4).map {
      ConsoleStatus.Worker(
        connections: 240 + $0, exchanges: 12, requests: 301_204 + UInt64($0) * 911, refused: 1_204)
    }
    status.servers = names.enumerated().map { index, name in
      var server = ConsoleStatus.Server(
        name: name, path: "/\(name)/mcp", url: "http://10.2.0.\(index + 1):9000/mcp",
        state: ["serving", "failing", "idle"][index % 3], isWell: index % 3 != 1, connections: 12,
        calls: 88_123, failures: index % 3 == 1 ? 441 : 0, maskedValues: 5_120)
      server.latencyMedian = 0.0042
      server.latencyHigh = 0.131
      if index % 3 == 1 {
        server.problem = "connection refused, \(name)"
        server.lastFailure = "01JDN3B9Q2S4T"
      }
      return server
    }
    let effects = ["block", "require_approval", "mask", "allow"]
    status.rules = names.enumerated().map { index, name in
      ConsoleStatus.Rule(name: name, effect: effects[index % 4], hits: index == 2 ? 0 : 4_711)
    }
    status.sinks = [
      ConsoleStatus.Sink(
        name: names[0], kind: "syslog", isWell: true, state: "keeping up", bytesBehind: 0,
        secondsBehind: 0),
      ConsoleStatus.Sink(
        name: names[1 % names.count], kind: "webhook", isWell: false, state: "answered 503",
        bytesBehind: 1_204, secondsBehind: 95),
    ]
    return status
  }
}
