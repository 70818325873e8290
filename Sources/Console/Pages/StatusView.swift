internal import Foundation

/// The servers, the policies and the state of the gateway, each as its page shows it.
struct StatusView {
  var problem: String?
  var reloadProblem: String?
  var version: String
  var revision: String
  var generation: Int
  var started: TimeText
  var inputOutput: String
  var listeners: String
  var workers: [WorkerRow]
  var servers: [ServerRow]
  var rules: [RuleRow]
  var hasRules: Bool
  var record: RecordRow
  var sinks: [SinkRow]
  var hasSinks: Bool

  struct WorkerRow {
    var number: Int
    var connections: String
    var exchanges: String
    var requests: String
    var refused: String
  }

  struct ServerRow {
    var name: String
    var path: String
    var url: String
    var state: String
    var isWell: Bool
    var trouble: String?
    var connections: String
    var calls: String
    var failures: String
    var hasFailures: Bool
    var masked: String
    var latency: String
    var lastFailureLink: String?
  }

  struct RuleRow {
    var number: Int
    var name: String
    var effect: String
    var effectLabel: String
    var hits: String
    /// It had no say since the process started.
    var isUnused: Bool
  }

  struct RecordRow {
    var directory: String
    var state: String
    var isFailing: Bool
    var segment: UInt32
    var entries: String
    var bytes: String
    var unsynced: String
    var dropped: String
    var hasDropped: Bool
  }

  struct SinkRow {
    var name: String
    var kind: String
    var state: String
    var isWell: Bool
    var behind: String
  }

  init(_ status: ConsoleStatus, seesSessions: Bool, now: Date) {
    problem = status.problem
    reloadProblem = status.reloadProblem
    version = status.version
    revision = status.revision
    generation = status.generation
    started = TimeText(status.started, now: now)
    inputOutput = status.inputOutput
    listeners = status.listeners.joined(separator: ", ")
    workers = status.workers.enumerated().map { index, worker in
      WorkerRow(
        number: index + 1, connections: Plural.grouped(worker.connections),
        exchanges: Plural.grouped(worker.exchanges), requests: Plural.grouped(worker.requests),
        refused: Plural.grouped(worker.refused))
    }
    servers = status.servers.map { StatusView.row($0, seesSessions: seesSessions) }
    rules = status.rules.enumerated().map { index, rule in
      RuleRow(
        number: index + 1, name: rule.name, effect: rule.effect,
        effectLabel: rule.effect.replacing("_", with: " "), hits: Plural.grouped(rule.hits),
        isUnused: rule.hits == 0)
    }
    hasRules = !rules.isEmpty
    record = RecordRow(
      directory: status.record.directory, state: status.record.state,
      isFailing: status.record.isFailing, segment: status.record.segment,
      entries: Plural.grouped(status.record.entries), bytes: Plural.grouped(status.record.bytes),
      unsynced: Plural.grouped(status.record.unsyncedBytes),
      dropped: Plural.grouped(status.record.callsDropped),
      hasDropped: status.record.callsDropped > 0)
    sinks = status.sinks.map { sink in
      let behind = Int(clamping: sink.bytesBehind)
      return SinkRow(
        name: sink.name, kind: sink.kind, state: sink.state, isWell: sink.isWell,
        behind: behind == 0
          ? "nothing"
          : "\(Plural.text(behind, "byte")), \(TimeText.length(Int(sink.secondsBehind)))")
    }
    hasSinks = !sinks.isEmpty
  }

  private static func row(_ server: ConsoleStatus.Server, seesSessions: Bool) -> ServerRow {
    let latency = [server.latencyMedian, server.latencyHigh].map { seconds in
      seconds.map { CallView.duration(microseconds: UInt64(max(0, $0) * 1e6)) } ?? "-"
    }
    return ServerRow(
      name: server.name, path: server.path, url: server.url, state: server.state,
      isWell: server.isWell, trouble: server.problem,
      connections: Plural.grouped(server.connections), calls: Plural.grouped(server.calls),
      failures: Plural.grouped(server.failures), hasFailures: server.failures > 0,
      masked: Plural.grouped(server.maskedValues), latency: latency.joined(separator: " / "),
      lastFailureLink: seesSessions
        ? server.lastFailure.map { "/sessions/" + PercentEncoding.encoded($0) } : nil)
  }
}

extension Plural {
  static func grouped(_ count: UInt64) -> String { grouped(Int(clamping: count)) }
}
