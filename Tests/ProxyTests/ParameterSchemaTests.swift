import EventLoop
import Foundation
import Testing
import Wire

@testable import Proxy

/// Fields `Mcp-Param-…` of tools whose schemas a worker has seen.
struct ParameterSchemaTests {
  static let schema =
    #"{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"where":{"type":"object","properties":{"c\u006funt":{"type":"integer","x-mcp-header":"Count"}}},"flag":{"x-mcp-header":"FL\u0061G","type":"boolean"},"list":{"type":"array","x-mcp-header":"List","items":{"properties":{"region":{"type":"string","x-mcp-header":"Inner"}}}}}}"#

  static func tools(_ schema: String = schema, name: String = "query") -> String {
    #"{"tools":[{"name":"hidden","inputSchema":\#(schema)},{"name":"\#(name)","inputSchema":\#(schema)},{"name":"list_x","inputSchema":{"type":"object"}}]}"#
  }

  static let list = SimulatedGateway.post(
    #"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{\#(SimulatedGateway.modernMeta)}}"#,
    more: SimulatedGateway.modernFields(of: "tools/list"))

  /// A gateway whose worker has seen the shop's list.
  private func gateway(
    _ tools: String = ParameterSchemaTests.tools(), streams: Bool = false, sees: Bool = true
  ) throws -> SimulatedGateway {
    let gateway = try SimulatedGateway()
    gateway.server = { request in
      guard request.body.contains("tools/list") else { return SimulatedGateway.echo(request) }
      let answer = #"{"jsonrpc":"2.0","id":1,"result":\#(tools)}"#
      return streams
        ? [.send(ServerText.streamHead + LastingStreamTests.event(answer) + "0\r\n\r\n")]
        : [.send(SimulatedGateway.json(answer))]
    }
    if sees {
      let answer = gateway.exchange(Self.list)
      // It goes on as it is, but for what may not be used.
      #expect(answer.contains(#""x-mcp-header":"Region""#) && !answer.contains("hidden"))
    }
    return gateway
  }

  private func call(
    _ gateway: SimulatedGateway, _ arguments: String, _ fields: String, tool: String = "query"
  ) -> String {
    let body = SimulatedGateway.modernCall(tool).replacing(
      "\"arguments\":{}", with: "\"arguments\":\(arguments)")
    return gateway.exchange(
      SimulatedGateway.post(body, more: SimulatedGateway.modernFields(tool) + fields))
  }

