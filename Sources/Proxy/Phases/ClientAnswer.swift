internal import Audit
internal import EventLoop
internal import Policy
internal import Wire

/// Answers that agents post to the requests of servers (legacy era).
extension Worker {
  /// Lets an answer through when its id was sealed for a request of this server to this principal in this session, which
  /// is still open.
  mutating func judgeAnswer(
    _ slot: UInt32, _ head: RawSpan, _ body: RawSpan, _ message: MCPMessage
  ) {
    exchanges[slot].phase = .decide
    exchanges[slot].isNotification = true
    guard let literal = openRequestID(slot, body, message) else {
      return refuse(slot, MCPRefusal(.answerUnasked, id: message.id), head, body)
    }
    guard let permit = permit(slot, for: .clientAnswer) else {
      return refuse(slot, .answerBlocked, request: head)
    }
    guard let block = blocks.take(atLeast: body.byteCount &+ literal.byteCount) else {
      return refuse(slot, .overloaded, request: head)
    }
    guard questions.close(sealedID(body, message), now: loop.now) else {
      blocks.give(block)
      return refuse(slot, MCPRefusal(.answerUnasked, id: message.id), head, body)
    }
    // What is recorded and sent is the answer with the server's own id.
    var writer = unsafe ByteWriter(unsafeInto: block.unsafeStart, capacity: block.capacity)
    writer.append(body.extracting(first: Int(message.id.offset)))
    writer.append(literal)
    writer.append(body.extracting(droppingFirst: Int(message.id.end)))
    send(slot, permit, head, body, message, rewritten: block.bytes(writer.count))
    blocks.give(block)
  }

  private mutating func send(
    _ slot: UInt32, _ permit: consuming Permit, _ head: RawSpan, _ body: RawSpan,
    _ message: MCPMessage, rewritten: RawSpan
  ) {
    exchanges[slot].phase = .reserveRecord
    let id = exchanges[slot].id
    var facts = facts(slot, .allow)
    describe(&facts, slot, head, body, message)
    facts.requestID = id.span
    if let refusal = openRecord(slot, facts, request: rewritten) {
      // Not sent, so it may be answered yet.
      _ = questions.open(sealedID(body, message), now: loop.now, for: limits.questionTime)
      return refuse(slot, refusal, request: head)
    }
    var fields = UpstreamFields()
    fields.version = legacyVersion(slot, head)
    fields.session = scratchBytes(Worker.sessionArea, exchanges[slot].sessionCount)
    forward(permit, slot, fields: fields, body: rewritten)
  }

  /// The literal of the id that the server gave its request, in working memory; nil when the id was not sealed here.
  @_lifetime(immortal)
  private mutating func openRequestID(
    _ slot: UInt32, _ body: RawSpan, _ message: MCPMessage
  ) -> RawSpan? {
    guard message.idKind == .string, message.id.count > 2 else { return nil }
    let server = serverName(of: slot)
    let principal = sessionOwner(of: slot)
    let session = exchanges[slot].serverSession
    let place = unsafe scratch.unsafeStart + Worker.openedArea
    let count = unsafe sealer.open(
      sealedID(body, message), for: .serverRequest, principal: principal, server: server,
      session: session.span, into: place)
    guard let count else { return nil }
    return scratchBytes(Worker.openedArea, count)
  }

  /// What stands between the quotes of the answer's id.
  @_lifetime(copy body)
  private func sealedID(_ body: RawSpan, _ message: MCPMessage) -> RawSpan {
    let range = message.id.range
    return body.extracting(range.lowerBound + 1..<range.upperBound - 1)
  }
}
