internal import EventLoop
internal import Wire

/// What is judged of where a request comes from, before anybody looks at its credential (mcp-wire 3.1): the host that it
/// names, and the web page that makes it. Browsers say which page that is; what is no browser sends no Origin.
extension Worker {
  /// Whether the request's host is one of its listener's.
  func allowsHost(_ slot: UInt32, _ head: RequestHead, _ bytes: RawSpan) -> Bool {
    let generation = exchanges[slot].generation
    let listener = Int(connections[exchanges[slot].connection].listener)
    return generations[generation].snapshot.access.allows(
      host: bytes.extracting(head.host.range), at: listener, texts: generations[generation].texts)
  }

  /// Whether the request comes from no web page, or from one that may call.
  mutating func allowsOrigin(_ slot: UInt32, _ head: RequestHead, _ bytes: RawSpan) -> Bool {
    guard head.has(.origin) else { return true }
    let generation = exchanges[slot].generation
    let listener = Int(connections[exchanges[slot].connection].listener)
    let found = generations[generation].snapshot.access.origin(
      bytes.extracting(head.origin.range), at: listener, texts: generations[generation].texts)
    guard let found else { return false }
    exchanges[slot].origin = Int32(truncatingIfNeeded: found)
    return true
  }

  /// Answers a preflight (OPTIONS) of a page that may call: browsers send it without a credential, and it says nothing of
  /// the call, so it is not recorded. False when the request is something else.
  mutating func answersPreflight(_ slot: UInt32, _ head: RequestHead, _ bytes: RawSpan) -> Bool {
    guard head.method == .options, head.has(.origin), case .none = head.framing else {
      return false
    }
    let generation = exchanges[slot].generation
    let route = generations[generation].snapshot.route(
      path: bytes.extracting(head.target.range), texts: generations[generation].texts)
    guard route != nil, allowsOrigin(slot, head, bytes) else { return false }
    beginLocalAnswer(slot, status: 204) { _, _ in }
    finishUnrecordedAnswer(slot, .crossOrigin)
    return true
  }

  /// The fields that let the page read the answer (Fetch standard, CORS protocol). Without credentials mode, so that `*`
  /// stands for every other field; Authorization has to be named.
  func writeCrossOrigin(_ exchange: Exchange, into writer: inout ByteWriter) {
    let generation = exchange.generation
    let origin = generations[generation].snapshot.access.text(
      Int(exchange.origin), texts: generations[generation].texts)
    _ = HTTPWriter.field("Access-Control-Allow-Origin", origin, into: &writer)
    HTTPWriter.field("Vary", "Origin", into: &writer)
    guard exchange.localExtra == .crossOrigin else {
      return HTTPWriter.field(
        "Access-Control-Expose-Headers",
        "Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate, Sluice-Ref",
        into: &writer)
    }
    HTTPWriter.field("Access-Control-Allow-Methods", "POST, GET, DELETE", into: &writer)
    HTTPWriter.field(
      "Access-Control-Allow-Headers",
      "Authorization, Content-Type, Accept, Last-Event-ID, MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, *",
      into: &writer)
    HTTPWriter.field("Access-Control-Max-Age", "3600", into: &writer)
  }
}
