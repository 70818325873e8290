/// What a call is and what was decided about it: the opening entry, written before anything goes upstream.
///
/// Texts come as the bytes they are (UTF-8 expected, anything kept) and are copied once, into the ring. Each is
/// cut at `CallFacts.textBytesMax`, and the entry says so: the request itself is recorded whole.
public struct CallFacts: ~Escapable {
  /// From `AuditProducer.makeRecordID`.
  public var record: RecordID
  /// Monotonic clock when the request arrived; the outcome's times count from here.
  public var receivedNanoseconds: UInt64
  public var era: RecordedEra = .unknown
  public var decision: RecordedDecision
  /// First eight bytes of the policy revision's digest.
  public var policyRevision: UInt64 = 0

  /// Who called; empty when nobody was recognised.
  public var principal: RawSpan
  /// Upstream server's name in the configuration.
  public var server: RawSpan
  /// JSON-RPC method, such as `tools/call`; for a request that was never read, the HTTP method and path.
  public var method: RawSpan
  /// Tool (later: resource or prompt) named by the request, as the policy read it: unescaped.
  public var tool: RawSpan
  public var session: RawSpan
  /// Rule that decided; empty for the default.
  public var rule: RawSpan
  /// The JSON-RPC id, literally (a string with its quotes); empty for a notification.
  public var requestID: RawSpan

  /// What program the agent says it is, as `name/version`; its own word, never proof of anything.
  public var client: RawSpan
  /// Id of the approval that the call waited for or ran under; empty for none.
  public var approval: RawSpan
  /// What became of that approval, as far as this call is concerned. An entry of its own is written unless it is `.none`.
  public var approvalState = RecordedApproval.none
  /// Who decided it, one name a line.
  public var reviewers: RawSpan
  /// What the deciding reviewer gave as the reason.
  public var reviewReason: RawSpan
  /// How long the call was held, in microseconds.
  public var heldMicroseconds: UInt64 = 0

  /// Longest text kept of each of the fields above, in bytes.
  public static let textBytesMax = 1024

  @_lifetime(immortal)
  public init(record: RecordID, receivedNanoseconds: UInt64, decision: RecordedDecision) {
    self.record = record
    self.receivedNanoseconds = receivedNanoseconds
    self.decision = decision
    principal = RawSpan()
    server = RawSpan()
    method = RawSpan()
    tool = RawSpan()
    session = RawSpan()
    rule = RawSpan()
    requestID = RawSpan()
    client = RawSpan()
    approval = RawSpan()
    reviewers = RawSpan()
    reviewReason = RawSpan()
  }
}

/// The protocol era of a call.
public enum RecordedEra: UInt8, Sendable, BitwiseCopyable {
  case unknown = 0
  case legacy = 1
  case modern = 2
}

/// What the gateway decided about a call.
public enum RecordedDecision: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  case allow = 1
  /// A rule, or the lack of a permission.
  case block = 2
  /// No valid credential.
  case unauthenticated = 3
  /// The request could not be read or broke a limit; no policy was asked.
  case malformed = 4
  /// The gateway would not or could not carry the call (stopping, overloaded).
  case unavailable = 5
  /// A rule asked for a human's approval, and the call did not get through.
  case hold = 6
}

/// What became of the approval that a call asked for.
public enum RecordedApproval: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  /// No rule asked for one.
  case none = 0
  /// It was still waiting for reviewers when the agent was told to come back.
  case pending = 1
  case approved = 2
  case denied = 3
  /// Nobody decided in time.
  case expired = 4
  /// The agent gave up waiting, or the policy changed.
  case cancelled = 5
  /// It could not be asked for.
  case unavailable = 6
}
