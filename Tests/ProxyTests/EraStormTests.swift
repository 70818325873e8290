import EventLoop
import Foundation
import Testing

@testable import Proxy

/// Sessions, cancellation, resumption, batches and confusion of the eras on a stormy network, by seed: no session serves
/// another principal, no request reaches a server in two eras at once, no array reaches it at all, and nothing is left behind.
struct EraStormTests {
  private static let secret = "secret-ssn-value"
  private static let versions = EraRoute.versions

  /// One agent, and what it has learnt.
  private struct Agent {
    var key: String
    var peer: SimulatedNetwork.Peer
    var received: [UInt8] = []
    var asked = 0
  }

  @Test(arguments: Array(101...112) as [UInt64])
  func nothingMixes(seed: UInt64) throws {
    let (gateway, sessions) = try storm(seed: seed, memory: GatewayLimits().workerMemoryMax)
    #expect(sessions > 0 && gateway.requestsAtServers.count > 50, "seed \(seed)")
  }

  @Test(arguments: Array(1...8) as [UInt64])
  func nothingMixesWithoutMemory(seed: UInt64) throws {
    let (gateway, _) = try storm(seed: seed, memory: SimulatedGateway.scarceMemory(seed: seed))
    #expect(gateway.worker.blocks.refusals > 0, "seed \(seed): there was memory enough")
  }

  /// - Returns: the gateway when all have left, and how many sessions agents got to know.
  private func storm(seed: UInt64, memory: Int) throws -> (SimulatedGateway, Int) {
    var limits = GatewayLimits()
    limits.workerMemoryMax = memory
    let gateway = try SimulatedGateway(seed: seed, weather: .stormy(), limits: limits)
    let network = gateway.network
    var sessions = 0
    gateway.server = { request in
      if request.body.contains("\"initialize\"") { sessions += 1 }
      return EraStormTests.answer(request, network, session: "s\(sessions)")
    }
    var agents: [Agent] = []
    var known: (sessions: [String], events: [String]) = ([], [])
    for turn in 0..<7000 {
      if agents.count < 40, turn % 100 == 0 {
        agents.append(
          Agent(
            key: network.random(below: 4) == 0 ? "key-bob" : "key-ada",
            peer: network.connect(toPort: SimulatedGateway.audience)))
      }
      gateway.stormTurn(turn)
      for index in agents.indices {
        agents[index].received += network.takeReceived(by: agents[index].peer)
        guard turn < 6000, network.random(below: 120) == 0 else { continue }
        agents[index].asked += 1
        let id = "\(index * 1000 + agents[index].asked)"
        network.send(
          EraStormTests.request(id, agents[index].key, known, network), from: agents[index].peer)
      }
      guard turn % 50 == 0 else { continue }
      // Everybody has heard of everything: ids are no secrets.
      let heard = agents.map { String(decoding: $0.received, as: UTF8.self) }.joined()
      known.sessions = heard.matches(of: /Mcp-Session-Id: (\S+)/).map { String($0.1) }
      known.events = heard.matches(of: /\nid: ([\w-]+)\n/).map { String($0.1) }
      if network.random(below: 6) == 0, !agents.isEmpty {
        gateway.leave(agents[network.random(below: agents.count)].peer)
      }
    }
    for (index, agent) in agents.enumerated() {
      let text = String(decoding: agent.received, as: UTF8.self)
      #expect(!text.contains(EraStormTests.secret), "seed \(seed): a masked value came through")
      for match in text.matches(of: /"jsonrpc":"2\.0","id":(\d+)/) {
        #expect(Int(match.1)! / 1000 == index, "seed \(seed): somebody else's answer")
      }
    }
    check(gateway, seed)
    gateway.expectNothingLeft(of: agents.map(\.peer), "seed \(seed)")
    return (gateway, known.sessions.count)
  }

