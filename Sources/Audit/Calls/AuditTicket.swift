/// One open call in the record, kept beside the exchange it belongs to: plain data that can live in a slab.
///
/// A ticket belongs to the producer that opened it. From a successful `open` until `close` has closed it, room for
/// its closing entry is set aside; every opened ticket must be closed, whatever became of the call. Debug builds
/// check that a ticket is not used twice and not with another producer.
public struct AuditTicket: BitwiseCopyable, Sendable {
  enum Stage: UInt8, BitwiseCopyable, Sendable { case none, open, dropped, closed }

  public internal(set) var record: RecordID
  /// Place of the call's newest entry in its worker's stream: what `AuditProducer.isReleased` is asked about.
  public internal(set) var sequence: UInt64
  /// Answer bytes recorded so far.
  public internal(set) var answerBytes: UInt64
  /// Entries of answer bytes so far.
  var pieces: UInt32
  var worker: UInt16
  var stage: Stage

  /// No call.
  public static var none: AuditTicket {
    AuditTicket(
      record: RecordID(value: 0), sequence: 0, answerBytes: 0, pieces: 0, worker: 0, stage: .none)
  }

  /// Whether `close` is still owed. True also for a call that goes ahead unrecorded (`dropAndCount`).
  public var isOpen: Bool { stage == .open || stage == .dropped }

  /// Whether this call leaves no record (`dropAndCount` while the path was full or failing).
  public var isDropped: Bool { stage == .dropped }
}

/// The result of `AuditProducer.open`.
public enum AuditOpening: BitwiseCopyable, Sendable {
  case opened(AuditTicket)
  /// Nothing was recorded: the call must not go ahead.
  case refused(AuditRefusal)
}
