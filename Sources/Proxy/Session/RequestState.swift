internal import EventLoop
internal import Policy
internal import Wire

/// What a modern client brings back with a repetition of a held call: which call it was, and how often it was repeated.
struct ResumedState {
  var digest: CallDigest
  var leg: UInt8
}

/// The gateway's own `requestState` (revision 2026-07-28, multi-round-trip requests): a text that the client sends back with the
/// same call, sealed for its principal and server, so that nobody can make one up. A server's own state begins otherwise,
/// is none of the gateway's business, and passes as it is.
///
/// It only counts repetitions. Whether the call may run is asked anew each time, of the policy and of the approval.
extension Worker {
  static var statePrefix: StaticString { "slu1." }
  private static var stateArea: Int { 13824 }
  /// A version, the digest, the leg.
  private static var stateBytes: Int { 34 }

  /// Whether the state is one of the gateway's, by the look of it.
  func isOwnState(_ state: JSONToken, _ body: RawSpan) -> Bool {
    guard requestIndex.kind(of: state, in: body) == .string else { return false }
    let text = body.extracting(requestIndex.contents(of: state).range)
    let prefix = Worker.statePrefix
    guard text.byteCount >= prefix.utf8CodeUnitCount else { return false }
    for offset in 0..<prefix.utf8CodeUnitCount
    where unsafe text.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      != prefix.utf8Start[offset]
    {
      return false
    }
    return true
  }

  /// Judges a call that carries a state of the gateway's: without it, as its server must never see it. A state that does not
  /// open, or is of another call, is as good as none.
  mutating func judgeResumed(_ slot: UInt32, _ head: RawSpan, _ body: RawSpan, _ state: JSONToken) {
    let cut = stateRange(state, body)
    let count = head.byteCount &+ body.byteCount
    guard let block = blocks.take(atLeast: count) else {
      return refuse(slot, .overloaded, request: head)
    }
    resumedState = openState(slot, body.extracting(requestIndex.contents(of: state).range))
    block.write(head, at: 0)
    block.write(body.extracting(first: cut.lowerBound), at: head.byteCount)
    block.write(
      body.extracting(droppingFirst: cut.upperBound), at: head.byteCount &+ cut.lowerBound)
    judge(slot, block.bytes(count &- cut.count))
    resumedState = nil
    blocks.give(block)
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

  /// A state for the next repetition, in working memory; nil when it cannot be sealed.
  @_lifetime(immortal)
  mutating func sealState(_ slot: UInt32, _ digest: CallDigest, leg: UInt8) -> RawSpan? {
    var plain = InlineArray<34, UInt8>(repeating: 0)
    plain[0] = 1
    plain[1] = leg
    for (number, word) in [digest.words.0, digest.words.1, digest.words.2, digest.words.3]
      .enumerated()
    {
      for place in 0..<8 {
        plain[2 + number * 8 + place] = UInt8(truncatingIfNeeded: word >> UInt64(place * 8))
      }
    }
    let prefix = Worker.statePrefix
    let place = unsafe scratch.unsafeStart + Worker.stateArea
    unsafe place.copyMemory(from: prefix.utf8Start, byteCount: prefix.utf8CodeUnitCount)
    let principal = principalName(of: slot)
    let server = serverName(of: slot)
    let bytes = unsafe plain.span.bytes
    guard
      let count = unsafe sealer.seal(
        bytes, for: .requestState, principal: principal, server: server,
        into: place + prefix.utf8CodeUnitCount)
    else { return nil }
    return scratchBytes(Worker.stateArea, prefix.utf8CodeUnitCount &+ count)
  }

  private mutating func openState(_ slot: UInt32, _ text: RawSpan) -> ResumedState? {
    let principal = principalName(of: slot)
    let server = serverName(of: slot)
    let sealed = text.extracting(droppingFirst: Worker.statePrefix.utf8CodeUnitCount)
    let place = unsafe scratch.unsafeStart + Worker.stateArea
    guard
      let count = unsafe sealer.open(
        sealed, for: .requestState, principal: principal, server: server, into: place),
      count == Worker.stateBytes
    else { return nil }
    let plain = scratchBytes(Worker.stateArea, count)
    func byte(_ offset: Int) -> UInt8 {
      unsafe plain.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }
    guard byte(0) == 1 else { return nil }
    func word(_ number: Int) -> UInt64 {
      (0..<8).reduce(UInt64(0)) { $0 | UInt64(byte(2 + number * 8 + $1)) << UInt64($1 * 8) }
    }
    return ResumedState(
      digest: CallDigest(words: (word(0), word(1), word(2), word(3))), leg: byte(1))
  }
}
