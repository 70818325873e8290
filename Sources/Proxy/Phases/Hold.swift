internal import Audit
internal import EventLoop
internal import Policy
internal import Synchronization
internal import Wire

/// Phase hold: a call that a human has to approve first is parked, and everything else goes on.
///
///     decide --hold--> the worker keeps the bytes, tells the control plane, and turns to others
///       granted   -> permit, reserve record, upstream: with exactly the bytes that were judged
///       denied    -> a tool result that says so
///       too long  -> legacy: "pending, come back"; modern: the client is asked to repeat the call, with a sealed state
///       gone      -> the waiter is dropped; the approval stays for the same call later
///
/// The approval is put before reviewers, decided and used up in the control plane. A call is only ever sent from here, with a
/// grant that was used up for it while it was still waited for.
extension Worker {
  // MARK: Parking

  mutating func hold(
    _ slot: UInt32, _ hold: consuming Hold, _ head: RawSpan, _ body: RawSpan, _ message: MCPMessage
  ) {
    exchanges[slot].phase = .hold
    let rule = hold.rule
    guard mail != nil else {
      return refuseHold(
        slot, rule, "The call needs an approval, and this gateway cannot ask for one.", head, body,
        message)
    }
    guard held.count < held.capacity else {
      return refuseHold(
        slot, rule, "The call needs an approval, and too many calls wait for one already.", head,
        body, message)
    }
    let room = min(limits.heldArgumentsBytesMax, body.byteCount &* 6 &+ 64)
    guard let memory = blocks.take(atLeast: room) else {
      return refuseHold(
        slot, rule, "The gateway has no memory for another call that waits.", head, body, message)
    }
    defer { blocks.give(memory) }
    var canonical = unsafe ByteWriter(unsafeInto: memory.unsafeStart, capacity: room)
    if let refusal = writeCanonical(message, body, into: &canonical) {
      return refuseHold(slot, rule, Worker.text(of: refusal), head, body, message)
    }
    guard let digest = digest(slot, message, body, canonical.written) else {
      return refuseHold(
        slot, rule, "The gateway could not compute the call's digest.", head, body, message)
    }
    // A chunked request's own memory, which `head` and `body` may be in, goes only when they are no longer needed.
    let before = exchanges[slot].request
    guard let isCopied = keepRequest(slot, head, body) else {
      return refuseHold(
        slot, rule, "The gateway has no memory for another call that waits.", head, body, message)
    }
    defer { if isCopied { blocks.give(before) } }
    guard let place = park(slot, hold, digest, message) else { return dropConnection(slot) }
    guard announce(place, rule, digest, message, head, body, canonical.written) else {
      _ = held.remove(place)
      exchanges[slot].held = .max
      return refuseHold(
        slot, rule, "The call needs an approval, and too many calls ask for one just now.", head,
        body, message)
    }
    heldCalls?.count.add(1, ordering: .relaxed)
    setHoldDeadline(slot)
  }

  private static func text(of refusal: JSONCanonicalRefusal) -> StaticString {
    switch refusal {
    case .inexactNumber:
      "The call needs an approval, and holds a number that cannot be compared exactly: write it as a string, or with fewer digits."
    case .tooLong:
      "The call needs an approval, and its arguments are longer than a person could review."
    }
  }

  /// Keeps head and body until the call is sent, in a block of just their size: there may be thousands, for minutes. A chunked
  /// request that was not rewritten stays where it is if that is hardly larger.
  /// - Returns: whether they were copied; nil when there is no memory.
  private mutating func keepRequest(_ slot: UInt32, _ head: RawSpan, _ body: RawSpan) -> Bool? {
    let count = head.byteCount &+ body.byteCount
    let before = exchanges[slot].request
    if !before.isNone, exchanges[slot].requestCount == count,
      before.capacity &- count <= Worker.heldSlackBytesMax
    {
      let kept = unsafe UnsafeRawPointer(before.unsafeStart + head.byteCount)
      let isKept = unsafe body.withUnsafeBytes { unsafe $0.baseAddress == kept }
      if isKept { return false }
    }
    guard let block = blocks.take(exactly: count) else { return nil }
    block.write(head, at: 0)
    block.write(body, at: head.byteCount)
    exchanges[slot].request = block
    exchanges[slot].requestCount = count
    return true
  }

  /// What the memory of a call that waits may be larger than its bytes.
  static var heldSlackBytesMax: Int { 1024 }

