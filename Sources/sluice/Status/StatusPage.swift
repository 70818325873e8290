import Foundation
import Status

/// A gateway's status as a person reads it in a terminal.
struct StatusPage {
  let text: String

  init(_ status: GatewayStatus, style: TextStyle) {
    var lines = Self.head(status, style)
    lines += Self.table(
      ["server", "state", "calls", "failed", "conns", "p50", "p99", "masked", "address"],
      status.servers.map(Self.cells), style, state: "state")
    lines += Self.table(
      ["behind the bridge", "processes", "sessions", "HTTP+SSE streams"],
      status.servers.filter(\.isBridgeInUse).map(Self.bridgeCells), style)
    if let streams = status.eventStreams, streams.opened + streams.refused > 0 {
      lines += Self.eventStreams(streams, style)
    }
    lines += Self.table(
      ["rule", "effect", "hits"], status.rules.map { [$0.name, $0.effect, "\($0.hits)"] }, style)
    lines += Self.table(
      ["worker", "connections", "in flight", "requests"],
      status.workers.enumerated().map {
        ["\($0)", "\($1.connections)", "\($1.exchanges)", "\($1.requests)"]
      }, style)
    if let approvals = status.approvals { lines += Self.approvals(approvals, style) }
    lines += Self.record(status.audit, style)
    lines += Self.table(
      ["sink", "state", "delivered", "failures", "behind", "receiver"],
      status.sinks.map(Self.cells), style, state: "state")
    lines += Self.table(
      ["identity provider", "keys", "fetched", "issuer"],
      status.identityProviders.map { [$0.name, "\($0.keys)", "\($0.fetches)", $0.issuer] }, style)
    text = lines.joined(separator: "\n")
  }

  private static func head(_ status: GatewayStatus, _ style: TextStyle) -> [String] {
    let ready =
      status.notReady.map { style.red("not ready: \($0)") } ?? style.green("ready")
    var lines = [
      "\(style.bold("sluice \(status.version)"))  \(ready)  up \(duration(status.uptimeSeconds))",
      "policy \(status.revision), generation \(status.generation); "
        + "\(status.listeners.joined(separator: ", ")) by \(status.io)",
    ]
    let decisions = status.decisions.filter { $0.value > 0 }.sorted { $0.key < $1.key }
    if !decisions.isEmpty {
      lines.append("requests: " + decisions.map { "\($0.value) \($0.key)" }.joined(separator: ", "))
    }
    if let reload = status.lastReload, let problem = reload.problem {
      lines.append(style.red("the last reload (\(reload.reason)) was refused:"))
      lines += problem.split(separator: "\n").prefix(10).map { "  \($0)" }
    } else if let keys = status.lastReload?.needsRestart, !keys.isEmpty {
      lines.append(style.yellow("waits for a restart: \(keys.joined(separator: ", "))"))
    }
    var problems = status.servers.map { ($0.name, $0.problem) }
    problems += status.sinks.map { ("sink \($0.name)", $0.problem) }
    problems += status.identityProviders.map { ("identity provider \($0.name)", $0.problem) }
    problems.append(("approvals", status.approvals?.problem))
    for case (let name, let problem?) in problems {
      lines.append(style.red("\(name): \(problem)"))
    }
    return lines
  }

  private static func cells(_ server: GatewayStatus.Server) -> [String] {
    return [
      server.name, server.state.rawValue, "\(server.callCount)", "\(server.failureCount)",
      "\(server.connections)",
      latency(server.latency.quantile(0.5)), latency(server.latency.quantile(0.99)),
      "\(server.maskedValues)", server.address ?? "-",
    ]
  }

  private static func bridgeCells(_ server: GatewayStatus.Server) -> [String] {
    func cell(_ count: Int?) -> String { count.map { "\($0)" } ?? "-" }
    return [
      server.name, cell(server.processes), cell(server.sessions), cell(server.eventStreams),
    ]
  }

