internal import CLinux

/// A worker's end of the audit path: writes entries into the worker's own ring, without a lock, an allocation or (while
/// the writer is awake) a system call. Owned by one worker and used on its thread only.
///
/// The life of a call:
///
///     let id = audit.makeRecordID()                     // goes into the answer as its "Ref"
///     switch audit.open(facts, request: bytes) {        // before anything goes upstream
///     case .refused(let why): …                         // fail closed: answer with why.text
///     case .opened(var ticket):
///       audit.append(&ticket, answer: piece)            // for streams, as often as there are pieces
///       audit.close(&ticket, outcome, answer: rest)     // once, whatever became of the call
///       audit.isReleased(ticket.sequence)               // may the answer leave? always true with .interval
///     }
///
/// `append` and `close` return how many of the answer's bytes they took; when that is not all, the ring is full
/// now: `wakeWhenRoom()`, and call again with the rest after the wake descriptor became readable.
public struct AuditProducer: ~Copyable {
  let ring: RingBlock
  let gate: WriterGate
  let worker: UInt16
  let dropsInsteadOfRefusing: Bool
  let waitsForDisk: Bool
  /// Waiting bytes at which a napping writer is woken.
  let wakeBytes: UInt64

  /// Position after the last entry written; the writer sees `ring.head`.
  var head: UInt64
  /// The writer's `consumed` as last seen; looked up again only when the ring seems full.
  var consumedSeen: UInt64
  /// Tickets whose closing entry is still owed.
  var ticketsOpen = 0
  var nextID: UInt64
  var wallNanoseconds: UInt64 = 0
  /// Keeps the shared memory alive. Never used otherwise.
  private let log: AuditLog

  init(log: AuditLog, ring: RingBlock, gate: WriterGate, worker: Int, firstID: UInt64) {
    let settings = log.settings
    self.log = log
    self.ring = ring
    self.gate = gate
    self.worker = UInt16(worker)
    dropsInsteadOfRefusing = settings.onFailure == .dropAndCount
    waitsForDisk = settings.durability == .synced
    wakeBytes = UInt64(min(settings.writeBatchBytesMax, settings.ringBytes / 4))
    head = ring.head.loadRelaxed()
    consumedSeen = head
    nextID = firstID
  }

  /// Longest request `open` takes: half the ring. Configuration keeps the message limit below this.
  public var requestBytesMax: Int { ring.capacity / 2 - 16384 }

  /// A new id, larger than all before on this worker. Also reads the wall clock for the entry that follows.
  public mutating func makeRecordID() -> RecordID {
    makeRecordID(wallNanoseconds: linux_audit_wall_nanoseconds())
  }

  package mutating func makeRecordID(wallNanoseconds: UInt64) -> RecordID {
    self.wallNanoseconds = wallNanoseconds
    let milliseconds = wallNanoseconds / 1_000_000 &- RecordID.epochMilliseconds
    let now = RecordID(milliseconds: milliseconds, worker: Int(worker)).value
    // The count within the millisecond carries into the time when it runs over, so ids stay unique even
    // when the clock stands still or goes back; the worker bits are put in their place again.
    let id = max(now, nextID)
    nextID = RecordID(value: id).next(worker: Int(worker)).value
    return RecordID(value: id)
  }

  /// What the path is able to do now.
  public var state: AuditState {
    if let refusal = gate.refusal { return .failing(refusal) }
    let waiting = head &- ring.consumed.loadAcquiring()
    let room = ring.capacity &- Int(truncatingIfNeeded: waiting) &- setAside
    return room < EntryFormat.openingBytes + 8192 ? .full : .healthy
  }

  /// Whether everything up to `sequence` is on the disk.
  public func isDurable(_ sequence: UInt64) -> Bool { ring.durable.loadAcquiring() >= sequence }

  /// Whether an answer whose newest entry is at `sequence` may leave: always with `.interval`, once it is durable
  /// with `.synced`.
  public func isReleased(_ sequence: UInt64) -> Bool { !waitsForDisk || isDurable(sequence) }

  /// Asks for one wake-up through the wake descriptor once `sequence` is durable, and has the writer write and sync
  /// now. Of several asked for, the lowest counts: after a wake-up look at everything that waits, then ask
  /// again for the lowest that is left. True: it is durable already, and no wake-up will come for it.
  public mutating func wakeWhenDurable(_ sequence: UInt64) -> Bool {
    if ring.wantedDurable.loadRelaxed() > sequence { ring.wantedDurable.storeOrdered(sequence) }
    if ring.durable.loadOrdered() >= sequence { return true }
    gate.wakeForWork()
    return false
  }

  /// Asks for one wake-up once at most a quarter of the ring is waiting for the writer; then an `append` or `close`
  /// that took less than all its bytes makes progress. True: so it is already, and no wake-up will come.
  public mutating func wakeWhenRoom() -> Bool {
    let quarter = UInt64(ring.capacity / 4)
    guard head > quarter else { return true }
    ring.wantedRoom.storeOrdered(head - quarter)
    if ring.consumed.loadOrdered() >= head - quarter {
      ring.wantedRoom.storeRelaxed(RingBlock.nothing)
      return true
    }
    gate.wakeForWork()
    return false
  }
}
