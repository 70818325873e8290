/// How a call ended: the closing entry. The layers are kept apart, because "HTTP 200 with isError" and "HTTP 502"
/// are different stories.
public struct CallOutcome: BitwiseCopyable, Sendable, Equatable {
  public var result: RecordedResult
  /// Where it went wrong; `.none` for a success, and for what policy or a reviewer refused: there nothing failed.
  public var failedSide: RecordedSide = .none
  /// HTTP status the agent got; 0 when none was sent.
  public var status: UInt16 = 0
  /// HTTP status the server gave; 0 when there was none.
  public var serverStatus: UInt16 = 0
  /// JSON-RPC error code in the answer; 0 when there is no error.
  public var errorCode: Int32 = 0
  /// Positive errno of a transport failure; 0 otherwise.
  public var systemCode: Int32 = 0
  /// Why a transport failed, where the errno does not tell.
  public var reason = RecordedReason.none
  /// Values that masking replaced in the answer.
  public var maskedValues: UInt32 = 0
  /// Entries of a list that policy took out of the answer; the largest number stands for more as well.
  public var hiddenEntries: UInt16 = 0
  /// Whether the agent got the whole answer (false: cut off, or the agent went away).
  public var isComplete = true
  /// Bytes the server sent as its answer's body, before masking.
  public var serverBytes: UInt64 = 0

  /// Microseconds after `CallFacts.receivedNanoseconds`; 0 for what did not happen.
  public var decidedMicroseconds: UInt64 = 0
  public var upstreamSentMicroseconds: UInt64 = 0
  public var firstByteMicroseconds: UInt64 = 0
  public var doneMicroseconds: UInt64 = 0

  public init(result: RecordedResult) { self.result = result }
}

/// The outermost layer at which a call did not succeed.
public enum RecordedResult: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  case success = 0
  /// The tool ran and said `isError`.
  case toolError = 1
  /// A JSON-RPC error in the answer.
  case protocolError = 2
  /// An HTTP status of 400 or more.
  case httpError = 3
  /// No answer: refused, reset, timed out, malformed.
  case transportError = 4
  /// The gateway refused the call (blocked, unauthenticated, malformed, overloaded).
  case refused = 5
  /// The agent cancelled or went away first.
  case cancelled = 6
}

/// Why a TLS connection to a server did not come about, or broke. The agent is not told.
public enum RecordedReason: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  case none = 0
  case certificateExpired = 1
  case certificateNotYetValid = 2
  /// The certificate is for other names.
  case certificateWrongName = 3
  /// It comes from no authority that is trusted for this server.
  case certificateUnknownAuthority = 4
  /// Weak, not meant for servers, or in an unsound chain.
  case certificateUnsuitable = 5
  case certificateMissing = 6
  /// No version in common.
  case tlsVersion = 7
  /// No cipher, group or signature algorithm in common.
  case tlsParameters = 8
  /// The server ended the handshake with an alert.
  case tlsRefusedByPeer = 9
  /// The server does not speak TLS.
  case notTLS = 10
  /// What arrived was not sound.
  case tlsBroken = 11
  /// The connection ended without the word that it ends.
  case tlsCutOff = 12
}

/// A party of a call.
public enum RecordedSide: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  case none = 0
  case agent = 1
  case gateway = 2
  case server = 3
}
