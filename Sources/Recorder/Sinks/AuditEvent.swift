internal import Audit

/// What sinks send: one ended call, or something else that the record says. `Recorder.docc/Events.md` documents the schema.
public struct AuditEvent: Sendable, Equatable {
  public enum Content: Sendable, Equatable {
    /// A call that ended; without an outcome when its process ended first.
    case call(RecordedCall)
    case notice(RecordedNotice)
  }

  public var content: Content
  /// Number of the record's entry that completed it. Events of one record are in this order.
  public var sequence: UInt64
  /// First half of the hash of the frame that holds that entry, in hexadecimal: whoever keeps events can prove later
  /// that the record up to here is still the one that was (`sluice audit verify --anchor`).
  public var hash: String
  /// Where the sinks' cursors stand: see `SinkCursor.through`.
  var order: UInt64
  /// The process that wrote it (`FrameHeader.process`).
  var process: UInt32 = 0

  /// Names the event for ever; the same when it is sent again.
  public var id: String {
    switch content {
    case .call(let call): call.record.description
    case .notice(.gap): "gap-\(sequence)"
    case .notice(.repair): "repair-\(sequence)"
    }
  }

  /// Nanoseconds since 1970: when the call was decided, when the notice was written.
  public var nanoseconds: UInt64 {
    switch content {
    case .call(let call): call.openedNanoseconds
    case .notice(.gap(_, _, _, let time)): time
    case .notice(.repair(_, _, _, _, _, let time)): time
    }
  }

  /// One word for what it is: the decision of a call, else the kind of notice.
  public var name: String {
    switch content {
    case .call(let call): call.decision?.text ?? "unknown"
    case .notice(.gap): "gap"
    case .notice(.repair): "repair"
    }
  }

  /// RFC 5424 §6.2.1. Whatever needs a person is at least a warning.
  public var severity: SyslogSeverity {
    switch content {
    case .notice(.gap): return .critical
    case .notice(.repair(_, _, _, let isDamage, _, _)): return isDamage ? .critical : .notice
    case .call(let call):
      switch call.decision {
      case .block, .unauthenticated, .malformed: return .warning
      case .unavailable: return .error
      case .hold: return .notice
      default: break
      }
      switch call.outcome?.result {
      case .success: return .informational
      case .transportError: return .error
      case .refused: return .warning
      case nil: return .warning
      default: return .notice
      }
    }
  }
}

/// RFC 5424 table 2.
public enum SyslogSeverity: Int, Sendable {
  case emergency, alert, critical, error, warning, notice, informational, debug
}
