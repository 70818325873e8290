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
    func perSink(
      _ kind: MetricFamily.Kind, _ name: String, _ help: String, _ value: (Sink) -> Double
    ) -> MetricFamily {
      MetricFamily(
        kind, "sluice_sink_\(name)", help,
        sinks.map { .init(value($0), labels: [("sink", $0.name)]) })
    }
    return [
      perSink(.gauge, "up", "0 while the receiver cannot be reached or refuses, else 1.") {
        $0.state == .failing ? 0 : 1
      },
      perSink(.gauge, "lag_bytes", "Bytes of the record that the sink has not delivered.") {
        Double($0.lagBytes)
      },
      perSink(.gauge, "lag_seconds", "How long the sink has not been level with the record.") {
        $0.lagSeconds
      },
      perSink(.counter, "events_delivered_total", "Events that the receiver took.") {
        Double($0.eventsDelivered)
      },
      perSink(.counter, "events_filtered_total", "Events that the sink's filter left out.") {
        Double($0.eventsFiltered)
      },
      perSink(.counter, "failures_total", "Attempts to deliver that failed.") {
        Double($0.failures)
      },
    ]
  }

  private var providerMetrics: [MetricFamily] {
    func perProvider(
      _ kind: MetricFamily.Kind, _ name: String, _ help: String,
      _ value: (IdentityProvider) -> Double
    ) -> MetricFamily {
      MetricFamily(
        kind, "sluice_identity_provider_\(name)", help,
        identityProviders.map { .init(value($0), labels: [("provider", $0.name)]) })
    }
    return [
      perProvider(.gauge, "up", "0 when the provider's keys could not be fetched last, else 1.") {
        $0.problem == nil ? 1 : 0
      },
      perProvider(.gauge, "keys", "Signing keys of the provider in force.") { Double($0.keys) },
      perProvider(.counter, "fetches_total", "How often its keys were fetched.") {
        Double($0.fetches)
      },
    ]
  }
}

extension GatewayStatus.EventStreams {
  var metrics: [MetricFamily] {
    func one(
      _ kind: MetricFamily.Kind, _ name: String, _ help: String, _ value: Double
    ) -> MetricFamily {
      MetricFamily(kind, "sluice_event_stream\(name)", help, [.init(value)])
    }
    return [
      one(
        .gauge, "s_limit", "How many streams of agents that speak HTTP+SSE may be open at once.",
        Double(openMax)),
      one(.counter, "s_opened_total", "Such streams that were opened.", Double(opened)),
      one(
        .counter, "s_refused_total", "Such streams that found no room, or a gateway about to stop.",
        Double(refused)),
      one(
        .counter, "s_cut_total", "Such streams that were cut because their agents did not read.",
        Double(cut)),
      one(
        .gauge, "_messages", "Messages of such agents that wait or are under way now.",
        Double(messages)),
      one(
        .counter, "_messages_refused_total",
        "Messages of such agents that found too many of their stream under way.",
        Double(messagesRefused)),
    ]
  }
}

extension GatewayStatus.Approvals {
  var metrics: [MetricFamily] {
    func one(
      _ kind: MetricFamily.Kind, _ name: String, _ help: String, _ value: Double
    ) -> MetricFamily {
      MetricFamily(kind, "sluice_approvals_\(name)", help, [.init(value)])
    }
    return [
      MetricFamily(
        .gauge, "sluice_held_calls", "Calls that wait for an approval now, with their agents.",
        [.init(Double(heldCalls))]),
      MetricFamily(
        .gauge, "sluice_held_calls_limit", "How many calls may wait at once (limits.held_calls).",
        [.init(Double(heldCallsMax))]),
      one(.gauge, "pending", "Approvals that nobody has decided yet.", Double(pending)),
      one(
        .gauge, "oldest_pending_seconds", "How long the oldest of them has waited.",
        oldestPendingSeconds),
      one(.counter, "asked_total", "Approvals that were put before reviewers.", Double(asked)),
      MetricFamily(
        .counter, "sluice_approvals_decided_total",
        "Held calls by what became of them: granted and sent, denied, or never put before reviewers.",
        [
          .init(Double(granted), labels: [("outcome", "granted")]),
          .init(Double(denied), labels: [("outcome", "denied")]),
          .init(Double(refused), labels: [("outcome", "refused")]),
        ]),
      one(
        .gauge, "healthy", "0 while the store or the webhook for approvals fails, else 1.",
        problem == nil ? 1 : 0),
    ]
  }
}
