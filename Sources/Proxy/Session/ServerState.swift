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
  static var serverStatePrefix: StaticString { "slu2." }
  private static var serverStateHead: Int { 17 }

  // MARK: From the agent

  /// Judges a call that brings back a state, with the server's own in its place.
  mutating func judgeWithState(
    _ slot: UInt32, _ head: RawSpan, _ body: RawSpan, _ message: MCPMessage, _ state: JSONToken
  ) {
    guard let (opened, count) = openServerState(slot, body, message, state) else {
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
  ) -> (Block, Int)? {
    guard begins(state, body, with: Worker.serverStatePrefix) else { return nil }
    let text = body.extracting(requestIndex.contents(of: state).range).extracting(
      droppingFirst: Worker.serverStatePrefix.utf8CodeUnitCount)
    let server = serverName(of: slot)
    let principal = sessionOwner(of: slot)
    guard let block = blocks.take(atLeast: max(64, text.byteCount)) else { return nil }
    let count = unsafe sealer.open(
      text, for: .serverState, principal: principal, server: server, into: block.unsafeStart)
    guard let count, count >= Worker.serverStateHead,
      unsafe block.unsafeStart.load(as: UInt8.self) == 1,
      unsafe block.unsafeStart.loadUnaligned(fromByteOffset: 1, as: UInt64.self)
        > UInt64(linux_wall_nanoseconds()) / 1_000_000_000,
      unsafe block.unsafeStart.loadUnaligned(fromByteOffset: 9, as: UInt64.self)
        == callMark(message, body)
    else {
      blocks.give(block)
      return nil
    }
    return (block, count)
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
      plain.bytes(Worker.serverStateHead + place.count), .serverState, Worker.serverStatePrefix,
      exchange, into: message, at: place)
  }

  /// `message` with a sealed text, behind a prefix, in the place of `range`.
  mutating func seal(
    _ plain: RawSpan, _ purpose: SealPurpose, _ prefix: StaticString, _ exchange: UInt32,
    into message: RawSpan, at range: Range<Int>
  ) -> (Block, Int)? {
    let most = SessionSealer.sealedBytes(plain.byteCount) + prefix.utf8CodeUnitCount
    let server = serverName(of: exchange)
    let principal = sessionOwner(of: exchange)
    guard let block = blocks.take(atLeast: message.byteCount &+ most) else { return nil }
    block.write(message.extracting(first: range.lowerBound), at: 0)
    var at = range.lowerBound
    unsafe (block.unsafeStart + at).copyMemory(
      from: prefix.utf8Start, byteCount: prefix.utf8CodeUnitCount)
    at += prefix.utf8CodeUnitCount
    let sealed = unsafe sealer.seal(
      plain, for: purpose, principal: principal, server: server, into: block.unsafeStart + at)
    guard let sealed else {
      blocks.give(block)
      return nil
    }
    at += sealed
    let rest = message.extracting(droppingFirst: range.upperBound)
    block.write(rest, at: at)
    return (block, at + rest.byteCount)
  }

  // MARK: Both

  /// A copy of `body` with other bytes in the place of `range`; nil when there is no memory for it.
  mutating func splice(
    _ body: RawSpan, _ range: Range<Int>, _ replacement: RawSpan
  ) -> (Block, Int)? {
    let count = body.byteCount &- range.count &+ replacement.byteCount
    guard let block = blocks.take(atLeast: max(1, count)) else { return nil }
    block.write(body.extracting(first: range.lowerBound), at: 0)
    block.write(replacement, at: range.lowerBound)
    block.write(
      body.extracting(droppingFirst: range.upperBound),
      at: range.lowerBound &+ replacement.byteCount)
    return (block, count)
  }

  /// Whether the value is a string that begins so, as it is written.
  func begins(_ value: JSONToken, _ body: RawSpan, with prefix: StaticString) -> Bool {
    guard requestIndex.kind(of: value, in: body) == .string else { return false }
    let text = body.extracting(requestIndex.contents(of: value).range)
    guard text.byteCount >= prefix.utf8CodeUnitCount else { return false }
    for offset in 0..<prefix.utf8CodeUnitCount
    where unsafe text.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      != prefix.utf8Start[offset]
    {
      return false
    }
    return true
  }
}