  private static func eventStreams(
    _ streams: GatewayStatus.EventStreams, _ style: TextStyle
  ) -> [String] {
    func bad(_ count: UInt64, _ text: String) -> String {
      count > 0 ? style.yellow("\(count) \(text)") : "0 \(text)"
    }
    return [
      "",
      "HTTP+SSE: \(streams.open) of \(streams.openMax) streams open, \(streams.messages) messages under way; "
        + "\(streams.opened) opened, \(bad(streams.refused, "refused")), \(bad(streams.cut, "cut")), "
        + bad(streams.messagesRefused, "messages refused"),
    ]
  }

  private static func record(_ audit: GatewayStatus.Audit, _ style: TextStyle) -> [String] {
    let state = audit.isFailing ? style.red(audit.state) : style.green(audit.state)
    let share = audit.ringBytes > 0 ? 100 * audit.ringBytesUsed / audit.ringBytes : 0
    return [
      "",
      "record: \(state), segment \(audit.segment), \(audit.entriesWritten) entries, "
        + "\(audit.unsyncedBytes) bytes not yet synced, rings \(share)% full"
        + (audit.callsDropped > 0 ? style.red(", \(audit.callsDropped) calls unrecorded") : ""),
    ]
  }

  private static func cells(_ sink: GatewayStatus.Sink) -> [String] {
    let behind =
      sink.lagBytes == 0
      ? "level" : "\(sink.lagBytes) bytes, \(duration(sink.lagSeconds))"
    return [
      sink.name, sink.state.rawValue, "\(sink.eventsDelivered)", "\(sink.failures)", behind,
      sink.target,
    ]
  }

  private static func approvals(
    _ approvals: GatewayStatus.Approvals, _ style: TextStyle
  ) -> [String] {
    let waiting =
      approvals.pending == 0
      ? "none waits"
      : style.yellow(
        "\(approvals.pending) wait, the oldest for \(duration(approvals.oldestPendingSeconds))")
    return [
      "",
      "approvals: \(waiting); \(approvals.heldCalls) of \(approvals.heldCallsMax) calls held; "
        + "\(approvals.asked) asked, \(approvals.granted) granted, \(approvals.denied) denied, "
        + "\(approvals.refused) not put before reviewers",
    ]
  }

  private static func table(
    _ columns: [String], _ rows: [[String]], _ style: TextStyle, state: String? = nil
  ) -> [String] {
    guard !rows.isEmpty else { return [] }
    let table = TextTable(columns: columns, cells: rows)
    return [""]
      + table.lines(headingStyle: style.dim) { column, cell in
        guard column == state else { return cell }
        switch cell.trimmingCharacters(in: .whitespaces) {
        case "failing", "unavailable": return style.red(cell)
        case "degraded": return style.yellow(cell)
        case "serving", "delivering": return style.green(cell)
        default: return style.dim(cell)
        }
      }
  }

  /// `3d 4h`, `2h 5m`, `7m 3s`, `12s`.
  static func duration(_ seconds: Double) -> String {
    let units: [(Int, String)] = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")]
    var rest = Int(seconds)
    var parts: [String] = []
    for (length, name) in units where parts.count < 2 {
      if rest >= length || (parts.isEmpty && length == 1) || !parts.isEmpty {
        parts.append("\(rest / length)\(name)")
        rest %= length
      }
    }
    return parts.joined(separator: " ")
  }

  /// `800µs`, `12ms`, `1.5s`; a dash without calls.
  static func latency(_ seconds: Double?) -> String {
    guard let seconds else { return "-" }
    if seconds < 0.001 { return "\(Int(seconds * 1_000_000))µs" }
    if seconds < 1 { return "\(Int(seconds * 1000))ms" }
    return String(format: "%.1fs", seconds)
  }
}

extension GatewayStatus.Server {
  /// Whether the bridge holds anything for it or for its agents, or is there to start its program.
  fileprivate var isBridgeInUse: Bool {
    processes != nil || (sessions ?? 0) + (eventStreams ?? 0) > 0
  }
}
