internal import Logging

/// What a server's process writes: answers, and what it says or asks by itself.
extension ServerBridge {
  func take(_ event: ProcessEvent, from child: Int) {
    switch event {
    case .line(let bytes): take(line: bytes, from: child)
    case .related(let bytes, let number): take(line: bytes, from: child, about: number)
    case .lineTooLong: tooLong(child)
    case .ended(let why): childEnded(child, why)
    }
  }

  /// - Parameter about: the request that it belongs to, where the server's transport says that.
  private func take(line bytes: [UInt8], from child: Int, about number: Int? = nil) {
    guard children[child] != nil else { return }
    guard let message = reader.read(bytes) else {
      return unreadable(bytes, from: child)
    }
    children[child]?.isProven = true
    switch message.kind {
    case .answer: take(answer: message, from: child)
    case .request: take(request: message, from: child, about: number)
    case .notification: take(notification: message, from: child, about: number)
    }
  }

  // MARK: Answers

  private func take(answer: Message, from child: Int) {
    guard let literal = answer.id.map(answer.literal), let number = Self.number(literal),
      pending[number]?.child == child, let waiting = drop(number)
    else {
      // To a request that was cancelled, as a rule.
      return log.debug("a server answered nobody", metadata: ["server": "\(server.name)"])
    }
    switch waiting.asker {
    case .nobody:
      finish(waiting, 200, answer.replacing([(answer.id, waiting.id)]))
      if waiting.opensSession, let session = waiting.session { forget(session: session) }
    case .bridge(let continuation): continuation.resume(returning: answer)
    case .agent(let reply):
      if waiting.opensSession, let session = waiting.session {
        return opened(session, answer, waiting, reply)
      }
      // An unknown method has a status of its own in the modern era.
      let status = waiting.isModern && answer.errorCode == MessageText.unknownMethod ? 404 : 200
      finish(waiting, status, answer.replacing([(answer.id, waiting.id)]))
    }
  }

  /// An id of the bridge's: digits, or a string of digits where a server has made one of it.
  static func number(_ literal: [UInt8]) -> Int? {
    let digits = literal.first == 0x22 ? literal.dropFirst().dropLast() : literal[...]
    guard digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(String(decoding: digits, as: UTF8.self))
  }

  // MARK: What nobody asked for

  private func take(notification: Message, from child: Int, about number: Int?) {
    if let (number, waiting) = request(of: notification, child) {
      _ = say(
        notification.replacing([
          (notification.progressToken, waiting.progressToken ?? waiting.id),
          (notification.subscriptionID, waiting.id),
        ]), before: number)
      return
    }
    // What belongs to a request that is over belongs to nobody.
    guard notification.progressToken == nil, notification.subscriptionID == nil else { return }
    if let session = children[child]?.session {
      let bytes = notification.replacing([])
      if !tell(session, bytes, about: number) { _ = keepForLater(bytes, for: session) }
      return
    }
    guard child == sharedChild else { return }
    let bytes = notification.replacing([])
    switch notification.method {
    case "notifications/tools/list_changed", "notifications/prompts/list_changed",
      "notifications/resources/list_changed":
      for (session, state) in sessions where state.child == nil { tellOrKeep(session, bytes) }
    case "notifications/resources/updated":
      guard let uri = notification.uri else { return }
      for (session, state) in sessions where state.subscriptions.contains(uri) {
        tellOrKeep(session, bytes)
      }
    // Log messages of a shared process may be about anybody's call: they are for nobody.
    default: break
    }
  }

  private func tellOrKeep(_ session: String, _ bytes: [UInt8]) {
    if !say(bytes, to: session) { _ = keepForLater(bytes, for: session) }
  }

  /// The request that a notification belongs to, by the number in its progress token or subscription.
  private func request(of notification: Message, _ child: Int) -> (Int, Pending)? {
    guard let range = notification.progressToken ?? notification.subscriptionID,
      let number = Self.number(notification.literal(range)), let waiting = pending[number],
      waiting.child == child,
      // A request without a token cannot have asked for progress.
      notification.progressToken == nil || waiting.progressToken != nil
    else { return nil }
    return (number, waiting)
  }

  /// Before the answer to the request that it is about, else on the session's own stream, else before the answer to another
  /// of its requests, else not at all.
  private func tell(_ session: String, _ bytes: [UInt8], about number: Int?) -> Bool {
    if let number, pending[number]?.session == session, say(bytes, before: number) { return true }
    if say(bytes, to: session) { return true }
    for (number, waiting) in pending where waiting.session == session && !waiting.opensSession {
      if case .agent(let reply) = waiting.asker, !reply.isDone { return say(bytes, before: number) }
    }
    return false
  }

  private func take(request: Message, from child: Int, about number: Int?) {
    guard let id = request.id.map(request.literal) else { return }
    if request.method == "ping" {
      let pong = MessageText.result(id: id, Array("{}".utf8))
      _ = children[child]?.process.send(pong + [0x0A])
      return
    }
    guard let running = children[child], let session = running.session else {
      // Of the agents that share a process none can be told to be the one it means.
      return answer(
        child, id: id, code: MessageText.unknownMethod, "No agent can be asked by a shared server.")
    }
    guard running.serverRequests.count < server.limits.serverRequestsMax,
      tell(session, request.replacing([]), about: number)
    else {
      return answer(
        child, id: id, code: MessageText.internalError, "No agent can be asked now.")
    }
    children[child]?.serverRequests[id] = .now + server.limits.serverRequestTime
  }

  // MARK: Rubbish

  /// Servers print what they should not: that is logged and passed over. But whoever waits for that answer must not wait
  /// for ever.
  private func unreadable(_ bytes: [UInt8], from child: Int) {
    complain("a line that is no strict JSON-RPC message")
    guard let number = AnswerGuess.id(bytes), pending[number]?.child == child else { return }
    lose(number, "The server's answer is no strict JSON-RPC message.")
  }

  /// An answer is lost. When it cannot be told whose, the process has to go: nobody may wait for ever.
  private func tooLong(_ child: Int) {
    complain("a message over the limit")
    let waiting = pending.filter { $0.value.child == child }
    guard waiting.count <= 1 else { return end(child) }
    if let number = waiting.first?.key { lose(number, "The server's answer is over the limit.") }
  }

  private func complain(_ what: String) {
    guard complaints.take() else { return }
    log.warning("a server wrote \(what)", metadata: ["server": "\(server.name)"])
  }

  private func lose(_ number: Int, _ text: String) {
    guard let waiting = drop(number) else { return }
    give(up: waiting, text)
    if waiting.opensSession, let session = waiting.session { forget(session: session) }
  }
}
