import EventLoop
import Testing

@testable import Proxy

/// The fields `Mcp-Param-…` of calls, and what else is modern about a request.
struct ParameterTests {
  static let arguments =
    #"{"region":"eu","count":42,"deep":{"flag":true,"name":"Zo\u00eb"},"none":null,"ratio":1.50}"#

  private func call(_ fields: String, _ gateway: SimulatedGateway, turns: Int = 200) -> String {
    let body = SimulatedGateway.modernCall("query").replacing(
      "\"arguments\":{}", with: "\"arguments\":\(Self.arguments)")
    return gateway.exchange(
      SimulatedGateway.post(body, more: SimulatedGateway.modernFields("query") + fields))
  }

  @Test(arguments: [
    "Mcp-Param-Region: eu\r\n", "mcp-param-count: 42\r\nMcp-Param-Region: eu\r\n",
    "Mcp-Param-Count: 42.0\r\n", "Mcp-Param-Flag: true\r\n",
    "Mcp-Param-Name: =?base64?Wm/Dqw==?=\r\n",
    "Mcp-Param-Ratio: 1.50\r\n",
  ])
  func whatRepeatsAnArgumentGoesAlong(fields: String) throws {
    let gateway = try SimulatedGateway()
    #expect(call(fields, gateway).hasPrefix("HTTP/1.1 200 "))
    #expect(try #require(gateway.requestsAtServers.first).head.contains(fields))
  }

  @Test(arguments: [
    "Mcp-Param-Region: us\r\n", "Mcp-Param-Region: EU\r\n", "Mcp-Param-Region: region\r\n",
    "Mcp-Param-Region: eu\r\nmcp-param-region: eu\r\n", "Mcp-Param-None: null\r\n",
    "Mcp-Param-Count: 42.5\r\n", "Mcp-Param-Count: 4\r\n", "Mcp-Param-Flag: True\r\n",
    "Mcp-Param-Region: \r\n", "Mcp-Param-Name: =?base64?Wm/Dqw?=\r\n",
  ])
  func whatTheBodyDoesNotSayIsRefused(fields: String) throws {
    let gateway = try SimulatedGateway()
    let answer = call(fields, gateway)
    #expect(answer.hasPrefix("HTTP/1.1 400 "))
    #expect(answer.contains("\"code\":-32020") && answer.contains("\"id\":1"))
    #expect(gateway.requestsAtServers.isEmpty)
  }

  /// The body comes later, and other heads are read in between.
  @Test func fieldsOfALateBodyAreItsOwn() throws {
    let gateway = try SimulatedGateway()
    let body = SimulatedGateway.modernCall("query").replacing(
      "\"arguments\":{}", with: "\"arguments\":\(Self.arguments)")
    let request = SimulatedGateway.post(
      body, more: SimulatedGateway.modernFields("query") + "Mcp-Param-Region: eu\r\n")
    let client = gateway.network.connect(toPort: SimulatedGateway.audience)
    gateway.network.send(String(request.dropLast(20)), from: client)
    gateway.run(turns: 20)
    #expect(call("Mcp-Param-Count: 42\r\n", gateway).hasPrefix("HTTP/1.1 200 "))
    gateway.network.send(String(request.suffix(20)), from: client)
    gateway.run(turns: 60)
    let head = try #require(gateway.requestsAtServers.last).head
    #expect(head.contains("Mcp-Param-Region: eu\r\n") && !head.contains("Mcp-Param-Count"))
  }

  @Test func theLegacyEraHasNone() throws {
    let gateway = try SimulatedGateway()
    let answer = gateway.exchange(
      SimulatedGateway.post(
        SimulatedGateway.call("query"), more: "Mcp-Param-Region: us\r\n"))
    #expect(answer.hasPrefix("HTTP/1.1 200 "))
    #expect(!gateway.requestsAtServers[0].head.contains("Mcp-Param"))
  }

  @Test(arguments: ["notifications/cancelled", "notifications/vendor"])
  func notificationsAreAcceptedAndDropped(method: String) throws {
    let gateway = try SimulatedGateway()
    let answer = gateway.exchange(
      SimulatedGateway.post(
        #"{"jsonrpc":"2.0","method":"\#(method)","params":{"requestId":1,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
        more: SimulatedGateway.modernFields(of: method)))
    #expect(answer.hasPrefix("HTTP/1.1 202 "))
    #expect(gateway.requestsAtServers.isEmpty)
    #expect(gateway.worker.exchanges.count == 0)
  }
}
