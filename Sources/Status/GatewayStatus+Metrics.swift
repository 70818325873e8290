import Foundation

extension GatewayStatus {
  /// The status as metrics.
  public var metrics: [MetricFamily] {
    processMetrics + workerMetrics + serverMetrics + auditMetrics + partMetrics + [
      MetricFamily(
        .counter, "sluice_rule_hits_total",
        "Times a rule had a say: it decided a call, or it matched one and has a mask.",
        rules.map {
          .init(Double($0.hits), labels: [("rule", $0.name), ("effect", $0.effect)])
        })
    ]
  }

  private var processMetrics: [MetricFamily] {
    let process = MetricGroup("sluice_", of: self)
    return [
      MetricFamily(
        .gauge, "sluice_info", "Constant 1; what runs is in the labels.",
        [
          .init(1, labels: [("version", version), ("revision", revision), ("io", io)])
        ]),
      process.gauge(
        "start_time_seconds", "When the process started, in seconds since 1970."
      ) { $0.startedAt.timeIntervalSince1970 },
      process.gauge("ready", "1 while calls should be sent here, else 0.") { $0.isReady ? 1 : 0 },
      process.gauge(
        "configuration_generation",
        "How often a configuration, or news of its secrets and names, was put in force.",
        \.generation),
      process.gauge(
        "configuration_last_reload_successful",
        "0 when the file or a secret it refers to could not be put in force the last time it changed, else 1."
      ) { $0.lastReload?.problem == nil ? 1 : 0 },
    ]
  }

  private var workerMetrics: [MetricFamily] {
    let numbered = workers.enumerated().map { (number: $0.offset, worker: $0.element) }
    let each = MetricGroup("sluice_", of: numbered, label: "worker") { String($0.number) }
    return [
      each.gauge("connections", "Agents' connections open now.", \.worker.connections),
      each.gauge(
        "requests_in_flight", "Requests being carried or answered now.", \.worker.exchanges),
      each.counter("requests_total", "Requests answered.", \.worker.requests),
      MetricGroup("sluice_", of: self).counter(
        "decisions_total", "Requests by what was decided about them.", by: "decision"
      ) { $0.decisions },
    ]
  }

  private var serverMetrics: [MetricFamily] {
    let each = MetricGroup("sluice_server_", of: servers, label: "server") { $0.name }
    return [
      each.gauge(
        "up",
        "0 while every call to the server fails, or its address or credential is not to be had, else 1."
      ) { $0.state == .failing || $0.state == .unavailable ? 0 : 1 },
      each.gauge("connections", "Connections to the server open now.", \.connections),
      each.counter(
        "connections_opened_total", "Connections opened to the server.", \.connectionsOpened),
      each.counter(
        "connect_failures_total", "Attempts to connect that failed.", \.connectFailures),
      each.counter(
        "calls_total", "Calls that were passed on to the server, by how they ended.", by: "result"
      ) { $0.calls },
      each.counter("answer_bytes_total", "Bytes of answers before masking.", \.serverBytes),
      each.counter("masked_values_total", "Values masked in answers.", \.maskedValues),
      each.histogram(
        "call_duration_seconds", "From the arrival of a request to the end of its answer."
      ) { $0.latency },
    ]
  }

  private var auditMetrics: [MetricFamily] {
    let record = MetricGroup("sluice_audit_", of: audit)
    return [
      record.gauge("healthy", "0 while calls cannot be recorded, else 1.") {
        $0.isFailing ? 0 : 1
      },
      record.gauge("ring_used_bytes", "Records accepted and not yet in a file.", \.ringBytesUsed),
      record.gauge("ring_size_bytes", "Room for such records.", \.ringBytes),
      record.gauge(
        "unsynced_bytes", "Bytes in a file and not yet synced to the disk.", \.unsyncedBytes),
      record.gauge("segment", "The segment file that is written now.", \.segment),
      record.counter("entries_written_total", "Entries of the record.", \.entriesWritten),
      record.counter(
        "bytes_written_total", "Bytes of the record, its framing included.", \.bytesWritten),
      record.counter("syncs_total", "Times the record was synced to the disk.", \.syncs),
      record.counter("write_failures_total", "Writes that failed.", \.writeFailures),
      record.counter("sync_failures_total", "Syncs that failed.", \.syncFailures),
      record.counter(
        "calls_dropped_total", "Calls that went ahead unrecorded (on_failure: drop_and_count).",
        \.callsDropped),
    ]
  }
}

extension GatewayStatus.Latency {
  /// A histogram's samples: its buckets are cumulative, and the last has no bound.
  func samples(labels: [(name: String, value: String)]) -> [MetricFamily.Sample] {
    var samples: [MetricFamily.Sample] = []
    var sum: UInt64 = 0
    for (index, count) in counts.enumerated() {
      sum &+= count
      let bound = index < bounds.count ? String(bounds[index]) : "+Inf"
      samples.append(.init(Double(sum), suffix: "_bucket", labels: labels + [("le", bound)]))
    }
    samples.append(.init(sumSeconds, suffix: "_sum", labels: labels))
    samples.append(.init(Double(sum), suffix: "_count", labels: labels))
    return samples
  }
}