  private mutating func park(
    _ slot: UInt32, _ hold: consuming Hold, _ digest: CallDigest, _ message: MCPMessage
  ) -> UInt32? {
    var leg: UInt8 = 1
    if let state = resumedState, state.digest == digest { leg = state.leg &+ 1 }
    let isModern = exchanges[slot].era == .modern
    heldSerial &+= 1
    let request = HeldRequest(
      hold: hold, exchange: slot, serial: heldSerial, digest: digest, leg: leg,
      expectsTask: message.task != nil, since: loop.now,
      until: loop.now &+ (isModern ? limits.holdLegTime : limits.holdTime),
      commentAt: isModern ? .max : loop.now &+ limits.holdCommentAfter)
    guard let place = held.insert(request) else { return nil }
    exchanges[slot].held = place
    return place
  }

  // MARK: Telling the control plane

  private mutating func announce(
    _ place: UInt32, _ rule: RuleID, _ digest: CallDigest, _ message: MCPMessage, _ head: RawSpan,
    _ body: RawSpan, _ canonical: RawSpan
  ) -> Bool {
    guard let mail else { return false }
    let slot = held[place].exchange
    let serial = held[place].serial
    let exchange = exchanges[slot]
    let policy = generations[exchange.generation].snapshot.policy
    guard let terms = policy.approvalTerms(rule) else { return false }
    let tool = targetName(message, body)
    let session = head.extracting(exchange.head.mcpSessionID.range)
    let reference = exchange.record.text
    let reviewers = policy.reviewers(terms)
    let words = policy.reviewMessage(terms)
    let name = policy.ruleName(rule)
    let principal = principalName(of: slot)
    let person = person(of: slot)
    let bits = self.principal(of: slot)
    var groupBytes = 0
    policy.forEachGroup(of: bits) { groupBytes &+= $0.byteCount &+ 1 }
    let server = serverName(of: slot)
    let revision = generations[exchange.generation].snapshot.policyRevision
    let texts =
      principal.byteCount &+ person.byteCount &+ groupBytes &+ server.byteCount
      &+ session.byteCount &+ exchange.id.count &+ tool.byteCount &+ canonical.byteCount
      &+ name.byteCount &+ words.byteCount
      &+ reviewers.byteCount
    let isTold = mail.outgoing.push(upTo: texts &+ 256) { out in
      out.append(number: HeldMessageKind.held)
      out.append(number: UInt64(place))
      out.append(number: serial)
      digest.write(into: &out)
      out.append(number: revision)
      out.append(number: UInt64(terms.quorum))
      out.append(number: terms.expiresMilliseconds)
      out.append(field: principal)
      out.append(field: server)
      out.append(field: session)
      out.append(field: exchange.id.span)
      out.append(field: person)
      out.append(number: UInt64(groupBytes))
      policy.forEachGroup(of: bits) { group in
        out.append(group)
        out.append("\n")
      }
      out.append(field: tool)
      out.append(field: canonical)
      out.append(field: name)
      out.append(field: words)
      out.append(field: unsafe reference.span.bytes)
      out.append(field: reviewers)
    }
    if isTold { mail.wakeControl() }
    return isTold
  }

  /// The call waits no longer: forgets it, and has the control plane forget it too.
  mutating func unpark(_ slot: UInt32) -> HeldRequest? {
    let place = exchanges[slot].held
    guard place != .max else { return nil }
    exchanges[slot].held = .max
    let request = held.remove(place)
    heldCalls?.count.subtract(1, ordering: .relaxed)
    if let mail {
      let serial = request.serial
      // Should there be no room, the control plane finds out when it next answers the call: nobody is there any more.
      let isTold = mail.outgoing.push(upTo: 24) { out in
        out.append(number: HeldMessageKind.left)
        out.append(number: UInt64(place))
        out.append(number: serial)
      }
      if isTold { mail.wakeControl() }
    }
    return request
  }

  /// `notifications/cancelled`: the request may wait in this worker or in another.
  ///
  /// Only a session says whose request it is. Without one, the id may be that of any other client of the same principal, whose
  /// call must not end; who cancels then ends the wait by closing the connection, which a client of the modern era does anyway.
  mutating func cancelHeld(_ slot: UInt32, _ head: RawSpan, _ body: RawSpan, _ message: MCPMessage)
  {
    guard let mail, let heldCalls, heldCalls.waitingCount > 0, let id = message.requestID else {
      return
    }
    let text = body.extracting(requestIndex.range(of: id).range)
    let session = head.extracting(exchanges[slot].head.mcpSessionID.range)
    guard text.byteCount <= ShortText.bytesMax, session.byteCount > 0 else { return }
    let principal = principalName(of: slot)
    let server = serverName(of: slot)
    let texts =
      principal.byteCount &+ server.byteCount &+ session.byteCount &+ text.byteCount
    let isTold = mail.outgoing.push(upTo: texts &+ 64) { out in
      out.append(number: HeldMessageKind.cancelled)
      out.append(field: principal)
      out.append(field: server)
      out.append(field: session)
      out.append(field: text)
    }
    if isTold { mail.wakeControl() }
  }

