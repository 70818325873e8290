internal import Logging
internal import Synchronization

/// One agent of HTTP+SSE: its stream, and the session of Streamable HTTP that it has at the gateway without knowing.
///
///     POST initialize     ─▶ POST             answer (and the session's id, which stays here)   ─▶ stream
///     POST initialized    ─▶ POST, 202;  then GET, the session's own stream: what comes on it   ─▶ stream
///     POST tools/call     ─▶ POST             what the server asks and tells meanwhile, answer  ─▶ stream
///     POST cancelled      ─▶ POST, 202;  the call's answer is not waited for any more
///     the stream ends     ─▶ DELETE, unless a call is under way, which is let finish (held ones never run)
actor AgentSession {
  /// What all streams share.
  struct Surroundings: Sendable {
    var limits: DoorLimits
    var tally: DoorTally
    var log: Logger
  }

  nonisolated let server: String
  let path: String
  let gateway: any RemoteSender
  let stream: BridgeReply
  let limits: DoorLimits
  let log: Logger
  private let tally: DoorTally
  private let whenOver: @Sendable () -> Void
  private let reader: MessageReader

  /// What the agent proved itself with last. Kept no longer than the stream, but for the request that ends the session.
  private(set) var authorization: String?
  /// The session's id, from the answer to `initialize`, and the revision that was agreed on there.
  private(set) var session: String?
  private var version: String?

  /// A message that was posted.
  struct Posted: Sendable {
    var body: [UInt8]
    /// Nil for a batch.
    var message: Message?
    var authorization: String?
  }

  /// One that is under way.
  private struct Call {
    /// The request's id; nil where nothing answers it by one.
    var id: [UInt8]?
    /// Whether it is only told, and not answered.
    var isTold: Bool
    var task: Task<Void, Never>
  }

  private let posted: AsyncStream<Posted>
  private let feed: AsyncStream<Posted>.Continuation
  private var messageCount = 0
  private var messageBytes = 0
  private var calls: [Int: Call] = [:]
  private var lastNumber = 0
  private var listener: Task<Void, Never>?
  private var keeper: Task<Void, Never>?
  private(set) var isOver = false
  private var endsWhenIdle = false

  init(
    server: String, path: String, gateway: any RemoteSender, authorization: String?,
    stream: BridgeReply, _ surroundings: Surroundings, whenOver: @escaping @Sendable () -> Void
  ) {
    self.server = server
    self.path = path
    self.gateway = gateway
    self.authorization = authorization
    self.stream = stream
    limits = surroundings.limits
    tally = surroundings.tally
    log = surroundings.log
    self.whenOver = whenOver
    reader = MessageReader(bytesMax: 64 << 20)
    (posted, feed) = AsyncStream.makeStream()
  }

  // MARK: From the agent

  /// Takes a message; it is accepted before anything becomes of it, which the stream tells.
  func post(_ body: [UInt8], _ authorization: String?, _ reply: BridgeReply) async {
    guard !isOver else { return EventStreamDoor.refuse(reply, 404, "Session not found.") }
    self.authorization = authorization
    guard messageCount < limits.messagesMax,
      messageBytes + body.count <= max(limits.messageBytesMax, body.count)
    else {
      tally.messagesRefused.add(1, ordering: .relaxed)
      return EventStreamDoor.refuse(reply, 429, "Too many requests are under way on this stream.")
    }
    count(1, body.count)
    let message = reader.read(body)
    guard message != nil || body.first(where: { $0 > 0x20 }) == UInt8(ascii: "[") else {
      await postUnreadable(body, authorization, reply)
      return finished(body.count)
    }
    feed.yield(Posted(body: body, message: message, authorization: authorization))
    reply.finish(202, nil)
  }

  /// Messages that wait or are under way, with their bytes: one more, or one less.
  private func count(_ messages: Int, _ bytes: Int) {
    messageCount += messages
    messageBytes += bytes
    // Of a stream that is over all of them have been taken off.
    if !isOver { tally.messages.add(messages, ordering: .relaxed) }
  }

  private func finished(_ bytes: Int) {
    count(-1, -bytes)
    if endsWhenIdle, messageCount == 0 { end() }
  }

  /// What is no message has no place on the stream: the gateway's refusal is the answer to the POST.
  private func postUnreadable(
    _ body: [UInt8], _ authorization: String?, _ reply: BridgeReply
  ) async {
    do {
      let answer = try await gateway.send(request(.post, authorization, body: body))
      let text = try await answer.body(bytesMax: limits.eventBytesMax)
      let isRefused = answer.head.status >= 400
      reply.finish(isRefused ? answer.head.status : 202, isRefused ? text : nil)
    } catch {
      EventStreamDoor.refuse(reply, 503, "\(error as? RemoteFailure ?? .broken)")
    }
  }

  /// Works off what is posted, in its order as far as that matters.
  func run() async {
    keeper = Task { [limits, stream] in
      while !Task.isCancelled {
        try? await Task.sleep(for: limits.keepAliveTime)
        if !Task.isCancelled { stream.keepAlive() }
      }
    }
    for await message in posted {
      guard !isOver else { break }
      switch message.message?.method {
      // Nothing makes sense before its answer: the session's id is in it.
      case "initialize": await start(message)?.value
      case "notifications/initialized":
        await start(message)?.value
        listenIfNeeded()
      // The news first: ending the call's own request is none that its server understands.
      case "notifications/cancelled":
        let told = start(message)
        Task {
          await told?.value
          abandon(message.message)
        }
      default: _ = start(message)
      }
    }
  }

  private func start(_ message: Posted) -> Task<Void, Never>? {
    guard !isOver else { return nil }
    lastNumber += 1
    let number = lastNumber
    let task = Task {
      await carry(message)
      calls[number] = nil
      finished(message.body.count)
    }
    let request = message.message.flatMap { $0.kind == .request ? $0 : nil }
    calls[number] = Call(
      id: request?.id.flatMap { request?.literal($0) },
      isTold: message.message != nil && request == nil, task: task)
    return task
  }

  /// The agent does not want the answer any more, and the server need not give one.
  private func abandon(_ message: Message?) {
    guard let message, let id = message.cancelledID.map(message.literal) else { return }
    for call in calls.values where call.id == id { call.task.cancel() }
  }

  // MARK: To the agent

  /// One message on the stream; strict JSON has line breaks only between tokens.
  func tell(_ message: [UInt8]) {
    guard !isOver else { return }
    stream.event(message.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 })
  }

  /// Reads a message of the gateway's; nil for what is none.
  func read(_ bytes: [UInt8]) -> Message? { reader.read(bytes) }

  /// The session that the answer to `initialize` has opened.
  func opened(_ session: String?, _ version: String?) {
    self.session = session
    self.version = version
  }

  // MARK: To the gateway

  func request(
    _ method: RemoteRequest.Method, _ authorization: String?, body: [UInt8] = [],
    lastEventID: [UInt8]? = nil
  ) -> RemoteRequest {
    var request = RemoteRequest(method: method, target: path)
    request.body = body
    switch method {
    case .post:
      request.fields = [
        ("content-type", "application/json"), ("accept", "application/json, text/event-stream"),
      ]
    case .get: request.fields = [("accept", "text/event-stream")]
    case .delete: break
    }
    if let authorization { request.fields.append(("authorization", authorization)) }
    if let session { request.fields.append(("mcp-session-id", session)) }
    if let version { request.fields.append(("mcp-protocol-version", version)) }
    if let lastEventID {
      request.fields.append(("last-event-id", String(decoding: lastEventID, as: UTF8.self)))
    }
    return request
  }

  private func listenIfNeeded() {
    guard !isOver, session != nil, listener == nil else { return }
    listener = Task { await listen() }
  }

  // MARK: The end

  /// Ends the stream, and what belongs to it. May be called again.
  func end() {
    guard !isOver else { return }
    isOver = true
    tally.messages.subtract(messageCount, ordering: .relaxed)
    if stream.isCut { tally.cut.add(1, ordering: .relaxed) }
    feed.finish()
    keeper?.cancel()
    listener?.cancel()
    // Whoever goes away cancels nothing: calls that have been passed on run to their end at the gateway, and those that
    // are held are given up there.
    let isIdle = calls.values.allSatisfy(\.isTold)
    for call in calls.values where !call.isTold { call.task.cancel() }
    if isIdle, session != nil {
      let goodbye = request(.delete, authorization)
      Task { [gateway] in
        if let answer = try? await gateway.send(goodbye) { while try await answer.next() != nil {} }
      }
    }
    authorization = nil
    stream.finish(200, nil)
    whenOver()
  }

  /// Ends it when nobody waits for anything any more.
  func endWhenIdle() {
    endsWhenIdle = true
    if messageCount == 0 { end() }
  }
}
