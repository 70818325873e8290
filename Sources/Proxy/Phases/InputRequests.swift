internal import EventLoop
internal import Wire

/// What an answer of the modern era asks of its agent before there is a result (`input_required`): the same questions that
/// servers of the legacy era ask with requests of their own, and so under the same permission.
extension Worker {
  /// Whether the answer that `answerIndex` has read asks for something that its server may not ask for. Notes on the way
  /// whether it holds a state.
  func asksTooMuch(_ exchange: UInt32, _ message: MCPMessage, _ body: RawSpan) -> Bool {
    guard exchanges[exchange].era == .modern, let result = message.result,
      answerIndex.kind(of: result, in: body) == .object
    else { return false }
    var member = answerIndex.firstMember(of: result, in: body)
    while let key = member {
      if answerIndex.equals(key, "requestState", in: body) {
        exchanges[exchange].changes.insert(.state)
      } else if answerIndex.equals(key, "inputRequests", in: body),
        asksTooMuch(exchange, answerIndex.value(ofKey: key), body)
      {
        return true
      }
      member = answerIndex.nextMember(after: key, in: body)
    }
    return false
  }

  private func asksTooMuch(_ exchange: UInt32, _ requests: JSONToken, _ body: RawSpan) -> Bool {
    guard answerIndex.kind(of: requests, in: body) == .object else { return true }
    let allowed = route(of: exchange).clientRequests
    var key = answerIndex.firstMember(of: requests, in: body)
    while let here = key {
      guard mayAsk(answerIndex.value(ofKey: here), allowed, body) else { return true }
      key = answerIndex.nextMember(after: here, in: body)
    }
    return false
  }

  private func mayAsk(_ request: JSONToken, _ allowed: ClientRequests, _ body: RawSpan) -> Bool {
    guard answerIndex.kind(of: request, in: body) == .object,
      let method = answerIndex.member("method", of: request, in: body),
      answerIndex.kind(of: method, in: body) == .string
    else { return false }
    func isMethod(_ name: MCPMethod) -> Bool {
      answerIndex.equals(method, name.name, in: body) && allowed.contains(name)
    }
    return isMethod(.samplingCreateMessage) || isMethod(.elicitationCreate) || isMethod(.rootsList)
  }
}
