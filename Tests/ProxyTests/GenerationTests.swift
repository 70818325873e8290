import EventLoop
import Foundation
import Policy
import Testing

@testable import Proxy

/// What happens to calls, connections and memory when another snapshot is put in force.
struct GenerationTests {
  private static func masking(_ field: String, blocking tools: [String] = []) -> [RuleDefinition] {
    let block = tools.map { tool in
      RuleDefinition(
        name: "no-\(tool)",
        match: MatchDefinition(servers: ["shop"], tools: [PositionedText(tool)]),
        effect: .block)
    }
    return block + [
      RuleDefinition(
        name: "pii", match: MatchDefinition(servers: ["shop"]), effect: .mask,
        masks: [MaskDefinition(fields: [PositionedText(field)], treatment: .redact)])
    ]
  }

  private static func answer(_ request: SimulatedGateway.ServerRequest) -> String {
    SimulatedGateway.json(
      "{\"jsonrpc\":\"2.0\",\"id\":\(request.id),\"result\":{\"content\":[],"
        + "\"structuredContent\":{\"email\":\"ann@example.com\",\"city\":\"Ulm\"}}}")
  }

  private static let call = SimulatedGateway.post(SimulatedGateway.call("query"))

  @Test func aCallUnderWayKeepsWhatItBeganWith() throws {
    let gateway = try SimulatedGateway(rules: Self.masking("email"))
    gateway.server = { request in [.wait(60), .send(Self.answer(request))] }
    let client = gateway.network.connect(toPort: SimulatedGateway.audience)
    gateway.network.send(Self.call, from: client)
    gateway.run(turns: 20)
    #expect(gateway.requestsAtServers.count == 1)
    let slot = try #require(
      (0..<gateway.worker.exchanges.highWater).first { gateway.worker.exchanges.isUsed($0) })
    let before = gateway.worker.exchanges[slot].generation
    // Now nobody may call the tool, other fields are masked, and the server is elsewhere.
    gateway.control.offer(
      try SimulatedGateway.snapshot(
        Self.masking("city", blocking: ["query"]), shop: ("/new", 9000)))
    gateway.run(turns: 5)
    #expect(gateway.worker.generations.current != before)
    #expect(gateway.worker.exchanges[slot].generation == before)
    #expect(text(gateway.worker.serverName(of: slot)) == "shop")
    #expect(text(gateway.worker.principalName(of: slot)) == "ada")
    let route = gateway.worker.route(of: slot)
    #expect(text(gateway.worker.generations[before].texts[route.post]).hasPrefix("POST /mcp "))
    gateway.run(turns: 100)
    let answer = String(decoding: gateway.network.takeReceived(by: client), as: UTF8.self)
    #expect(answer.contains(#""email":"[redacted]""#))
    #expect(answer.contains(#""city":"Ulm""#))
    // The same connection's next call is judged by what is in force now.
    gateway.network.send(Self.call, from: client)
    gateway.run(turns: 40)
    let next = String(decoding: gateway.network.takeReceived(by: client), as: UTF8.self)
    #expect(next.contains("no-query"))
    #expect(gateway.requestsAtServers.count == 1)
  }

  private func text(_ span: RawSpan) -> String {
    String(
      decoding: (0..<span.byteCount).map {
        unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self)
      }, as: UTF8.self)
  }

  @Test func theNextCallGoesWhereTheNewSnapshotSays() throws {
    let gateway = try SimulatedGateway(rules: Self.masking("email"))
    gateway.server = { [.send(Self.answer($0))] }
    _ = gateway.exchange(Self.call)
    gateway.control.offer(
      try SimulatedGateway.snapshot(Self.masking("city"), shop: ("/new", 9002)))
    gateway.run(turns: 1)
    let answer = gateway.exchange(Self.call)
    #expect(answer.contains("ann@example.com"))
    #expect(!answer.contains("Ulm"))
    #expect(
      gateway.requestsAtServers.map { $0.head.prefix(10) } == ["POST /mcp ", "POST /new "])
  }

  @Test func idleConnectionsOfEarlierGenerationsAreClosed() throws {
    let gateway = try SimulatedGateway()
    _ = gateway.exchange(Self.call)
    #expect(gateway.worker.upstreams.count == 1)
    gateway.control.offer(try SimulatedGateway.snapshot(SimulatedGateway.rules))
    gateway.run(turns: 10)
    #expect(gateway.worker.upstreams.count == 0)
    _ = gateway.exchange(Self.call)
    #expect(gateway.worker.upstreams.count == 1)
  }

  @Test func aConnectionThatWasBusyIsNotUsedAgain() throws {
    let gateway = try SimulatedGateway()
    gateway.server = { [.wait(30), .send(Self.answer($0))] }
    let client = gateway.network.connect(toPort: SimulatedGateway.audience)
    gateway.network.send(Self.call, from: client)
    gateway.run(turns: 10)
    gateway.control.offer(try SimulatedGateway.snapshot(SimulatedGateway.rules))
    gateway.run(turns: 100)
    #expect(!gateway.network.takeReceived(by: client).isEmpty)
    #expect(gateway.worker.upstreams.count == 0)
  }

  /// A session's own stream has no end to wait for: its agent is told to open another.
  @Test(arguments: ["1.1", "1.0"])
  func streamsOfSessionsEnd(version: String) throws {
    let gateway = try SimulatedGateway()
    gateway.server = { request in
      if request.head.hasPrefix("GET ") { return [.send(ServerText.streamHead)] }
      return [
        .send(
          SimulatedGateway.json(
            #"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}"#,
            more: "Mcp-Session-Id: s-1\r\n"))
      ]
    }
    let opened = gateway.exchange(
      SimulatedGateway.post(
        #"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#
      ))
    let session = try #require(opened.firstMatch(of: /Mcp-Session-Id: (\S+)\r\n/)?.1)
    let client = gateway.network.connect(toPort: SimulatedGateway.audience)
    gateway.network.send(
      "GET /shop/mcp HTTP/\(version)\r\nHost: g\r\nAuthorization: Bearer key-ada\r\n"
        + "Accept: text/event-stream\r\nMcp-Session-Id: \(session)\r\n"
        + "MCP-Protocol-Version: 2025-06-18\r\n\r\n",
      from: client)
    gateway.run(turns: 40)
    let head = String(decoding: gateway.network.takeReceived(by: client), as: UTF8.self)
    #expect(head.contains("text/event-stream"))
    #expect(gateway.worker.exchanges.count == 1)
    gateway.control.offer(try SimulatedGateway.snapshot(SimulatedGateway.rules))
    gateway.run(turns: 40)
    let end = String(decoding: gateway.network.takeReceived(by: client), as: UTF8.self)
    #expect(end == (version == "1.1" ? "0\r\n\r\n" : ""))
    #expect(gateway.worker.exchanges.count == 0)
    gateway.run(turns: 40)
    gateway.control.collectRetired()
  }

  @Test func moreArePublishedThanCanBeInUse() throws {
    let gateway = try SimulatedGateway(rules: Self.masking("email"))
    var answers = 0
    gateway.server = { request in
      answers += 1
      return [.wait(400), .send(Self.answer(request))]
    }
    var clients: [SimulatedNetwork.Peer] = []
    for number in 0..<12 {
      let client = gateway.network.connect(toPort: SimulatedGateway.audience)
      clients.append(client)
      gateway.network.send(Self.call, from: client)
      gateway.run(turns: 10)
      gateway.control.offer(
        try SimulatedGateway.snapshot(Self.masking(number == 11 ? "city" : "email")))
      gateway.run(turns: 2)
    }
    #expect(answers == 12)
    #expect(gateway.worker.generations.vacant() == nil, "eight are in use")
    #expect(gateway.control.hasOffer, "the newest waits for one of them to be over")
    gateway.run(turns: 600)
    #expect(!gateway.control.hasOffer)
    for client in clients {
      let answer = String(decoding: gateway.network.takeReceived(by: client), as: UTF8.self)
      #expect(answer.contains(#""email":"[redacted]""#))
    }
    gateway.server = { [.send(Self.answer($0))] }
    #expect(gateway.exchange(Self.call).contains(#""city":"[redacted]""#), "the last one wins")
  }

  @Test func whatIsOverIsFreed() throws {
    let gateway = try SimulatedGateway()
    gateway.server = { [.wait(40), .send(Self.answer($0))] }
    weak var first: GatewaySnapshot?
    weak var second: GatewaySnapshot?
    let client = gateway.network.connect(toPort: SimulatedGateway.audience)
    do {
      let snapshot = try SimulatedGateway.snapshot(Self.masking("email"))
      first = snapshot
      gateway.control.offer(snapshot)
    }
    gateway.run(turns: 2)
    gateway.network.send(Self.call, from: client)
    gateway.run(turns: 10)
    do {
      let snapshot = try SimulatedGateway.snapshot(Self.masking("city"))
      second = snapshot
      gateway.control.offer(snapshot)
    }
    gateway.run(turns: 2)
    gateway.control.collectRetired()
    #expect(first != nil, "a call is under way that began with it")
    gateway.run(turns: 100)
    #expect(first != nil, "workers hand it back and free nothing themselves")
    gateway.control.collectRetired()
    #expect(first == nil)
    #expect(second != nil, "it is in force")
  }

  @Test func oneThatWasNeverTakenIsFreed() throws {
    let gateway = try SimulatedGateway()
    weak var skipped: GatewaySnapshot?
    do {
      let snapshot = try SimulatedGateway.snapshot(Self.masking("email"))
      skipped = snapshot
      gateway.control.offer(snapshot)
    }
    gateway.control.offer(try SimulatedGateway.snapshot(Self.masking("city")))
    #expect(skipped == nil)
  }

  @Test func waitsChangeAndSizesDoNot() throws {
    let gateway = try SimulatedGateway()
    var limits = GatewayLimits()
    limits.firstByteTime = 1_000_000
    limits.bodyBytesMax = 1
    gateway.control.offer(try SimulatedGateway.snapshot(SimulatedGateway.rules, limits: limits))
    gateway.run(turns: 2)
    #expect(gateway.worker.limits.firstByteTime == 1_000_000)
    #expect(gateway.worker.limits.bodyBytesMax == GatewayLimits().bodyBytesMax)
    gateway.server = { [.wait(4000), .send(Self.answer($0))] }
    #expect(gateway.exchange(Self.call, turns: 400).contains("did not answer in time"))
  }

  /// Whatever the network does and whenever it happens, an answer is masked by one snapshot, whole.
  @Test(arguments: 1...8)
  func noAnswerIsJudgedByTwo(seed: UInt64) throws {
    let gateway = try SimulatedGateway(
      seed: seed, weather: .stormy(), rules: Self.masking("email"))
    gateway.server = { request in
      let cut = Self.answer(request)
      return [.send(String(cut.prefix(40))), .wait(3), .send(String(cut.dropFirst(40)))]
    }
    var clients: [SimulatedNetwork.Peer] = []
    for round in 0..<60 {
      if clients.count < 40 {
        let client = gateway.network.connect(toPort: SimulatedGateway.audience)
        clients.append(client)
        gateway.network.send(Self.call, from: client)
      }
      gateway.run(turns: Int(gateway.network.random() % 20))
      if gateway.network.random() % 2 == 0 {
        let field = round % 2 == 0 ? "city" : "email"
        gateway.control.offer(try SimulatedGateway.snapshot(Self.masking(field)))
      }
    }
    var answered = 0
    for _ in 0..<400 where gateway.worker.exchanges.count > 0 { gateway.run(turns: 50) }
    for client in clients {
      let answer = String(decoding: gateway.network.takeReceived(by: client), as: UTF8.self)
      guard answer.contains("structuredContent") else { continue }
      answered += 1
      #expect(answer.contains("ann@example.com") != answer.contains("Ulm"))
    }
    #expect(answered > 20)
    gateway.run(turns: 200)
    gateway.control.collectRetired()
    let inUse = (0..<UInt8(Generations.countMax)).filter { gateway.worker.generations.isUsed($0) }
    #expect(inUse == [gateway.worker.generations.current])
  }
}
