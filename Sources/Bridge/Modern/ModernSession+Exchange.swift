internal import Wire

/// One POST of the modern era and its answer, as JSON or as an event stream.
extension ModernSession {
  /// Sends a request and returns the one message that answers it. What the server says before that goes to the agent, on
  /// the stream of the call `number`.
  /// - Throws: `RemoteFailure`, or `CancellationError`.
  func post(_ request: ModernRequest, _ id: [UInt8], about number: Int?) async throws -> [UInt8] {
    let answer = try await client.send(remoteRequest(request))
    switch (answer.head.status, answer.head.content) {
    case (200, .json), (400, .json), (404, .json):
      return try answerIn(
        try await answer.body(bytesMax: server.limits.messageBytesMax), id, answer.head.status)
    case (200, .eventStream): return try await answerIn(answer, id, number)
    case (401, _), (403, _):
      throw RemoteFailure("The server does not accept the gateway's credential.")
    case (300..<400, _): throw RemoteFailure("The server redirects; the gateway does not follow.")
    case (400..., _): throw RemoteFailure("The server refused the request with an HTTP error.")
    default:
      throw RemoteFailure("The server answered with something that is no JSON-RPC message.")
    }
  }

  func remoteRequest(_ request: ModernRequest) -> RemoteRequest {
    RemoteRequest(
      target: remote.target,
      fields: [
        ("content-type", "application/json"), ("accept", "application/json, text/event-stream"),
      ] + request.fields,
      body: request.body,
      isRepeatable: Self.repeatableMethods.contains(request.method))
  }

  /// Methods that change nothing, so that a server may get a request twice.
  private static var repeatableMethods: Set<String> {
    [
      "server/discover", "tools/list", "prompts/list", "resources/list",
      "resources/templates/list",
    ]
  }

  /// A whole body. Servers that refuse a request unread name no id, or null.
  private func answerIn(_ body: [UInt8], _ id: [UInt8], _ status: Int) throws -> [UInt8] {
    guard let message = reader.read(body), message.kind == .answer else {
      throw RemoteFailure.notStrict
    }
    guard status == 200 || message.id != nil || message.result != nil else { return body }
    guard message.id.map(message.literal) == id || (status != 200 && message.result == nil) else {
      throw RemoteFailure("The server's answer belongs to another request.")
    }
    return body
  }

  private func answerIn(
    _ answer: RemoteAnswer, _ id: [UInt8], _ number: Int?
  ) async throws -> [UInt8] {
    var events = EventReader(eventBytesMax: server.limits.messageBytesMax)
    while let piece = try await answer.next() {
      for event in try events.push(piece) where event.name == .message {
        guard let message = reader.read(event.data) else { throw RemoteFailure.notStrict }
        switch message.kind {
        case .answer where message.id.map(message.literal) == id:
          // The stream has said what it is for: letting go of it closes the connection.
          return event.data
        case .notification: pass(message, number)
        // Requests are not part of this era, and other answers are nobody's.
        case .answer, .request: continue
        }
      }
    }
    throw RemoteFailure("The server's stream ended without the answer.")
  }

  /// Gives the agent a notification, on the stream of the call it is about.
  private func pass(_ message: Message, _ number: Int?) {
    guard let number else { return }
    let line = message.replacing([])
    // Progress names its request itself.
    emit(message.progressToken == nil ? .related(line, to: number) : .line(line))
  }

  /// Why there is no answer, in words for the agent.
  func failed(_ error: any Error) -> RemoteFailure {
    switch error {
    case let failure as RemoteFailure: failure
    case is CancellationError: RemoteFailure("The request was cancelled.")
    default: RemoteFailure.broken
    }
  }

  func give(_ failure: RemoteFailure, _ id: [UInt8]) {
    give(id, code: MessageText.internalError, failure.description)
  }
}

extension RemoteFailure {
  static let notStrict = RemoteFailure("The server's answer is not one strict JSON-RPC message.")
}
