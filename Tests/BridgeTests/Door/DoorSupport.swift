import Foundation
import Logging
import Synchronization

@testable import Bridge

/// The gateway as the door sees it: what it was asked, and answers as a test says.
final class GatewayStandIn: RemoteSender {
  struct Answer: Sendable {
    enum End: Sendable { case ends, breaksOff, hangs }

    var status = 200
    var content = RemoteHead.Content.json
    var session: String?
    var text = ""
    var end = End.ends

    static let accepted = Answer(status: 202, content: .other)

    static func stream(_ events: String, _ end: End = .ends) -> Answer {
      Answer(content: .eventStream, text: events, end: end)
    }
  }

  /// A request as it came.
  struct Seen: Sendable {
    var method: RemoteRequest.Method
    var target: String
    var fields: [String: String]
    var body: String

    /// The method of its message.
    var message: String { body.firstMatch(of: /"method":"([^"]+)"/).map { String($0.1) } ?? "" }
    var id: String { body.firstMatch(of: /"id":("[^"]*"|\d+)/).map { String($0.1) } ?? "" }
  }

  private struct State {
    var seen: [Seen] = []
    var openCount = 0
  }

  private let state = Mutex(State())
  private let answer: @Sendable (Seen) async throws -> Answer

  /// - Parameter answer: what comes of a request. Waits where it wants to; the request can be given up there.
  init(_ answer: @escaping @Sendable (Seen) async throws -> Answer = GatewayStandIn.plain) {
    self.answer = answer
  }

  var seen: [Seen] { state.withLock { $0.seen } }
  /// Requests that have neither their whole answer nor been given up.
  var openCount: Int { state.withLock { $0.openCount } }

  func requests(_ message: String) -> [Seen] { seen.filter { $0.message == message } }

  /// A server with sessions that says nothing by itself.
  static let plain: @Sendable (Seen) async throws -> Answer = { request in
    switch (request.method, request.message) {
    case (.get, _): return .stream("", .hangs)
    case (.delete, _): return Answer(content: .other)
    case (.post, "initialize"):
      return Answer(
        session: "inner",
        text: #"{"jsonrpc":"2.0","id":\#(request.id),"result":{"protocolVersion":"2025-11-25"}}"#)
    case (.post, _) where request.id.isEmpty || request.message.isEmpty: return .accepted
    case (.post, _): return Answer(text: #"{"jsonrpc":"2.0","id":\#(request.id),"result":{}}"#)
    }
  }

  func send(_ request: RemoteRequest) async throws -> RemoteAnswer {
    let seen = Seen(
      method: request.method, target: request.target,
      fields: Dictionary(request.fields.map { ($0.name, $0.value) }, uniquingKeysWith: { $0 + $1 }),
      body: String(decoding: request.body, as: UTF8.self))
    state.withLock {
      $0.seen.append(seen)
      $0.openCount += 1
    }
    let made: Answer
    do {
      made = try await answer(seen)
    } catch {
      state.withLock { $0.openCount -= 1 }
      throw error
    }
    let (parts, feed) = AsyncThrowingStream<RemotePart, any Error>.makeStream()
    feed.onTermination = { _ in self.state.withLock { $0.openCount -= 1 } }
    feed.yield(
      .head(
        RemoteHead(
          status: made.status, content: made.content, session: made.session, keepsAlive: true)))
    // In pieces that split whatever can be split.
    for start in stride(from: 0, to: made.text.utf8.count, by: 7) {
      feed.yield(.piece(Array(made.text.utf8.dropFirst(start).prefix(7))))
    }
    switch made.end {
    case .ends: feed.finish()
    case .breaksOff: feed.finish(throwing: RemoteFailure.broken)
    case .hangs: break
    }
    return try await RemoteAnswer.begin(parts)
  }
}

/// What is closed until it is opened.
final class Gate: Sendable {
  private let isOpen = Atomic(false)

  func open() { isOpen.store(true, ordering: .sequentiallyConsistent) }

  /// - Throws: when whoever waits is not wanted any more.
  func wait() async throws {
    while !isOpen.load(ordering: .sequentiallyConsistent) {
      try await Task.sleep(for: .milliseconds(5))
    }
  }
}

/// The door, with a gateway that does what a test says.
final class DoorBench: Sendable {
  let door: EventStreamDoor
  let gateway: GatewayStandIn

  init(
    _ gateway: GatewayStandIn = GatewayStandIn(), _ change: (inout DoorLimits) -> Void = { _ in }
  ) {
    var limits = DoorLimits()
    change(&limits)
    var log = Logger(label: "test")
    log.logLevel = .critical
    door = EventStreamDoor(log: log, limits: limits)
    door.update(paths: ["orders": "/orders/mcp", "crm": "/team/crm"])
    door.connect(through: [gateway])
    self.gateway = gateway
  }

  /// A stream, as its agent has it.
  struct Stream: Sendable {
    var output: CapturedOutput
    var reply: BridgeReply
    var id: String { output.now.fields["mcp-session-id"] ?? "" }

    /// The messages on it so far.
    var messages: [String] {
      output.now.body.matches(of: /event: message\ndata: (.*)\n\n/).map { String($0.1) }
    }

    /// The first message that holds a text, once it is there.
    func message(with text: String) async -> String {
      await until { messages.contains { $0.contains(text) } }
      return messages.first { $0.contains(text) } ?? ""
    }
  }

  func open(_ server: String = "orders", as credential: String? = "Bearer ada") async -> Stream {
    let (output, reply) = await ask(.get, server, as: credential)
    return Stream(output: output, reply: reply)
  }

  func ask(
    _ method: BridgeRequest.Method, _ server: String = "orders", _ body: String = "",
    stream: String? = nil, as credential: String? = "Bearer ada"
  ) async -> (output: CapturedOutput, reply: BridgeReply) {
    let output = CapturedOutput()
    let reply = BridgeReply(output)
    await door.handle(
      BridgeRequest(
        method: method, server: EventStreamDoor.prefix + server, session: stream,
        body: Array(body.utf8), agentAuthorization: credential), reply)
    return (output, reply)
  }

  /// The status of a message's POST.
  @discardableResult
  func post(_ body: String, _ stream: Stream, as credential: String? = "Bearer ada") async -> Int {
    await ask(.post, "orders", body, stream: stream.id, as: credential).output.whole().status
  }

  /// Opens a stream and shakes hands on it.
  func begin(as credential: String? = "Bearer ada") async -> Stream {
    let stream = await open(as: credential)
    await post(Self.initialize, stream, as: credential)
    _ = await stream.message(with: "protocolVersion")
    await post(Self.initialized, stream, as: credential)
    await until { gateway.seen.contains { $0.method == .get } }
    return stream
  }

  static let initialize =
    #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2024-11-05"}}"#
  static let initialized = #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#

  static func call(_ id: String) -> String {
    #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"t"}}"#
  }

  static func cancel(_ id: String) -> String {
    #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":\#(id)}}"#
  }
}
