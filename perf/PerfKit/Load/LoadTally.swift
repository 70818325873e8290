public import Histogram

/// What one thread counted in the measured interval.
public struct LoadTally: Sendable {
  /// Answers that passed every check.
  public var answers = 0
  /// Those of them that came as an event stream.
  public var eventStreams = 0
  /// Bytes received, heads and framing included.
  public var bytes = 0
  /// Errors by `LoadErrorKind.rawValue`.
  public var errors = [Int](repeating: 0, count: LoadErrorKind.allCases.count)
  /// Answers by status, those that are not 200.
  public var statuses: [Int: Int] = [:]
  /// Connections opened after the first ones.
  public var reconnects = 0
  /// Handshakes of the legacy era, over the whole run.
  public var handshakes = 0
  /// Requests of an open loop that nobody had sent or answered at the end.
  public var unfinished = 0
  /// Idle connections that the peer closed.
  public var idleClosed = 0
  /// Nanoseconds from the request (closed loop) or from the time it was meant to be sent (open loop).
  public var latency = Histogram<UInt64>(
    lowestDiscernibleValue: 100, highestTrackableValue: 3_600_000_000_000,
    numberOfSignificantValueDigits: .three)

  public init() {}

  /// All errors together.
  public var errorCount: Int { errors.reduce(0, +) }

  mutating func add(_ other: LoadTally) {
    answers += other.answers
    eventStreams += other.eventStreams
    bytes += other.bytes
    for index in errors.indices { errors[index] += other.errors[index] }
    statuses.merge(other.statuses, uniquingKeysWith: +)
    reconnects += other.reconnects
    handshakes += other.handshakes
    unfinished += other.unfinished
    idleClosed += other.idleClosed
    latency.add(other.latency)
  }
}
