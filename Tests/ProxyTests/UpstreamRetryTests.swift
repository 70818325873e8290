import EventLoop
import Foundation
import Testing

@testable import Proxy

/// What happens to a request whose connection from the pool turns out to be dead: it is sent again when it cannot have
/// run, and never otherwise.
struct UpstreamRetryTests {
  /// One call answered, so that a connection to the server waits in the pool. Returns the server's end of it.
  static func pooled(_ gateway: SimulatedGateway) throws -> SimulatedNetwork.Peer {
    let answer = gateway.exchange(SimulatedGateway.post(SimulatedGateway.call("query")), turns: 30)
    #expect(answer.hasPrefix("HTTP/1.1 200 OK"))
    return try #require(gateway.serverPeers.last)
  }

  static let toolsList = #"{"jsonrpc":"2.0","id":5,"method":"tools/list","params":{}}"#

  enum Ending: CaseIterable { case end, reset, speak }

  /// The server hangs up in the very moment in which the next call arrives, in every order a seed can make of it: the call
  /// runs exactly once, or fails without having run twice.
  @Test(arguments: Array(1...40) as [UInt64], Ending.allCases)
  func aCallThatMeetsADyingConnectionRunsAtMostOnce(seed: UInt64, ending: Ending) throws {
    let gateway = try SimulatedGateway(seed: seed)
    let peer = try Self.pooled(gateway)
    let network = gateway.network
    let client = network.connect(toPort: SimulatedGateway.audience)
    gateway.run(turns: 3)
    network.send(
      SimulatedGateway.post(SimulatedGateway.call("query", id: "2")), from: client)
    switch ending {
    case .end: network.end(peer)
    case .reset: network.reset(peer)
    case .speak: network.send("HTTP/1.1 408 Request Timeout\r\n\r\n", from: peer)
    }
    gateway.isDeaf.insert(peer)
    gateway.run(turns: 60)
    let answer = String(decoding: network.takeReceived(by: client), as: UTF8.self)
    // The dead server took nothing, so the call has run once, on the second connection.
    #expect(answer.contains("\"city\":\"Ulm\""), "seed \(seed): \(answer)")
    #expect(gateway.requestsAtServers.count == 2)
    #expect(network.receivedCount(by: peer) == 0, "seed \(seed): the dead connection got bytes")
  }

  @Test(arguments: ["end", "reset"])
  func aCallThatHasLeftIsNotRepeated(how: String) throws {
    let gateway = try SimulatedGateway()
    _ = try Self.pooled(gateway)
    gateway.server = { request in
      request.id == "2" ? [how == "end" ? .end : .reset] : SimulatedGateway.echo(request)
    }
    let answer = gateway.exchange(
      SimulatedGateway.post(SimulatedGateway.call("query", id: "2")), turns: 60)
    #expect(answer.contains("-32603"), "\(answer)")
    #expect(gateway.requestsAtServers.count == 2, "a call that may have run was repeated")
  }

