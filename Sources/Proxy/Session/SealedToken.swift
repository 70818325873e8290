internal import EventLoop
internal import Wire

/// A text that agents bring back with a request: sealed for one purpose, bound to principal and server, behind a prefix by which
/// the gateway knows it.
struct SealedToken {
  let purpose: SealPurpose
  let prefix: StaticString

  /// The gateway's own state (`RequestState`).
  static var ownState: SealedToken { SealedToken(purpose: .requestState, prefix: "slu1.") }
  /// A server's (`ServerState`).
  static var serverState: SealedToken { SealedToken(purpose: .serverState, prefix: "slu2.") }
  /// The id of a task, with its tool (`Tasks`).
  static var task: SealedToken { SealedToken(purpose: .task, prefix: "slt1.") }
}

/// What a text turned out to be that an agent brought back.
enum SealedOpening {
  /// A block with what was sealed, and how much that is; the caller gives the block back.
  case opened(Block, Int)
  /// It was not sealed here for this purpose, principal and server.
  case foreign
  /// There is no memory to tell. Never to be taken for either: the agent can come back with it.
  case noMemory
}

extension Worker {
  /// Whether the value is such a text, by the look of it as it is written.
  func isToken(_ value: JSONToken, _ kind: SealedToken, _ body: RawSpan) -> Bool {
    guard requestIndex.kind(of: value, in: body) == .string else { return false }
    let text = body.extracting(requestIndex.contents(of: value).range)
    let count = kind.prefix.utf8CodeUnitCount
    guard text.byteCount >= count else { return false }
    let prefix = unsafe RawSpan(_unsafeStart: kind.prefix.utf8Start, byteCount: count)
    return equalBytes(text.extracting(first: count), prefix)
  }

  /// Opens one. What holds less than `least` bytes was not sealed here.
  mutating func open(
    _ value: JSONToken, _ kind: SealedToken, _ slot: UInt32, _ body: RawSpan, atLeast least: Int
  ) -> SealedOpening {
    guard isToken(value, kind, body) else { return .foreign }
    let text = body.extracting(requestIndex.contents(of: value).range).extracting(
      droppingFirst: kind.prefix.utf8CodeUnitCount)
    let server = serverName(of: slot)
    let principal = sessionOwner(of: slot)
    guard let block = blocks.take(atLeast: max(64, text.byteCount)) else { return .noMemory }
    let count = unsafe sealer.open(
      text, for: kind.purpose, principal: principal, server: server, into: block.unsafeStart)
    guard let count, count >= least else {
      blocks.give(block)
      return .foreign
    }
    return .opened(block, count)
  }

  /// `message` with a sealed text in the place of `range`; nil when that cannot be done.
  mutating func seal(
    _ plain: RawSpan, _ kind: SealedToken, _ exchange: UInt32, into message: RawSpan,
    at range: Range<Int>
  ) -> (Block, Int)? {
    let prefix = kind.prefix
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
      plain, for: kind.purpose, principal: principal, server: server, into: block.unsafeStart + at)
    guard let sealed else {
      blocks.give(block)
      return nil
    }
    at += sealed
    let rest = message.extracting(droppingFirst: range.upperBound)
    block.write(rest, at: at)
    return (block, at + rest.byteCount)
  }

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
}
