/// What can go wrong with one request.
public enum LoadErrorKind: Int, Sendable, CaseIterable {
  case connectFailed
  case connectionReset
  /// The peer closed before the first byte of the answer.
  case closedUnanswered
  /// The peer closed within the answer.
  case truncated
  case timeout
  /// No HTTP, or more bytes than the answer has.
  case malformed
  case httpStatus
  case jsonRPCError
  /// A tool result with `isError`.
  case toolError
  /// No answer to this request's id.
  case wrongAnswer
  /// `expectAbsent` was there.
  case forbiddenText
  /// `expectPresent` was not there.
  case missingText

  public var name: String {
    switch self {
    case .connectFailed: "connect failed"
    case .connectionReset: "connection reset"
    case .closedUnanswered: "closed unanswered"
    case .truncated: "truncated"
    case .timeout: "timeout"
    case .malformed: "malformed"
    case .httpStatus: "HTTP status"
    case .jsonRPCError: "JSON-RPC error"
    case .toolError: "isError"
    case .wrongAnswer: "wrong answer"
    case .forbiddenText: "forbidden text"
    case .missingText: "missing text"
    }
  }
}
