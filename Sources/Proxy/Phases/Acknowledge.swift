internal import Audit
internal import EventLoop
internal import Wire

/// Phase response, where the status is what there is to tell: messages that have no answer, session verbs, and requests that a
/// server refused before it had read whose they are.
extension Worker {
  /// - Parameter body: what came with it, where that is JSON.
  mutating func acknowledge(_ exchange: UInt32, _ status: UInt16, _ body: RawSpan) {
    guard status >= 400 else {
      beginLocalAnswer(exchange, status: status) { _, _ in }
      exchanges[exchange].outcome = outcome(exchange, .success)
      return completeAnswer(exchange)
    }
    let isKnown =
      status == 400 || status == 404 || status == 405 || status == 409
      || (exchanges[exchange].isEventStream && (status == 429 || status == 503))
    if isKnown, exchanges[exchange].answerKind == .none, holdsUnnamedError(exchange, body) {
      return passError(exchange, status, body)
    }
    beginLocalAnswer(exchange, status: isKnown ? status : 502) { out, exchange in
      LocalAnswer.error(
        id: exchange.id, code: status == 404 ? -32001 : -32600,
        text: status == 404 ? "Session not found." : "The server refused the request.",
        record: exchange.record, into: &out)
    }
    if status == 405 { exchanges[exchange].localExtra = .allow }
    exchanges[exchange].outcome = outcome(exchange, .httpError, side: .server)
    completeAnswer(exchange)
  }

  /// Whether the body is an error that names no request: then it is about the one that it answers. One that names another is
  /// nobody's.
  private mutating func holdsUnnamedError(_ exchange: UInt32, _ body: RawSpan) -> Bool {
    guard body.byteCount > 0, readAnswerIndex(exchange, body) else { return false }
    guard
      case .message(let message) = MCPReader.read(body, index: answerIndex, from: .server)
    else { return false }
    return message.kind == .error && message.id.isEmpty
  }

  /// The error that `answerIndex` has read, masked: clients learn from its code which revisions a server speaks, and
  /// people from its text what is wrong.
  private mutating func passError(_ exchange: UInt32, _ status: UInt16, _ body: RawSpan) {
    exchanges[exchange].phase = .mask
    guard writeMessage(exchange, body, prefix: 0, suffix: 0) else { return }
    exchanges[exchange].status = status
    exchanges[exchange].answerKind = .whole
    if status == 405 { exchanges[exchange].localExtra = .allow }
    exchanges[exchange].outcome = outcome(
      exchange, .httpError, side: .server, errorCode: answeredCode(body))
    completeAnswer(exchange)
  }

  private func answeredCode(_ body: RawSpan) -> Int32 {
    guard let error = answerIndex.member("error", of: answerIndex.root, in: body),
      let code = answerIndex.member("code", of: error, in: body),
      answerIndex.kind(of: code, in: body) == .number
    else { return 0 }
    return Int32(clamping: answerIndex.integer(code, in: body) ?? 0)
  }
}
