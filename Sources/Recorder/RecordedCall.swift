public import Audit

/// One call as the record tells it: its opening entry, the pieces, and its closing entry, put together again.
public struct RecordedCall: Sendable, Equatable {
  public var record: RecordID
  public var worker: Int
  /// Segment that holds the opening entry.
  public var segment: UInt32
  /// Wall clock when the gateway decided, nanoseconds since 1970.
  public var openedNanoseconds: UInt64 = 0
  /// Policy revision: the first eight bytes of its digest.
  public var policyRevision: UInt64 = 0
  public var era = RecordedEra.unknown
  public var decision: RecordedDecision?

  public var principal = ""
  public var server = ""
  public var method = ""
  public var tool = ""
  public var session = ""
  public var rule = ""
  /// JSON-RPC id as it was written, with quotes if it is a string.
  public var requestID = ""
  /// What program the agent said it is, as `name/version`; its own word. Empty when it did not say.
  public var client = ""
  /// Id of the approval that the call waited for or ran under; empty for none.
  public var approval = ""
  /// Id of the session that the answer opened (`initialize`); empty for others.
  public var openedSession = ""
  /// Names of the fields above that were longer than the record keeps.
  public var cutFields: [String] = []

  /// Request body as it was judged. Empty when the reader was asked for summaries.
  public var request: [UInt8] = []
  public var requestBytes = 0
  /// Answer body as the agent got it (masked). Empty when the reader was asked for summaries.
  public var answer: [UInt8] = []
  public var answerBytes = 0

  /// What became of the approval that a rule asked for; nil when none did.
  public var review: Review?
  /// Nil while the call is open, and for ever when the process ended before it did.
  public var outcome: CallOutcome?
  /// Whether every entry of the call was found: false when an older segment was removed.
  public var isWhole = true

  /// What became of a call's approval.
  public struct Review: Sendable, Equatable {
    public var state: RecordedApproval
    /// Who decided.
    public var reviewers: [String]
    public var reason: String
    public var heldMicroseconds: UInt64

    public init(
      state: RecordedApproval, reviewers: [String], reason: String, heldMicroseconds: UInt64
    ) {
      self.state = state
      self.reviewers = reviewers
      self.reason = reason
      self.heldMicroseconds = heldMicroseconds
    }
  }

  public init(record: RecordID, worker: Int, segment: UInt32) {
    self.record = record
    self.worker = worker
    self.segment = segment
  }
}

extension RecordedCall {
  /// What became of a call that a rule held and that did not run; nil for every other call.
  public enum HeldEnd: Sendable, Equatable {
    /// Nobody had decided when its agent was told to come back; the approval may still be given.
    case waiting
    case denied
    case expired
    /// Its agent gave up, or the policy changed.
    case cancelled
    /// No approval could be asked for.
    case unavailable
  }

  public var heldEnd: HeldEnd? {
    guard decision == .hold, outcome != nil, let review else { return nil }
    switch review.state {
    case .none, .approved: return nil
    case .pending: return .waiting
    case .denied: return .denied
    case .expired: return .expired
    case .cancelled: return .cancelled
    case .unavailable: return .unavailable
    }
  }
}

/// Something the record says besides calls.
public enum RecordedNotice: Sendable, Equatable {
  /// Calls of one worker went ahead unrecorded (`on_failure: drop_and_count`).
  case gap(worker: Int, drops: UInt64, dropsInAll: UInt64, nanoseconds: UInt64)
  /// At a start, the end of a segment was cut off.
  case repair(
    segment: UInt32, offset: UInt64, bytesCut: UInt64, isDamage: Bool, sha256: String,
    nanoseconds: UInt64)
}

/// What reading the record yields, in the order in which calls ended.
public enum RecordedEvent: Sendable, Equatable {
  case call(RecordedCall)
  case notice(RecordedNotice)
}
