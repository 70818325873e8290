internal import Audit
internal import EventLoop
internal import Identity
internal import Policy
internal import Synchronization
internal import Wire

/// What servers may ask of agents. Nothing unless the configuration says so: a server that asks drives the agent's model
/// (sampling), its user (elicitation) or tells what is on its machine (roots).
public struct ClientRequests: OptionSet, BitwiseCopyable, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static var sampling: ClientRequests { ClientRequests(rawValue: 1) }
  public static var elicitation: ClientRequests { ClientRequests(rawValue: 2) }
  public static var roots: ClientRequests { ClientRequests(rawValue: 4) }

  /// Whether a server may send this request. A ping asks for nothing.
  func contains(_ method: MCPMethod) -> Bool {
    switch method {
    case .ping: true
    case .samplingCreateMessage: contains(.sampling)
    case .elicitationCreate: contains(.elicitation)
    case .rootsList: contains(.roots)
    default: false
    }
  }
}

/// Requests of the servers' own (legacy era), on the streams to agents.
///
/// The agent answers with a POST of its own, which any worker may get. So the request's id is replaced by a sealed one that
/// holds it, bound to principal, server and session: an answer is let through when its id opens, and then carries the
/// server's own id again. It is let through once, and only for a while (`OpenQuestions`): no answer passes to which there
/// is no open question.
extension Worker {
  /// Requests that a stream's server is refused before the stream is ended.
  static var refusedRequestsMax: UInt8 { 64 }

  /// Passes on the request that `answerIndex` has read, or refuses it.
  /// - Parameter eventBytes: length of the event's sealed id.
  mutating func takeServerRequest(
    _ slot: UInt32, _ method: MCPMethod, _ message: RawSpan, eventBytes: Int
  ) {
    let exchange = upstreams[slot].exchange
    // The modern era has no such requests.
    guard exchanges[exchange].era == .legacy,
      let id = answerIndex.member("id", of: answerIndex.root, in: message)
    else { return dropMessage() }
    let range = answerIndex.range(of: id)
    guard route(of: exchange).clientRequests.contains(method),
      let sealed = sealRequestID(exchange, message.extracting(range.range)),
      questions.open(
        scratchBytes(Worker.sealedArea, sealed), now: loop.now, for: limits.questionTime)
    else { return refuseServerRequest(slot, message, id: range) }
    passRewritten(exchange, message, replacing: range, sealedBytes: sealed, eventBytes: eventBytes)
  }

  /// A server takes back a request that it made: the agent knows that by its sealed id.
  mutating func takeServerCancellation(
    _ exchange: UInt32, _ message: RawSpan, eventBytes: Int
  ) {
    guard exchanges[exchange].era == .legacy,
      let params = answerIndex.member("params", of: answerIndex.root, in: message),
      answerIndex.kind(of: params, in: message) == .object,
      let id = answerIndex.member("requestId", of: params, in: message)
    else { return dropMessage() }
    let range = answerIndex.range(of: id)
    guard let sealed = sealRequestID(exchange, message.extracting(range.range)) else {
      return dropMessage()
    }
    _ = questions.close(scratchBytes(Worker.sealedArea, sealed), now: loop.now)
    passRewritten(exchange, message, replacing: range, sealedBytes: sealed, eventBytes: eventBytes)
  }

  /// A message that is not for the agent's eyes, or not for anybody's.
  mutating func dropMessage() { control.droppedMessages.add(1, ordering: .relaxed) }

  /// Seals the literal of a server's id into working memory; nil when the result were longer than an id may be. The same
  /// literal gives the same id, so that a cancellation names what was asked.
  private mutating func sealRequestID(_ exchange: UInt32, _ literal: RawSpan) -> Int? {
    let server = serverName(of: exchange)
    let principal = sessionOwner(of: exchange)
    let session = exchanges[exchange].serverSession
    let place = unsafe scratch.unsafeStart + Worker.sealedArea
    let sealed = unsafe sealer.seal(
      literal, for: .serverRequest, principal: principal, server: server,
      session: session.span, into: place)
    guard let sealed, sealed <= MCPReader.idBytesMax else { return nil }
    return sealed
  }

