internal import EventLoop
internal import Wire

/// Ids of events on legacy streams, with which an agent takes up a stream that broke off (2025-03-26 to 2025-11-25).
///
/// The agent gets the server's id sealed, bound to principal, server and session, together with the request that the
/// stream belongs to: when the server sends again what followed, its answer is matched to that request, and its lists are
/// filtered, as they would have been. A stream resumed is masked by every rule that could apply to its principal and
/// server, because the call's arguments are not known any more.
///
/// Where the configuration says so (`event_ids: server`), the agent gets the server's ids as they are, and the server alone
/// decides what is sent again to whom. Then every answer on a stream that was taken up again is taken for the session's, and
/// what it lists is filtered by what it holds.
///
/// A call that may still become a task has its tool beside that, so that the task's id can be sealed when it comes. What tells of
/// a task, and its tool is not known, is dropped.
///
///     sealed: method (1 byte) | bytes of the JSON-RPC id (2) | bytes of the tool's name (1) | the id, literally | the name |
///             the server's event id
extension Worker {
  static var eventIDBytesMax: Int { 256 }
  private static var eventHead: Int { 4 }

  /// Seals an event's id into working memory; zero when it is not passed on: then the stream cannot be resumed.
  mutating func sealEventID(_ exchange: UInt32, _ id: RawSpan) -> Int {
    // The modern era resumes nothing, and before `initialize` was answered there is no session to resume in.
    guard exchanges[exchange].era == .legacy, exchanges[exchange].method != .initialize,
      id.byteCount > 0, id.byteCount <= Worker.eventIDBytesMax
    else { return 0 }
    if route(of: exchange).passesEventIDs { return keepEventID(id) }
    let count = exchanges[exchange].id.count
    var tool = unsafe _overrideLifetime(RawSpan(), copying: ())
    if let name = taskTool(exchange) { tool = name }
    guard tool.byteCount < 256 else { return 0 }
    var plain = unsafe ByteWriter(
      unsafeInto: scratch.unsafeStart + Worker.plainArea, capacity: SessionSealer.plainBytesMax)
    plain.append(exchanges[exchange].method.rawValue)
    plain.append(UInt8(truncatingIfNeeded: count >> 8))
    plain.append(UInt8(truncatingIfNeeded: count))
    plain.append(UInt8(truncatingIfNeeded: tool.byteCount))
    plain.append(exchanges[exchange].id.span)
    plain.append(tool)
    plain.append(id)
    guard !plain.overflowed else { return 0 }
    let server = serverName(of: exchange)
    let principal = sessionOwner(of: exchange)
    let session = exchanges[exchange].serverSession
    let text = scratchBytes(Worker.plainArea, plain.count)
    let place = unsafe scratch.unsafeStart + Worker.eventArea
    return unsafe sealer.seal(
      text, for: .event, principal: principal,
      server: server, session: session.span, into: place) ?? 0
  }

  /// The id as it is, in working memory; zero when it could not come back in a field.
  private mutating func keepEventID(_ id: RawSpan) -> Int {
    for offset in 0..<id.byteCount {
      let byte = unsafe id.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
      guard byte > 0x20, byte < 0x7F else { return 0 }
    }
    scratch.write(id, at: Worker.eventArea)
    return id.byteCount
  }

  /// Whether the stream says again what answers any request of the session.
  func replaysAnything(_ exchange: UInt32) -> Bool {
    exchanges[exchange].isSessionStream && exchanges[exchange].head.has(.lastEventID)
      && route(of: exchange).passesEventIDs
  }

  /// Opens the Last-Event-ID of a GET and takes over what it says. The server's own id, in working memory; nil when it
  /// was not sealed for this principal, server and session.
  @_lifetime(immortal)
  mutating func openEventID(_ slot: UInt32, _ text: RawSpan) -> RawSpan? {
    if route(of: slot).passesEventIDs {
      guard text.byteCount > 0, text.byteCount <= Worker.eventIDBytesMax else { return nil }
      scratch.write(text, at: Worker.openedArea)
      return scratchBytes(Worker.openedArea, text.byteCount)
    }
    let server = serverName(of: slot)
    let principal = sessionOwner(of: slot)
    let session = exchanges[slot].serverSession
    let place = unsafe scratch.unsafeStart + Worker.openedArea
    let count = unsafe sealer.open(
      text, for: .event, principal: principal, server: server,
      session: session.span, into: place)
    guard let count, count > Worker.eventHead else { return nil }
    let method = unsafe place.load(as: UInt8.self)
    let idBytes =
      unsafe Int(place.load(fromByteOffset: 1, as: UInt8.self)) << 8
      | Int(place.load(fromByteOffset: 2, as: UInt8.self))
    let toolBytes = unsafe Int(place.load(fromByteOffset: 3, as: UInt8.self))
    let head = Worker.eventHead + idBytes + toolBytes
    guard let method = MCPMethod(rawValue: method), head < count,
      exchanges[slot].id.set(scratchBytes(Worker.openedArea + Worker.eventHead, idBytes))
    else { return nil }
    if toolBytes > 0 {
      let tool = scratchBytes(Worker.openedArea + Worker.eventHead + idBytes, toolBytes)
      guard keepTaskTool(slot, tool) else { return nil }
    }
    exchanges[slot].method = method
    return scratchBytes(Worker.openedArea + head, count - head)
  }
}
