internal import Audit
internal import EventLoop
internal import Identity
internal import Wire

/// An answer that the gateway gives itself, before or instead of a server's.
struct LocalRefusal {
  /// A field beside the usual ones.
  enum Extra { case none, challenge, allow, retry, metadata, preflight, crossOrigin }

  var status: UInt16
  /// JSON-RPC error code.
  var code: Int32
  var text: StaticString
  var decision = RecordedDecision.malformed
  var closes = false
  var extra = Extra.none

  static var needsTLS: LocalRefusal {
    LocalRefusal(
      status: 400, code: -32600, text: "This port speaks TLS: use https.", closes: true)
  }
  static var headTooSlow: LocalRefusal {
    LocalRefusal(
      status: 408, code: -32600, text: "The request's head took too long.", closes: true)
  }
  static var bodyTooSlow: LocalRefusal {
    LocalRefusal(
      status: 408, code: -32600, text: "The request's body took too long.", closes: true)
  }
  static var bodyTooLarge: LocalRefusal {
    LocalRefusal(
      status: 413, code: -32600, text: "The request's body is larger than the limit.", closes: true)
  }
  static var bodyMissing: LocalRefusal {
    LocalRefusal(status: 400, code: -32600, text: "A POST needs a body with a length.")
  }
  static var bodyUnexpected: LocalRefusal {
    LocalRefusal(status: 400, code: -32600, text: "This method takes no body.", closes: true)
  }
  static var notFound: LocalRefusal {
    LocalRefusal(status: 404, code: -32600, text: "No server is registered under this path.")
  }
  static var sessionUnknown: LocalRefusal {
    LocalRefusal(status: 404, code: -32001, text: "Session not found.")
  }
  /// A session that its principal may not have any more is answered as one that does not exist.
  static var sessionBlocked: LocalRefusal {
    var refusal = sessionUnknown
    refusal.decision = .block
    return refusal
  }
  static var sessionVersion: LocalRefusal {
    LocalRefusal(
      status: 400, code: -32600,
      text: "MCP-Protocol-Version differs from the version of the session.")
  }
  static var eventUnknown: LocalRefusal {
    LocalRefusal(
      status: 400, code: -32600, text: "Last-Event-ID names no event of this session.")
  }
  static var answerBlocked: LocalRefusal {
    LocalRefusal(
      status: 403, code: -32600, text: "You have no profile for this server.", decision: .block)
  }
  static var sessionMissing: LocalRefusal {
    LocalRefusal(status: 400, code: -32600, text: "This request needs a session.")
  }
  static var methodNotAllowed: LocalRefusal {
    LocalRefusal(
      status: 405, code: -32600, text: "Only POST, and GET and DELETE of a session.", extra: .allow)
  }
  static var eventStreamMissing: LocalRefusal {
    LocalRefusal(
      status: 405, code: -32600,
      text: "HTTP+SSE begins with GET, which says where to post. Streamable HTTP has its own path.",
      extra: .allow)
  }
  static var eventStreamTooOld: LocalRefusal {
    LocalRefusal(status: 400, code: -32600, text: "An event stream needs HTTP/1.1.")
  }
  static var originRefused: LocalRefusal {
    LocalRefusal(
      status: 403, code: -32600, text: "Requests from this web page (Origin) are not allowed.")
  }
  static var hostRefused: LocalRefusal {
    LocalRefusal(
      status: 421, code: -32600, text: "The gateway is not known under this name (Host).")
  }
  static var overloaded: LocalRefusal {
    LocalRefusal(
      status: 503, code: -32603, text: "The gateway has no room for another request now.",
      decision: .unavailable, closes: true)
  }
  static var credentialMissing: LocalRefusal {
    LocalRefusal(
      status: 401, code: -32001,
      text: "A credential is needed: Authorization: Bearer <access token or API key>.",
      decision: .unauthenticated, extra: .challenge)
  }
  static var credentialMalformed: LocalRefusal {
    LocalRefusal(
      status: 401, code: -32001, text: "The Authorization field is not Bearer and one token.",
      decision: .unauthenticated, extra: .challenge)
  }
  static var credentialUnknown: LocalRefusal {
    LocalRefusal(
      status: 401, code: -32001, text: "The credential is not known here.",
      decision: .unauthenticated, extra: .challenge)
  }

  static var credentialTooLong: LocalRefusal {
    LocalRefusal(
      status: 401, code: -32001, text: "The credential is longer than 8192 bytes.",
      decision: .unauthenticated, extra: .challenge)
  }

  /// A token that was not accepted: what is temporary says so, for the client to come back with the same token.
  init(_ refusal: TokenRefusal) {
    self.init(
      status: refusal.isTemporary ? 503 : 401, code: -32001, text: refusal.text,
      decision: .unauthenticated, extra: refusal.isTemporary ? .retry : .challenge)
  }

  init(
    status: UInt16, code: Int32, text: StaticString,
    decision: RecordedDecision = .malformed, closes: Bool = false, extra: Extra = .none
  ) {
    self.status = status
    self.code = code
    self.text = text
    self.decision = decision
    self.closes = closes
    self.extra = extra
  }

  init(_ refusal: HTTPRefusal) {
    self.init(status: refusal.status, code: -32600, text: refusal.reason.description)
  }

  /// Whose fault it is. What policy does not allow is nobody's: nothing failed.
  var failedSide: RecordedSide {
    switch decision {
    case .unavailable: .gateway
    case .block: .none
    default: .agent
    }
  }
}

extension Worker {
  /// Refuses a request that was never read far enough to become an exchange, and closes the connection behind it.
  mutating func refuseConnection(_ slot: UInt32, _ refusal: LocalRefusal) {
    let fresh = Exchange(
      generation: generations.current, connection: slot, head: RequestHead(),
      chunks: ChunkedDecoder(limits: httpLimits),
      received: loop.now)
    guard let exchange = exchanges.insert(fresh) else { return closeConnection(slot) }
    generations[generations.current].users &+= 1
    connections[slot].exchange = exchange
    connections[slot].state = .exchange
    exchanges[exchange].record = recording.makeRecordID()
    exchanges[exchange].closesConnection = true
    refuse(exchange, refusal)
  }

  /// Answers in the server's stead, and records that.
  /// - Parameters:
  ///   - request: what is known of the request's head, for the record.
  ///   - body: the body, when it was read.
  mutating func refuse(
    _ slot: UInt32, _ refusal: LocalRefusal, request: RawSpan = RawSpan(),
    body: RawSpan = RawSpan()
  ) {
    if refusal.closes { exchanges[slot].closesConnection = true }
    let connection = exchanges[slot].connection
    if connection != .max, connections[connection].state == .body {
      connections[connection].state = .exchange
    }
    var outcome = CallOutcome(result: .refused)
    outcome.failedSide = refusal.failedSide
    outcome.errorCode = refusal.code
    beginLocalAnswer(slot, status: refusal.status) { out, exchange in
      LocalAnswer.error(
        id: exchange.id, code: refusal.code, text: refusal.text, record: exchange.record,
        into: &out)
    }
    exchanges[slot].localExtra = refusal.extra
    var facts = facts(slot, refusal.decision)
    let head = exchanges[slot].head
    if head.headBytes > 0, Int(head.headBytes) <= request.byteCount {
      // Method and path stand in for the JSON-RPC method: "POST /orders/mcp".
      facts.method = request.extracting(first: Int(head.target.end))
    }
    finishLocalAnswer(slot, outcome, facts: facts, request: body)
  }
}
