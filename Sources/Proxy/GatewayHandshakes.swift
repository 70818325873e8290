public import Audit
internal import Identity
internal import Synchronization

/// TLS handshakes that failed since the start, for those who look after the gateway.
public struct HandshakeFailures: Sendable, Equatable {
  /// With agents: how many, and why the last of them did.
  public var agents = 0
  public var lastAgentReason = RecordedReason.none
  /// With servers: how many, why the last of them did, and the number of its server.
  public var servers = 0
  public var lastServerReason = RecordedReason.none
  public var lastServer = 0

  public init() {}
}

extension Gateway {
  /// By worker: each knows its own last failure.
  public var handshakeFailures: [HandshakeFailures] { controls.map(\.handshakeFailures) }
}

extension WorkerControl {
  var handshakeFailures: HandshakeFailures {
    var failures = HandshakeFailures()
    // The counts are written last and read first: their reasons are then at least as new.
    failures.agents = listenerFailures.load(ordering: .acquiring)
    failures.lastAgentReason =
      RecordedReason(rawValue: lastListenerFailure.load(ordering: .relaxed)) ?? .none
    failures.servers = serverFailures.load(ordering: .acquiring)
    let last = lastServerFailure.load(ordering: .relaxed)
    failures.lastServerReason = RecordedReason(rawValue: UInt8(truncatingIfNeeded: last)) ?? .none
    failures.lastServer = Int(last >> 8)
    return failures
  }

  func note(listenerFailure reason: TLSFailure) {
    lastListenerFailure.store(RecordedReason(reason).rawValue, ordering: .relaxed)
    listenerFailures.add(1, ordering: .releasing)
  }

  func note(serverFailure reason: TLSFailure, server: UInt32) {
    let number = RecordedReason(reason).rawValue
    lastServerFailure.store(UInt64(server) << 8 | UInt64(number), ordering: .relaxed)
    serverFailures.add(1, ordering: .releasing)
  }
}