  // MARK: Time

  /// Sets the connection's timer to what comes next: a comment, or the end of waiting.
  mutating func setHoldDeadline(_ slot: UInt32) {
    let batch = exchanges[slot].membersLeft > 0 ? slot : exchanges[slot].batch
    if batch != .max { return setHoldDeadlines(of: batch) }
    let place = exchanges[slot].held
    let connection = exchanges[slot].connection
    guard place != .max, connection != .max, !connections[connection].isSending else { return }
    setDeadline(connection: connection, min(held[place].until, held[place].commentAt))
  }

  /// The timer has fired.
  mutating func heldDue(_ slot: UInt32) {
    let place = exchanges[slot].held
    if loop.now >= held[place].until {
      return exchanges[slot].era == .modern ? endLeg(slot) : endHold(slot, .pending)
    }
    if loop.now >= held[place].commentAt { sendComment(slot, place) }
    setHoldDeadline(slot)
  }

  /// Keeps a legacy client's connection from looking dead: from the first comment on, the answer is an event stream.
  private mutating func sendComment(_ slot: UInt32, _ place: UInt32) {
    held[place].commentAt = loop.now &+ limits.holdCommentTime
    guard makeAnswerRoom(slot, 64) else { return dropConnection(slot) }
    let block = exchanges[slot].answer
    let end = exchanges[slot].answerEnd
    var out = unsafe ByteWriter(unsafeInto: block.unsafeStart + end, capacity: 64)
    SSEWriter.keepAlive(into: &out)
    exchanges[slot].answerEnd = end &+ out.count
    exchanges[slot].answerKind = .stream
    advanceAnswer(slot)
  }

  // MARK: Answers of the control plane

  /// Takes what the control plane has told. Called once per turn; costs one load when there is nothing.
  mutating func takeHeldAnswers() {
    guard let mail, !mail.incoming.isEmpty else { return }
    while mail.incoming.pop({ takeHeldAnswer(HeldAnswerView($0)) }) != nil {}
  }

  private mutating func takeHeldAnswer(_ answer: borrowing HeldAnswerView) {
    // Whoever waited may have gone, and another call may be in the same place.
    guard held.isUsed(answer.slot), held[answer.slot].serial == answer.serial else { return }
    let slot = held[answer.slot].exchange
    held[answer.slot].approval = ApprovalName(answer.approval)
    switch answer.kind {
    case .waiting: break
    case .granted: resume(slot, answer)
    case .denied: endHold(slot, .denied, reviewers: answer.reviewers, reason: answer.reason)
    case .over: endHold(slot, HoldEnding(answer.end))
    }
  }

  /// The approval was used up for this call: it gets its permit and is sent, as it was judged.
  private mutating func resume(_ slot: UInt32, _ answer: borrowing HeldAnswerView) {
    guard var request = unpark(slot), let hold = request.hold.take() else { return }
    let rule = request.rule
    let expectsTask = request.expectsTask
    var facts = HeldFacts(answer.approval, since: request.since, now: loop.now)
    facts.reviewers = answer.reviewers
    facts.reason = answer.reason
    let policy = generations[exchanges[slot].generation].snapshot.policy
    let grant = ConsumedGrant(digest: answer.digest)
    guard let permit = policy.permit(for: hold, digest: request.digest, grant: grant) else {
      return refuseResumed(
        slot, rule, facts, expectsTask, "The approval is for another call.")
    }
    let count = exchanges[slot].requestCount
    let block = exchanges[slot].request
    let headBytes = Int(exchanges[slot].head.headBytes)
    let head = block.bytes(headBytes)
    let body = block.bytes(from: headBytes, count: count &- headBytes)
    // The same bytes have been read before, and read the same again.
    guard requestIndex.read(body, watch: JSONWatch.none) == nil,
      case .message(let message) = MCPReader.read(body, index: requestIndex)
    else {
      return refuseResumed(
        slot, rule, facts, expectsTask, "The approved call cannot be read any more.")
    }
    reopenSession(slot)
    exchanges[slot].decided = loop.now
    allow(slot, permit, head, body, message, held: facts)
    // What is sent is the upstream connection's own copy.
    if exchanges.isUsed(slot) {
      blocks.give(exchanges[slot].request)
      exchanges[slot].request = .none
    }
  }
}