  @Test(arguments: ["end", "reset"])
  func aQuestionThatHasLeftIsAskedOnceMore(how: String) throws {
    let gateway = try SimulatedGateway()
    _ = try Self.pooled(gateway)
    var refusals = 0
    gateway.server = { request in
      guard request.id == "5" else { return SimulatedGateway.echo(request) }
      refusals += 1
      if refusals == 1 { return [how == "end" ? .end : .reset] }
      return [
        .send(SimulatedGateway.json(#"{"jsonrpc":"2.0","id":5,"result":{"tools":[]}}"#))
      ]
    }
    let answer = gateway.exchange(SimulatedGateway.post(Self.toolsList), turns: 60)
    #expect(answer.contains("\"tools\":[]"), "\(answer)")
    #expect(gateway.requestsAtServers.count == 3)
  }

  @Test func aQuestionIsNotAskedAThirdTime() throws {
    let gateway = try SimulatedGateway()
    _ = try Self.pooled(gateway)
    gateway.server = { _ in [.reset] }
    let answer = gateway.exchange(SimulatedGateway.post(Self.toolsList), turns: 60)
    #expect(answer.contains("-32603"))
    #expect(gateway.requestsAtServers.count == 3)
    gateway.network.advance(nanoseconds: 10_000_000_000)
    gateway.run(turns: 20)
    #expect(gateway.worker.upstreams.count == 0)
    #expect(gateway.worker.blocks.lentBytes == gateway.worker.scratch.capacity)
  }

  @Test func aQuestionOnAFreshConnectionIsNotRepeated() throws {
    let gateway = try SimulatedGateway()
    gateway.server = { _ in [.reset] }
    let answer = gateway.exchange(SimulatedGateway.post(Self.toolsList), turns: 60)
    #expect(answer.contains("-32603"))
    #expect(gateway.requestsAtServers.count == 1)
  }

  @Test func anAnswerThatBrokeOffIsNotAskedForAgain() throws {
    let gateway = try SimulatedGateway()
    _ = try Self.pooled(gateway)
    gateway.server = { _ in [.send("HTTP/1.1 200"), .wait(3), .reset] }
    let answer = gateway.exchange(SimulatedGateway.post(Self.toolsList), turns: 60)
    #expect(answer.contains("-32603"))
    #expect(gateway.requestsAtServers.count == 2)
  }

  // MARK: Servers that cannot be reached

  /// How often the gateway tries to connect while `calls` calls arrive one after the other.
  static func attempts(_ gateway: SimulatedGateway, calls: Int) -> Int {
    let before = gateway.network.connectAttempts
    for number in 0..<calls {
      let answer = gateway.exchange(
        SimulatedGateway.post(SimulatedGateway.call("query", id: "\(number)")), turns: 12)
      #expect(answer.contains("-32603") && answer.contains("cannot be reached"), "\(answer)")
    }
    return gateway.network.connectAttempts - before
  }

  @Test func aServerThatCannotBeReachedIsLeftAloneForAMoment() throws {
    let gateway = try SimulatedGateway()
    gateway.network.refusedPorts = [9000]
    #expect(Self.attempts(gateway, calls: 10) == 3, "three attempts, then calls fail at once")
    gateway.network.advance(nanoseconds: 1_000_000_000)
    #expect(Self.attempts(gateway, calls: 5) == 1, "one call tries again, the others do not")
    gateway.network.advance(nanoseconds: 1_000_000_000)
    gateway.network.refusedPorts = []
    let answer = gateway.exchange(SimulatedGateway.post(SimulatedGateway.call("query")))
    #expect(answer.contains("\"city\":\"Ulm\""), "it is back, and so are its calls")
    gateway.network.refusedPorts = [9000]
    gateway.network.advance(nanoseconds: 10_000_000_000)
    #expect(Self.attempts(gateway, calls: 2) == 2, "success has made good for the failures")
  }

  @Test func onlyOneTriesAgainAtATime() throws {
    let gateway = try SimulatedGateway()
    gateway.network.refusedPorts = [9000]
    _ = Self.attempts(gateway, calls: 3)
    gateway.network.advance(nanoseconds: 1_000_000_000)
    gateway.network.weather.stallPerMille = 700
    let before = gateway.network.connectAttempts
    let clients = (0..<20).map { number in
      let client = gateway.network.connect(toPort: SimulatedGateway.audience)
      gateway.network.send(
        SimulatedGateway.post(SimulatedGateway.call("query", id: "\(number)")), from: client)
      return client
    }
    gateway.run(turns: 100)
    #expect(gateway.network.connectAttempts - before == 1)
    for client in clients {
      let answer = String(decoding: gateway.network.takeReceived(by: client), as: UTF8.self)
      #expect(answer.contains("cannot be reached"))
    }
  }

  /// The one that tries goes away before it knows: another may try.
  @Test func anAbandonedAttemptDoesNotKeepTheServerClosed() throws {
    let gateway = try SimulatedGateway()
    gateway.network.refusedPorts = [9000]
    _ = Self.attempts(gateway, calls: 3)
    gateway.network.refusedPorts = []
    gateway.network.advance(nanoseconds: 1_000_000_000)
    let client = gateway.network.connect(toPort: SimulatedGateway.audience)
    gateway.network.holdsConnects = true
    gateway.network.send(
      SimulatedGateway.post(
        SimulatedGateway.modernCall("query"), more: SimulatedGateway.modernFields("query")),
      from: client)
    gateway.run(turns: 10)
    gateway.network.reset(client)
    gateway.run(turns: 10)
    gateway.network.holdsConnects = false
    let answer = gateway.exchange(SimulatedGateway.post(SimulatedGateway.call("query")))
    #expect(answer.contains("\"city\":\"Ulm\""), "\(answer)")
  }
}
