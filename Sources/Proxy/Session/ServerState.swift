internal import CLinux
internal import EventLoop
internal import Policy
internal import Wire

/// The `requestState` of servers (revision 2026-07-28, multi-round-trip requests): what a server has its client bring back with
/// the same call. Servers often only sign it, if that: agents could read what is in it, bring it back with another call, and
/// where a credential is shared, one could bring back another's.
///
/// So agents get it sealed, bound to the principal, the server and the call, for a while (`GatewayLimits.questionTime`), and
/// the server gets back its own, byte for byte:
///
///     server  {"requestState":"S"}  ->  agent  {"requestState":"slu2.…"}  ->  server  {"requestState":"S"}
///
///     sealed: version (1 byte) | second at which it expires (8) | mark of the call (8) | what stood between the quotes
///
/// A state that does not open, is another call's or has expired is refused with -32602, as one that the server does not know.
extension Worker {
  private static var serverStateHead: Int { 17 }

  // MARK: From the agent

  /// Judges a call that brings back a state, with the server's own in its place.
  mutating func judgeWithState(
    _ slot: UInt32, _ head: RawSpan, _ body: RawSpan, _ message: MCPMessage, _ state: JSONToken
  ) {
    let opening = openServerState(slot, body, message, state)
    guard case .opened(let opened, let count) = opening else {
      if case .noMemory = opening { return refuse(slot, .overloaded, request: head) }
      return refuse(slot, MCPRefusal(.stateUnknown, id: message.id), head, body)
    }
    let place = requestIndex.contents(of: state).range
    let literal = opened.bytes(from: Worker.serverStateHead, count: count - Worker.serverStateHead)
    let rewritten = splice(body, place, literal)
    blocks.give(opened)
    guard let (block, length) = rewritten else { return refuse(slot, .overloaded, request: head) }
    holdsServerState = true
    judge(slot, head, block.bytes(length))
    holdsServerState = false
    blocks.give(block)
  }

  private mutating func openServerState(
    _ slot: UInt32, _ body: RawSpan, _ message: MCPMessage, _ state: JSONToken
  ) -> SealedOpening {
    let opening = open(state, .serverState, slot, body, atLeast: Worker.serverStateHead)
    guard case .opened(let block, _) = opening else { return opening }
    guard
      unsafe block.unsafeStart.load(as: UInt8.self) == 1,
      unsafe block.unsafeStart.loadUnaligned(fromByteOffset: 1, as: UInt64.self)
        > UInt64(linux_wall_nanoseconds()) / 1_000_000_000,
      unsafe block.unsafeStart.loadUnaligned(fromByteOffset: 9, as: UInt64.self)
        == callMark(message, body)
    else {
      blocks.give(block)
      return .foreign
    }
    return opening
  }

  // MARK: From the server

  /// The message that `answerIndex` has read, with its state sealed; nil when that cannot be done.
  mutating func withSealedState(_ exchange: UInt32, _ message: RawSpan) -> (Block, Int)? {
    guard let result = answerIndex.member("result", of: answerIndex.root, in: message),
      let state = answerIndex.member("requestState", of: result, in: message),
      answerIndex.kind(of: state, in: message) == .string
    else { return nil }
    let place = answerIndex.contents(of: state).range
    guard place.count + Worker.serverStateHead <= SessionSealer.stateBytesMax,
      let plain = blocks.take(atLeast: place.count + Worker.serverStateHead)
    else { return nil }
    defer { blocks.give(plain) }
    let expires = (UInt64(linux_wall_nanoseconds()) &+ limits.questionTime) / 1_000_000_000
    unsafe plain.unsafeStart.storeBytes(of: 1, as: UInt8.self)
    unsafe plain.unsafeStart.storeBytes(of: expires, toByteOffset: 1, as: UInt64.self)
    unsafe plain.unsafeStart.storeBytes(
      of: exchanges[exchange].callMark, toByteOffset: 9, as: UInt64.self)
    plain.write(message.extracting(place), at: Worker.serverStateHead)
    return seal(
      plain.bytes(Worker.serverStateHead + place.count), .serverState, exchange, into: message,
      at: place)
  }
}
