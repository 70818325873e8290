internal import Logging

/// Requests of the modern era (2026-07-28): no sessions, so one process serves all, as far as the server speaks it.
extension ServerBridge {
  func postModern(_ message: Message, _ reply: BridgeReply) async {
    guard message.kind == .request, let id = message.id.map(message.literal) else {
      // Core defines no notification from agents, and no answers.
      return message.kind == .notification
        ? reply.finish(202, nil)
        : refuse(reply, 400, nil, MessageText.invalidRequest, "Answers are not part of this era.")
    }
    switch await modern() {
    case .child(let child): forward(message, id, to: child, reply, isModern: true)
    case .failed(let text): fail(reply, id, text)
    case .legacyOnly:
      // As a server of the legacy era says it: an agent that speaks both falls back.
      refuse(
        reply, 400, id, MessageText.invalidRequest,
        "Bad request: this server speaks the revisions with a handshake. Begin with initialize.")
    }
  }

  /// The process for the modern era. The first request of that era finds out whether the server speaks it.
  private func modern() async -> SharedChild {
    if let modernChild, isUsable(modernChild) { return .child(modernChild) }
    if case .legacy(let until) = era, until.map({ .now < $0 }) ?? true { return .legacyOnly }
    if let modernStart { return await modernStart.value }
    let start = Task { await startModern() }
    modernStart = start
    let outcome = await start.value
    modernStart = nil
    return outcome
  }

  private func startModern() async -> SharedChild {
    let child: Int
    do throws(StartFailure) {
      child = try startChild()
    } catch {
      return .failed(error.text)
    }
    if era == .modern {
      modernChild = child
      return .child(child)
    }
    guard let answer = await ask(child, MessageText.discover) else {
      guard isUsable(child) else {
        return .failed("The server's \(server.noun) did not start. The gateway's log says why.")
      }
      // Silence is no answer: some old servers ignore what they do not know. Ask again another time.
      era = .legacy(until: .now + .seconds(300))
      end(child)
      return .legacyOnly
    }
    guard isUsable(child) else { return .failed("The server's \(server.noun) ended.") }
    let supported = answer.result.map { String(decoding: answer.bytes[$0], as: UTF8.self) }
    if supported?.contains("\"\(MessageText.modernRevision)\"") == true {
      era = .modern
      modernChild = child
      return .child(child)
    }
    era = .legacy(until: nil)
    spareChild = child
    log.info(
      "a server speaks the legacy era only", metadata: ["server": "\(server.name)"])
    return .legacyOnly
  }

  /// Sends an agent's request to a process.
  func forward(
    _ message: Message, _ id: [UInt8], to child: Int, _ reply: BridgeReply, session: String? = nil,
    isModern: Bool = false, opensSession: Bool = false
  ) {
    let number = makeNumber()
    var waiting = Pending(number: number, asker: .agent(reply), child: child, id: id)
    waiting.progressToken = message.progressToken.map(message.literal)
    waiting.session = session
    waiting.isModern = isModern
    waiting.opensSession = opensSession
    if opensSession { waiting.deadline = .now + server.limits.startTime }
    let literal = Array("\(number)".utf8)
    let line = message.replacing([(message.id, literal), (message.progressToken, literal)])
    guard send(line, waiting, number) else {
      return fail(reply, id, "Too much waits for the server's \(server.noun). Try again later.")
    }
    reply.whenGone { [weak self] in
      Task { await self?.askerLeft(number, reply) }
    }
  }

  /// The agent's connection is gone. In the modern era that cancels the request; in the legacy era it does not: the agent may
  /// take the stream up again, if it knows one.
  func askerLeft(_ number: Int, _ reply: BridgeReply) {
    guard let waiting = pending[number], case .agent(let asker) = waiting.asker, asker === reply
    else { return }
    guard waiting.isModern else {
      pending[number]?.asker = .nobody
      pending[number]?.deadline = waiting.deadline ?? .now + server.limits.abandonedTime
      return
    }
    drop(number)
    cancel(number, waiting.child, "The agent has gone.")
  }

  func cancel(_ number: Int, _ child: Int, _ reason: String) {
    _ = children[child]?.process.send(
      MessageText.cancelled(id: number, reason: reason) + [0x0A])
  }

  /// Nobody waits for it any more.
  @discardableResult
  func drop(_ number: Int) -> Pending? {
    guard let waiting = pending.removeValue(forKey: number) else { return nil }
    children[waiting.child]?.pendingCount -= 1
    children[waiting.child]?.lastUse = .now
    return waiting
  }

  func sweepPending(_ now: ContinuousClock.Instant) {
    for (number, waiting) in pending {
      if let deadline = waiting.deadline, deadline <= now {
        drop(number)
        cancel(number, waiting.child, "No answer in time.")
        give(up: waiting, "The server's \(server.noun) did not answer in time.")
        if waiting.opensSession, let session = waiting.session {
          backOff.failed()
          forget(session: session)
        }
      } else if case .agent(let reply) = waiting.asker, reply.isStreaming,
        now - waiting.lastSign >= server.limits.keepAliveTime
      {
        pending[number]?.lastSign = now
        reply.keepAlive()
      }
    }
  }
}