  private func check(_ gateway: SimulatedGateway, _ seed: UInt64) {
    for request in gateway.requestsAtServers {
      let field = request.field
      let isModern = request.body.contains("io.modelcontextprotocol/protocolVersion")
      #expect(!request.body.hasPrefix("["), "seed \(seed): an array reached the server")
      #expect(!request.body.contains("DROP"), "seed \(seed): a blocked call reached the server")
      #expect(
        request.port == 9001 || !request.body.contains("key-bob"),
        "seed \(seed): bob has no profile for the shop")
      #expect(
        (field("MCP-Protocol-Version") == "2026-07-28") == isModern,
        "seed \(seed): header and body are of different eras: \(request.head)")
      if isModern {
        #expect(field("Mcp-Session-Id") == nil, "seed \(seed)")
        #expect(request.head.contains("Mcp-Method: tools/call\r\n"), "seed \(seed)")
      }
      if let event = field("Last-Event-ID") {
        #expect(
          event.hasPrefix((field("Mcp-Session-Id") ?? "none") + "-"),
          "seed \(seed): an event of another session")
      }
    }
  }

  // MARK: What agents send

  private static func request(
    _ id: String, _ key: String, _ known: (sessions: [String], events: [String]),
    _ network: SimulatedNetwork
  ) -> String {
    func pick(_ list: [String]) -> String? {
      list.isEmpty ? nil : list[network.random(below: list.count)]
    }
    func mangled(_ text: String?) -> String? {
      guard let text, network.random(below: 8) == 0 else { return text }
      return String(text.dropLast()) + (text.hasSuffix("A") ? "B" : "A")
    }
    let version = versions[network.random(below: versions.count)]
    var more = network.random(below: 3) == 0 ? "" : "MCP-Protocol-Version: \(version)\r\n"
    if let session = mangled(pick(known.sessions)) { more += "Mcp-Session-Id: \(session)\r\n" }
    let query = SimulatedGateway.call("query", #"{"who":"\#(key)"}"#, id: id)
    let drop = SimulatedGateway.call("query", #"{"sql":"DROP x"}"#, id: "\"d\(id)\"")
    switch network.random(below: 12) {
    case 0, 1:
      let hello =
        "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"method\":\"initialize\",\"params\":{"
        + "\"protocolVersion\":\"\(version)\",\"capabilities\":{},\"who\":\"\(key)\"}}"
      return SimulatedGateway.post(hello, key: key)
    case 2:
      if let event = mangled(pick(known.events)) { more += "Last-Event-ID: \(event)\r\n" }
      return SimulatedGateway.bare(more, key: key)
    case 3: return SimulatedGateway.bare(more, method: "DELETE", key: key)
    case 4:
      let cancel =
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
        + "\"params\":{\"requestId\":\(id),\"reason\":\"\(key)\"}}"
      return SimulatedGateway.post(cancel, key: key, more: more)
    case 5:
      return SimulatedGateway.post(
        SimulatedGateway.modernCall("query", id: id), key: "key-ada",
        more: SimulatedGateway.modernFields("query"))
    // Header and body of different eras, both ways; the body's twice.
    case 6:
      return SimulatedGateway.post(
        SimulatedGateway.modernCall("query", id: id), key: key, more: more)
    case 7:
      return SimulatedGateway.post(query, key: key, more: SimulatedGateway.modernFields("query"))
    case 8, 9:
      return SimulatedGateway.post("[\(query),\(drop)]", key: key, more: more)
    case 10: return SimulatedGateway.post(drop, key: key, more: more)
    default: return SimulatedGateway.post(query, key: key, more: more)
    }
  }

  // MARK: What the server answers

  private static func answer(
    _ request: SimulatedGateway.ServerRequest, _ network: SimulatedNetwork, session: String
  ) -> [SimulatedGateway.ServerStep] {
    let own = request.head.split(separator: "\r\n").first { $0.hasPrefix("Mcp-Session-Id: ") }
      .map { String($0.dropFirst(16)) }
    let event = "id: \(own ?? "none")-\(network.random(below: 99))\n"
    let notification =
      #"{"jsonrpc":"2.0","method":"notifications/message","params":{"data":{"ssn":"\#(secret)"}}}"#
    if request.head.hasPrefix("GET") {
      return [
        .send(ServerText.streamHead), .send(ServerText.chunk("\(event)data: \(notification)\n\n")),
        .wait(network.random(below: 200)), .send("0\r\n\r\n"),
      ]
    }
    guard request.head.hasPrefix("POST"), request.body.contains("\"id\":") else {
      return [.send("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")]
    }
    if request.body.contains("\"initialize\"") {
      let version = versions.first { request.body.contains($0) } ?? "2025-11-25"
      return [
        .send(
          SimulatedGateway.json(
            #"{"jsonrpc":"2.0","id":\#(request.id),"result":{"protocolVersion":"\#(version)"}}"#,
            more: "Mcp-Session-Id: \(session)\r\n"))
      ]
    }
    let result =
      #"{"jsonrpc":"2.0","id":\#(request.id),"result":{"structuredContent":{"ssn":"\#(secret)"}}}"#
    switch network.random(below: 8) {
    case 0: return [.reset]
    case 1: return []
    case 2: return [.send(SimulatedGateway.json("{}", status: "404 Not Found"))]
    case 3, 4:
      return [
        .send(ServerText.streamHead), .send(ServerText.chunk("\(event)data: \(notification)\n\n")),
        .wait(network.random(below: 60)), .send(ServerText.chunk("data: \(result)\n\n")),
        .send("0\r\n\r\n"),
      ]
    default: return [.wait(network.random(below: 40)), .send(SimulatedGateway.json(result))]
    }
  }
}
