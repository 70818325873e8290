/// When a record counts as safe.
public enum AuditDurability: Sendable, Equatable {
  /// Records reach the file within `milliseconds` and are synced to the disk as often: a crash of the machine
  /// loses at most the last unsynced batch, a crash of the process at most what was still in the rings.
  case interval(milliseconds: Int)
  /// An answer leaves only once its record is on the disk (group commit); see `AuditProducer.isReleased`.
  case synced
}

/// What happens to a call that cannot be recorded.
public enum AuditFailureChoice: Sendable, Equatable {
  /// The call is refused: `AuditProducer.open` says why.
  case failClosed
  /// The call goes ahead unrecorded; how many did is itself recorded as soon as that is possible again.
  case dropAndCount
}

/// How the process records. `validate` names what is out of range.
public struct AuditSettings: Sendable, Equatable {
  /// Where the segment files live. Created when missing (its parent must exist). One process at a time.
  public var directory: String
  /// A segment that has reached this many bytes is followed by a new one. 64 KiB to 1 TiB.
  public var segmentBytesMax = 256 << 20
  /// Bytes of each worker's ring; a power of two, 64 KiB to 1 GiB. Holds what the writer has not written yet.
  public var ringBytes = 8 << 20
  public var durability = AuditDurability.interval(milliseconds: 50)
  public var onFailure = AuditFailureChoice.failClosed
  /// About how many bytes of records the writer hashes and writes at once, 4 KiB to 8 MiB. Also the amount of
  /// waiting bytes at which a producer wakes a writer that naps. Small enough to stay in the processor's cache.
  public var writeBatchBytesMax = 512 << 10
  /// How long `AuditLog.close` waits for a disk that fails, before it gives up what is left in the rings.
  public var closeWaitMilliseconds = 5000

  /// Frames from this size on bypass the page cache, where the file system can do that.
  package var directBytesMin = 64 << 10

  public init(directory: String) { self.directory = directory }

  /// How long a record may wait in the ring before the writer writes it on its own account, in nanoseconds.
  package var intervalNanoseconds: UInt64 {
    switch durability {
    case .interval(let milliseconds): UInt64(milliseconds) * 1_000_000
    case .synced: 50_000_000
    }
  }

  /// The first setting that is out of range, or nil.
  package func validate(workers: Int) -> String? {
    if directory.isEmpty { return "the audit directory has no name" }
    if !(65536...(1 << 40)).contains(segmentBytesMax) {
      return "the audit segment size must be 64 KiB to 1 TiB"
    }
    if !(65536...(1 << 30)).contains(ringBytes) || ringBytes & (ringBytes - 1) != 0 {
      return "the audit ring size must be a power of two from 64 KiB to 1 GiB"
    }
    if !(4096...(8 << 20)).contains(writeBatchBytesMax) {
      return "the audit write batch must be 4 KiB to 8 MiB"
    }
    if case .interval(let milliseconds) = durability, !(1...60_000).contains(milliseconds) {
      return "the audit interval must be 1 to 60000 milliseconds"
    }
    if !(1...RecordID.workersMax).contains(workers) {
      return "the audit log serves 1 to \(RecordID.workersMax) workers"
    }
    return nil
  }
}

/// Why the audit log could not be started. `description` is a sentence for the operator.
public enum AuditError: Error, Sendable, Equatable, CustomStringConvertible {
  case invalidSettings(String)
  /// `code` is a positive errno.
  case cannotOpenDirectory(path: String, code: Int32)
  /// Another process records into this directory.
  case directoryInUse(path: String)
  case cannotRead(file: String, code: Int32)
  case cannotRepair(file: String, code: Int32)
  case cannotCreateSegment(file: String, code: Int32)
  case cannotStartThread(code: Int32)

  public var description: String {
    switch self {
    case .invalidSettings(let text): text
    case .cannotOpenDirectory(let path, let code):
      "cannot open the audit directory \(path): \(AuditReason.text(of: code))"
    case .directoryInUse(let path):
      "the audit directory \(path) is in use by another process: give each gateway its own"
    case .cannotRead(let file, let code):
      "cannot read the audit segment \(file): \(AuditReason.text(of: code))"
    case .cannotRepair(let file, let code):
      "cannot repair the audit segment \(file): \(AuditReason.text(of: code))"
    case .cannotCreateSegment(let file, let code):
      "cannot create the audit segment \(file): \(AuditReason.text(of: code))"
    case .cannotStartThread(let code):
      "cannot start the audit thread: \(AuditReason.text(of: code))"
    }
  }
}
