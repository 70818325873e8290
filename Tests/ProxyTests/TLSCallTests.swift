import EventLoop
import Foundation
import Identity
import Synchronization
import TLSTestSupport
import Testing

@testable import Proxy

/// Calls over TLS through one worker: from agents, to servers, and both.
struct TLSCallTests {
  static func bothWays() throws -> SimulatedGateway.TLS {
    let context = try TLSSamples.listener([TLSSamples.local.get()])
    return SimulatedGateway.TLS(
      listener: context, client: try TLSSamples.client(), server: context)
  }

  static let call = SimulatedGateway.post(SimulatedGateway.call("query"))

  /// Lets the agents and the gateway take turns.
  static func run(_ gateway: SimulatedGateway, _ agents: [TLSAgent], turns: Int = 100) {
    for _ in 0..<turns {
      gateway.turn()
      for agent in agents { agent.turn() }
    }
  }

  @Test func aCallGoesThroughWithTLSOnBothSides() throws {
    let gateway = try SimulatedGateway(tls: Self.bothWays())
    let agent = TLSAgent(try TLSSamples.client(), gateway.peers)
    agent.send(Self.call)
    Self.run(gateway, [agent])
    #expect(agent.text.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(agent.text.contains("\"email\":\"[redacted]\"") && agent.text.contains("Ulm"))
    #expect(gateway.requestsAtServers.count == 1)
    agent.send(Self.call + Self.call)
    Self.run(gateway, [agent])
    #expect(gateway.requestsAtServers.count == 3)
    #expect(gateway.serverPeers.count == 1, "the connection to the server is used again")
    gateway.peers.end(agent.peer)
    gateway.expectNothingLeft()
  }

