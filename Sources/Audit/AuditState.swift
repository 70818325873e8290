internal import Glibc

/// Why a call cannot be recorded now.
public enum AuditRefusal: UInt8, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The worker's ring holds more than the writer has written. Passes by itself.
  case full = 1
  /// The file system has no room (or the quota or file-size limit is reached).
  case diskFull = 2
  /// The disk answered with an error.
  case writeFailed = 3
  /// Somebody removed the directory or the segment file.
  case directoryGone = 4
  /// The request is longer than the ring can ever take (`AuditProducer.requestBytesMax`).
  case requestTooLarge = 5
  /// The log is closed: the process is stopping.
  case closed = 6

  /// What to say in an error to the caller and in the log; nothing that must stay inside.
  public var text: StaticString {
    switch self {
    case .full: "the audit buffer is full"
    case .diskFull: "the audit disk is full"
    case .writeFailed: "the audit log cannot be written"
    case .directoryGone: "the audit directory is gone"
    case .requestTooLarge: "the request is too large to be recorded"
    case .closed: "the audit log is closed"
    }
  }

  public var description: String { "\(text)" }
}

/// What the audit path is able to do at this moment.
public enum AuditState: Equatable, Sendable, BitwiseCopyable {
  case healthy
  /// The ring has no room for another call of ordinary size.
  case full
  /// The writer cannot write and keeps trying. What was accepted waits in the rings.
  case failing(AuditRefusal)
}

enum AuditReason {
  /// Which kind of trouble a positive errno is.
  static func refusal(for code: Int32) -> AuditRefusal {
    switch code {
    case ENOSPC, EDQUOT, EFBIG: .diskFull
    case ENOENT, ENOTDIR, ESTALE: .directoryGone
    default: .writeFailed
    }
  }

  /// The system's words for a positive errno.
  static func text(of code: Int32) -> String {
    unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
  }
}

/// Counters of the audit path since the process started.
public struct AuditStatistics: Sendable, Equatable {
  /// Entries in whole frames in the files (openings, pieces, closings and notices).
  public var entriesWritten: UInt64 = 0
  /// Bytes written, frames and segment headers included.
  public var bytesWritten: UInt64 = 0
  public var framesWritten: UInt64 = 0
  /// Of these, frames that bypassed the page cache.
  public var directFrames: UInt64 = 0
  /// Calls that went ahead unrecorded (`dropAndCount` only).
  public var callsDropped: UInt64 = 0
  /// Bytes accepted and not yet in a file, over all rings.
  public var lagBytes: UInt64 = 0
  /// Bytes in a file and not yet synced.
  public var unsyncedBytes: UInt64 = 0
  public var syncs: UInt64 = 0
  public var writeFailures: UInt64 = 0
  public var syncFailures: UInt64 = 0
  /// Number of the segment that is written now.
  public var segment: UInt32 = 0
  public var state = AuditState.healthy

  public init() {}
}
