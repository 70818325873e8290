import Synchronization

/// The open legacy sessions and the protocol version each agreed on. Bounded: the oldest makes room for a new one.
final class SessionTable: Sendable {
  static let sessionsMax = 1024

  private struct State {
    var versions: [String: String] = [:]
    var oldestFirst: [String] = []
  }

  private let state = Mutex(State())

  func open(version: String) -> String {
    var random = SystemRandomNumberGenerator()
    let identifier = (0..<4).map { _ in
      let digits = String(random.next() as UInt32, radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
    state.withLock { state in
      if state.oldestFirst.count == Self.sessionsMax {
        state.versions[state.oldestFirst.removeFirst()] = nil
      }
      state.versions[identifier] = version
      state.oldestFirst.append(identifier)
    }
    return identifier
  }

  func version(of session: String) -> String? {
    state.withLock { $0.versions[session] }
  }

  /// False when there was no such session.
  func close(_ session: String) -> Bool {
    state.withLock { state in
      state.oldestFirst.removeAll { $0 == session }
      return state.versions.removeValue(forKey: session) != nil
    }
  }
}
