/// How a sink is doing: for metrics, the console and `sluice sinks status`.
public struct SinkStatus: Sendable, Equatable, Codable {
  public enum State: String, Sendable, Codable {
    /// Has not spoken to its receiver yet.
    case starting
    /// The receiver takes what it is sent.
    case delivering
    /// The receiver cannot be reached or refuses; it is tried again.
    case failing
    case stopped
  }

  public var name: String
  public var target: String
  public var state = State.starting
  /// Since the process started.
  public var eventsDelivered: UInt64 = 0
  public var eventsFiltered: UInt64 = 0
  public var failures: UInt64 = 0
  /// Number of the last event that the receiver took; nil before the first.
  public var lastSequence: UInt64?
  /// Bytes of the record behind the last event that was taken: all of them, also those of calls still open.
  public var lagBytes: Int64 = 0
  /// How long it has not been level with the record; 0 when it is.
  public var lagSeconds: Double = 0
  /// Why the last attempt failed; nil once one has succeeded.
  public var lastError: String?
  /// Entries of the record that were gone, or lost again, before the sink had read them.
  public var problems: [String] = []

  static let problemsMax = 20

  init(_ settings: SinkSettings) {
    name = settings.name
    target = settings.target
  }

  mutating func note(problem: String) {
    if problems.count >= Self.problemsMax { problems.removeFirst() }
    problems.append(problem)
  }
}

/// How loudly a sink's message is to be logged.
public enum SinkReportLevel: Sendable {
  case info, warning, error
}

/// Where sinks tell what an operator must know.
public typealias SinkReporter =
  @Sendable (
    _ level: SinkReportLevel, _ message: String, _ sink: String
  ) -> Void
