import Audit
import Proxy
import Status

/// How a server has been doing lately, told from its counters: they are looked at every so often, and what has come
/// since the time before is judged.
struct ServerHealth {
  private var before = ServerCounts()
  private(set) var state = GatewayStatus.Server.State.idle
  /// Looks without a call before a server counts as idle.
  private var quietLooks = 0
  static let quietLooksMax = 20

  /// What happened since the last look: calls that the server answered, and calls that failed at it.
  struct Step: Equatable {
    var answered: UInt64
    var failed: UInt64
  }

  /// Judges what has come since the last look.
  mutating func look(_ counts: ServerCounts) -> Step {
    let step = Step(
      answered: Self.answered(counts) &- Self.answered(before),
      failed: counts.calls(.transportError) &- before.calls(.transportError))
    before = counts
    switch (step.answered, step.failed) {
    case (0, 0):
      quietLooks += 1
      // A server that failed its last call is not known to be well.
      if quietLooks >= Self.quietLooksMax, state != .failing { state = .idle }
    case (_, 0): state = .serving
    case (0, _): state = .failing
    default: state = .degraded
    }
    if step.answered > 0 || step.failed > 0 { quietLooks = 0 }
    return step
  }

  private static func answered(_ counts: ServerCounts) -> UInt64 {
    counts.calls(.success) &+ counts.calls(.toolError) &+ counts.calls(.protocolError)
      &+ counts.calls(.httpError)
  }
}
