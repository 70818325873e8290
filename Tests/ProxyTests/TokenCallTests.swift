import EventLoop
import Foundation
import Identity
import IdentityTestSupport
import Policy
import Testing

@testable import Proxy

/// Calls with tokens of an identity provider, through one worker.
struct TokenCallTests {
  static let provider: IdentityProvider = {
    var provider = IdentityProvider(name: "corp", issuer: "https://idp.example")
    provider.scopes = ["openid", "groups"]
    return provider
  }()
  static let shopMetadata =
    "http://gateway/.well-known/oauth-protected-resource/shop/mcp"

  let key: TestKey
  let gateway: SimulatedGateway

  init() async throws {
    key = try await TestKey.edwards("k/1")
    gateway = try SimulatedGateway(providers: [Self.provider])
    try await publish([key])
  }

  /// Puts other keys of the provider in force.
  private func publish(_ keys: [TestKey]) async throws {
    let set = try await KeySet(json: TestKey.document(keys), algorithms: SignatureAlgorithm.usual)
    gateway.control.offer(
      try SimulatedGateway.snapshot(
        SimulatedGateway.rules, providers: [Self.provider], keySets: [set]))
    gateway.turn()
  }

  private func token(
    _ name: String = "carol", subject: String = "u1", audience: String = "http://gateway/shop/mcp",
    groups: String = #"["analysts"]"#, life: Double = 300, key: TestKey? = nil
  ) throws -> String {
    let now = Date().timeIntervalSince1970
    return try (key ?? self.key).token(
      claims: """
        {"iss":"https://idp.example","aud":"\(audience)","sub":"\(subject)","client_id":"web",\
        "exp":\(Int(now + life)),"preferred_username":"\(name)","groups":\(groups)}
        """)
  }

  private func call(_ token: String?, path: String = "/shop/mcp", more: String = "") -> String {
    gateway.exchange(
      SimulatedGateway.post(SimulatedGateway.call("query"), key: token, path: path, more: more))
  }

  @Test func aTokenOpensWhatItsGroupsMay() throws {
    let token = try token()
    let answer = call(token)
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(answer.contains("\"city\":\"Ulm\""))
    let request = try #require(gateway.requestsAtServers.first)
    #expect(!request.head.contains(token) && !request.head.contains("Authorization"))
    #expect(gateway.worker.principals.count == 1)
    #expect(call(token).contains("\"city\":\"Ulm\""))
    #expect(gateway.worker.principals.count == 1)
    // Another person, another answer.
    #expect(call(try self.token("dave", groups: "[]")).contains("\"isError\":true"))
    #expect(gateway.requestsAtServers.count == 2)
  }

