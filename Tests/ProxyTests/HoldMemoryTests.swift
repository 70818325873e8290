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
}
