import Foundation
import Testing

@testable import Proxy

/// What agents declare that they can do: servers hear only of what they may ask for. The shop may ask people (elicitation).
struct CapabilityTests {
  static let cases: [(declared: String, offered: String)] = [
    ("{}", "{}"), (#"{"elicitation":{"url":{}}}"#, #"{"elicitation":{"url":{}}}"#),
    (#"{"sampling":{"tools":{}}}"#, "{}"), (#"{ "roots" : {"listChanged":true} }"#, "{}"),
    (#"{"roots":{},"elicitation":{},"sampling":{}}"#, #"{"elicitation":{}}"#),
    (
      #"{"experimental":{"x":1},"tasks":{"list":{}},"elicitation":{}}"#,
      #"{"experimental":{"x":1},"elicitation":{}}"#
    ),
    (
      #"{"extensions":{"io.modelcontextprotocol/tasks":{}},"s\u0061mpling":{}}"#,
      #"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#
    ),
    ("[]", "[]"), ("null", "null"),
  ]

  private func sent(_ request: String) throws -> String? {
    let gateway = try SimulatedGateway()
    gateway.server = { _ in
      [.send(SimulatedGateway.json(#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#))]
    }
    _ = gateway.exchange(request)
    #expect(gateway.requestsAtServers.count <= 1)
    let request = gateway.requestsAtServers.first
    if let request {
      #expect(request.head.contains("Content-Length: \(request.body.utf8.count)\r"))
    }
    return request?.body
  }

  @Test(arguments: cases)
  func inTheHandshake(declared: String, offered: String) throws {
    func body(_ capabilities: String) -> String {
      #"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18", "capabilities": \#(capabilities) ,"clientInfo":{"name":"c","version":"1"}}}"#
    }
    #expect(try sent(SimulatedGateway.post(body(declared))) == body(offered))
  }

  @Test(arguments: cases)
  func inEveryModernRequest(declared: String, offered: String) throws {
    func body(_ capabilities: String) -> String {
      SimulatedGateway.modernCall("query").replacing(
        #"clientCapabilities":{}"#, with: #"clientCapabilities":\#(capabilities)"#)
    }
    let request = try sent(
      SimulatedGateway.post(body(declared), more: SimulatedGateway.modernFields("query")))
    // What is no object is no modern request.
    #expect(request == (declared.hasPrefix("{") ? body(offered) : nil))
  }
}
