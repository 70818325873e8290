internal import Foundation
internal import Identity
internal import Synchronization

/// One sign-in of one person.
struct ConsoleSession: Sendable {
  var viewer: Viewer
  /// What every form of this session carries and no other site can know.
  var forgeryToken: String
  var started: Date
  var lastUsed: Date
  /// What the next page says once: the result of a decision.
  var notice: String?
}

/// The sessions of the console. They are kept by the hash of their id: whoever reads this memory cannot sign in with it, and
/// looking one up takes the same time for every wrong id.
final class SessionTable: Sendable {
  private let limits: ConsoleLimits
  private let now: @Sendable () -> Date
  private let sessions = Mutex<[[UInt8]: ConsoleSession]>([:])

  init(limits: ConsoleLimits, now: @escaping @Sendable () -> Date) {
    self.limits = limits
    self.now = now
  }

  /// Starts a session and returns its id, which only the browser keeps.
  func start(_ viewer: Viewer) -> String {
    let id = RandomText.make()
    let now = now()
    sessions.withLock { sessions in
      if sessions.count >= limits.sessionsMax {
        sessions = sessions.filter { isAlive($0.value, now) }
      }
      if sessions.count >= limits.sessionsMax,
        let oldest = sessions.min(by: { $0.value.lastUsed < $1.value.lastUsed })
      {
        sessions[oldest.key] = nil
      }
      sessions[key(id)] = ConsoleSession(
        viewer: viewer, forgeryToken: RandomText.make(), started: now, lastUsed: now)
    }
    return id
  }

  /// The session of an id, unless it has ended.
  /// - Parameter isUse: whether this counts against idleness: a page that refreshes itself does not keep a session alive.
  func session(_ id: String, isUse: Bool) -> ConsoleSession? {
    let now = now()
    let key = key(id)
    return sessions.withLock { sessions in
      guard var session = sessions[key] else { return nil }
      guard isAlive(session, now) else {
        sessions[key] = nil
        return nil
      }
      if isUse {
        session.lastUsed = now
        sessions[key] = session
      }
      return session
    }
  }

  func end(_ id: String) {
    let key = key(id)
    sessions.withLock { $0[key] = nil }
  }

  /// Leaves a sentence for the session's next page.
  func leave(notice: String, for id: String) {
    let key = key(id)
    sessions.withLock { $0[key]?.notice = notice }
  }

  /// The sentence left for this page, once.
  func takeNotice(for id: String) -> String? {
    let key = key(id)
    return sessions.withLock { sessions in
      defer { sessions[key]?.notice = nil }
      return sessions[key]?.notice
    }
  }

  private func isAlive(_ session: ConsoleSession, _ now: Date) -> Bool {
    now.timeIntervalSince(session.lastUsed) < limits.sessionIdleSeconds
      && now.timeIntervalSince(session.started) < limits.sessionSeconds
  }

  private func key(_ id: String) -> [UInt8] { APIKey.sha256(of: Array(id.utf8)) }
}