  @Test(
    arguments: [
      (#"{"region":"eu"}"#, "Mcp-Param-Region: eu\r\n"),
      (#"{"region":"eu"}"#, "mcp-param-REGION: eu\r\n"),
      (#"{"region":"Zo\u00eb"}"#, "Mcp-Param-Region: =?base64?Wm/Dqw==?=\r\n"),
      (#"{"where":{"count":42}}"#, "Mcp-Param-Count: 42\r\n"),
      (#"{"where":{"c\u006funt":42.0}}"#, "Mcp-Param-Count: 42\r\n"),
      (#"{"flag":true,"region":null}"#, "Mcp-Param-Flag: true\r\n"), ("{}", ""),
      (#"{"region":null,"where":{}}"#, ""), (#"{"list":["a"]}"#, ""),
      // What no schema declares is nobody's affair.
      (#"{}"#, "Mcp-Param-Other: whatever\r\n"),
      (#"{"region":"eu"}"#, "Mcp-Param-Region: eu\r\nMcp-Param-Inner: us\r\n"),
    ], [false, true])
  func whatTheSchemaSaysPasses(call: (String, String), streams: Bool) throws {
    let gateway = try gateway(streams: streams)
    #expect(self.call(gateway, call.0, call.1).hasPrefix("HTTP/1.1 200 "))
    let head = try #require(gateway.requestsAtServers.last).head
    #expect(call.1.split(separator: "\r\n").allSatisfy { head.contains("\($0)\r\n") })
  }

  /// Clients leave out such a tool's fields altogether.
  @Test(arguments: ["bad name", "R\u{e9}gion", "", "a:b"])
  func aSchemaWithAnImproperNameAsksForNothing(name: String) throws {
    let gateway = try gateway()
    let improper = Self.schema.replacing(#""Region""#, with: "\"\(name)\"")
    gateway.server = { request in
      guard request.body.contains("tools/list") else { return SimulatedGateway.echo(request) }
      let result = Self.tools(name.isEmpty ? Self.schema : improper)
      return [.send(SimulatedGateway.json(#"{"jsonrpc":"2.0","id":1,"result":\#(result)}"#))]
    }
    _ = gateway.exchange(Self.list)
    let answer = call(gateway, #"{"region":"eu"}"#, "")
    #expect(answer.hasPrefix("HTTP/1.1 200 ") != name.isEmpty)
  }

  static let wrong = [
    (#"{"region":"eu"}"#, ""), (#"{"region":"eu"}"#, "Mcp-Param-Region: us\r\n"),
    (#"{"region":"eu"}"#, "Mcp-Param-Count: eu\r\n"),
    (#"{"region":"eu","flag":false}"#, "Mcp-Param-Region: eu\r\n"),
    ("{}", "Mcp-Param-Region: eu\r\n"), (#"{"region":null}"#, "Mcp-Param-Region: null\r\n"),
    (#"{"region":"eu"}"#, "Mcp-Param-Region: eu\r\nMcp-Param-Region: eu\r\n"),
    (#"{"where":{"count":42}}"#, ""), (#"{"where":{"count":42}}"#, "Mcp-Param-Count: 43\r\n"),
    (#"{"region":{}}"#, "Mcp-Param-Region: {}\r\n"),
    (#"{"other":"eu"}"#, "Mcp-Param-Region: eu\r\n"),
  ]

  /// Refused once: clients list again then, and where the list that they get says otherwise, its server judges.
  @Test(arguments: wrong)
  func whatItDoesNotSayIsRefusedUntilItIsSeenAgain(arguments: String, fields: String) throws {
    let gateway = try gateway()
    for _ in 0..<2 {
      let refused = call(gateway, arguments, fields)
      #expect(refused.hasPrefix("HTTP/1.1 400 ") && refused.contains("\"code\":-32020"))
      #expect(gateway.exchange(Self.list).contains("\"query\""))
    }
    #expect(gateway.requestsAtServers.allSatisfy { $0.body.contains("tools/list") })
  }

  @Test func aSchemaThatHasChangedIsForgotten() throws {
    let gateway = try gateway()
    #expect(call(gateway, #"{"region":"eu"}"#, "").hasPrefix("HTTP/1.1 400 "))
    #expect(call(gateway, #"{"region":"eu"}"#, "").hasPrefix("HTTP/1.1 200 "))
    // Without one, a field must still repeat some argument.
    #expect(
      call(gateway, #"{"region":"eu"}"#, "Mcp-Param-Region: us\r\n").hasPrefix("HTTP/1.1 400 "))
  }

  @Test func aNewerListReplacesTheOlder() throws {
    let gateway = try gateway()
    gateway.server = { request in
      request.body.contains("tools/list")
        ? [
          .send(
            SimulatedGateway.json(
              #"{"jsonrpc":"2.0","id":1,"result":\#(Self.tools(#"{"type":"object"}"#))}"#))
        ] : SimulatedGateway.echo(request)
    }
    _ = gateway.exchange(Self.list)
    #expect(call(gateway, #"{"region":"eu"}"#, "").hasPrefix("HTTP/1.1 200 "))
    #expect(call(gateway, "{}", "Mcp-Param-Region: us\r\n").hasPrefix("HTTP/1.1 200 "))
  }

  @Test func toolsAndServersDoNotMix() throws {
    let gateway = try gateway()
    #expect(call(gateway, #"{"region":"eu"}"#, "", tool: "list_x").hasPrefix("HTTP/1.1 200 "))
    #expect(
      call(gateway, "{}", "Mcp-Param-Region: us\r\n", tool: "list_x").hasPrefix("HTTP/1.1 200 "))
    let body = SimulatedGateway.modernCall("query").replacing(
      "\"arguments\":{}", with: #""arguments":{"region":"eu"}"#)
    let vault = gateway.exchange(
      SimulatedGateway.post(
        body, key: "key-bob", path: "/vault/mcp", more: SimulatedGateway.modernFields("query")))
    #expect(vault.hasPrefix("HTTP/1.1 200 "))
    // Another snapshot may have other servers under the same numbers.
    gateway.control.offer(try SimulatedGateway.snapshot(SimulatedGateway.rules))
    gateway.turn()
    #expect(call(gateway, #"{"region":"eu"}"#, "").hasPrefix("HTTP/1.1 200 "))
  }

  @Test func onlyServersThatDeclareSomethingCostAnything() throws {
    let gateway = try gateway(Self.tools(#"{"type":"object"}"#), sees: false)
    _ = gateway.exchange(Self.list)
    #expect(gateway.worker.parameterSchemas.count == 0)
  }

  @Test func moreThanThereIsRoomForBeginsAnew() throws {
    let tools = (0..<600).map {
      #"{"name":"list_\#($0)","inputSchema":{"properties":{"region":{"type":"string","x-mcp-header":"Region"}}}}"#
    }
    let gateway = try gateway(#"{"tools":[\#(tools.joined(separator: ","))]}"#, sees: false)
    for _ in 0..<3 {
      #expect(gateway.exchange(Self.list, turns: 600).contains("list_599"))
      #expect(gateway.worker.parameterSchemas.count <= 512)
      // Judged without the schema.
      #expect(
        call(gateway, #"{"region":"eu"}"#, "Mcp-Param-X: eu\r\n", tool: "list_1")
          .hasPrefix("HTTP/1.1 200 "))
    }
  }
}