  /// Many agents and large answers on a stormy network, with resets and cut connections.
  @Test(arguments: Array(1...16) as [UInt64])
  func invariantsHoldInAStorm(seed: UInt64) throws {
    let gateway = try SimulatedGateway(
      seed: seed, weather: .stormy(), tls: Self.bothWays())
    let network = gateway.network
    let secret = "secret-ssn-value"
    gateway.server = { request in
      let filling = String(repeating: "y", count: network.random(below: 3) * 70_000)
      let answer = SimulatedGateway.json(
        #"{"jsonrpc":"2.0","id":\#(request.id),"result":{"structuredContent":"#
          + #"{"ssn":"\#(secret)","filling":"\#(filling)"}}}"#)
      return switch network.random(below: 10) {
      case 0: [.reset]
      case 1: [.send(String(answer.prefix(120))), .wait(5), .cutOff]
      case 2: [.send(answer), .end]
      case 3: [.wait(30), .send(answer)]
      default: [.send(answer)]
      }
    }
    let agents = try (0..<8).map { _ in TLSAgent(try TLSSamples.client(), gateway.peers) }
    var expected: [[String]] = []
    for (number, agent) in agents.enumerated() {
      let ids = (0...network.random(below: 4)).map { "\(number * 100 + $0)" }
      for id in ids {
        agent.send(SimulatedGateway.post(SimulatedGateway.call("query", id: id)))
      }
      expected.append(ids)
    }
    for turn in 0..<4000 {
      Self.run(gateway, agents, turns: 1)
      if turn > 500, network.random(below: 800) == 0 {
        let victim = agents[network.random(below: agents.count)].peer
        network.random(below: 2) == 0 ? network.reset(victim) : network.end(victim)
      }
    }
    for (agent, ids) in zip(agents, expected) {
      #expect(!agent.text.contains(secret), "seed \(seed)")
      let answered = agent.text.matches(of: /"id":(\d+)/).map { String($0.1) }
      #expect(ids.starts(with: answered), "seed \(seed): \(answered) is no start of \(ids)")
    }
    #expect(gateway.requestsAtServers.count > 3)
    for agent in agents { network.reset(agent.peer) }
    gateway.expectNothingLeft("seed \(seed)")
  }

  @Test(arguments: [1 << 20, 3 << 20])
  func largeAnswersPassASlowReader(bytes: Int) throws {
    let gateway = try SimulatedGateway(tls: Self.bothWays())
    let filling = String(repeating: "z", count: bytes)
    gateway.server = { request in
      [
        .send(
          SimulatedGateway.json(
            #"{"jsonrpc":"2.0","id":\#(request.id),"result":{"x":"\#(filling)"}}"#))
      ]
    }
    let agent = TLSAgent(try TLSSamples.client(), gateway.peers)
    gateway.network.setWindow(10_000, of: agent.peer)
    agent.send(Self.call)
    Self.run(gateway, [agent], turns: 4000)
    #expect(agent.received.count > bytes)
    #expect(agent.text.hasSuffix("\(filling.suffix(10))\"}}"))
  }

  // MARK: What is refused

  @Test func plainHTTPOnATLSPortIsToldSo() throws {
    let gateway = try SimulatedGateway(tls: Self.bothWays())
    let answer = gateway.exchange(Self.call)
    #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
    #expect(answer.contains("This port speaks TLS: use https."))
    #expect(gateway.requestsAtServers.isEmpty)
    gateway.expectNothingLeft()
  }

  @Test(arguments: ["\u{00}\u{01}\u{02}rubbish", "\u{16}\u{03}\u{01}\u{00}\u{05}abcde"])
  func rubbishOnATLSPortIsHungUpOn(bytes: String) throws {
    let gateway = try SimulatedGateway(tls: Self.bothWays())
    let client = gateway.network.connect(toPort: SimulatedGateway.audience)
    gateway.network.send(bytes, from: client)
    gateway.run(turns: 20)
    #expect(gateway.network.hasEnded(client))
    let answer = gateway.network.takeReceived(by: client)
    #expect(answer.count < 100, "nothing but an alert")
    gateway.network.end(client)
    gateway.expectNothingLeft()
  }

  @Test func aSlowHandshakeIsGivenUp() throws {
    let gateway = try SimulatedGateway(tls: Self.bothWays())
    let silent = gateway.network.connect(toPort: SimulatedGateway.audience)
    let agent = TLSAgent(try TLSSamples.client(), gateway.peers)
    agent.end.take([])
    let hello = agent.end.outgoing
    agent.end.outgoing = []
    for byte in hello {
      gateway.network.send([byte], from: agent.peer)
      gateway.run(turns: 1)
      gateway.network.advance(nanoseconds: 200_000_000)
    }
    gateway.run(turns: 20)
    #expect(gateway.network.isClosed(silent))
    #expect(gateway.network.isClosed(agent.peer))
    #expect(gateway.worker.channels.count == 0)
  }

  /// A listener that should speak TLS never speaks anything else.
  @Test func withoutACertificateNobodyIsLetIn() throws {
    let gateway = try SimulatedGateway(tls: Self.bothWays())
    gateway.control.offer(try SimulatedGateway.snapshot(SimulatedGateway.rules))
    gateway.run(turns: 2)
    let client = gateway.network.connect(toPort: SimulatedGateway.audience)
    gateway.network.send(Self.call, from: client)
    gateway.run(turns: 20)
    #expect(gateway.network.isClosed(client))
    #expect(gateway.network.takeReceived(by: client).isEmpty)
    #expect(gateway.requestsAtServers.isEmpty)
  }

  @Test func newConnectionsTakeTheNewestCertificate() throws {
    var tls = try Self.bothWays()
    let gateway = try SimulatedGateway(tls: tls)
    let before = TLSAgent(try TLSSamples.client(), gateway.peers)
    before.send(Self.call)
    Self.run(gateway, [before])
    let renewed = try TestAuthority(name: "Renewed")
    tls.listener = try TLSSamples.listener([renewed.issue(["DNS:localhost"])])
    gateway.control.offer(try SimulatedGateway.snapshot(SimulatedGateway.rules, tls: tls))
    gateway.run(turns: 2)
    let after = TLSAgent(try TLSSamples.client(authority: renewed), gateway.peers)
    after.send(Self.call)
    before.send(Self.call)
    Self.run(gateway, [before, after])
    #expect(after.text.contains("Ulm"), "the new certificate is in force")
    #expect(before.text.matches(of: /Ulm/).count == 2, "the old connection goes on")
  }

  // MARK: Servers

  struct BadServer: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var reason: TLSFailure
    var context: @Sendable () throws -> TLSContext?
  }

  static let badServers: [BadServer] = [
    BadServer(testDescription: "expired", reason: .certificateExpired) {
      try TLSSamples.listener([TLSSamples.authority.get().issue(["DNS:localhost"], days: -1)])
    },
    BadServer(testDescription: "another name", reason: .certificateWrongName) {
      try TLSSamples.listener([TLSSamples.authority.get().issue(["DNS:other"])])
    },
    BadServer(testDescription: "unknown authority", reason: .certificateUnknownAuthority) {
      try TLSSamples.listener([TestAuthority(name: "x").issue(["DNS:localhost"])])
    },
    BadServer(testDescription: "no TLS", reason: .notTLS) { nil },
  ]

  @Test(arguments: badServers)
  func aServerThatDoesNotProveItselfGetsNothing(bad: BadServer) throws {
    let context = try bad.context()
    let gateway = try SimulatedGateway(
      tls: SimulatedGateway.TLS(client: TLSSamples.client(), server: context))
    let client = gateway.network.connect(toPort: SimulatedGateway.audience)
    gateway.network.send(Self.call, from: client)
    gateway.run(turns: 5)
    if context == nil, let peer = gateway.serverPeers.last {
      gateway.network.send("HTTP/1.1 200 OK\r\n\r\n", from: peer)
    }
    gateway.run(turns: 40)
    let answer = String(decoding: gateway.network.takeReceived(by: client), as: UTF8.self)
    #expect(answer.contains("No secure connection to the server can be made."), "\(answer)")
    #expect(!answer.contains("ertificate"), "the agent is not told why")
    let last = gateway.control.lastServerFailure.load(ordering: .relaxed)
    #expect(UInt8(truncatingIfNeeded: last) == bad.reason.rawValue)
    #expect(gateway.requestsAtServers.isEmpty)
    #expect(gateway.control.serverFailures.load(ordering: .relaxed) == 1)
    gateway.network.end(client)
    gateway.expectNothingLeft()
  }

  /// An answer that only the end of the connection ends is whole only when the server says so.
  @Test(arguments: [true, false])
  func aTruncatedAnswerIsNoAnswer(isProper: Bool) throws {
    let gateway = try SimulatedGateway(
      tls: SimulatedGateway.TLS(
        client: TLSSamples.client(), server: TLSSamples.listener([TLSSamples.local.get()])))
    gateway.server = { request in
      [
        .send(
          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
            + #"{"jsonrpc":"2.0","id":\#(request.id),"result":{"city":"Ulm"}}"#),
        .wait(3), isProper ? .end : .cutOff,
      ]
    }
    let answer = gateway.exchange(Self.call)
    #expect(answer.contains("Ulm") == isProper, "\(answer)")
    #expect(answer.contains("-32603") == !isProper)
  }

  /// Over TLS as without: what was never sent is sent again, what may have run is not.
  @Test(arguments: Array(1...20) as [UInt64])
  func aCallThatMeetsADyingConnectionRunsOnce(seed: UInt64) throws {
    let gateway = try SimulatedGateway(
      seed: seed,
      tls: SimulatedGateway.TLS(
        client: TLSSamples.client(), server: TLSSamples.listener([TLSSamples.local.get()])))
    let peer = try UpstreamRetryTests.pooled(gateway)
    let client = gateway.network.connect(toPort: SimulatedGateway.audience)
    gateway.run(turns: 3)
    gateway.network.send(
      SimulatedGateway.post(SimulatedGateway.call("query", id: "2")), from: client)
    if seed % 2 == 0 { gateway.peers.end(peer) } else { gateway.network.end(peer) }
    gateway.isDeaf.insert(peer)
    gateway.run(turns: 60)
    let answer = String(decoding: gateway.network.takeReceived(by: client), as: UTF8.self)
    #expect(answer.contains("\"city\":\"Ulm\""), "seed \(seed): \(answer)")
    #expect(gateway.requestsAtServers.count == 2)
  }

  @Test func theSecondConnectionToAServerIsShorter() throws {
    let gateway = try SimulatedGateway(
      tls: SimulatedGateway.TLS(
        client: TLSSamples.client(), server: TLSSamples.listener([TLSSamples.local.get()])))
    _ = gateway.exchange(Self.call)
    gateway.network.advance(nanoseconds: 10_000_000_000)
    gateway.run(turns: 20)
    let first = try #require(gateway.serverPeers.last)
    #expect(gateway.peers[first].hasEnded, "an unused connection is closed with the word for it")
    #expect(gateway.network.isClosed(first))
    _ = gateway.exchange(Self.call)
    #expect(gateway.serverPeers.count == 2)
    #expect(gateway.peers[gateway.serverPeers[1]].isResumed)
    #expect(gateway.requestsAtServers.count == 2)
  }

  @Test func anIdleAgentIsToldThatTheConnectionEnds() throws {
    let gateway = try SimulatedGateway(tls: Self.bothWays())
    let agent = TLSAgent(try TLSSamples.client(), gateway.peers)
    agent.send(Self.call)
    Self.run(gateway, [agent])
    gateway.network.advance(nanoseconds: 80_000_000_000)
    Self.run(gateway, [agent], turns: 10)
    #expect(agent.end.hasEnded && gateway.network.hasEnded(agent.peer))
  }
}
