import Console
import ControlPlane
import Recorder

extension ConsoleStatus {
  /// What the gateway says about itself, in the console's terms.
  init(_ status: GatewayStatus, sinks statuses: [SinkStatus]) {
    self.init(
      version: status.version, revision: status.revision, generation: status.generation,
      started: status.startedAt, inputOutput: status.io, listeners: status.listeners,
      record: Record(
        directory: status.audit.directory, state: status.audit.state,
        isFailing: status.audit.isFailing, segment: status.audit.segment,
        entries: status.audit.entriesWritten, bytes: status.audit.bytesWritten,
        unsyncedBytes: status.audit.unsyncedBytes, callsDropped: status.audit.callsDropped))
    problem = status.notReady
    reloadProblem = status.lastReload?.problem
    workers = status.workers.map { worker in
      Worker(
        connections: worker.connections, exchanges: worker.exchanges, requests: worker.requests,
        refused: worker.decisions.filter { $0.key != "allow" }.values.reduce(0, &+))
    }
    servers = status.servers.map(Server.init)
    sinks = statuses.map(Sink.init)
    rules = status.rules.map { Rule(name: $0.name, effect: $0.effect, hits: $0.hits) }
  }
}

extension ConsoleStatus.Server {
  init(_ server: GatewayStatus.Server) {
    let failures = ["tool_error", "protocol_error", "http_error", "transport_error"]
    self.init(
      name: server.name, path: server.path, url: server.url, state: server.state.rawValue,
      isWell: server.state == .serving || server.state == .idle,
      connections: server.connections, calls: server.calls.values.reduce(0, &+),
      failures: failures.reduce(0) { $0 &+ (server.calls[$1] ?? 0) },
      maskedValues: server.maskedValues)
    problem = server.problem
    latencyMedian = server.latency.quantile(0.5)
    latencyHigh = server.latency.quantile(0.99)
    lastFailure = server.lastFailure
  }
}

extension ConsoleStatus.Sink {
  init(_ status: SinkStatus) {
    self.init(
      name: status.name, kind: status.target, isWell: status.state != .failing,
      state: status.lastError ?? status.state.rawValue,
      bytesBehind: UInt64(clamping: status.lagBytes),
      secondsBehind: status.lagSeconds)
  }
}
