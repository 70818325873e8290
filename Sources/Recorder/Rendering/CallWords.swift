public import Audit

/// What is said of a call wherever people read of one: by the commands and in the console, in the same words.
extension RecordedCall {
  /// Whose side it went wrong on; `.none` for a call that went well, and for one that policy or a reviewer refused, or whose agent
  /// was told to wait: there nothing failed.
  ///
  /// Gateways wrote the agent's side for those once, so what the record holds (`CallOutcome.failedSide`) is not shown as it is.
  public var failedSide: RecordedSide {
    guard let outcome else { return .none }
    guard outcome.result == .refused, decision == .block || decision == .hold else {
      return outcome.failedSide
    }
    return heldEnd == .unavailable ? .gateway : .none
  }

  /// How it ended: the layer that failed and its code, "ok", or what a held call came to.
  /// - Parameter number: how a number is written.
  public func ending(_ number: (Int) -> String = { String($0) }) -> String {
    guard let outcome else { return "no end in the record" }
    switch heldEnd {
    case .waiting: return "told to wait for approval"
    case .denied: return "denied, has not run"
    case .expired: return "expired, has not run"
    case .cancelled: return "cancelled, has not run"
    case .unavailable, nil: break
    }
    let text =
      switch outcome.result {
      case .success:
        outcome.maskedValues > 0 ? "ok, \(number(Int(outcome.maskedValues))) masked" : "ok"
      case .toolError: "tool error"
      case .protocolError: "error \(outcome.errorCode)"
      case .httpError: "HTTP \(max(outcome.status, outcome.serverStatus))"
      case .transportError: "no answer (\(failedSide.text))"
      case .refused:
        decision == .block
          ? "refused by policy"
          : outcome.status >= 400 ? "refused, HTTP \(outcome.status)" : "refused"
      case .cancelled: "cancelled"
      }
    return outcome.isComplete ? text : text + ", cut off"
  }
}

extension RecordedCall.Review {
  /// What became of an approval: "held 12.0 s, approved by bob, ada (looks right)".
  public var text: String {
    let end =
      switch state {
      case .none: "with an outcome that this version does not know"
      case .pending: "not decided when the agent was told to come back"
      case .approved: "approved"
      case .denied: "denied"
      case .expired: "expired"
      case .cancelled: "cancelled"
      case .unavailable: "no approval could be asked for"
      }
    let by = reviewers.isEmpty ? "" : " by " + reviewers.joined(separator: ", ")
    let words = reason.isEmpty ? "" : " (\(reason))"
    return "held \(RecordedTime.duration(microseconds: heldMicroseconds)), \(end)\(by)\(words)"
  }
}
