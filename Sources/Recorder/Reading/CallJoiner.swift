internal import Audit

/// Puts calls together from entries as they come: one opening, pieces, one closing, interleaved with other calls'.
///
/// Memory is bounded by the calls open at the same time, which the gateway bounds; beyond `openMax` (a damaged or
/// hostile file) the oldest open call is given out unfinished.
struct CallJoiner {
  /// Most bytes of a request, and of an answer, that are wanted; without any a call is a few hundred bytes.
  let bytesMax: Int
  let selection: CallSelection
  static let openMax = 200_000

  private var open: [RecordID: RecordedCall] = [:]

  init(bytesMax: Int, selection: CallSelection = .all) {
    self.bytesMax = bytesMax
    self.selection = selection
  }

  /// Takes in one entry; an event when it ends a call or is a notice.
  mutating func take(_ entry: borrowing RecordedEntry, segment: UInt32) -> RecordedEvent? {
    switch entry.kind {
    case .padding, .filler: return nil
    case .gap, .repair: return selection.isAll ? .notice(Self.notice(entry)) : nil
    case .opening, .requestPiece, .answerPiece, .closing, .review: break
    }
    if case .record(let only) = selection, entry.record != only { return nil }
    if entry.kind == .opening {
      var call = RecordedCall(record: entry.record, worker: entry.worker, segment: segment)
      call.open(entry, bytesMax: bytesMax)
      guard selection.takes(call) else { return nil }
      open[entry.record] = call
      return open.count > Self.openMax ? oldest() : nil
    }
    var call: RecordedCall
    if let known = open.removeValue(forKey: entry.record) {
      call = known
    } else if case .session = selection {
      // Another session's, or one whose opening nobody can tell by.
      return nil
    } else {
      // Its opening is in a segment that was not read, or is gone.
      call = RecordedCall(record: entry.record, worker: entry.worker, segment: segment)
      call.openedNanoseconds = entry.record.millisecondsSince1970 &* 1_000_000
      call.isWhole = false
    }
    if entry.kind == .closing {
      call.close(entry, bytesMax: bytesMax)
      return .call(call)
    }
    if entry.kind == .review {
      call.review(entry)
    } else if bytesMax > 0 {
      call.add(piece: entry, bytesMax: bytesMax)
    }
    open[entry.record] = call
    return nil
  }

  /// The calls still open, oldest first: in flight, or cut short by the end of their process.
  var unfinished: [RecordedCall] { open.values.sorted { $0.record < $1.record } }

  /// When the oldest call still open began; nil when none is.
  var oldestOpenNanoseconds: UInt64? { open.values.lazy.map(\.openedNanoseconds).min() }

  /// Takes calls over that an earlier reading saw begin.
  mutating func resume(_ calls: [RecordedCall]) {
    for call in calls { open[call.record] = call }
  }

  /// Gives out, oldest first, the calls that are open: they will not end any more.
  mutating func interrupt() -> [RecordedCall] {
    let calls = unfinished
    open = [:]
    return calls
  }

  private mutating func oldest() -> RecordedEvent? {
    guard let record = open.keys.min(), let call = open.removeValue(forKey: record) else {
      return nil
    }
    return .call(call)
  }

  static func notice(_ entry: borrowing RecordedEntry) -> RecordedNotice {
    let nanoseconds = entry.number(UInt64.self, at: 16)
    if entry.kind == .gap {
      return .gap(
        worker: entry.worker, drops: entry.number(UInt64.self, at: 24),
        dropsInAll: entry.number(UInt64.self, at: 32), nanoseconds: nanoseconds)
    }
    return .repair(
      segment: entry.number(UInt32.self, at: 24), offset: entry.number(UInt64.self, at: 32),
      bytesCut: entry.number(UInt64.self, at: 40),
      isDamage: entry.number(UInt32.self, at: 28) == AuditRepair.Reason.damaged.rawValue,
      sha256: AuditHash(entry.bytes, at: 48).hexadecimal, nanoseconds: nanoseconds)
  }
}

/// Which calls to put together.
enum CallSelection {
  case all
  case record(RecordID)
  /// The calls of one session, by its key; `first` belongs to it whatever its key, because the call that opens a legacy
  /// session is made before the session has an id.
  case session(SessionKey, first: RecordID, last: RecordID)

  var isAll: Bool { if case .all = self { true } else { false } }

  func takes(_ call: borrowing RecordedCall) -> Bool {
    switch self {
    case .all: true
    case .record(let record): call.record == record
    case .session(let key, let first, let last):
      call.record == first
        || (call.record > first && call.record <= last && SessionKey(call) == key)
    }
  }
}

extension RecordedCall {
  /// Adds a piece; one that does not continue what is there makes the call incomplete.
  fileprivate mutating func add(piece entry: borrowing RecordedEntry, bytesMax: Int) {
    let part = entry.kind == .requestPiece ? BodyPart.request : .answer
    guard let range = entry.body(part), let offset = entry.bodyOffset else { return }
    // How long a request is stands in its opening, how long an answer is in its closing.
    if part == .answer { answerBytes = max(answerBytes, offset + range.count) }
    let kept = part == .request ? request.count : answer.count
    // Beyond what is wanted, nothing is missing that anybody would look for.
    guard kept < bytesMax else { return }
    let data = entry.data(at: range.lowerBound, count: min(range.count, bytesMax - kept))
    if offset != kept { isWhole = false }
    if part == .request { request += data } else { answer += data }
  }
}
