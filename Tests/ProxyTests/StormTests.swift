import EventLoop
import Foundation
import Testing

@testable import Proxy

/// Many agents and an unreliable server on a stormy network, by seed: whatever happens, nothing forbidden passes, nothing
/// masked shows, every answer belongs to its request, and in the end nothing is left behind.
struct StormTests {
  static let secret = "secret-ssn-value"

  @Test(arguments: Array(1...24) as [UInt64])
  func invariantsHold(seed: UInt64) throws {
    let gateway = try storm(seed: seed, memory: GatewayLimits().workerMemoryMax)
    #expect(!gateway.requestsAtServers.isEmpty)
    #expect(gateway.worker.blocks.refusals == 0)
  }

  /// A worker whose memory is used up refuses, or closes connections where there is none for a refusal, and works on.
  @Test(arguments: Array(1...12) as [UInt64])
  func aWorkerOutOfMemoryGoesOn(seed: UInt64) throws {
    let gateway = try storm(seed: seed, memory: SimulatedGateway.scarceMemory(seed: seed))
    #expect(gateway.worker.blocks.refusals > 0, "seed \(seed): there was memory enough")
    // With nobody else there, a call is served again.
    let agent = gateway.network.connect(toPort: SimulatedGateway.audience)
    gateway.server = { SimulatedGateway.echo($0) }
    gateway.network.send(
      SimulatedGateway.post(SimulatedGateway.call("query", #"{"sql":"SELECT 2"}"#)), from: agent)
    for _ in 0..<200 {
      gateway.network.advance(nanoseconds: 1_000_000)
      gateway.run(turns: 10)
    }
    let answer = String(decoding: gateway.network.takeReceived(by: agent), as: UTF8.self)
    #expect(answer.hasPrefix("HTTP/1.1 200"), "seed \(seed): \(answer)")
  }

  /// - Parameter memory: bytes of messages that the worker may hold at once.
  private func storm(seed: UInt64, memory: Int) throws -> SimulatedGateway {
    var limits = GatewayLimits()
    limits.messageBytesMax = 64 << 10
    limits.workerMemoryMax = memory
    let gateway = try SimulatedGateway(seed: seed, weather: .stormy(), limits: limits)
    let network = gateway.network
    gateway.server = { request in StormTests.answer(request, network) }

    var clients: [(peer: SimulatedNetwork.Peer, expected: [String], received: [UInt8])] = []
    for number in 0..<12 {
      let peer = network.connect(toPort: SimulatedGateway.audience)
      var expected: [String] = []
      for turn in 0..<(1 + network.random(below: 5)) {
        let id = "\(number * 100 + turn)"
        network.send(StormTests.request(id, network), from: peer)
        expected.append(id)
      }
      clients.append((peer, expected, []))
    }
    for turn in 0..<6000 {
      gateway.stormTurn(turn)
      for index in clients.indices {
        clients[index].received += network.takeReceived(by: clients[index].peer)
      }
      if turn > 200, network.random(below: 400) == 0 {
        gateway.leave(clients[network.random(below: clients.count)].peer)
      }
    }
    for client in clients {
      let text = String(decoding: client.received, as: UTF8.self)
      #expect(!text.contains(StormTests.secret), "seed \(seed): a masked value came through")
      let ids = text.matches(of: /"id":(\d+)/).map { String($0.1) }
      #expect(
        client.expected.starts(with: ids), "seed \(seed): \(ids) is no start of \(client.expected)")
    }
    for request in gateway.requestsAtServers {
      #expect(!request.body.contains("DROP"), "seed \(seed): a blocked call reached the server")
      #expect(!request.body.contains("\"forbidden\""), "seed \(seed): a tool no profile allows")
    }

    gateway.expectNothingLeft(of: clients.map(\.peer), "seed \(seed)")
    return gateway
  }

  private static func request(_ id: String, _ network: SimulatedNetwork) -> String {
    let post = { (body: String) in SimulatedGateway.post(body) }
    return switch network.random(below: 6) {
    case 0: post(SimulatedGateway.call("query", #"{"sql":"DROP TABLE t"}"#, id: id))
    case 1: post(SimulatedGateway.call("forbidden", id: id))
    case 2:
      post(
        SimulatedGateway.call(
          "list_all", #"{"a":"\#(String(repeating: "x", count: 3000))"}"#, id: id))
    default: post(SimulatedGateway.call("query", #"{"sql":"SELECT 1"}"#, id: id))
    }
  }

  private static func answer(
    _ request: SimulatedGateway.ServerRequest, _ network: SimulatedNetwork
  ) -> [SimulatedGateway.ServerStep] {
    let rows = String(repeating: #"{"ssn":"\#(secret)","n":1},"#, count: network.random(below: 60))
    let result =
      #"{"jsonrpc":"2.0","id":\#(request.id),"result":{"structuredContent":[\#(rows)0],"#
      + #""content":[{"type":"text","text":"{\"ssn\":\"\#(secret)\"}"}]}}"#
    let notification =
      #"{"jsonrpc":"2.0","method":"notifications/message","params":{"data":{"ssn":"\#(secret)"}}}"#
    switch network.random(below: 14) {
    case 0: return [.reset]
    case 1: return [.send("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"), .wait(30), .end]
    case 2: return [.send("garbage \(secret)\r\n\r\n")]
    case 3:
      return [
        .send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 16\r\n\r\n\(secret)")
      ]
    case 4: return [.send(SimulatedGateway.json(result + " ", more: "Content-Encoding: gzip\r\n"))]
    case 5:
      return [
        .send(SimulatedGateway.json(result.replacingOccurrences(of: "\"id\":", with: "\"id\":9")))
      ]
    case 6:
      return [.send(SimulatedGateway.json("{\"ssn\":\"\(secret)\",\"ssn\":1}"))]
    case 7, 8:
      return [
        .send(ServerText.streamHead), .send(ServerText.chunk("data: \(notification)\n\n")),
        .wait(network.random(below: 100)), .send(ServerText.chunk("data: \(result)\n\n")),
        .send("0\r\n\r\n"),
      ]
    case 9:
      // A stream that breaks off in the middle of an event.
      return [
        .send(ServerText.streamHead),
        .send(ServerText.chunk("data: \(notification)\n\ndata: {\"id")),
        .wait(10), .end,
      ]
    case 10: return []
    case 11:
      return [
        .send(
          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"),
        .send(ServerText.chunk(result)), .send("0\r\n\r\n"),
      ]
    case 12: return [.send(SimulatedGateway.json(String(repeating: " ", count: 70_000) + result))]
    default: return [.wait(network.random(below: 50)), .send(SimulatedGateway.json(result))]
    }
  }
}
