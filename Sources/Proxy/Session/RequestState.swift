internal import EventLoop
internal import Policy
internal import Wire

/// What a modern client brings back with a repetition of a held call: which call it was, and how often it was repeated.
struct ResumedState {
  var digest: CallDigest
  var leg: UInt8
}

/// The gateway's own `requestState` (revision 2026-07-28, multi-round-trip requests): a text that the client sends back with the
/// same call, sealed for its principal and server, so that nobody can make one up. A server's own state is `ServerState`.
///
/// It counts repetitions, and carries what a client brings to a call only once: the state of its server, and its answers to
/// what that asked. Whether the call may run is asked anew each time, of the policy and of the approval.
///
///     sealed: version (1 byte) | leg (1) | digest (32) | mark of the call (8) | the members of `params` that it carries
extension Worker {
  private static var stateHead: Int { 42 }

  /// Judges a call that carries a state of the gateway's: with what that carries in its place, as its server must never see
  /// it. A state that does not open, or is of another call, is as good as none; one that there is no memory to open is not, and
  /// the agent has to come back with it.
  mutating func judgeResumed(
    _ slot: UInt32, _ head: RawSpan, _ body: RawSpan, _ message: MCPMessage, _ state: JSONToken
  ) {
    var opened = Block.none
    var carried = unsafe _overrideLifetime(RawSpan(), copying: ())
    switch openState(slot, state, body, callMark(message, body)) {
    case .opened(let block, let count):
      opened = block
      let rest = block.bytes(from: Worker.stateHead, count: count - Worker.stateHead)
      carried = unsafe _overrideLifetime(rest, copying: ())
    case .foreign: break
    case .noMemory: return refuse(slot, .overloaded, request: head)
    }
    let rewritten = splice(
      body, carried.byteCount > 0 ? memberRange(state, body) : stateRange(state, body), carried)
    holdsServerState = carried.byteCount > 0
    blocks.give(opened)
    guard let (block, length) = rewritten else {
      holdsServerState = false
      return refuse(slot, .overloaded, request: head)
    }
    judge(slot, head, block.bytes(length))
    resumedState = nil
    holdsServerState = false
    blocks.give(block)
  }

  private func memberRange(_ state: JSONToken, _ body: RawSpan) -> Range<Int> {
    guard let key = requestIndex.key(ofValue: state, in: body) else {
      preconditionFailure("a member of params")
    }
    let start = requestIndex.range(of: key).range.lowerBound
    return start..<requestIndex.range(of: state).range.upperBound
  }

  /// The bytes of the member that holds the state, with one comma beside it.
  private func stateRange(_ state: JSONToken, _ body: RawSpan) -> Range<Int> {
    let end = requestIndex.range(of: state).range.upperBound
    guard let key = requestIndex.key(ofValue: state, in: body) else {
      preconditionFailure("a member of params")
    }
    let start = requestIndex.range(of: key).range.lowerBound
    if let next = requestIndex.nextMember(after: key, in: body) {
      return start..<requestIndex.range(of: next).range.lowerBound
    }
    // The last member: the comma before it goes along.
    var comma = start &- 1
    while comma > 0 {
      let byte = unsafe body.unsafeLoad(fromByteOffset: comma, as: UInt8.self)
      if byte == UInt8(ascii: ",") { return comma..<end }
      if byte == UInt8(ascii: "{") { break }
      comma &-= 1
    }
    return start..<end
  }

  /// The answer that asks a client to repeat the held call of an exchange, with a state for the next repetition. False, and
  /// nothing is written, when it cannot be sealed.
  mutating func beginLeg(_ slot: UInt32, _ digest: CallDigest, leg: UInt8) -> Bool {
    guard let plain = blocks.take(atLeast: SessionSealer.stateBytesMax) else { return false }
    defer { blocks.give(plain) }
    var out = unsafe ByteWriter(
      unsafeInto: plain.unsafeStart, capacity: SessionSealer.stateBytesMax)
    out.append(1)
    out.append(leg)
    for word in [digest.words.0, digest.words.1, digest.words.2, digest.words.3] {
      append(word, &out)
    }
    writeCarried(slot, into: &out)
    guard !out.overflowed else { return false }
    let start: StaticString =
      "{\"jsonrpc\":\"2.0\",\"id\":,\"result\":{\"resultType\":\"input_required\",\"requestState\":\"\"}}"
    let template = unsafe RawSpan(
      _unsafeStart: start.utf8Start, byteCount: start.utf8CodeUnitCount)
    let state = start.utf8CodeUnitCount - 3
    guard
      let (block, count) = seal(
        plain.bytes(out.count), .ownState, slot, into: template, at: state..<state)
    else { return false }
    // Where the id goes.
    let id = 22
    beginLocalAnswer(slot, status: 200, room: count + ShortText.bytesMax) { out, exchange in
      out.append(block.bytes(id))
      out.append(exchange.id.span)
      out.append(block.bytes(from: id, count: count - id))
    }
    blocks.give(block)
    return true
  }

  /// The mark of the held call, and what its client would not bring again.
  private mutating func writeCarried(_ slot: UInt32, into out: inout ByteWriter) {
    let headBytes = Int(exchanges[slot].head.headBytes)
    let body = exchanges[slot].request.bytes(
      from: headBytes, count: exchanges[slot].requestCount &- headBytes)
    guard requestIndex.read(body, watch: JSONWatch.none) == nil,
      case .message(let message) = MCPReader.read(body, index: requestIndex)
    else { return append(0, &out) }
    append(callMark(message, body), &out)
    guard let params = message.params else { return }
    let answers = requestIndex.member("inputResponses", of: params, in: body)
    if let state = message.requestState { out.append(body.extracting(memberRange(state, body))) }
    guard let answers else { return }
    if message.requestState != nil { out.append(",") }
    out.append(body.extracting(memberRange(answers, body)))
  }

  private func append(_ word: UInt64, _ out: inout ByteWriter) {
    for place in 0..<8 { out.append(UInt8(truncatingIfNeeded: word >> UInt64(place * 8))) }
  }

  /// Opens a state of the gateway's and notes its count, when it is this call's.
  private mutating func openState(
    _ slot: UInt32, _ state: JSONToken, _ body: RawSpan, _ mark: UInt64
  ) -> SealedOpening {
    resumedState = nil
    let opening = open(state, .ownState, slot, body, atLeast: Worker.stateHead)
    guard case .opened(let block, let count) = opening else { return opening }
    let plain = block.bytes(count)
    func byte(_ offset: Int) -> UInt8 {
      unsafe plain.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }
    func word(_ number: Int) -> UInt64 {
      (0..<8).reduce(UInt64(0)) { $0 | UInt64(byte(2 + number * 8 + $1)) << UInt64($1 * 8) }
    }
    guard byte(0) == 1, word(4) == mark else {
      blocks.give(block)
      return .foreign
    }
    resumedState = ResumedState(
      digest: CallDigest(words: (word(0), word(1), word(2), word(3))), leg: byte(1))
    return opening
  }
}
