import EventLoop
import Foundation
import Identity
import IdentityTestSupport
import Testing

@testable import Proxy

/// Agents of HTTP+SSE at a worker: what it does itself, with a door that says what a test wants.
struct EventStreamAgentTests {
  let gateway: SimulatedGateway

  init() throws {
    gateway = try SimulatedGateway()
    gateway.server = { request in
      if request.head.hasPrefix("GET /door/shop ") { return [.send(Self.opened)] }
      return [.send("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")]
    }
    try publish()
  }

  static let opened =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nMcp-Session-Id: door!1\r\n"
    + "Transfer-Encoding: chunked\r\n\r\n"

  private func publish() throws {
    gateway.control.offer(
      try SimulatedGateway.snapshot(SimulatedGateway.rules, servesEventStreams: true))
    gateway.turn()
  }

  static func get(_ path: String = "/shop/sse", key: String? = "key-ada", more: String = "")
    -> String
  {
    let authorization = key.map { "Authorization: Bearer \($0)\r\n" } ?? ""
    return
      "GET \(path) HTTP/1.1\r\nHost: g\r\n\(authorization)Accept: text/event-stream\r\n\(more)\r\n"
  }

  private func received(_ client: SimulatedNetwork.Peer) -> String {
    String(decoding: gateway.network.takeReceived(by: client), as: UTF8.self)
  }

  /// Opens a stream; the address that it names.
  private func open() throws -> (client: SimulatedNetwork.Peer, address: String) {
    let client = gateway.network.connect(toPort: SimulatedGateway.audience)
    gateway.network.send(Self.get(), from: client)
    gateway.run(turns: 60)
    let text = received(client)
    #expect(text.hasPrefix("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"))
    #expect(!text.contains("Mcp-Session-Id") && !text.contains("door!1"))
    let data = try #require(text.components(separatedBy: "event: endpoint\ndata: ").last)
    return (client, String(data.prefix { $0 != "\n" }))
  }

