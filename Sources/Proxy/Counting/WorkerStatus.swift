public import Audit
internal import Synchronization

/// What one worker is doing, and what it has done since the process started.
public struct WorkerStatus: Sendable, Equatable {
  /// Agents' connections open now.
  public var connections = 0
  /// Requests that are being carried or answered now.
  public var exchanges = 0
  /// Requests answered.
  public var requests: UInt64 = 0
  /// Requests by what was decided about them: `RecordedDecision.rawValue` is the index.
  public var decisions: [UInt64] = []

  public init() {}

  public func requests(_ decision: RecordedDecision) -> UInt64 {
    let index = Int(decision.rawValue)
    return decisions.indices.contains(index) ? decisions[index] : 0
  }
}

extension WorkerControl {
  /// Room for every `RecordedDecision`.
  static var decisionCount: Int { 16 }

  var status: WorkerStatus {
    var status = WorkerStatus()
    status.connections = max(0, connections.load(ordering: .relaxed))
    status.exchanges = exchanges.load(ordering: .relaxed)
    status.requests = requests.load(ordering: .relaxed)
    status.decisions = (0..<Self.decisionCount).map { decisions.read($0) }
    return status
  }
}

extension Gateway {
  /// The workers in their order.
  public var workers: [WorkerStatus] { statusOfWorkers() }
}
