import EventLoop
import Foundation
import Identity
import IdentityTestSupport
import Testing

@testable import Proxy

/// Streams that have no end of their own: when the gateway ends them, and what keeps them alive.
struct LastingStreamTests {
  static let provider = IdentityProvider(name: "corp", issuer: "https://idp.example")
  static let acknowledged =
    #"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"l1"}}}"#
  static let ended =
    #"{"jsonrpc":"2.0","id":"l1","result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":"l1"}}}"#

  static func event(_ message: String) -> String {
    let text = "event: message\ndata: \(message)\n\n"
    return String(text.utf8.count, radix: 16) + "\r\n\(text)\r\n"
  }

  static func listen(key: String = "key-ada", fields: String = "{}") -> String {
    SimulatedGateway.post(
      #"{"jsonrpc":"2.0","id":"l1","method":"subscriptions/listen","params":{"notifications":\#(fields),\#(SimulatedGateway.modernMeta)}}"#,
      key: key, more: SimulatedGateway.modernFields(of: "subscriptions/listen"))
  }

  static func initialize(key: String) -> String {
    SimulatedGateway.post(
      #"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#,
      key: key)
  }

  static func get(key: String, session: Substring) -> String {
    SimulatedGateway.bare(
      "Mcp-Session-Id: \(session)\r\nMCP-Protocol-Version: 2025-06-18\r\n", key: key)
  }

  /// A server whose streams are acknowledged and then silent; `silent` ones do not even answer.
  static func serve(_ gateway: SimulatedGateway, silent: Bool = false) {
    gateway.server = { request in
      if request.body.contains("subscriptions/listen") {
        return silent ? [] : [.send(ServerText.streamHead + event(acknowledged))]
      }
      if request.head.hasPrefix("GET ") { return [.send(ServerText.streamHead)] }
      return [
        .send(
          SimulatedGateway.json(
            #"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}"#,
            more: "Mcp-Session-Id: s-1\r\n"))
      ]
    }
  }

  private func received(_ gateway: SimulatedGateway, _ client: SimulatedNetwork.Peer) -> String {
    String(decoding: gateway.network.takeReceived(by: client), as: UTF8.self)
  }

  /// Opens a stream; what it begins with has arrived.
  private func open(
    _ gateway: SimulatedGateway, _ request: String, turns: Int = 40
  ) -> SimulatedNetwork.Peer {
    let client = gateway.network.connect(toPort: SimulatedGateway.audience)
    gateway.network.send(request, from: client)
    gateway.run(turns: turns)
    return client
  }

  @Test(arguments: [false, true])
  func listeningEndsWhenAnotherSnapshotIsInForce(silent: Bool) throws {
    let gateway = try SimulatedGateway()
    Self.serve(gateway, silent: silent)
    let client = open(gateway, Self.listen())
    #expect(received(gateway, client).contains("acknowledged") != silent)
    #expect(gateway.worker.exchanges.count == 1)
    gateway.control.offer(try SimulatedGateway.snapshot(SimulatedGateway.rules))
    gateway.run(turns: 40)
    let end = received(gateway, client)
    #expect(end.contains("data: \(Self.ended)\n\n"))
    #expect(end.hasSuffix("0\r\n\r\n"))
    #expect(end.contains("text/event-stream") == silent)
    #expect(gateway.worker.exchanges.count == 0)
    #expect(gateway.worker.upstreams.count == 0)
  }

  @Test func listeningEndsWhenTheGatewayStops() throws {
    let gateway = try SimulatedGateway()
    Self.serve(gateway)
    let client = open(gateway, Self.listen())
    gateway.control.stop(deadline: .max)
    gateway.run(turns: 40)
    #expect(received(gateway, client).contains(Self.ended))
  }

