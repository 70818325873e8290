internal import Audit
internal import EventLoop
internal import Policy
internal import Wire

/// Legacy sessions (2025-03-26 to 2025-11-25): the client's session id is the server's, sealed for this principal and
/// server. What does not open is answered exactly as a session that does not exist.
extension Worker {
  // Places in the worker's working memory.
  static var eventArea: Int { 1024 }
  static var plainArea: Int { 2048 }
  static var openedArea: Int { 2816 }
  static var toolNameArea: Int { 4096 }
  static var sessionArea: Int { 8192 }
  static var sealedArea: Int { 12288 }

  /// Bytes of working memory; valid until the same area is written again.
  @_lifetime(immortal)
  func scratchBytes(_ offset: Int, _ count: Int) -> RawSpan {
    unsafe _overrideLifetime(scratch.bytes(from: offset, count: count), copying: ())
  }

  /// Opens the session id of a legacy request, if it has one. A refusal when it is unknown.
  mutating func findSession(
    _ slot: UInt32, _ head: RawSpan, version: ProtocolVersion?
  ) -> LocalRefusal? {
    exchanges[slot].sessionCount = 0
    guard exchanges[slot].head.has(.mcpSessionID) else { return nil }
    let text = head.extracting(exchanges[slot].head.mcpSessionID.range)
    let server = serverName(of: slot)
    let principal = sessionOwner(of: slot)
    let place = unsafe scratch.unsafeStart + Worker.sessionArea
    guard
      let count = unsafe sealer.open(
        text, for: .session, principal: principal, server: server, into: place - 1)
    else { return .sessionUnknown }
    // Its first byte is the version that was agreed on; what follows is the server's id.
    let agreed = unsafe ProtocolVersion(
      rawValue: place.load(fromByteOffset: -1, as: UInt8.self))
    guard count > 1, let agreed, EraClassifier.matches(version, session: agreed) else {
      return .sessionVersion
    }
    exchanges[slot].sessionCount = count - 1
    exchanges[slot].agreedVersion = agreed
    guard exchanges[slot].serverSession.set(scratchBytes(Worker.sessionArea, count - 1)) else {
      return .sessionUnknown
    }
    return nil
  }

  /// What MCP-Protocol-Version says to the server: what it said here, or what the session agreed on where there was none. Those
  /// up to 2025-03-26 had no such field.
  @_lifetime(copy head)
  func legacyVersion(_ slot: UInt32, _ head: RawSpan) -> RawSpan {
    if exchanges[slot].head.has(.mcpProtocolVersion) || exchanges[slot].sessionCount == 0
      || exchanges[slot].agreedVersion <= .v2025_03_26
    {
      return head.extracting(exchanges[slot].head.mcpProtocolVersion.range)
    }
    return versionText(exchanges[slot].agreedVersion)
  }

  @_lifetime(immortal)
  func versionText(_ version: ProtocolVersion) -> RawSpan {
    let name = version.name
    return unsafe _overrideLifetime(
      RawSpan(_unsafeStart: name.utf8Start, byteCount: name.utf8CodeUnitCount), copying: ())
  }

  /// Puts the session of a held call into working memory again, which others have used since.
  mutating func reopenSession(_ slot: UInt32) {
    scratch.write(exchanges[slot].serverSession.span, at: Worker.sessionArea)
    exchanges[slot].sessionCount = exchanges[slot].serverSession.count
  }

  /// Notes the session id that came with the answer to `initialize`. Ids on other answers mean nothing: servers send
  /// ghost ids even with errors. False after a failure.
  mutating func sessionOpened(_ upstream: UInt32, _ head: ResponseHead, _ bytes: RawSpan) -> Bool {
    let slot = upstreams[upstream].exchange
    guard slot != .max, head.status == 200,
      exchanges[slot].method == .initialize || exchanges[slot].isEventStream,
      head.has(.mcpSessionID)
    else { return true }
    let text = bytes.extracting(head.mcpSessionID.range)
    guard text.byteCount > 0, exchanges[slot].serverSession.set(text) else {
      serverFailed(upstream, "The server's session id is longer than the gateway takes.")
      return false
    }
    return true
  }

  /// Whether the answer to `initialize`, which has been read, can go out as an event stream: the session's sealed id, where
  /// there is one, is kept for its head.
  mutating func sealStreamedSession(_ slot: UInt32) -> Bool {
    guard exchanges[slot].method == .initialize, exchanges[slot].outcome.result == .success else {
      return false
    }
    if exchanges[slot].serverSession.isEmpty { return true }
    guard let sealed = sealSession(slot) else { return false }
    // The id as it came is still there when the sealed one is too long to be kept.
    exchanges[slot].isSessionSealed = exchanges[slot].serverSession.set(sealed)
    return exchanges[slot].isSessionSealed
  }

  /// Completes the answer to `initialize` with the sealed session id; an error opens no session.
  mutating func openSession(_ slot: UInt32) {
    guard exchanges[slot].outcome.result == .success else { return completeAnswer(slot) }
    guard let sealed = sealSession(slot) else {
      return fail(slot, .gateway, "The session cannot be opened.")
    }
    // The record ties the call that opened a session to those in it. An id too long to be kept here is left out.
    exchanges[slot].isSessionSealed = exchanges[slot].serverSession.set(sealed)
    completeAnswer(slot, session: sealed)
  }

  /// The server's session id, sealed, in working memory; nil when it cannot be.
  @_lifetime(immortal)
  private mutating func sealSession(_ slot: UInt32) -> RawSpan? {
    let server = serverName(of: slot)
    let principal = sessionOwner(of: slot)
    // The version that was agreed on goes in front of the server's id.
    let plain = unsafe scratch.unsafeStart + Worker.sessionArea
    unsafe plain.storeBytes(of: exchanges[slot].agreedVersion.rawValue, as: UInt8.self)
    scratch.write(exchanges[slot].serverSession.span, at: Worker.sessionArea + 1)
    let bytes = scratchBytes(Worker.sessionArea, exchanges[slot].serverSession.count + 1)
    let place = unsafe scratch.unsafeStart + Worker.sealedArea
    guard
      let count = unsafe sealer.seal(
        bytes, for: .session, principal: principal, server: server, into: place)
    else { return nil }
    return scratchBytes(Worker.sealedArea, count)
  }
}
