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
    [
      MetricFamily(
        .gauge, "sluice_info", "Constant 1; what runs is in the labels.",
        [
          .init(1, labels: [("version", version), ("revision", revision), ("io", io)])
        ]),
      MetricFamily(
        .gauge, "sluice_start_time_seconds", "When the process started, in seconds since 1970.",
        [.init(startedAt.timeIntervalSince1970)]),
      MetricFamily(
        .gauge, "sluice_ready", "1 while calls should be sent here, else 0.",
        [.init(isReady ? 1 : 0)]),
      MetricFamily(
        .gauge, "sluice_configuration_generation",
        "How often a configuration, or news of its secrets and names, was put in force.",
        [.init(Double(generation))]),
      MetricFamily(
        .gauge, "sluice_configuration_last_reload_successful",
        "0 when the file or a secret it refers to could not be put in force the last time it changed, else 1.",
        [.init(lastReload?.problem == nil ? 1 : 0)]),
    ]
  }

  private var workerMetrics: [MetricFamily] {
    func perWorker(_ value: (Worker) -> Double) -> [MetricFamily.Sample] {
      workers.enumerated().map { .init(value($1), labels: [("worker", String($0))]) }
    }
    return [
      MetricFamily(
        .gauge, "sluice_connections", "Agents' connections open now.",
        perWorker { Double($0.connections) }),
      MetricFamily(
        .gauge, "sluice_requests_in_flight", "Requests being carried or answered now.",
        perWorker { Double($0.exchanges) }),
      MetricFamily(
        .counter, "sluice_requests_total", "Requests answered.",
        perWorker { Double($0.requests) }),
      MetricFamily(
        .counter, "sluice_decisions_total", "Requests by what was decided about them.",
        decisions.sorted { $0.key < $1.key }.map {
          .init(Double($0.value), labels: [("decision", $0.key)])
        }),
    ]
  }

  private var serverMetrics: [MetricFamily] {
    func perServer(_ value: (Server) -> Double) -> [MetricFamily.Sample] {
      servers.map { .init(value($0), labels: [("server", $0.name)]) }
    }
    return [
      MetricFamily(
        .gauge, "sluice_server_up",
        "0 while every call to the server fails, or its address or credential is not to be had, else 1.",
        perServer { $0.state == .failing || $0.state == .unavailable ? 0 : 1 }),
      MetricFamily(
        .gauge, "sluice_server_connections", "Connections to the server open now.",
        perServer { Double($0.connections) }),
      MetricFamily(
        .counter, "sluice_server_connections_opened_total", "Connections opened to the server.",
        perServer { Double($0.connectionsOpened) }),
      MetricFamily(
        .counter, "sluice_server_connect_failures_total", "Attempts to connect that failed.",
        perServer { Double($0.connectFailures) }),
      MetricFamily(
        .counter, "sluice_server_calls_total",
        "Calls that were passed on to the server, by how they ended.",
        servers.flatMap { server in
          server.calls.sorted { $0.key < $1.key }.map {
            .init(Double($0.value), labels: [("server", server.name), ("result", $0.key)])
          }
        }),
      MetricFamily(
        .counter, "sluice_server_answer_bytes_total", "Bytes of answers before masking.",
        perServer { Double($0.serverBytes) }),
      MetricFamily(
        .counter, "sluice_server_masked_values_total", "Values masked in answers.",
        perServer { Double($0.maskedValues) }),
      MetricFamily(
        .histogram, "sluice_server_call_duration_seconds",
        "From the arrival of a request to the end of its answer.",
        servers.flatMap { $0.latency.samples(labels: [("server", $0.name)]) }),
    ]
  }

  private var auditMetrics: [MetricFamily] {
    func one(
      _ kind: MetricFamily.Kind, _ name: String, _ help: String, _ value: Double
    ) -> MetricFamily {
      MetricFamily(kind, "sluice_audit_\(name)", help, [.init(value)])
    }
    return [
      one(
        .gauge, "healthy", "0 while calls cannot be recorded, else 1.", audit.isFailing ? 0 : 1),
      one(
        .gauge, "ring_used_bytes", "Records accepted and not yet in a file.",
        Double(audit.ringBytesUsed)),
      one(.gauge, "ring_size_bytes", "Room for such records.", Double(audit.ringBytes)),
      one(
        .gauge, "unsynced_bytes", "Bytes in a file and not yet synced to the disk.",
        Double(audit.unsyncedBytes)),
      one(.gauge, "segment", "The segment file that is written now.", Double(audit.segment)),
      one(
        .counter, "entries_written_total", "Entries of the record.", Double(audit.entriesWritten)),
      one(
        .counter, "bytes_written_total", "Bytes of the record, its framing included.",
        Double(audit.bytesWritten)),
      one(.counter, "syncs_total", "Times the record was synced to the disk.", Double(audit.syncs)),
      one(
        .counter, "write_failures_total", "Writes that failed.", Double(audit.writeFailures)),
      one(.counter, "sync_failures_total", "Syncs that failed.", Double(audit.syncFailures)),
      one(
        .counter, "calls_dropped_total",
        "Calls that went ahead unrecorded (on_failure: drop_and_count).",
        Double(audit.callsDropped)),
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