  /// Sends the message with the sealed id, which stands in working memory, in the place of `range`.
  private mutating func passRewritten(
    _ exchange: UInt32, _ message: RawSpan, replacing range: ByteRange, sealedBytes: Int,
    eventBytes: Int
  ) {
    guard let block = blocks.take(atLeast: message.byteCount &+ sealedBytes &+ 2) else {
      return fail(exchange, .gateway, "The gateway has no memory for this answer now.")
    }
    var writer = unsafe ByteWriter(unsafeInto: block.unsafeStart, capacity: block.capacity)
    writer.append(message.extracting(first: Int(range.offset)))
    writer.append(0x22)
    writer.append(scratchBytes(Worker.sealedArea, sealedBytes))
    writer.append(0x22)
    writer.append(message.extracting(droppingFirst: Int(range.end)))
    let rewritten = block.bytes(writer.count)
    // Read again, because places have moved.
    switch readAnswer(exchange, rewritten) {
    case .request, .notification: streamMessage(exchange, rewritten, eventBytes: eventBytes)
    case .answer, .other, .unreadable, .asksTooMuch:
      fail(exchange, .gateway, "A request of the server's cannot be passed on.")
    }
    blocks.give(block)
  }

  // MARK: Refused

  /// Tells the server, with a POST of the gateway's own in its session, that nobody will answer.
  private mutating func refuseServerRequest(_ slot: UInt32, _ message: RawSpan, id: ByteRange) {
    let exchange = upstreams[slot].exchange
    guard exchanges[exchange].refusedRequests < Worker.refusedRequestsMax else {
      return serverFailed(slot, "The server keeps asking the agent for what it may not.")
    }
    exchanges[exchange].refusedRequests &+= 1
    dropMessage()
    guard let own = beginOwnExchange(like: exchange) else { return }
    var facts = facts(own, .block)
    facts.era = .legacy
    facts.requestID = message.extracting(id.range)
    if let method = answerIndex.member("method", of: answerIndex.root, in: message) {
      facts.method = message.extracting(answerIndex.contents(of: method).range)
    }
    switch recording.open(facts, request: message) {
    case .opened(let ticket): exchanges[own].ticket = ticket
    case .refused: return endExchange(own)
    }
    guard let permit = permit(own, for: .clientAnswer), let block = blocks.take(atLeast: 512) else {
      return endExchange(own)
    }
    var body = unsafe ByteWriter(unsafeInto: block.unsafeStart, capacity: block.capacity)
    MCPAnswer.error(
      id: message.extracting(id.range), code: -32601, message: "Not available through the gateway.",
      into: &body)
    forward(permit, own, fields: sessionFields(own), body: block.bytes(body.count))
    blocks.give(block)
  }

  /// An exchange that no agent has asked for and nobody waits for.
  private mutating func beginOwnExchange(like exchange: UInt32) -> UInt32? {
    var fresh = Exchange(
      generation: exchanges[exchange].generation, connection: .max,
      head: RequestHead(method: .post),
      chunks: ChunkedDecoder(limits: httpLimits), received: loop.now)
    fresh.route = exchanges[exchange].route
    fresh.principal = exchanges[exchange].principal
    fresh.serverSession = exchanges[exchange].serverSession
    fresh.agreedVersion = exchanges[exchange].agreedVersion
    fresh.isNotification = true
    fresh.record = recording.makeRecordID()
    guard let own = exchanges.insert(fresh) else { return nil }
    generations[fresh.generation].users &+= 1
    if PrincipalTable.isReference(fresh.principal) { principals.retain(fresh.principal) }
    return own
  }

  /// The fields of a request of the gateway's own in an agent's session.
  @_lifetime(immortal)
  private mutating func sessionFields(_ slot: UInt32) -> UpstreamFields {
    var fields = UpstreamFields()
    let version = exchanges[slot].agreedVersion
    if version > .v2025_03_26 { fields.version = versionText(version) }
    scratch.write(exchanges[slot].serverSession.span, at: Worker.sessionArea)
    fields.session = scratchBytes(Worker.sessionArea, exchanges[slot].serverSession.count)
    return fields
  }
}