  @Test func callsGoOnWhenAnotherSnapshotIsInForce() throws {
    let gateway = try SimulatedGateway()
    gateway.server = { request in
      [
        .send(
          ServerText.streamHead
            + Self.event(
              #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#
            )),
        .wait(100),
        .send(
          Self.event(#"{"jsonrpc":"2.0","id":\#(request.id),"result":{"content":[]}}"#)
            + "0\r\n\r\n"),
      ]
    }
    let client = open(gateway, SimulatedGateway.post(SimulatedGateway.call("query")))
    gateway.control.offer(try SimulatedGateway.snapshot(SimulatedGateway.rules))
    gateway.run(turns: 300)
    #expect(received(gateway, client).contains("\"content\":[]"))
  }

  // MARK: Tokens

  /// A gateway with one provider, and a token of its that lives for a while.
  private func withToken(life: Double) async throws -> (SimulatedGateway, String) {
    let key = try await TestKey.edwards("k/1")
    let gateway = try SimulatedGateway(providers: [Self.provider])
    let keys = try await KeySet(
      json: TestKey.document([key]), algorithms: SignatureAlgorithm.usual)
    gateway.control.offer(
      try SimulatedGateway.snapshot(
        SimulatedGateway.rules, providers: [Self.provider], keySets: [keys]))
    gateway.turn()
    let now = Date().timeIntervalSince1970
    let token = try key.token(
      claims: """
        {"iss":"https://idp.example","aud":"http://gateway/shop/mcp","sub":"u1",\
        "exp":\(Int(now + life)),"groups":["analysts"]}
        """)
    Self.serve(gateway)
    return (gateway, token)
  }

  @Test(arguments: [true, false])
  func aStreamEndsWithItsToken(isListening: Bool) async throws {
    let (gateway, token) = try await withToken(life: 100)
    var request = Self.listen(key: token)
    if !isListening {
      let opened = gateway.exchange(Self.initialize(key: token))
      let session = try #require(opened.firstMatch(of: /Mcp-Session-Id: (\S+)\r\n/)?.1)
      request = Self.get(key: token, session: session)
    }
    let client = open(gateway, request)
    let slot = try #require(
      (0..<gateway.worker.exchanges.highWater).first { gateway.worker.exchanges.isUsed($0) })
    let expires = gateway.worker.exchanges[slot].expires
    #expect(expires > gateway.worker.loop.now && expires != .max)
    gateway.network.advance(nanoseconds: expires - gateway.worker.loop.now - 1_000_000_000)
    gateway.run(turns: 20)
    #expect(gateway.worker.exchanges.count == 1)
    gateway.network.advance(nanoseconds: 2_000_000_000)
    gateway.run(turns: 40)
    let text = received(gateway, client)
    #expect(gateway.worker.loop.now >= expires)
    #expect(text.contains(Self.ended) == isListening)
    #expect(text.hasSuffix("0\r\n\r\n"))
    #expect(gateway.worker.exchanges.count == 0)
  }

  @Test func keysOfServiceAccountsDoNotExpire() throws {
    let gateway = try SimulatedGateway()
    Self.serve(gateway)
    _ = open(gateway, Self.listen())
    let slot = try #require(
      (0..<gateway.worker.exchanges.highWater).first { gateway.worker.exchanges.isUsed($0) })
    #expect(gateway.worker.exchanges[slot].expires == .max)
  }

  // MARK: Silence

  @Test func commentsKeepASilentStreamAlive() throws {
    let gateway = try SimulatedGateway()
    Self.serve(gateway)
    let client = open(gateway, Self.listen())
    #expect(!received(gateway, client).contains("\n:"))
    for _ in 0..<6 {
      gateway.network.advance(nanoseconds: 16_000_000_000)
      gateway.run(turns: 20)
      let comment = received(gateway, client)
      #expect(comment.contains(":") && !comment.contains("data"))
    }
    #expect(gateway.worker.exchanges.count == 1)
    // After five minutes without a word from the server the stream ends, as if it had been ended by it.
    gateway.network.advance(nanoseconds: 300_000_000_000)
    gateway.run(turns: 40)
    #expect(received(gateway, client).contains(Self.ended))
    #expect(gateway.worker.exchanges.count == 0)
  }
}
