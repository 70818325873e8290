internal import Audit
internal import EventLoop
internal import Policy
internal import Wire

/// What of a request's fields is made from the judged message and the session. Empty for none.
struct UpstreamFields: ~Escapable {
  /// The message whose version, method and name the fields of the modern era repeat; nil in the legacy era.
  var message: MCPMessage?
  /// The revision of the legacy era, for MCP-Protocol-Version.
  var version: RawSpan
  /// The server's own session id, of the legacy era.
  var session: RawSpan
  var lastEventID: RawSpan
  /// The name that came with a method beyond the protocol, of the modern era.
  var listedName: RawSpan
  /// The agent's own credential, for the door of HTTP+SSE and for nobody else.
  var agentAuthorization: RawSpan
  /// The head whose fields `Mcp-Param-…` go along: they were found to repeat arguments of the message.
  var parameters: RawSpan

  @_lifetime(immortal)
  init() {
    message = nil
    version = RawSpan()
    session = RawSpan()
    lastEventID = RawSpan()
    listedName = RawSpan()
    agentAuthorization = RawSpan()
    parameters = RawSpan()
  }
}

/// Phase upstream: the permitted call goes to its server, on a connection from the pool or a new one.
///
/// The request is written afresh: our framing, our fields, the server's credential, and the body as it was judged.
extension Worker {
  /// Sends a call that the policy let through. The permit is spent here, and nowhere else.
  mutating func forward(
    _ permit: consuming Permit, _ slot: UInt32, fields: borrowing UpstreamFields, body: RawSpan
  ) {
    let call = permit.redeem()
    exchanges[slot].masks = call.masks
    exchanges[slot].isForwarded = true
    exchanges[slot].phase = .upstream
    let route = route(of: slot)
    precondition(route.server == call.server, "a permit for another server")
    guard route.isAvailable else {
      return fail(slot, .gateway, "The gateway has no credential for the server just now.")
    }
    guard let (block, count) = composeRequest(slot, route, fields, body) else {
      return fail(slot, .gateway, "The gateway has no memory for this request now.")
    }
    carry(slot, block, count, isRepeatable: isRepeatable(slot))
  }

  /// Whether the server may get this request twice: listening to a session's stream, and calls that only ask.
  private func isRepeatable(_ slot: UInt32) -> Bool {
    exchanges[slot].isSessionStream
      || (exchanges[slot].head.method == .post && exchanges[slot].method.isRepeatable)
  }

  mutating func composeRequest(
    _ slot: UInt32, _ route: GatewaySnapshot.Route, _ fields: borrowing UpstreamFields,
    _ body: RawSpan
  ) -> (Block, Int)? {
    let method = exchanges[slot].head.method
    let prefix = generations[exchanges[slot].generation].texts[
      method == .post ? route.post : method == .get ? route.get : route.delete]
    let room =
      prefix.byteCount &+ body.byteCount &+ 4096 &+ fields.parameters.byteCount
      &+ fields.agentAuthorization.byteCount
    guard let block = blocks.take(atLeast: room) else { return nil }
    var out = unsafe ByteWriter(unsafeInto: block.unsafeStart, capacity: block.capacity)
    out.append(prefix)
    var isSound = true
    func add(_ name: StaticString, _ value: RawSpan, _ out: inout ByteWriter) {
      if value.byteCount > 0, !HTTPWriter.field(name, value, into: &out) { isSound = false }
    }
    if let message = fields.message {
      isSound = HTTPWriter.modernFields(
        message, body, index: requestIndex, listedName: fields.listedName, into: &out)
    } else {
      add("MCP-Protocol-Version", fields.version, &out)
    }
    add("Mcp-Session-Id", fields.session, &out)
    add("Last-Event-ID", fields.lastEventID, &out)
    add("Sluice-Agent-Authorization", fields.agentAuthorization, &out)
    if fields.parameters.byteCount > 0 {
      let isWritten =
        readFieldsAgain(fields.parameters)
        && ParameterFields.write(requestFields, headBytes: fields.parameters, into: &out)
      if !isWritten { isSound = false }
    }
    if method == .post { HTTPWriter.contentLength(UInt64(body.byteCount), into: &out) }
    HTTPWriter.end(into: &out)
    out.append(body)
    guard isSound, !out.overflowed else {
      blocks.give(block)
      return nil
    }
    return (block, out.count)
  }
}
