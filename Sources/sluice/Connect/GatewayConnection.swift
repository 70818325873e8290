import Foundation
import Outbound
import Synchronization

/// The local end of a connection through the gateway: messages of an agent go out as Streamable HTTP, what comes back is
/// said line by line. Both eras; in the one with sessions it keeps the id, opens the session's own stream and ends it.
actor GatewayConnection {
  private let endpoint: String
  private let token: String?
  private let authorities: [UInt8]?
  private let say: @Sendable (String) -> Void
  /// Requests under way; those that are cancelled in the modern era end with their connection.
  private var underWay: [String: Task<Void, Never>] = [:]
  private let cancelled = Mutex<Set<String>>([])
  private let isEnding = Atomic<Bool>(false)
  private var session: String?
  private var version: String?
  private var stream: Task<Void, Never>?

  init(
    endpoint: String, token: String?, authorities: [UInt8]?,
    say: @escaping @Sendable (String) -> Void
  ) {
    self.endpoint = endpoint
    self.token = token
    self.authorities = authorities
    self.say = say
  }

  /// Takes one message of the agent. Requests run side by side; everything else, and `initialize`, is done in order.
  func take(_ line: String) async {
    let message = AgentMessage(line)
    if message.method == "notifications/cancelled", let id = message.cancelledID,
      session == nil, underWay[id] != nil
    {
      // The modern era has no such message over HTTP: the end of the connection says it.
      cancelled.withLock { _ = $0.insert(id) }
      return
    }
    guard let id = message.id, message.method != nil, message.method != "initialize" else {
      return await post(line, message)
    }
    underWay[id] = Task {
      await post(line, message)
      underWay[id] = nil
      cancelled.withLock { _ = $0.remove(id) }
    }
  }

  /// The agent has ended: waits for what is under way, then ends the session.
  func end() async {
    for task in underWay.values { await task.value }
    isEnding.store(true, ordering: .relaxed)
    guard session != nil else { return }
    var request = request("DELETE", nil)
    request.totalMilliseconds = 5_000
    _ = try? await request.exchange()
    await stream?.value
  }

  // MARK: Requests

  private func post(_ line: String, _ message: AgentMessage) async {
    var request = request("POST", message)
    request.body = Array(line.utf8)
    let reader = AnswerReader { [say] text in say(text) }
    let id = message.id
    do {
      let answer = try await request.relay(
        isOver: { [self] in id.map { id in cancelled.withLock { $0.contains(id) } } ?? false },
        { head, piece in reader.take(head, piece) })
      reader.finish()
      if message.method == "initialize" { opened(answer, reader) }
      guard let id, message.method != nil, !reader.hasAnswered else { return }
      say(AgentMessage.error(id, "The gateway answered with status \(answer.status)."))
    } catch {
      guard let id, message.method != nil, !reader.hasAnswered,
        !cancelled.withLock({ $0.contains(id) })
      else { return }
      say(AgentMessage.error(id, "The gateway cannot be reached: \(error)."))
    }
  }

  private func request(_ method: String, _ message: AgentMessage?) -> OutboundRequest {
    var request = OutboundRequest(method, url: endpoint)
    request.totalMilliseconds = 0
    request.authorities = authorities
    request.fields = [("Accept", "application/json, text/event-stream")]
    if method == "POST" { request.fields.append(("Content-Type", "application/json")) }
    if let token { request.fields.append(("Authorization", "Bearer \(token)")) }
    if let revision = message?.revision {
      request.fields.append(("MCP-Protocol-Version", revision))
      if let method = message?.method { request.fields.append(("Mcp-Method", method)) }
      if let name = message?.fieldName { request.fields.append(("Mcp-Name", name)) }
    } else if message?.method != "initialize" {
      if let version { request.fields.append(("MCP-Protocol-Version", version)) }
      if let session { request.fields.append(("Mcp-Session-Id", session)) }
    }
    return request
  }

  // MARK: The session

  private func opened(_ answer: OutboundAnswer, _ reader: AnswerReader) {
    guard let id = answer.field("mcp-session-id") else { return }
    session = id
    version = reader.agreedVersion
    stream = Task { await self.listen() }
  }

  /// Keeps the session's own stream open, for what the server says by itself.
  private func listen() async {
    var pauseSeconds = 1
    while !isEnding.load(ordering: .relaxed) {
      let reader = AnswerReader { [say] text in say(text) }
      let opened = ContinuousClock.now
      let answer = try? await request("GET", nil).relay(
        isOver: { [self] in isEnding.load(ordering: .relaxed) },
        { head, piece in head.status != 200 || reader.take(head, piece) })
      // There is none, or no session any more.
      if let answer, (400..<500).contains(answer.status) { return }
      pauseSeconds = ContinuousClock.now - opened > .seconds(30) ? 1 : min(30, pauseSeconds * 2)
      for _ in 0..<pauseSeconds * 4 where !isEnding.load(ordering: .relaxed) {
        try? await Task.sleep(for: .milliseconds(250))
      }
    }
  }
}
