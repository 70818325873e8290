internal import Audit
internal import EventLoop
internal import Policy
internal import Wire

/// Agents that speak HTTP+SSE (2024-11-05): a stream on which they are told everything, and an address to which they post.
///
/// Nothing of what they say is judged here. It goes to the door, which makes of each message a request of Streamable HTTP to
/// this gateway, with the credential that it came with: that one is authenticated, judged, held, recorded and masked as any
/// agent's, and what comes of it goes to the stream.
///
///     GET  /orders/sse                   worker ─▶ door      event: endpoint   data: /orders/sse?session_id=<sealed>
///     POST /orders/sse?session_id=…      worker ─▶ door      202
///                                        door ─▶ POST /orders/mcp, at a worker ─▶ server
///     event: message  data: {…}          worker ◀─ door ◀─ answer, masked
///
/// The id of a stream is the door's, sealed for its principal and server: somebody else's is answered as one that does not
/// exist. It holds in this process only.
extension Worker {
  /// What is judged of a head at the path of HTTP+SSE, when the caller is known.
  func judgeEventStreamHead(_ head: RequestHead, _ bytes: RawSpan) -> LocalRefusal? {
    switch head.method {
    case .get: head.acceptRefusal.map { LocalRefusal($0) }
    // Agents of this transport need not say what they accept: the answer is a status. Those that know a newer one as well
    // try that first, and learn from the status that it is not to be had here.
    case .post:
      Self.streamID(in: bytes.extracting(head.query.range)) == nil ? .eventStreamMissing : nil
    default: .methodNotAllowed
    }
  }

  /// Whether a GET without a session asks for a stream of HTTP+SSE: at its own path, or at the server's, where agents that
  /// know a newer transport would say their revision.
  func opensEventStream(_ slot: UInt32) -> Bool {
    let head = exchanges[slot].head
    guard head.method == .get, route(of: slot).door >= 0 else { return false }
    return exchanges[slot].isEventStream
      || (!head.has(.mcpProtocolVersion) && !head.has(.lastEventID))
  }

  /// Opens a stream: a decision and a record like those of a session's.
  mutating func openEventStream(_ slot: UInt32, _ head: RawSpan) {
    exchanges[slot].isEventStream = true
    exchanges[slot].isSessionStream = true
    guard exchanges[slot].head.minorVersion > 0 else {
      return refuse(slot, .eventStreamTooOld, request: head)
    }
    guard
      let permit = permitSession(slot, head, session: RawSpan(), blocked: .answerBlocked)
    else { return }
    _ = permit.redeem()
    carryToDoor(slot, head, body: RawSpan(), stream: RawSpan())
  }

  /// Hands a posted message to the door as it came. It is recorded when it comes back as a request.
  mutating func passToDoor(_ slot: UInt32, _ head: RawSpan, _ body: RawSpan) {
    exchanges[slot].phase = .mcpMessage
    exchanges[slot].era = .legacy
    // Its answer is a status.
    exchanges[slot].isNotification = true
    let server = serverName(of: slot)
    let principal = sessionOwner(of: slot)
    let place = unsafe scratch.unsafeStart + Worker.sessionArea
    guard let text = Self.streamID(in: head.extracting(exchanges[slot].head.query.range)),
      let count = unsafe sealer.open(
        text, for: .eventStream, principal: principal, server: server, into: place)
    else { return refuse(slot, .sessionUnknown, request: head, body: body) }
    carryToDoor(slot, head, body: body, stream: scratchBytes(Worker.sessionArea, count))
  }

  private mutating func carryToDoor(
    _ slot: UInt32, _ head: RawSpan, body: RawSpan, stream: RawSpan
  ) {
    exchanges[slot].phase = .upstream
    exchanges[slot].route = route(of: slot).door
    var fields = UpstreamFields()
    fields.session = stream
    fields.agentAuthorization = head.extracting(exchanges[slot].head.authorization.range)
    guard let (block, count) = composeRequest(slot, route(of: slot), fields, body) else {
      return fail(slot, .gateway, "The gateway has no memory for this request now.")
    }
    carry(slot, block, count, isRepeatable: false)
  }

  /// The value of `session_id` in a query; nil when it is not there, or there twice.
  @_lifetime(copy query)
  static func streamID(in query: RawSpan) -> RawSpan? {
    let name: StaticString = "session_id="
    let length = name.utf8CodeUnitCount
    let wanted = unsafe RawSpan(_unsafeStart: name.utf8Start, byteCount: length)
    var found: RawSpan? = nil
    var start = 0
    while start < query.byteCount {
      var end = start
      while end < query.byteCount,
        unsafe query.unsafeLoad(fromByteOffset: end, as: UInt8.self) != UInt8(ascii: "&")
      { end &+= 1 }
      if end &- start > length, equalBytes(query.extracting(start..<start &+ length), wanted) {
        guard found == nil else { return nil }
        found = query.extracting(start &+ length..<end)
      }
      start = end &+ 1
    }
    return found
  }
}
