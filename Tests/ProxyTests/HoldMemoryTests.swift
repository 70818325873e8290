import EventLoop
import Foundation
import Testing

@testable import Proxy

/// What a call that waits for its approval takes of its worker's memory.
struct HoldMemoryTests {
  @Test func anExchangeStaysSmall() {
    #expect(MemoryLayout<Exchange>.stride <= Exchange.bytesMax)
  }

  /// Memory that the worker has lent beside what it keeps for itself.
  private func lent(_ holding: HoldingGateway) -> Int {
    holding.gateway.worker.blocks.lentBytes - holding.gateway.worker.scratch.capacity
  }

  private func chunked(_ body: String) -> String {
    "POST /shop/mcp HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer key-ada\r\n"
      + "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
      + "Transfer-Encoding: chunked\r\n\r\n"
      + "\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
  }

  @Test(arguments: [0, 300, 3000, 9000, 40000, 200_000])
  func aHeldCallKeepsItsOwnBytesAndHardlyMore(filling: Int) throws {
    let holding = try HoldingGateway()
    let arguments = "{\"id\":7,\"why\":\"\(String(repeating: "x", count: filling))\"}"
    let body = SimulatedGateway.call("delete_row", arguments)
    for request in [SimulatedGateway.post(body), chunked(body)] {
      let client = holding.send(request)
      holding.gateway.run(turns: 200)
      let call = try #require(holding.takeHeld().first)
      #expect(holding.gateway.worker.held.count == 1)
      #expect(lent(holding) <= request.utf8.count + Worker.heldSlackBytesMax)
      // Nor do the comments that keep its connection alive.
      holding.advance(seconds: 25)
      #expect(holding.receive(client, turns: 4).contains(": keep-alive"))
      #expect(lent(holding) <= request.utf8.count + Worker.heldSlackBytesMax)

      let before = holding.gateway.requestsAtServers.count
      holding.grant(call)
      #expect(holding.receive(client, turns: 200).contains("\"email\":\"[redacted]\""))
      #expect(holding.gateway.requestsAtServers.count == before + 1)
      #expect(holding.gateway.requestsAtServers.last?.body == body)
      #expect(lent(holding) == 0)
    }
  }

  /// However little memory there is when a call comes back, it is never taken for a new one, which would wait from the start.
  @Test func aRepetitionWithoutMemoryIsRefusedAndStaysOne() throws {
    var limits = GatewayLimits()
    limits.holdLegsMax = 2
    limits.workerMemoryMax = 8 << 20
    let carried = ",\"inputResponses\":{\"a\":\"\(String(repeating: "x", count: 10_000))\"}"
    var overloads = 0
    for free in Array(stride(from: 0, to: 96 << 10, by: 4096)) + [512 << 10] {
      let holding = try HoldingGateway(limits: limits)
      let first = holding.send(
        HoldingGateway.modern(HoldingGateway.modernBody("{}", params: carried)))
      holding.advance(seconds: 46)
      let state = try #require(HoldingGateway.state(in: holding.receive(first)))
      _ = holding.takeMessages()

      var taken: [Block] = []
      let most = limits.workerMemoryMax - free
      for size in [1 << 20, 4096] {
        while holding.gateway.worker.blocks.lentBytes + size <= most {
          let block = holding.gateway.worker.blocks.take(atLeast: size)
          taken.append(try #require(block))
        }
      }
      let again = holding.send(
        HoldingGateway.modern(
          HoldingGateway.modernBody("{}", params: ",\"requestState\":\"\(state)\"")))
      for block in taken { holding.gateway.worker.blocks.give(block) }
      let isHeld = holding.gateway.worker.held.count == 1
      holding.advance(seconds: 46)
      let answer = holding.receive(again)
      #expect(HoldingGateway.state(in: answer) == nil, "\(free) bytes: a first leg again")
      if answer.contains("HTTP/1.1 503 ") { overloads += 1 }
      // Where there is no memory for an answer either, its connection is closed.
      let isRefused =
        answer.contains("HTTP/1.1 503 ") || answer.contains("no memory")
        || (answer.isEmpty && holding.network.isClosed(again))
      #expect(isHeld || isRefused, "\(free) bytes: \(answer)")
      if free == 512 << 10 { #expect(isHeld, "with enough of it, the call waits") }
    }
    #expect(overloads > 0)
  }
}
