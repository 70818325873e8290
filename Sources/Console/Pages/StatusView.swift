internal import Foundation
internal import Recorder
internal import Status

/// The servers, the policies and the state of the gateway, each as its page shows it.
struct StatusView {
  var problem: String?
  var reloadProblem: String?
  /// What of the configuration waits for a restart.
  var restartKeys: String?
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
  var approvals: ApprovalsRow?
  var eventStreams: EventStreamsRow?
  var providers: [ProviderRow]
  var hasProviders: Bool

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
    /// Programs, sessions and streams that the bridge holds for it, in words.
    var held: String?
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
    var target: String
    var state: String
    var isWell: Bool
    var trouble: String?
    var delivered: String
    var failures: String
    var hasFailures: Bool
    var behind: String
  }

  struct ApprovalsRow {
    var pending: String
    var oldest: String?
    var held: String
    var asked: String
    var granted: String
    var denied: String
    var refused: String
    var hasRefused: Bool
    var trouble: String?
  }

  struct EventStreamsRow {
    var open: String
    var messages: String
    var opened: String
    var refused: String
    var hasRefused: Bool
    var cut: String
    var hasCut: Bool
    var messagesRefused: String
    var hasMessagesRefused: Bool
  }

  struct ProviderRow {
    var name: String
    var issuer: String
    var keys: Int
    var isWell: Bool
    var trouble: String?
  }

  init(_ status: GatewayStatus, seesSessions: Bool, now: Date) {
    problem = status.notReady
    reloadProblem = status.lastReload?.problem
    restartKeys = status.lastReload.flatMap {
      $0.needsRestart.isEmpty ? nil : $0.needsRestart.joined(separator: ", ")
    }
    version = status.version
    revision = status.revision
    generation = status.generation
    started = TimeText(status.startedAt, now: now)
    inputOutput = status.io
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
      directory: status.audit.directory, state: status.audit.state,
      isFailing: status.audit.isFailing, segment: status.audit.segment,
      entries: Plural.grouped(status.audit.entriesWritten),
      bytes: Plural.grouped(status.audit.bytesWritten),
      unsynced: Plural.grouped(status.audit.unsyncedBytes),
      dropped: Plural.grouped(status.audit.callsDropped),
      hasDropped: status.audit.callsDropped > 0)
    sinks = status.sinks.map(StatusView.row)
    hasSinks = !sinks.isEmpty
    approvals = status.approvals.map(StatusView.row)
    eventStreams = status.eventStreams.map(StatusView.row)
    providers = status.identityProviders.map {
      ProviderRow(
        name: $0.name, issuer: $0.issuer, keys: $0.keys, isWell: $0.problem == nil,
        trouble: $0.problem)
    }
    hasProviders = !providers.isEmpty
  }

  private static func row(_ server: GatewayStatus.Server, seesSessions: Bool) -> ServerRow {
    let latency = [0.5, 0.99].map { share in
      server.latency.quantile(share).map {
        RecordedTime.duration(microseconds: UInt64(max(0, $0) * 1e6))
      } ?? "-"
    }
    return ServerRow(
      name: server.name, path: server.path, url: server.url, state: server.state.rawValue,
      isWell: server.isWell, trouble: server.problem,
      connections: Plural.grouped(server.connections), held: held(server),
      calls: Plural.grouped(server.callCount),
      failures: Plural.grouped(server.failureCount), hasFailures: server.failureCount > 0,
      masked: Plural.grouped(server.maskedValues), latency: latency.joined(separator: " / "),
      lastFailureLink: seesSessions
        ? server.lastFailure.map { "/sessions/" + PercentEncoding.encoded($0) } : nil)
  }

  private static func held(_ server: GatewayStatus.Server) -> String? {
    let counts = [
      server.processes.map { Plural.text($0, "program") },
      server.sessions.map { Plural.text($0, "session") },
      server.eventStreams.flatMap { $0 > 0 ? Plural.text($0, "HTTP+SSE stream") : nil },
    ].compactMap(\.self)
    return counts.isEmpty ? nil : counts.joined(separator: ", ")
  }

  private static func row(_ streams: GatewayStatus.EventStreams) -> EventStreamsRow {
    EventStreamsRow(
      open: "\(Plural.grouped(streams.open)) of \(Plural.grouped(streams.openMax))",
      messages: Plural.grouped(streams.messages), opened: Plural.grouped(streams.opened),
      refused: Plural.grouped(streams.refused), hasRefused: streams.refused > 0,
      cut: Plural.grouped(streams.cut), hasCut: streams.cut > 0,
      messagesRefused: Plural.grouped(streams.messagesRefused),
      hasMessagesRefused: streams.messagesRefused > 0)
  }

  private static func row(_ sink: GatewayStatus.Sink) -> SinkRow {
    let behind = Int(clamping: sink.lagBytes)
    return SinkRow(
      name: sink.name, target: sink.target, state: sink.state.rawValue,
      isWell: sink.state != .failing, trouble: sink.problem,
      delivered: Plural.grouped(sink.eventsDelivered), failures: Plural.grouped(sink.failures),
      hasFailures: sink.failures > 0,
      behind: behind == 0
        ? "nothing" : "\(Plural.text(behind, "byte")), \(TimeText.length(Int(sink.lagSeconds)))")
  }

  private static func row(_ approvals: GatewayStatus.Approvals) -> ApprovalsRow {
    ApprovalsRow(
      pending: Plural.grouped(approvals.pending),
      oldest: approvals.pending > 0 ? TimeText.length(Int(approvals.oldestPendingSeconds)) : nil,
      held: "\(Plural.grouped(approvals.heldCalls)) of \(Plural.grouped(approvals.heldCallsMax))",
      asked: Plural.grouped(approvals.asked), granted: Plural.grouped(approvals.granted),
      denied: Plural.grouped(approvals.denied), refused: Plural.grouped(approvals.refused),
      hasRefused: approvals.refused > 0, trouble: approvals.problem)
  }
}

extension Plural {
  static func grouped(_ count: UInt64) -> String { grouped(Int(clamping: count)) }
}
