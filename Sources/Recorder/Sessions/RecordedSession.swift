public import Audit

/// A stretch of work of one agent with one server, as far as the record tells.
///
/// In the legacy era that is the protocol's own session. Modern requests stand alone, so there it is what one principal does
/// with one server through one client without a longer pause than the idle window.
public struct RecordedSession: Sendable, Equatable, Identifiable {
  /// Reference of its first call, which is also how to ask for it.
  public var first: RecordID
  /// Reference of the latest call.
  public var last: RecordID
  public var era = RecordedEra.unknown
  /// Empty when nobody was recognised.
  public var principal = ""
  public var server = ""
  /// What program the agent said it is; its own word.
  public var client = ""
  /// The protocol's session id as the agent holds it (sealed: worth nothing to anybody else); empty in the modern era.
  public var session = ""
  /// Wall clock in nanoseconds since 1970: when the first call came, and when the last one was done.
  public var startedNanoseconds: UInt64
  public var endedNanoseconds: UInt64

  public var calls = 0
  /// Calls that the gateway refused, for whatever reason.
  public var refused = 0
  /// Calls whose agent was told to come back once they are approved: neither run nor refused.
  public var waiting = 0
  /// Calls that reached the server and did not succeed.
  public var failed = 0
  /// Calls without an outcome: in flight, or cut short by the end of the process.
  public var open = 0
  /// Values that masking replaced.
  public var maskedValues: UInt64 = 0
  /// Names of tools and how often each was called; at most `toolsMax` names.
  public var tools: [String: Int] = [:]
  /// Bits of `RecordedDecision` and `RecordedResult` that occurred.
  var decisions: UInt64 = 0
  var results: UInt64 = 0

  /// Most tool names kept of one session; calls of further ones are counted under "…".
  public static let toolsMax = 256

  public var id: String { first.description }

  public func had(_ decision: RecordedDecision) -> Bool {
    decisions & 1 << UInt64(decision.rawValue) != 0
  }
  public func had(_ result: RecordedResult) -> Bool {
    results & 1 << UInt64(result.rawValue) != 0
  }

  init(_ call: borrowing RecordedCall) {
    first = call.record
    last = call.record
    startedNanoseconds = call.openedNanoseconds
    endedNanoseconds = call.openedNanoseconds
    principal = call.principal
    server = call.server
  }

  mutating func add(_ call: borrowing RecordedCall) {
    first = min(first, call.record)
    last = max(last, call.record)
    startedNanoseconds = min(startedNanoseconds, call.openedNanoseconds)
    endedNanoseconds = max(endedNanoseconds, call.endedNanoseconds)
    if era == .unknown { era = call.era }
    if client.isEmpty { client = call.client }
    if session.isEmpty { session = call.session.isEmpty ? call.openedSession : call.session }
    calls += 1
    if let decision = call.decision { decisions |= 1 << UInt64(decision.rawValue) }
    if !call.tool.isEmpty {
      let isRoom = tools[call.tool] != nil || tools.count < Self.toolsMax
      tools[isRoom ? call.tool : "…", default: 0] += 1
    }
    guard let outcome = call.outcome else {
      open += 1
      return
    }
    results |= 1 << UInt64(outcome.result.rawValue)
    maskedValues += UInt64(outcome.maskedValues)
    if call.heldEnd == .waiting {
      waiting += 1
    } else if outcome.result == .refused {
      refused += 1
    } else if outcome.result != .success {
      failed += 1
    }
  }
}

extension RecordedCall {
  /// When it was done, by the wall clock; when it was opened, if it never was.
  public var endedNanoseconds: UInt64 {
    openedNanoseconds &+ (outcome?.doneMicroseconds ?? 0) &* 1000
  }
}

/// What the calls of one session have in common.
struct SessionKey: Hashable, Sendable {
  var principal: String
  var server: String
  /// The protocol's session id, or the client where there is none.
  var thread: String
  var isProtocolSession: Bool

  init(_ call: borrowing RecordedCall) {
    principal = call.principal
    server = call.server
    let session = call.session.isEmpty ? call.openedSession : call.session
    isProtocolSession = call.era != .modern && !session.isEmpty
    thread = isProtocolSession ? session : call.client
  }
}

/// Which sessions to list. Every condition that is set must hold.
public struct SessionFilter: Sendable, Equatable {
  /// Sessions that were active at some moment from here on, and up to here: nanoseconds since 1970.
  public var fromNanoseconds: UInt64?
  public var toNanoseconds: UInt64?
  /// Exact names.
  public var principal: String?
  public var server: String?
  public var client: String?
  /// Sessions in which this tool was called, this was decided, a call ended like this.
  public var tool: String?
  public var decision: RecordedDecision?
  public var result: RecordedResult?
  /// Only sessions in which something was masked.
  public var maskedOnly = false
  /// Only sessions in which a call was refused or failed.
  public var problemsOnly = false

  public init() {}

  public func matches(_ session: RecordedSession) -> Bool {
    if let from = fromNanoseconds, session.endedNanoseconds < from { return false }
    if let to = toNanoseconds, session.startedNanoseconds > to { return false }
    if let principal, session.principal != principal { return false }
    if let server, session.server != server { return false }
    if let client, session.client != client { return false }
    if let tool, session.tools[tool] == nil { return false }
    if let decision, !session.had(decision) { return false }
    if let result, !session.had(result) { return false }
    if maskedOnly, session.maskedValues == 0 { return false }
    if problemsOnly, session.refused == 0, session.failed == 0 { return false }
    return true
  }
}
