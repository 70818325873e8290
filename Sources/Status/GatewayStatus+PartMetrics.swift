extension GatewayStatus {
  /// What runs beside the workers: the bridge, approvals, sinks, identity providers.
  var partMetrics: [MetricFamily] {
    bridgeMetrics + (eventStreams?.metrics ?? [])
      + (approvals?.metrics ?? []) + (sinks.isEmpty ? [] : sinkMetrics)
      + (identityProviders.isEmpty ? [] : providerMetrics)
  }

  private var bridgeMetrics: [MetricFamily] {
    func perServer(_ name: String, _ help: String, _ value: (Server) -> Int?) -> MetricFamily {
      MetricFamily(
        .gauge, "sluice_server_\(name)", help,
        servers.compactMap { server in
          value(server).map { .init(Double($0), labels: [("server", server.name)]) }
        })
    }
    return [
      perServer("processes", "Programs of the server that run now.") { $0.processes },
      perServer("sessions", "Sessions that the gateway itself holds for the server now.") {
        $0.sessions
      },
      perServer("event_streams", "Streams of agents that speak HTTP+SSE open now.") {
        $0.eventStreams
      },
    ].filter { !$0.samples.isEmpty }
  }

  private var sinkMetrics: [MetricFamily] {
    let each = MetricGroup("sluice_sink_", of: sinks, label: "sink") { $0.name }
    return [
      each.gauge("up", "0 while the receiver cannot be reached or refuses, else 1.") {
        $0.state == .failing ? 0 : 1
      },
      each.gauge("lag_bytes", "Bytes of the record that the sink has not delivered.", \.lagBytes),
      each.gauge("lag_seconds", "How long the sink has not been level with the record.") {
        $0.lagSeconds
      },
      each.counter("events_delivered_total", "Events that the receiver took.", \.eventsDelivered),
      each.counter(
        "events_filtered_total", "Events that the sink's filter left out.", \.eventsFiltered),
      each.counter("failures_total", "Attempts to deliver that failed.", \.failures),
    ]
  }

  private var providerMetrics: [MetricFamily] {
    let each = MetricGroup(
      "sluice_identity_provider_", of: identityProviders, label: "provider"
    ) { $0.name }
    return [
      each.gauge("up", "0 when the provider's keys could not be fetched last, else 1.") {
        $0.problem == nil ? 1 : 0
      },
      each.gauge("keys", "Signing keys of the provider in force.", \.keys),
      each.counter("fetches_total", "How often its keys were fetched.", \.fetches),
    ]
  }
}

extension GatewayStatus.EventStreams {
  var metrics: [MetricFamily] {
    let streams = MetricGroup("sluice_event_stream", of: self)
    return [
      streams.gauge(
        "s_limit", "How many streams of agents that speak HTTP+SSE may be open at once.", \.openMax),
      streams.counter("s_opened_total", "Such streams that were opened.", \.opened),
      streams.counter(
        "s_refused_total", "Such streams that found no room, or a gateway about to stop.",
        \.refused),
      streams.counter(
        "s_cut_total", "Such streams that were cut because their agents did not read.", \.cut),
      streams.gauge(
        "_messages", "Messages of such agents that wait or are under way now.", \.messages),
      streams.counter(
        "_messages_refused_total",
        "Messages of such agents that found too many of their stream under way.",
        \.messagesRefused),
    ]
  }
}

extension GatewayStatus.Approvals {
  var metrics: [MetricFamily] {
    let calls = MetricGroup("sluice_held_calls", of: self)
    let approvals = MetricGroup("sluice_approvals_", of: self)
    return [
      calls.gauge("", "Calls that wait for an approval now, with their agents.", \.heldCalls),
      calls.gauge(
        "_limit", "How many calls may wait at once (limits.held_calls).", \.heldCallsMax),
      approvals.gauge("pending", "Approvals that nobody has decided yet.", \.pending),
      approvals.gauge(
        "oldest_pending_seconds", "How long the oldest of them has waited."
      ) { $0.oldestPendingSeconds },
      approvals.counter("asked_total", "Approvals that were put before reviewers.", \.asked),
      MetricFamily(
        .counter, "sluice_approvals_decided_total",
        "Held calls by what became of them: granted and sent, denied, or never put before reviewers.",
        [
          .init(Double(granted), labels: [("outcome", "granted")]),
          .init(Double(denied), labels: [("outcome", "denied")]),
          .init(Double(refused), labels: [("outcome", "refused")]),
        ]),
      approvals.gauge(
        "healthy", "0 while the store or the webhook for approvals fails, else 1."
      ) { $0.problem == nil ? 1 : 0 },
    ]
  }
}
