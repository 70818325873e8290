internal import Logging
internal import Wire

/// What comes of a message at the gateway, on its way to the agent's stream.
extension AgentSession {
  /// What came of one request so far.
  private struct Progress {
    var isAnswered = false
    var lastEventID: [UInt8]?
    var retry = Duration.seconds(1)
  }

  /// Makes a message a request to the gateway, and puts what comes of it on the stream.
  func carry(_ posted: Posted) async {
    do {
      let answer = try await gateway.send(
        request(.post, posted.authorization, body: posted.body))
      if answer.head.status == 200, answer.head.content == .eventStream {
        try await follow(answer, posted)
      } else {
        let body = try await answer.body(bytesMax: limits.eventBytesMax)
        give(body, answer.head, posted)
      }
    } catch is CancellationError {
      return
    } catch {
      refuse(posted, (error as? RemoteFailure ?? .broken).description)
    }
  }

  /// Everything that is said on an answer's stream. A server may break it off before the answer has come, and say from
  /// where it can be had later.
  private func follow(_ first: RemoteAnswer, _ posted: Posted) async throws {
    let session = first.head.session
    var progress = Progress()
    try await pass(first, posted, session, &progress)
    var count = 0
    while !progress.isAnswered, let id = progress.lastEventID, count < limits.resumptionsMax {
      count += 1
      try await Task.sleep(for: progress.retry)
      let again = try await gateway.send(
        request(.get, posted.authorization, lastEventID: id))
      guard again.head.status == 200, again.head.content == .eventStream else { break }
      try await pass(again, posted, session, &progress)
    }
    if !progress.isAnswered { refuse(posted, "The server's stream ended without the answer.") }
  }

  private func pass(
    _ answer: RemoteAnswer, _ posted: Posted, _ session: String?, _ progress: inout Progress
  ) async throws {
    var reader = EventReader(eventBytesMax: limits.eventBytesMax)
    while let piece = try await answer.next() {
      for event in try reader.push(piece) where event.name == .message {
        // Of a batch the end of its stream says that all answers have come.
        if let message = read(event.data), answers(message, posted) {
          progress.isAnswered = true
          note(message, posted, session)
        }
        tell(event.data)
      }
      if let id = reader.lastID { progress.lastEventID = id }
      if let retry = reader.retryMilliseconds {
        progress.retry = min(.milliseconds(Int(retry)), limits.resumptionTimeMax)
      }
    }
    if posted.message?.kind != .request { progress.isAnswered = true }
  }

  /// A whole answer.
  private func give(_ body: [UInt8], _ head: RemoteHead, _ posted: Posted) {
    if head.content == .json, let message = read(body), answers(message, posted) {
      note(message, posted, head.session)
      tell(body)
    } else if posted.message == nil, head.content == .json {
      tell(body)
    } else {
      refuse(
        posted, "The gateway answered with status \(head.status).", error: Self.error(in: body))
    }
    // The session has ended; the agent begins another with another stream.
    if head.status == 404, session != nil { end() }
  }

  private func answers(_ message: Message, _ posted: Posted) -> Bool {
    guard message.kind == .answer, let request = posted.message, request.kind == .request else {
      return false
    }
    return message.id.map(message.literal) == request.id.map(request.literal)
  }

  /// Remembers what the answer to `initialize` says.
  private func note(_ message: Message, _ posted: Posted, _ session: String?) {
    guard posted.message?.method == "initialize", message.result != nil else { return }
    var revision: String?
    if let answer = JSONDocument(message.bytes, bytesMax: message.bytes.count) {
      let result = answer.member("result", of: answer.root)
      revision = answer.text(answer.member("protocolVersion", of: result))
    }
    // Those before have no field to say it in.
    opened(session, revision.flatMap { $0 >= "2025-06-18" ? $0 : nil })
  }

  /// Tells whoever waits for an answer that there is none: with the gateway's own error, where it has given one that names no
  /// request.
  private func refuse(_ posted: Posted, _ text: String, error: [UInt8]? = nil) {
    guard let message = posted.message, message.kind == .request, let id = message.id else {
      return log.debug(
        "a message of an agent was refused", metadata: ["server": "\(server)", "reason": "\(text)"])
    }
    let name = message.literal(id)
    tell(
      error.map { MessageText.error(id: name, $0) }
        ?? MessageText.error(id: name, code: MessageText.internalError, text))
  }

  /// The error of an answer, as it is written: its code, its text, and the reference of its record.
  private static func error(in body: [UInt8]) -> [UInt8]? {
    guard let answer = JSONDocument(body, bytesMax: 1 << 20),
      let error = answer.member("error", of: answer.root)
    else { return nil }
    return answer.literal(error)
  }

  // MARK: The session's own stream

  /// Keeps the session's own stream open, where its server has one: the gateway ends it now and then, to judge it anew.
  func listen() async {
    var lastID: [UInt8]?
    var wait = Duration.milliseconds(100)
    while !isOver, !Task.isCancelled {
      let used = authorization
      var status = 0
      do {
        let answer = try await gateway.send(request(.get, used, lastEventID: lastID))
        status = answer.head.status
        if status == 200, answer.head.content == .eventStream {
          wait = .milliseconds(100)
          var reader = EventReader(eventBytesMax: limits.eventBytesMax)
          while let piece = try await answer.next() {
            for event in try reader.push(piece) where event.name == .message { tell(event.data) }
            if let id = reader.lastID { lastID = id }
          }
        } else {
          while try await answer.next() != nil {}
        }
      } catch is CancellationError {
        return
      } catch {
        log.debug(
          "a session's stream broke", metadata: ["server": "\(server)", "reason": "\(error)"])
      }
      switch status {
      case 200: break
      case 405: return
      case 403, 404: return end()
      case 401: guard await hasOther(than: used) else { return end() }
      // What was said meanwhile cannot be had again.
      case 400: lastID = nil
      default: break
      }
      if status != 200 { wait = min(wait * 2, .seconds(30)) }
      try? await Task.sleep(for: wait)
    }
  }

  /// Waits until the agent has posted something with another credential. False when it does not.
  private func hasOther(than used: String?) async -> Bool {
    let deadline = ContinuousClock.now + limits.unauthorizedTime
    while authorization == used {
      guard !isOver, !Task.isCancelled, ContinuousClock.now < deadline else { return false }
      try? await Task.sleep(for: .milliseconds(500))
    }
    return true
  }
}
