internal import Audit

/// The sessions in a directory of segments: which there are, and what happened in one. Reads also while a gateway writes.
///
/// Everything here reads files and takes its time with large records; it belongs on a thread or task of its own.
public struct SessionCatalog: Sendable {
  public let directory: String
  /// Longest pause within a session of the modern era.
  public var idleMilliseconds: Int
  /// Told about the progress of long reading, every few megabytes; may throw `RecorderError.cancelled` to stop it.
  public var progress: (@Sendable (RecordProgress) throws(RecorderError) -> Void)?

  public static let idleMillisecondsDefault = 30 * 60_000
  /// Most sessions of one list.
  public static let sessionsMax = 100_000

  /// - Parameter directory: the `audit.directory` of the configuration.
  public init(directory: String, idleMilliseconds: Int = SessionCatalog.idleMillisecondsDefault) {
    self.directory = directory
    self.idleMilliseconds = idleMilliseconds
  }

  /// Sessions that match, the latest first.
  public struct List: Sendable, Equatable {
    public var sessions: [RecordedSession] = []
    /// More match than were asked for.
    public var isCut = false
    /// What could not be read, in sentences.
    public var warnings: [String] = []
  }

  /// The sessions that match, those that were active last first, at most `limit`.
  public func list(
    _ filter: SessionFilter = SessionFilter(), limit: Int = 1000
  ) throws(RecorderError) -> List {
    var found = LatestSessions(limit: max(1, min(limit, Self.sessionsMax)))
    let warnings = try assemble(
      until: { _, _ in false },
      { _, session in
        if filter.matches(session) { found.add(session) }
      })
    return List(sessions: found.latestFirst, isCut: found.isCut, warnings: warnings)
  }

  /// The session a reference names.
  /// - Parameter reference: the id of a session, or the "Ref" of any of its calls.
  public func session(_ reference: String) throws(RecorderError) -> RecordedSession {
    try find(reference).session
  }

  /// The calls of a session in the order in which they began, with request and answer as far as they are recorded.
  ///
  /// Bounded memory: a call is given out as soon as no earlier one is still open.
  /// - Parameters:
  ///   - reference: the id of a session, or the "Ref" of any of its calls.
  ///   - keepsBytes: whether request and answer are wanted; without them it is faster.
  ///   - body: gets one call after the other; false ends the reading.
  /// - Returns: the session.
  @discardableResult
  public func timeline(
    _ reference: String, keepsBytes: Bool = true,
    _ body: (RecordedCall) throws -> Bool
  ) throws -> RecordedSession {
    let (key, session) = try find(reference)
    guard let range = try segmentRange(directory) else {
      throw RecorderError.notFound(session.id)
    }
    var reader = RecordReader(
      directory: directory, first: firstSegment(directory, for: session.first, in: range),
      bodyBytesMax: keepsBytes ? .max : 0,
      selection: .session(key, first: session.first, last: session.last))
    var waiting = CallsInOrder()
    var meter = ProgressMeter(directory: directory, from: reader.position.segment, progress)
    var taken = 0
    // A call that is still open may have begun after the last one that has ended: then only the end tells.
    let wanted = session.open > 0 ? Int.max : session.calls
    while taken < wanted {
      switch try reader.next() {
      case .events(let events):
        for case .call(let call) in events {
          waiting.add(call)
          taken += 1
        }
        for call in waiting.ready(before: reader.oldestOpenNanoseconds) {
          guard try body(call) else { return session }
        }
        try meter.note(reader.position)
      case .warning: continue
      case .end: taken = .max
      }
    }
    for call in reader.unfinished { waiting.add(call) }
    for call in waiting.ready(before: nil) {
      guard try body(call) else { return session }
    }
    return session
  }

  // MARK: -

  private func find(
    _ reference: String
  ) throws(RecorderError) -> (key: SessionKey, session: RecordedSession) {
    guard let record = RecordID(reference) else { throw .noReference(reference) }
    var found: (SessionKey, RecordedSession)?
    var key: SessionKey?
    _ = try assemble(
      until: { call, place in
        if call.record == record { key = place }
        return found != nil
      },
      { place, session in
        // A key can have several sessions, one after the other: it is the one that holds the record.
        if found == nil, place == key, session.first <= record, record <= session.last {
          found = (place, session)
        }
      })
    guard let found else { throw .notFound(record.description) }
    return found
  }

  /// Reads the whole record, without bodies, and gives out its sessions.
  /// - Parameter until: looked at after every call, with the key it went to; true ends the reading.
  private func assemble(
    until: (RecordedCall, SessionKey) -> Bool,
    _ ended: (SessionKey, RecordedSession) -> Void
  ) throws(RecorderError) -> [String] {
    var warnings: [String] = []
    guard let range = try segmentRange(directory) else { return warnings }
    var reader = RecordReader(directory: directory, first: range.lowerBound, bodyBytesMax: 0)
    var assembler = SessionAssembler(
      idleNanoseconds: UInt64(max(0, idleMilliseconds)) * 1_000_000)
    var meter = ProgressMeter(directory: directory, from: range.lowerBound, progress)
    reading: while true {
      switch try reader.next() {
      case .end: break reading
      case .warning(let warning):
        if warnings.count < 100 { warnings.append(warning) }
      case .events(let events):
        for case .call(let call) in events {
          if until(call, assembler.take(call, ended)) { return warnings }
        }
        try meter.note(reader.position)
      }
    }
    for call in reader.unfinished {
      if until(call, assembler.take(call, ended)) { return warnings }
    }
    assembler.finish(ended)
    return warnings
  }
}

/// Calls that ended in another order than they began, put back into it.
struct CallsInOrder {
  private var waiting: [RecordedCall] = []

  mutating func add(_ call: RecordedCall) { waiting.append(call) }

  /// The calls that began before `limit` (all of them without one), earliest first.
  mutating func ready(before limit: UInt64?) -> [RecordedCall] {
    guard !waiting.isEmpty else { return [] }
    waiting.sort { ($0.openedNanoseconds, $0.record) < ($1.openedNanoseconds, $1.record) }
    let count =
      limit.map { limit in waiting.prefix { $0.openedNanoseconds < limit }.count } ?? waiting.count
    let ready = Array(waiting.prefix(count))
    waiting.removeFirst(count)
    return ready
  }
}

/// The sessions that were active last, of any number.
private struct LatestSessions {
  let limit: Int
  private var sessions: [RecordedSession] = []
  private(set) var isCut = false

  init(limit: Int) { self.limit = limit }

  mutating func add(_ session: RecordedSession) {
    sessions.append(session)
    if sessions.count >= limit * 2 + 1024 { cut() }
  }

  private mutating func cut() {
    sessions.sort { ($0.endedNanoseconds, $0.first) > ($1.endedNanoseconds, $1.first) }
    if sessions.count > limit {
      sessions.removeLast(sessions.count - limit)
      isCut = true
    }
  }

  var latestFirst: [RecordedSession] {
    mutating get {
      cut()
      return sessions
    }
  }
}
