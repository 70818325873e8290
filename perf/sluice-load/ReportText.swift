import Foundation
import PerfKit

/// A report for people.
enum ReportText {
  static func table(_ report: LoadReport) -> String {
    var lines = [
      "\(report.loop) loop, \(report.connections) connections, \(report.backend), "
        + "\(number(report.seconds, 2)) s"
    ]
    func row(_ name: String, _ value: String) {
      lines.append("  \(name.padding(toLength: 22, withPad: " ", startingAt: 0))\(value)")
    }
    row("requests/s", number(report.requestsPerSecond, 0))
    row("answers", "\(report.answers)")
    if report.eventStreams > 0 { row("  as event streams", "\(report.eventStreams)") }
    let megabytes = Double(report.bytesReceived) / 1e6
    row(
      "received",
      "\(number(megabytes, 1)) MB, \(number(megabytes / max(report.seconds, 1e-9), 1)) MB/s")
    let latency = report.latency
    for (name, value) in [
      ("latency p50", latency.p50), ("  p90", latency.p90), ("  p99", latency.p99),
      ("  p99.9", latency.p999), ("  max", latency.max),
    ] { row(name, "\(number(value, 1)) µs") }
    if let processor = report.processorPerRequest {
      row("CPU per request", "\(number(processor, 2)) µs")
    }
    if let memory = report.memory {
      if let resident = memory.resident {
        row("resident memory", "\(number(Double(resident) / 1e6, 1)) MB")
      }
      if let share = memory.perIdleConnection {
        row("  per idle connection", "\(number(share, 0)) bytes")
      }
    }
    if report.idleConnections > 0 {
      row(
        "idle connections",
        "\(report.idleConnections - report.idleClosed) of \(report.idleConnections)")
    }
    if report.handshakes > 0 { row("sessions", "\(report.handshakes)") }
    if report.reconnects > 0 { row("reconnects", "\(report.reconnects)") }
    if report.unfinished > 0 { row("unfinished", "\(report.unfinished)") }
    row("errors", "\(report.errorCount)")
    for (name, count) in report.errors.sorted(by: { $0.key < $1.key }) {
      row("  " + name, "\(count)")
    }
    for (status, count) in report.statuses.sorted(by: { $0.key < $1.key }) {
      row("  status \(status)", "\(count)")
    }
    return lines.joined(separator: "\n")
  }

  static func number(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }
}

/// One line on standard error that is written over and over.
enum ProgressLine {
  static func show(_ progress: LoadRun.Progress) {
    let rate = progress.seconds > 0 ? Double(progress.answers) / progress.seconds : 0
    let text =
      progress.isMeasuring
      ? "\(ReportText.number(progress.seconds, 1)) s  \(ReportText.number(rate, 0)) requests/s  "
        + "p50 \(ReportText.number(Double(progress.medianNanoseconds) / 1000, 0)) µs  "
        + "p99 \(ReportText.number(Double(progress.percentile99Nanoseconds) / 1000, 0)) µs  "
        + "errors \(progress.errors)"
      : "\(ReportText.number(progress.seconds, 1)) s  warming up"
    write("\r\u{1B}[K" + text)
  }

  static func clear() { write("\r\u{1B}[K") }

  private static func write(_ text: String) {
    FileHandle.standardError.write(Data(text.utf8))
  }
}
