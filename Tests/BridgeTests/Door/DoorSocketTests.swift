import Identity
import Logging
import Synchronization
import Testing

@testable import Bridge

/// The whole of the bridge with its door, over sockets, as workers and the gateway see it.
@Suite(.timeLimit(.minutes(5)))
struct DoorSocketTests {
  /// The gateway: an address where only its own credential is let in, so that what agents prove themselves with must have come along.
  private static func gateway() async throws -> BridgeListener {
    try await BridgeListener.start(bodyBytesMax: 1 << 20) { request, reply in
      let text = String(decoding: request.body, as: UTF8.self)
      guard request.server == "orders/mcp" else { return reply.finish(404, nil) }
      guard request.method == .post else { return reply.finish(405, nil) }
      let id = text.firstMatch(of: /"id":(\d+)/).map { String($0.1) } ?? "0"
      if text.contains("\"t\"") {
        reply.event(Array(#"{"jsonrpc":"2.0","method":"notifications/message"}"#.utf8))
      }
      reply.finish(200, Array(#"{"jsonrpc":"2.0","id":\#(id),"result":{}}"#.utf8))
    }
  }

  private func request(
    _ method: RemoteRequest.Method, _ bridge: ProtocolBridge, agent: String,
    stream: String? = nil, _ body: String = ""
  ) -> RemoteRequest {
    var request = RemoteRequest(method: method, target: bridge.doorTarget(of: "orders"))
    request.fields = [("sluice-agent-authorization", agent)]
    if let stream { request.fields.append(("mcp-session-id", stream)) }
    request.body = Array(body.utf8)
    return request
  }

  @Test func aMessageGoesAllTheWayAndItsAnswerBack() async throws {
    var log = Logger(label: "test")
    log.logLevel = .critical
    let gateway = try await Self.gateway()
    let bridge = try await ProtocolBridge(logger: log, helpers: nil)
    bridge.updateDoor(paths: ["orders": "/orders/mcp"])
    bridge.connectDoor(to: ["@\(gateway.name)"])
    let worker = RemoteClient(
      RemotePlace(
        RemoteAccess(
          host: "@\(bridge.socketName)", port: 0, authority: "localhost",
          credential: ("authorization", Secret(Array(bridge.authorization.utf8))))))
    var stream: RemoteAnswer? = try await worker.send(
      request(.get, bridge, agent: gateway.authorization))
    let head = try #require(stream?.head)
    #expect(head.status == 200 && head.content == .eventStream)
    let id = try #require(head.session)

    let posted = try await worker.send(
      request(.post, bridge, agent: gateway.authorization, stream: id, DoorBench.call("5")))
    #expect(posted.head.status == 202)
    #expect(try await posted.body(bytesMax: 100).isEmpty)
    var text = ""
    while !text.contains("\"result\""), let piece = try await stream?.next() {
      text += String(decoding: piece, as: UTF8.self)
    }
    #expect(
      text.hasSuffix(
        "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n"
          + "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}\n\n"))

    // With another credential the gateway does not let it in, and the agent is told that.
    _ = try await worker.send(
      request(.post, bridge, agent: "Bearer nobody", stream: id, DoorBench.call("6"))
    ).body(bytesMax: 100)
    while !text.contains("\"id\":6"), let piece = try await stream?.next() {
      text += String(decoding: piece, as: UTF8.self)
    }
    #expect(text.contains("\"error\""))

    let status = await bridge.status
    #expect(status.door.streams == ["orders": 1] && status.door.opened == 1)
    // The worker goes away, as it does when the agent has.
    stream = nil
    await until { await bridge.status.door.streams == ["orders": 0] }
    await bridge.stop()
    await gateway.stop()
  }

  @Test func nobodyElseIsLetIn() async throws {
    var log = Logger(label: "test")
    log.logLevel = .critical
    let bridge = try await ProtocolBridge(logger: log, helpers: nil)
    bridge.updateDoor(paths: ["orders": "/orders/mcp"])
    for credential in [nil, "Bearer", "Bearer " + String(repeating: "a", count: 48)] {
      let client = RemoteClient(
        RemotePlace(
          RemoteAccess(
            host: "@\(bridge.socketName)", port: 0, authority: "localhost",
            credential: credential.map { ("authorization", Secret(Array($0.utf8))) })))
      await #expect(throws: RemoteFailure.self) {
        _ = try await client.send(request(.get, bridge, agent: "Bearer ada"))
      }
    }
    #expect(await bridge.status.door.opened == 0)
    await bridge.stop()
  }
}
