internal import Audit

/// Makes sessions of calls as they come, in the order in which they ended.
///
///     call of key K   within the idle window of K's session (or K is a session id)   joins it
///                     after it                                                       ends it and begins another
///
/// Memory is bounded: sessions that can get no more calls are given out (and forgotten unless wanted), and beyond `openMax`
/// the longest quiet ones are given out early.
struct SessionAssembler {
  /// Longest pause within a session of the modern era.
  let idleNanoseconds: UInt64
  /// Sessions that may be waiting for calls at a time.
  static let openMax = 100_000
  /// Calls are given in the order in which they ended; one may have begun this much earlier than its neighbours.
  private static let slackNanoseconds: UInt64 = 3_600_000_000_000

  private var open: [SessionKey: RecordedSession] = [:]
  private var latestNanoseconds: UInt64 = 0
  private var untilSweep = 4096

  init(idleNanoseconds: UInt64) {
    self.idleNanoseconds = idleNanoseconds
  }

  /// Adds a call; `ended` gets the sessions that no further call can join.
  /// - Returns: the key of the session that took it.
  @discardableResult
  mutating func take(
    _ call: RecordedCall, _ ended: (SessionKey, RecordedSession) -> Void
  ) -> SessionKey {
    let key = SessionKey(call)
    latestNanoseconds = max(latestNanoseconds, call.openedNanoseconds)
    if let earlier = open[key], !key.isProtocolSession,
      call.openedNanoseconds > earlier.endedNanoseconds &+ idleNanoseconds
    {
      open[key] = nil
      ended(key, earlier)
    }
    open[key, default: RecordedSession(call)].add(call)
    untilSweep -= 1
    if untilSweep <= 0 { sweep(ended) }
    return key
  }

  func session(_ key: SessionKey) -> RecordedSession? { open[key] }

  /// Gives out what is left.
  mutating func finish(_ ended: (SessionKey, RecordedSession) -> Void) {
    for (key, session) in open { ended(key, session) }
    open = [:]
  }

  private mutating func sweep(_ ended: (SessionKey, RecordedSession) -> Void) {
    untilSweep = max(4096, open.count)
    let limit = idleNanoseconds &+ Self.slackNanoseconds
    for (key, session) in open where !key.isProtocolSession {
      if session.endedNanoseconds &+ limit < latestNanoseconds {
        open[key] = nil
        ended(key, session)
      }
    }
    guard open.count > Self.openMax else { return }
    let quiet = open.sorted { $0.value.endedNanoseconds < $1.value.endedNanoseconds }
    for (key, session) in quiet.prefix(open.count - Self.openMax / 2) {
      open[key] = nil
      ended(key, session)
    }
  }
}