  @Test func whoSendsNothingIsToldWhereToGetAToken() {
    for method in ["POST", "GET", "DELETE"] {
      let body = method == "POST" ? "{}" : ""
      let answer = gateway.exchange(
        "\(method) /shop/mcp HTTP/1.1\r\nHost: gateway\r\nAccept: application/json, text/event-stream\r\n"
          + "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n\r\n\(body)")
      #expect(answer.hasPrefix("HTTP/1.1 401 "), "\(method)")
      #expect(
        answer.contains(
          "WWW-Authenticate: Bearer resource_metadata=\"\(Self.shopMetadata)\", scope=\"openid groups\"\r\n"
        ), "\(method)")
      #expect(!answer.contains("error="))
    }
  }

  @Test func aBadTokenIsToldWhatIsWrong() async throws {
    let foreign = try await TestKey.edwards("k/1")
    let cases: [(String, String)] = [
      (try token(life: -100), "The token has expired, or says no time of expiry."),
      (try token(audience: "http://gateway/vault/mcp"), "The token is for another audience."),
      (try token(key: foreign), "The token's signature is wrong."),
      ("a.b.c", "The token is not a signed JWT that can be read in one way only."),
      ("no-such-key", "The credential is not known here."),
      (String(repeating: "a", count: 9000), "The credential is not known here."),
    ]
    for (token, text) in cases {
      let answer = call(token)
      #expect(answer.hasPrefix("HTTP/1.1 401 "))
      #expect(answer.contains("error=\"invalid_token\", error_description=\"\(text)\"\r\n"))
      #expect(!answer.contains(token))
    }
    #expect(gateway.requestsAtServers.isEmpty)
    #expect(gateway.worker.principals.count == 0)
  }

  @Test func twoCredentialsAreNone() throws {
    let token = try token()
    let answer = call(token, more: "Authorization: Bearer key-ada\r\n")
    #expect(answer.hasPrefix("HTTP/1.1 400 "))
    #expect(gateway.requestsAtServers.isEmpty)
  }

  @Test func serviceAccountsCallBesideIt() {
    #expect(call("key-ada").hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(gateway.worker.principals.count == 0)
  }

  @Test func aKnownTokenIsStillForItsServerOnly() throws {
    let token = try token(groups: #"["analysts","others"]"#)
    #expect(call(token).hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(call(token, path: "/vault/mcp").hasPrefix("HTTP/1.1 401 "))
    let wide = try self.token(audience: "http://gateway", groups: #"["analysts","others"]"#)
    #expect(call(wide).hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(call(wide, path: "/vault/mcp").hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(gateway.worker.principals.count == 2)
  }

  @Test func whenAKeyIsWithdrawnItsTokensAreRefused() async throws {
    let token = try token()
    #expect(call(token).hasPrefix("HTTP/1.1 200 OK\r\n"))
    let next = try await TestKey.edwards("k/2")
    try await publish([next])
    let client = send(token)
    answerDemand()
    let answer = receive(client)
    #expect(answer.hasPrefix("HTTP/1.1 401 "))
    #expect(answer.contains("signed with a key that its issuer does not publish"))
    #expect(call(try self.token(key: next)).hasPrefix("HTTP/1.1 200 OK\r\n"))
    try await publish([key, next])
    #expect(call(token).hasPrefix("HTTP/1.1 200 OK\r\n"))
  }

  // MARK: Waiting for keys

  private func send(_ token: String) -> SimulatedNetwork.Peer {
    let client = gateway.network.connect(toPort: SimulatedGateway.audience)
    gateway.network.send(
      SimulatedGateway.post(SimulatedGateway.call("query"), key: token), from: client)
    gateway.run(turns: 40)
    return client
  }

  private func receive(_ client: SimulatedNetwork.Peer) -> String {
    gateway.run(turns: 200)
    return String(decoding: gateway.network.takeReceived(by: client), as: UTF8.self)
  }

  private var demand: KeyDemand {
    gateway.worker.generations[gateway.worker.generations.current].snapshot.identity.demand
  }

  /// As the control plane does when it has fetched the same keys as before.
  private func answerDemand() {
    demand.answer()
    gateway.network.advance(nanoseconds: 60_000_000)
  }

  @Test func theFirstTokenAfterAChangeOfKeysWaitsForItsKey() async throws {
    let next = try await TestKey.edwards("k/2")
    let client = send(try token(key: next))
    #expect(receive(client) == "")
    #expect(demand.take() == [0], "the control plane is asked")
    #expect(gateway.worker.exchanges.count == 0 && gateway.worker.keysWaiting == 1)
    // Others are not held up.
    #expect(call(try token()).hasPrefix("HTTP/1.1 200 OK\r\n"))
    try await publish([next])
    #expect(receive(client).contains("\"city\":\"Ulm\""))
    #expect(gateway.worker.keysWaiting == 0)
  }

  @Test func aKeyThatIsNotPublishedIsRefusedOnceTheKeysWereFetched() async throws {
    let client = send(try token(key: try await TestKey.edwards("k/2")))
    gateway.network.advance(nanoseconds: 60_000_000)
    #expect(receive(client) == "")
    answerDemand()
    let answer = receive(client)
    #expect(answer.hasPrefix("HTTP/1.1 401 "))
    #expect(answer.contains("signed with a key that its issuer does not publish"))
    #expect(gateway.worker.keysWaiting == 0)
  }

  @Test func nobodyWaitsForKeysForEver() async throws {
    let client = send(try token(key: try await TestKey.edwards("k/2")))
    var seconds = 0
    var answer = ""
    while answer.isEmpty, seconds < 20 {
      gateway.network.advance(nanoseconds: 1_000_000_000)
      seconds += 1
      answer = receive(client)
    }
    #expect(answer.hasPrefix("HTTP/1.1 401 "))
    #expect(seconds == Int(GatewayLimits().keysTime / 1_000_000_000))
  }

  @Test func onlySoManyWaitForKeys() async throws {
    let foreign = try token(key: try await TestKey.edwards("k/2"))
    let most = GatewayLimits().keysWaitingMax
    let clients = (0..<most).map { _ in send(foreign) }
    #expect(gateway.worker.keysWaiting == most)
    #expect(receive(send(foreign)).hasPrefix("HTTP/1.1 401 "))
    gateway.network.reset(clients[0])
    gateway.run(turns: 20)
    #expect(gateway.worker.keysWaiting == most - 1)
    #expect(receive(send(foreign)) == "")
    answerDemand()
    for client in clients.dropFirst() { #expect(receive(client).hasPrefix("HTTP/1.1 401 ")) }
    #expect(gateway.worker.keysWaiting == 0)
  }

  @Test func aRequestThatWaitsMayComeInPieces() async throws {
    let next = try await TestKey.edwards("k/2")
    let request = SimulatedGateway.post(
      SimulatedGateway.call("query"), key: try token(key: next))
    let cut = request.utf8.count - 20
    let client = gateway.network.connect(toPort: SimulatedGateway.audience)
    gateway.network.send(Array(request.utf8.prefix(cut)), from: client)
    gateway.run(turns: 40)
    #expect(gateway.worker.keysWaiting == 1)
    gateway.network.send(Array(request.utf8.dropFirst(cut)), from: client)
    #expect(receive(client) == "")
    try await publish([next])
    #expect(receive(client).contains("\"city\":\"Ulm\""))
  }

  @Test func aCallUnderWayKeepsItsPrincipal() async throws {
    gateway.server = { request in [.wait(30)] + SimulatedGateway.echo(request) }
    let client = gateway.network.connect(toPort: SimulatedGateway.audience)
    gateway.network.send(
      SimulatedGateway.post(SimulatedGateway.call("query"), key: try token()), from: client)
    gateway.run(turns: 20)
    #expect(gateway.requestsAtServers.count == 1)
    try await publish([TestKey.edwards("k/2")])
    #expect(gateway.worker.principals.count == 0)
    gateway.run(turns: 60)
    let answer = String(decoding: gateway.network.takeReceived(by: client), as: UTF8.self)
    #expect(answer.contains("\"city\":\"Ulm\""))
  }

  @Test func anExpiredTokenIsForgotten() throws {
    let token = try token(life: -59)
    #expect(call(token).hasPrefix("HTTP/1.1 200 OK\r\n"))
    let digest = gateway.worker.authenticator.digest
    let now = gateway.worker.loop.now
    #expect(gateway.worker.principals.find(digest, server: 0, now: now) != nil)
    let later = now + 1_100_000_000
    #expect(gateway.worker.principals.find(digest, server: 0, now: later) == nil)
    #expect(gateway.worker.principals.count == 0)
  }

  @Test func withoutKeysTheAnswerIsToComeAgain() throws {
    let fresh = try SimulatedGateway(providers: [Self.provider])
    let answer = fresh.exchange(
      SimulatedGateway.post(SimulatedGateway.call("query"), key: try token()))
    #expect(answer.hasPrefix("HTTP/1.1 503 "))
    #expect(answer.contains("Retry-After: 2\r\n"))
    #expect(!answer.contains("WWW-Authenticate"))
  }

  @Test func sessionsBelongToSubjectsAndNotToNames() throws {
    gateway.server = { request in
      request.body.contains("initialize")
        ? [
          .send(
            SimulatedGateway.json(
              #"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}"#,
              more: "Mcp-Session-Id: s-1\r\n"))
        ] : SimulatedGateway.echo(request)
    }
    let hello =
      #"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#
    let mine = try token()
    let answer = gateway.exchange(SimulatedGateway.post(hello, key: mine))
    let session = try #require(answer.firstMatch(of: /Mcp-Session-Id: ([^\r]+)\r\n/)).output.1
    let more = "Mcp-Session-Id: \(session)\r\nMCP-Protocol-Version: 2025-11-25\r\n"
    #expect(call(mine, more: more).hasPrefix("HTTP/1.1 200 OK\r\n"))
    // A renewed token of the same person is the same person.
    #expect(call(try token(life: 600), more: more).hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(call(try token(subject: "u2"), more: more).hasPrefix("HTTP/1.1 404 "))
    #expect(call("key-ada", more: more).hasPrefix("HTTP/1.1 404 "))
  }

  // MARK: Metadata

  private func get(_ path: String, method: String = "GET", on other: SimulatedGateway? = nil)
    -> String
  {
    (other ?? gateway).exchange("\(method) \(path) HTTP/1.1\r\nHost: gateway\r\n\r\n")
  }

  @Test func metadataIsForEverybody() {
    let shop = get("/.well-known/oauth-protected-resource/shop/mcp")
    #expect(shop.hasPrefix("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"))
    #expect(shop.contains("Access-Control-Allow-Origin: *\r\n"))
    #expect(
      shop.hasSuffix(
        #"{"resource":"http://gateway/shop/mcp","authorization_servers":["https://idp.example"],"#
          + #""bearer_methods_supported":["header"],"scopes_supported":["openid","groups"]}"#))
    let root = get("/.well-known/oauth-protected-resource")
    #expect(root.contains(#""resource":"http://gateway","#))
    #expect(
      get("/.well-known/oauth-protected-resource/vault/mcp").contains("http://gateway/vault/mcp"))
  }

  @Test func webPagesMayReadIt() {
    let answer = get("/.well-known/oauth-protected-resource/shop/mcp", method: "OPTIONS")
    #expect(answer.hasPrefix("HTTP/1.1 204 No Content\r\n"))
    #expect(answer.contains("Access-Control-Allow-Methods: GET, OPTIONS\r\n"))
  }

  @Test(arguments: [
    "/.well-known/oauth-protected-resource/", "/.well-known/oauth-protected-resource/other/mcp",
    "/.well-known/oauth-protected-resourcex", "/.well-known/oauth-authorization-server",
  ])
  func otherDocumentsAreNotHere(path: String) {
    #expect(get(path).hasPrefix("HTTP/1.1 404 "))
  }

  @Test func withoutProvidersThereIsNone() throws {
    let plain = try SimulatedGateway()
    #expect(get("/.well-known/oauth-protected-resource", on: plain).hasPrefix("HTTP/1.1 404 "))
    let answer = plain.exchange(SimulatedGateway.post("{}", key: "a.b.c"))
    #expect(answer.contains("WWW-Authenticate: Bearer\r\n"))
  }

  @Test func connectionsGoOnBehindIt() {
    let client = gateway.network.connect(toPort: SimulatedGateway.audience)
    let request = "GET /.well-known/oauth-protected-resource HTTP/1.1\r\nHost: gateway\r\n\r\n"
    gateway.network.send(
      request + request + SimulatedGateway.post(SimulatedGateway.call("query")), from: client)
    gateway.run(turns: 200)
    let answer = String(decoding: gateway.network.takeReceived(by: client), as: UTF8.self)
    #expect(answer.matches(of: /HTTP\/1.1 200 OK/).count == 3)
  }
}