  private func post(_ address: String, key: String = "key-ada", type: String = "application/json")
    -> String
  {
    let body = SimulatedGateway.call("query")
    return gateway.exchange(
      "POST \(address) HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer \(key)\r\n"
        + "Content-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
  }

  @Test func aStreamNamesItsAddress() throws {
    let (_, address) = try open()
    #expect(address.hasPrefix("/shop/sse?session_id="))
    let request = try #require(gateway.requestsAtServers.first)
    #expect(request.head.contains("\r\nAuthorization: inner\r\n"))
    #expect(request.head.contains("\r\nSluice-Agent-Authorization: Bearer key-ada\r\n"))
    #expect(request.head.contains("\r\nConnection: close\r\n"))
    // The stream holds nothing of what it was opened with.
    #expect(gateway.worker.exchanges.count == 0)
    #expect(post(address).hasPrefix("HTTP/1.1 202 "))
    let posted = try #require(gateway.requestsAtServers.last)
    #expect(posted.head.hasPrefix("POST /door/shop HTTP/1.1\r\n"))
    #expect(posted.head.contains("\r\nMcp-Session-Id: door!1\r\n"))
    #expect(posted.head.contains("\r\nSluice-Agent-Authorization: Bearer key-ada\r\n"))
    #expect(posted.body == SimulatedGateway.call("query"))
  }

  @Test func itsAddressIsForNobodyElse() throws {
    let (_, address) = try open()
    let count = gateway.requestsAtServers.count
    let id = try #require(address.components(separatedBy: "=").last)
    for (address, key, status) in [
      (address, "key-bob", 404), (String(address.dropLast(3)) + "AAA", "key-ada", 404),
      ("/shop/sse?session_id=door!1", "key-ada", 404), ("/shop/sse", "key-ada", 405),
      ("/shop/sse?session_id=", "key-ada", 405), ("/shop/sse?x=\(id)", "key-ada", 405),
      ("\(address)&session_id=\(id)", "key-ada", 405), (address, "nobody", 401),
    ] {
      #expect(post(address, key: key).hasPrefix("HTTP/1.1 \(status) "), "\(address) of \(key)")
    }
    #expect(post(address, type: "text/plain").hasPrefix("HTTP/1.1 415 "))
    #expect(gateway.requestsAtServers.count == count)
  }

  @Test func whoMayOpenOne() {
    for (request, status) in [
      (Self.get(key: nil), 401), (Self.get(key: "key-bob"), 403), (Self.get("/vault/sse"), 404),
      (Self.get("/vault/mcp", key: "key-bob"), 400),
      (Self.get("/shop/mcp", more: "MCP-Protocol-Version: 2025-06-18\r\n"), 400),
      (Self.get("/shop/mcp", more: "Last-Event-ID: 7\r\n"), 400),
      (Self.get().replacingOccurrences(of: "HTTP/1.1", with: "HTTP/1.0"), 400),
      (Self.get().replacingOccurrences(of: "text/event-stream", with: "text/html"), 406),
      (Self.get().replacingOccurrences(of: "GET", with: "DELETE"), 405),
    ] {
      #expect(gateway.exchange(request).hasPrefix("HTTP/1.1 \(status) "), "\(request)")
    }
    #expect(gateway.requestsAtServers.isEmpty)
    #expect(gateway.exchange(Self.get("/shop/mcp")).contains("data: /shop/sse?session_id="))
  }

  @Test func whatTheDoorSaysIsPassedOnAsItComes() throws {
    let (client, _) = try open()
    let peer = try #require(gateway.serverPeers.last)
    var sent = ""
    for number in 0..<300 {
      let piece = "\(number)" + String(repeating: "x", count: number * 37 % 5000)
      sent += piece
      gateway.network.send(piece, from: peer)
      if number % 7 == 0 { gateway.run(turns: 3) }
    }
    gateway.network.end(peer)
    gateway.run(turns: 600)
    #expect(received(client) == sent)
    #expect(gateway.worker.upstreams.count == 0)
    gateway.network.end(client)
    gateway.run(turns: 20)
    #expect(gateway.worker.connections.count == 0)
  }

  @Test func theDoorLearnsThatItsAgentHasGone() throws {
    let (client, _) = try open()
    gateway.network.end(client)
    gateway.run(turns: 20)
    #expect(gateway.worker.connections.count == 0 && gateway.worker.upstreams.count == 0)
    // So does it when the agent sends something where nothing can be sent.
    let (other, _) = try open()
    gateway.network.send(Self.get(), from: other)
    gateway.run(turns: 20)
    #expect(gateway.worker.upstreams.count == 0)
  }

  @Test func aStreamOutlastsMoreSnapshotsThanAWorkerKeeps() throws {
    var addresses: [String] = []
    for _ in 0..<(2 * Generations.countMax) {
      addresses.append(try open().address)
      try publish()
      gateway.run(turns: 5)
      #expect(!gateway.control.hasOffer)
    }
    #expect(gateway.worker.connections.count == addresses.count)
    for address in addresses { #expect(post(address).hasPrefix("HTTP/1.1 202 ")) }
  }

  @Test func aDoorThatRefuses() throws {
    gateway.server = { _ in
      [
        .send(
          SimulatedGateway.json(
            #"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no room"}}"#,
            status: "503 Service Unavailable"))
      ]
    }
    let answer = gateway.exchange(Self.get())
    #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("no room"))
    #expect(gateway.worker.exchanges.count == 0)
  }

  @Test func aTokenForOneOfItsPathsIsGoodForTheOther() async throws {
    var provider = IdentityProvider(name: "corp", issuer: "https://idp.example")
    provider.scopes = ["openid"]
    let key = try await TestKey.edwards("k/1")
    let set = try await KeySet(
      json: TestKey.document([key]), algorithms: SignatureAlgorithm.usual)
    gateway.control.offer(
      try SimulatedGateway.snapshot(
        SimulatedGateway.rules, providers: [provider], keySets: [set], servesEventStreams: true))
    gateway.turn()
    let metadata = "/.well-known/oauth-protected-resource/shop/sse"
    let asked = gateway.exchange(Self.get(key: nil))
    #expect(asked.contains("resource_metadata=\"http://gateway\(metadata)\", scope=\"openid\"\r\n"))
    #expect(
      gateway.exchange(Self.get(metadata, key: nil))
        .contains(#"{"resource":"http://gateway/shop/sse","#))
    for path in ["/shop/sse", "/shop/mcp", "/vault/mcp"] {
      let expires = Int(Date().timeIntervalSince1970 + 300)
      let token = try key.token(
        claims: """
          {"iss":"https://idp.example","aud":"http://gateway\(path)","sub":"u1","client_id":"web",\
          "exp":\(expires),"preferred_username":"carol","groups":["analysts"]}
          """)
      let isRight = path != "/vault/mcp"
      #expect(
        gateway.exchange(Self.get(key: token)).hasPrefix("HTTP/1.1 \(isRight ? 200 : 401) "))
      let call = SimulatedGateway.post(SimulatedGateway.call("query"), key: token)
      #expect(gateway.exchange(call).hasPrefix("HTTP/1.1 \(isRight ? 200 : 401) "))
    }
  }
}
