/// What goes on agents' streams: every event of a session gets an id and is kept for a while, and a stream that broke off can be
/// taken up where it did.
extension ServerBridge {
  /// Says something before the answer to a request, or keeps it for when its stream is taken up. False when neither can be.
  func say(_ bytes: [UInt8], before number: Int) -> Bool {
    guard let waiting = pending[number] else { return false }
    pending[number]?.lastSign = .now
    switch waiting.asker {
    case .agent(let reply) where !reply.isDone:
      reply.event(bytes, id: keep(bytes, number, of: waiting.session))
      return true
    case .agent, .nobody:
      guard isTakenUpLater(number, of: waiting.session) else { return false }
      _ = keep(bytes, number, of: waiting.session)
      return true
    case .bridge: return false
    }
  }

  /// Says something on a session's own stream. False when it has none.
  @discardableResult
  func say(_ bytes: [UInt8], to session: String) -> Bool {
    guard let state = sessions[session], let stream = state.stream, !stream.isDone else {
      return false
    }
    stream.event(bytes, id: keep(bytes, state.streamNumber, of: session))
    return true
  }

  /// Keeps it for when the session's own stream is taken up again; false when it has none.
  func keepForLater(_ bytes: [UInt8], for session: String) -> Bool {
    guard let number = sessions[session]?.streamNumber, isTakenUpLater(number, of: session) else {
      return false
    }
    _ = keep(bytes, number, of: session)
    return true
  }

  /// The answer to a request, and the end of its stream if it has one.
  func finish(_ waiting: Pending, _ status: Int, _ bytes: [UInt8]) {
    var id: String?
    if isTakenUpLater(waiting.number, of: waiting.session) {
      id = keep(bytes, waiting.number, of: waiting.session)
      end(stream: waiting.number, of: waiting.session)
    }
    if case .agent(let reply) = waiting.asker { reply.finish(status, bytes, event: id) }
  }

  /// Nothing more comes on a stream.
  func end(stream: Int, of session: String?) {
    guard let session else { return }
    keptBytes -= sessions[session]?.log.bytes ?? 0
    sessions[session]?.log.end(stream)
    keptBytes += sessions[session]?.log.bytes ?? 0
  }

  /// Whether an agent knows an event of the stream, and may come back with it.
  private func isTakenUpLater(_ stream: Int, of session: String?) -> Bool {
    guard let session else { return false }
    return sessions[session]?.log.isOpen(stream) == true
  }

  /// Keeps an event of a session's; returns its id. The modern era has none.
  private func keep(_ bytes: [UInt8], _ stream: Int, of session: String?) -> String? {
    guard let session, sessions[session] != nil else { return nil }
    let before = sessions[session]?.log.bytes ?? 0
    let id = sessions[session]?.log.add(
      bytes, to: stream, room: server.limits.keptTotalBytesMax - keptBytes)
    keptBytes += (sessions[session]?.log.bytes ?? 0) - before
    return id
  }

  // MARK: Taking a stream up

  /// Says again what an agent has missed since an event, and goes on with the stream where it is not over.
  func resume(_ event: String, _ session: String, _ reply: BridgeReply) {
    guard let (number, missed) = sessions[session]?.log.since(event) else {
      return refuse(
        reply, 400, nil, MessageText.invalidRequest,
        "What followed that event is not known any more. Repeat the request.")
    }
    sessions[session]?.lastUse = .now
    let isSessions = sessions[session]?.streamNumber == number
    if isSessions {
      begin(reply, as: number, of: session)
    } else {
      reply.keepAlive()
    }
    for entry in missed { reply.event(entry.message, id: entry.id) }
    guard !isSessions else { return }
    guard let waiting = pending[number], waiting.session == session,
      isTakenUpLater(number, of: session)
    else { return reply.finish(200, nil) }
    // The agent has lost the older one, or will.
    if case .agent(let older) = waiting.asker { older.finish(200, nil) }
    pending[number]?.asker = .agent(reply)
    if !waiting.isCancelled { pending[number]?.deadline = nil }
    pending[number]?.lastSign = .now
    reply.whenGone { [weak self] in
      Task { await self?.askerLeft(number, reply) }
    }
  }

  /// Makes a reply the session's own stream, in place of an older one.
  func begin(_ reply: BridgeReply, as number: Int, of session: String) {
    sessions[session]?.stream?.finish(200, nil)
    if let older = sessions[session]?.streamNumber, older != number {
      end(stream: older, of: session)
    }
    sessions[session]?.stream = reply
    sessions[session]?.streamNumber = number
    sessions[session]?.lastUse = .now
    sessions[session]?.lastSign = .now
    reply.keepAlive()
    reply.whenGone { [weak self] in
      Task { await self?.streamLeft(session, reply) }
    }
  }

  private func streamLeft(_ session: String, _ reply: BridgeReply) {
    guard sessions[session]?.stream === reply else { return }
    sessions[session]?.stream = nil
    sessions[session]?.lastUse = .now
  }
}
