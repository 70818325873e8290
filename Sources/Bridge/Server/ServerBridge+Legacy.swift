/// Sessions of the legacy era (2024-11-05 to 2025-11-25).
extension ServerBridge {
  func postLegacy(_ message: Message, _ session: String?, _ reply: BridgeReply) async {
    let id = message.id.map(message.literal)
    if message.method == "initialize", message.kind == .request, let id {
      return await initialize(message, id, reply)
    }
    guard let session else {
      return refuse(
        reply, 400, id, MessageText.invalidRequest,
        "Mcp-Session-Id is missing: begin with initialize.")
    }
    guard sessions[session]?.isOpen == true else {
      return refuse(
        reply, 404, id, MessageText.invalidRequest,
        "There is no such session. Begin with initialize.")
    }
    sessions[session]?.lastUse = .now
    switch message.kind {
    case .request: await request(message, id ?? [], session, reply)
    case .notification:
      notify(message, session)
      reply.finish(202, nil)
    case .answer:
      take(answer: message, session)
      reply.finish(202, nil)
    }
  }

  // MARK: Beginning

  private func initialize(_ message: Message, _ id: [UInt8], _ reply: BridgeReply) async {
    guard !isRetired else {
      return fail(reply, id, "The server's configuration has changed. Try again.")
    }
    let session = RandomText.make(32)
    guard server.sharing == .shared else {
      do throws(StartFailure) {
        let child = try takeSpareOrStart(for: session)
        sessions[session] = Session(child: child, log: makeLog())
        forward(message, id, to: child, reply, session: session, opensSession: true)
      } catch {
        fail(reply, id, error.text)
      }
      return
    }
    guard sessions.count < server.limits.sessionsMax else {
      return fail(reply, id, "The server has its maximum of sessions. Try again later.")
    }
    switch await shared() {
    case .child:
      sessions[session] = Session(child: nil, log: makeLog())
      sessions[session]?.isOpen = true
      keepSweeping()
      reply.finish(200, MessageText.result(id: id, sharedInitialize), session: session)
    case .failed(let text): fail(reply, id, text)
    case .legacyOnly: preconditionFailure("only of the modern era")
    }
  }

  private func makeLog() -> StreamLog {
    StreamLog(bytesMax: server.limits.keptBytesMax, eventsMax: server.limits.keptEventsMax)
  }

  /// The process answered `initialize`: with a result there is a session from now on, else the process goes.
  func opened(_ session: String, _ answer: Message, _ waiting: Pending, _ reply: BridgeReply) {
    let bytes = answer.replacing([(answer.id, waiting.id)])
    guard answer.result != nil else {
      forget(session: session)
      return reply.finish(200, bytes)
    }
    sessions[session]?.isOpen = true
    sessions[session]?.lastUse = .now
    reply.finish(200, bytes, session: session)
  }

  // MARK: From the agent

  private func request(
    _ message: Message, _ id: [UInt8], _ session: String, _ reply: BridgeReply
  ) async {
    if let child = sessions[session]?.child {
      return forward(message, id, to: child, reply, session: session)
    }
    if answersItself(message, session) {
      return reply.finish(200, MessageText.result(id: id, Array("{}".utf8)))
    }
    switch await shared() {
    case .child(let child): forward(message, id, to: child, reply, session: session)
    case .failed(let text): fail(reply, id, text)
    case .legacyOnly: preconditionFailure("only of the modern era")
    }
  }

  /// What one agent may not decide for all who share the process: how much the server logs (its messages go to nobody),
  /// and the end of a subscription that others have too.
  private func answersItself(_ message: Message, _ session: String) -> Bool {
    switch message.method {
    case "logging/setLevel": return true
    case "resources/subscribe":
      guard let uri = message.uri, (sessions[session]?.subscriptions.count ?? 0) < 1024 else {
        return false
      }
      let isKnown = sessions.values.contains { $0.subscriptions.contains(uri) }
      sessions[session]?.subscriptions.insert(uri)
      return isKnown
    case "resources/unsubscribe":
      guard let uri = message.uri else { return false }
      sessions[session]?.subscriptions.remove(uri)
      return sessions.values.contains { $0.subscriptions.contains(uri) }
    default: return false
    }
  }

  private func notify(_ message: Message, _ session: String) {
    if message.method == "notifications/cancelled" { return cancelled(message, session) }
    // A shared process was told once, by the bridge.
    guard let child = sessions[session]?.child else { return }
    _ = children[child]?.process.send(message.replacing([]) + [0x0A])
  }

  /// Only what this session itself has asked for can be cancelled by it.
  private func cancelled(_ message: Message, _ session: String) {
    guard let id = message.cancelledID.map(message.literal),
      let (number, waiting) = pending.first(where: {
        $0.value.session == session && $0.value.id == id
      }),
      !waiting.opensSession
    else { return }
    let literal = Array("\(number)".utf8)
    _ = children[waiting.child]?.process.send(
      message.replacing([(message.cancelledID, literal)]) + [0x0A])
    // The server need not answer a cancelled request, and the agent does not wait.
    pending[number]?.deadline = .now + .seconds(5)
    pending[number]?.isCancelled = true
  }

  /// An agent answers a request of the server's.
  private func take(answer message: Message, _ session: String) {
    guard let child = sessions[session]?.child, let id = message.id.map(message.literal),
      children[child]?.serverRequests.removeValue(forKey: id) != nil
    else { return }
    _ = children[child]?.process.send(message.replacing([]) + [0x0A])
  }

  // MARK: The session's own stream, and its end

  func openStream(_ request: BridgeRequest, _ reply: BridgeReply) {
    guard let session = request.session else { return reply.finish(405, nil) }
    guard let state = sessions[session], state.isOpen else {
      return refuse(reply, 404, nil, MessageText.invalidRequest, "There is no such session.")
    }
    if let event = request.lastEventID { return resume(event, session, reply) }
    // In place of an older one, which the agent has lost, or will: two would have to share what comes once.
    begin(reply, as: makeNumber(), of: session)
  }

  func endSession(_ request: BridgeRequest, _ reply: BridgeReply) {
    guard let session = request.session, sessions[session] != nil else {
      return refuse(reply, 404, nil, MessageText.invalidRequest, "There is no such session.")
    }
    forget(session: session)
    reply.finish(200, nil)
  }

  /// Ends a session, and the process that was its own.
  func forget(session: String) {
    guard let state = sessions.removeValue(forKey: session) else { return }
    keptBytes -= state.log.bytes
    state.stream?.finish(200, nil)
    if let child = state.child { end(child) }
  }

  func sweepSessions(_ now: ContinuousClock.Instant) {
    for (session, state) in sessions {
      if let stream = state.stream {
        guard now - state.lastSign >= server.limits.keepAliveTime else { continue }
        sessions[session]?.lastSign = now
        stream.keepAlive()
      } else if now - state.lastUse >= server.limits.idleTime,
        !pending.values.contains(where: { $0.session == session })
      {
        forget(session: session)
      }
    }
  }
}
