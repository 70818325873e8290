internal import Wire

/// A session with a server of the transport HTTP+SSE (revision 2024-11-05): a stream on which everything comes that the server
/// says, and an address, which the stream names first, to which everything is posted.
///
///     GET /sse                            ->   event: endpoint    data: /messages/?session_id=5f0c
///     POST /messages/?session_id=5f0c     ->   202
///                                         <-   event: message     data: {"jsonrpc":"2.0","id":7,"result":…}
///
/// To the bridge it is a process like any other: lines go in, lines come out, and it ends when the stream does.
final class EventStreamProcess: ServerProcess {
  private let inputBytesMax: Int
  private let input: AsyncStream<[UInt8]>.Continuation
  private let waiting: WaitingBytes
  private let task: Task<Void, Never>

  init(
    _ server: BridgedServer, _ remote: RemoteServer, client: RemoteClient,
    events: @escaping @Sendable (ProcessEvent) async -> Void
  ) {
    let (lines, input) = AsyncStream<[UInt8]>.makeStream()
    let waiting = WaitingBytes()
    self.input = input
    self.waiting = waiting
    inputBytesMax = server.limits.inputBytesMax
    let dialogue = EventStreamDialogue(
      remote: remote, client: client, messageBytesMax: server.limits.messageBytesMax,
      waiting: waiting, events: events)
    task = Task { await events(.ended(await dialogue.run(lines))) }
  }

  func send(_ line: [UInt8]) -> Bool {
    guard waiting.add(line.count, upTo: inputBytesMax) else { return false }
    guard case .enqueued = input.yield(line) else { return false }
    return true
  }

  func end() {
    input.finish()
    task.cancel()
  }

  func waitUntilEnded() async { await task.value }
}

/// Both directions of such a session.
struct EventStreamDialogue: Sendable {
  let remote: RemoteServer
  let client: RemoteClient
  let messageBytesMax: Int
  let waiting: WaitingBytes
  let events: @Sendable (ProcessEvent) async -> Void

  /// Runs the session to its end and says what that was.
  func run(_ lines: AsyncStream<[UInt8]>) async -> String {
    let (endpoints, endpoint) = AsyncStream<String>.makeStream()
    return await withTaskGroup(of: String?.self) { group in
      group.addTask { await listen(endpoint) }
      group.addTask {
        var found = endpoints.makeAsyncIterator()
        guard let target = await found.next() else { return nil }
        await post(lines, to: target)
        return nil
      }
      // The stream decides: it ends, or the session is ended and the stream with it.
      var why: String?
      for await end in group where end != nil {
        why = end
        group.cancelAll()
      }
      return why ?? "it was ended"
    }
  }

  // MARK: What the server says

  private func listen(_ endpoint: AsyncStream<String>.Continuation) async -> String {
    defer { endpoint.finish() }
    do {
      let request = RemoteRequest(
        method: .get, target: remote.target, fields: [("accept", "text/event-stream")])
      let answer = try await client.send(request)
      guard answer.head.status == 200, answer.head.content == .eventStream else {
        return "it answered with status \(answer.head.status) and no event stream"
      }
      var reader = EventReader(eventBytesMax: messageBytesMax)
      var hasEndpoint = false
      while let piece = try await answer.next() {
        for event in try reader.push(piece) {
          switch event.name {
          case .message: await events(.line(event.data))
          case .endpoint:
            // A second one would move the session elsewhere.
            guard !hasEndpoint else { continue }
            guard let target = Self.target(String(decoding: event.data, as: UTF8.self), remote)
            else { return "its stream names an address that is not its own" }
            hasEndpoint = true
            endpoint.yield(target)
          case .other: continue
          }
        }
      }
      return "its stream ended"
    } catch {
      return "\(error as? RemoteFailure ?? .broken)"
    }
  }

  /// The request target of the address that a stream names; nil unless it lies where the stream does: the credential must
  /// not go elsewhere.
  static func target(_ text: String, _ remote: RemoteServer) -> String? {
    guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), text.utf8.count <= 2048,
      !text.contains("#"), !text.contains("\\")
    else { return nil }
    if text.contains("://") {
      guard text.lowercased().hasPrefix(remote.origin.lowercased()) else { return nil }
      let rest = String(text.dropFirst(remote.origin.count))
      return rest.hasPrefix("/") ? rest : nil
    }
    if text.hasPrefix("/") { return text.hasPrefix("//") ? nil : text }
    // Beside the stream's own path (RFC 3986 §5.2.3), without climbing.
    guard !text.isEmpty, !text.hasPrefix("?"), !text.split(separator: "/").contains("..") else {
      return nil
    }
    let folder = remote.target.prefix { $0 != "?" }
    guard let slash = folder.lastIndex(of: "/") else { return nil }
    return String(folder[...slash]) + text
  }

  // MARK: What it is told

  /// Posts lines in their order: a server must have the notification before the request that follows it.
  private func post(_ lines: AsyncStream<[UInt8]>, to target: String) async {
    let reader = MessageReader(bytesMax: messageBytesMax)
    for await line in lines {
      waiting.subtract(line.count)
      let request = RemoteRequest(
        target: target,
        fields: [
          ("content-type", "application/json"), ("accept", "application/json, text/event-stream"),
        ], body: Array(line.dropLast()))
      let failure: String
      do {
        let answer = try await client.send(request)
        if answer.head.status < 300 {
          while try await answer.next() != nil {}
          continue
        }
        failure = "The server refused the request with an HTTP error (\(answer.head.status))."
      } catch {
        failure = (error as? RemoteFailure ?? .broken).description
      }
      // Whoever waits for the answer must not wait for ever.
      guard let message = reader.read(line), message.kind == .request, let id = message.id else {
        continue
      }
      await events(
        .line(
          MessageText.error(
            id: message.literal(id), code: MessageText.internalError, failure)))
    }
  }
}
