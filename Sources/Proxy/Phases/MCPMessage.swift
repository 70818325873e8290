internal import Audit
internal import EventLoop
internal import Policy
internal import Wire

/// Phases JSON index and MCP message: one strict reading of the body, then what it means in which era and session.
extension Worker {
  /// The request is whole: reads, judges and forwards it, or refuses it.
  /// - Parameter request: head and body in one span; nothing of it is needed afterwards.
  mutating func judge(_ slot: UInt32, _ request: RawSpan) {
    let headBytes = Int(exchanges[slot].head.headBytes)
    let head = request.extracting(first: headBytes)
    let body = request.extracting(droppingFirst: headBytes)
    exchanges[slot].phase = .jsonIndex
    if requestIndex.read(body, watch: JSONWatch.none) != nil {
      return refuse(
        slot,
        LocalRefusal(status: 400, code: -32700, text: "The body is not one strict JSON value."), request: request)
    }
    exchanges[slot].phase = .mcpMessage
    let message: MCPMessage
    switch MCPReader.read(body, index: requestIndex) {
    case .message(let read): message = read
    case .refused(let refusal):
      return refuse(
        slot, LocalRefusal(status: 400, code: refusal.code, text: refusal.text), request: request)
    }
    guard exchanges[slot].id.set(body.extracting(message.id.range)) else {
      return refuse(
        slot, LocalRefusal(status: 400, code: -32600, text: "The id is too long."),
        request: request)
    }
    exchanges[slot].method = message.method
    exchanges[slot].isNotification = message.kind == .notification
    switch EraClassifier.classify(
      head: exchanges[slot].head, headBytes: head, message: message, index: requestIndex,
      body: body)
    {
    case .accepted(let era): exchanges[slot].era = era
    case .refused(let refusal):
      return refuse(
        slot, LocalRefusal(status: refusal.status, code: refusal.code, text: refusal.text),
        request: request)
    }
    if let refusal = findSession(slot, head) { return refuse(slot, refusal, request: request) }
    decide(slot, head, body, message)
  }
}
