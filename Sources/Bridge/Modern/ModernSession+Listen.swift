internal import Logging
internal import PlainJSON
internal import Wire

/// What the server says by itself: one `subscriptions/listen` stands for a session's stream and its subscriptions.
extension ModernSession {
  /// Between two attempts to listen again, when the stream has ended: twice as long each time.
  private static var pauseFirst: Duration { .seconds(1) }
  private static var pauseLast: Duration { .seconds(30) }

  /// Listens for what there is to listen for now, in place of what was listened for before.
  func listenAnew() {
    listening?.cancel()
    listening = nil
    guard isInitialized, !announces.isEmpty || !subscriptions.isEmpty else { return }
    listening = Task { await self.listen() }
  }

  private func listen() async {
    var pause = Self.pauseFirst
    while !Task.isCancelled {
      do {
        let began = ContinuousClock.now
        guard try await listenOnce() else { return }
        if ContinuousClock.now - began > Self.pauseLast { pause = Self.pauseFirst }
      } catch {
        log.debug(
          "a server's subscriptions have ended",
          metadata: ["server": "\(server.name)", "reason": "\(failed(error))"])
      }
      try? await Task.sleep(for: pause)
      pause = min(pause * 2, Self.pauseLast)
    }
  }

  /// Returns when the stream has ended: false when the server has no such streams.
  private func listenOnce() async throws -> Bool {
    let id = Array("\"listen\"".utf8)
    var wanted = announces.sorted().map { "\"\($0)\":true" }
    if !subscriptions.isEmpty {
      let uris = subscriptions.sorted().map(JSONText.quoted).joined(separator: ",")
      wanted.append("\"resourceSubscriptions\":[\(uris)]")
    }
    let filter = Array("{\(wanted.joined(separator: ","))}".utf8)
    let request = ModernRequest(
      "subscriptions/listen", id: id, facts: facts, params: [("notifications", filter)])
    let answer = try await client.send(remoteRequest(request))
    guard answer.head.status == 200, answer.head.content == .eventStream else { return false }
    var events = EventReader(eventBytesMax: server.limits.messageBytesMax)
    while let piece = try await answer.next() {
      for event in try events.push(piece) where event.name == .message {
        guard let message = reader.read(event.data) else { throw RemoteFailure.notStrict }
        if message.kind == .notification { tell(message) }
      }
    }
    return true
  }

  /// Passes on what an agent of the legacy era knows, without the number of the subscription.
  private func tell(_ message: Message) {
    switch message.method {
    case "notifications/tools/list_changed", "notifications/prompts/list_changed",
      "notifications/resources/list_changed":
      emit(.line(Array("{\"jsonrpc\":\"2.0\",\"method\":\"\(message.method)\"}".utf8)))
    case "notifications/resources/updated":
      guard let uri = message.uri, let document = document(message.bytes),
        let params = document.member("params", of: document.root),
        // A resource below one that is subscribed to counts too.
        subscriptions.contains(where: { uri.hasPrefix($0) })
      else { return }
      let made = document.object(params, changing: ["_meta": nil])
      emit(
        .line(
          Array("{\"jsonrpc\":\"2.0\",\"method\":\"\(message.method)\",\"params\":".utf8) + made
            + Array("}".utf8)))
    default: break
    }
  }
}
