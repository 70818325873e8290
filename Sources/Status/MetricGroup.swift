/// The metrics of one kind of thing: their names begin alike, and each has a sample for every such thing, told apart by a label.
///
///     MetricGroup("sluice_sink_", of: sinks, label: "sink") { $0.name }.gauge("lag_bytes", "…", \.lagBytes)
///       ->  sluice_sink_lag_bytes{sink="siem"} 0
struct MetricGroup<Thing> {
  private let prefix: String
  private let things: [(thing: Thing, labels: [(name: String, value: String)])]

  /// - Parameter name: what the label says of a thing.
  init(
    _ prefix: String, of things: [Thing], label: String, _ name: (Thing) -> String
  ) {
    self.prefix = prefix
    self.things = things.map { ($0, [(label, name($0))]) }
  }

  /// Of one thing, without a label.
  init(_ prefix: String, of thing: Thing) {
    self.prefix = prefix
    things = [(thing, [])]
  }

  func gauge(_ name: String, _ help: String, _ value: (Thing) -> Double) -> MetricFamily {
    family(.gauge, name, help, value)
  }

  func gauge(
    _ name: String, _ help: String, _ number: KeyPath<Thing, some BinaryInteger>
  ) -> MetricFamily {
    family(.gauge, name, help) { Double($0[keyPath: number]) }
  }

  func counter(
    _ name: String, _ help: String, _ number: KeyPath<Thing, some BinaryInteger>
  ) -> MetricFamily {
    family(.counter, name, help) { Double($0[keyPath: number]) }
  }

  /// A counter of each thing in parts, told apart by a label of their own; in the order of their names.
  func counter(
    _ name: String, _ help: String, by label: String, _ counts: (Thing) -> [String: UInt64]
  ) -> MetricFamily {
    let samples = things.flatMap { thing, labels in
      counts(thing).sorted { $0.key < $1.key }.map {
        MetricFamily.Sample(Double($0.value), labels: labels + [(label, $0.key)])
      }
    }
    return MetricFamily(.counter, prefix + name, help, samples)
  }

  func histogram(
    _ name: String, _ help: String, _ latency: (Thing) -> GatewayStatus.Latency
  ) -> MetricFamily {
    MetricFamily(
      .histogram, prefix + name, help,
      things.flatMap { latency($0.thing).samples(labels: $0.labels) })
  }

  private func family(
    _ kind: MetricFamily.Kind, _ name: String, _ help: String, _ value: (Thing) -> Double
  ) -> MetricFamily {
    MetricFamily(
      kind, prefix + name, help, things.map { .init(value($0.thing), labels: $0.labels) })
  }
}
