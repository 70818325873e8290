import EventLoop
import Foundation
import Identity
import Testing

@testable import Proxy

/// What is judged of the HTTP around a message, one case for each rule: which status answers what.
struct HTTPRuleTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var name: String
    var status: Int
    var request: String
    /// What the answer also holds.
    var answer = ""
    var testDescription: String { "\(name): \(status)" }
  }

  static let page = "http://inspector.example:6274"
  static let ping = #"{"jsonrpc":"2.0","id":1,"method":"ping"}"#

  /// A request with other fields than usual: those that are nil are left out.
  static func request(
    _ method: String = "POST", path: String = "/shop/mcp", host: String? = "gateway.example",
    type: String? = "application/json",
    accept: String? = "application/json, text/event-stream", key: String? = "key-ada",
    more: String = "", length: String? = nil, body: String = ping
  ) -> String {
    var text = "\(method) \(path) HTTP/1.1\r\n"
    for (field, value) in [("Host", host), ("Content-Type", type), ("Accept", accept)] {
      if let value { text += "\(field): \(value)\r\n" }
    }
    if let key { text += "Authorization: Bearer \(key)\r\n" }
    let length = length ?? (body.isEmpty ? nil : "Content-Length: \(body.utf8.count)")
    return text + more + (length.map { "\($0)\r\n" } ?? "") + "\r\n" + body
  }

  static let cases: [Case] = methods + origins + hosts + media + framing + targets + bounds

  static let methods: [Case] = [
    Case(name: "POST", status: 200, request: request()),
    Case(
      name: "PUT", status: 405, request: request("PUT"), answer: "Allow: GET, POST, DELETE\r\n"),
    Case(name: "HEAD", status: 405, request: request("HEAD", body: "")),
    Case(name: "TRACE", status: 405, request: request("TRACE", body: "")),
    Case(name: "CONNECT", status: 405, request: request("CONNECT", body: "")),
    Case(name: "OPTIONS from nowhere", status: 405, request: request("OPTIONS", body: "")),
    Case(
      name: "OPTIONS without a credential", status: 401,
      request: request("OPTIONS", key: nil, body: "")),
    Case(name: "GET without a session", status: 400, request: request("GET", body: "")),
    Case(name: "DELETE without a session", status: 400, request: request("DELETE", body: "")),
    Case(name: "GET with a body", status: 400, request: request("GET")),
    Case(
      name: "an unknown session", status: 404,
      request: request(more: "Mcp-Session-Id: abc\r\n"), answer: "Session not found"),
    Case(
      name: "no credential", status: 401, request: request(key: nil),
      answer: "WWW-Authenticate: Bearer"),
    Case(
      name: "a wrong credential", status: 401, request: request(key: "no"),
      answer: "WWW-Authenticate: Bearer"),
  ]

  static let origins: [Case] = [
    Case(name: "no origin", status: 200, request: request()),
    Case(
      name: "a listed origin", status: 200, request: request(more: "Origin: \(page)\r\n"),
      answer: "Access-Control-Allow-Origin: \(page)\r\n"),
    Case(
      name: "a listed origin without a credential", status: 401,
      request: request(key: nil, more: "Origin: \(page)\r\n"),
      answer: "Access-Control-Allow-Origin: \(page)\r\n"),
    Case(
      name: "another origin", status: 403,
      request: request(more: "Origin: http://evil.example\r\n")),
    Case(
      name: "another origin before the credential", status: 403,
      request: request(key: nil, more: "Origin: http://evil.example\r\n")),
    Case(name: "the origin null", status: 403, request: request(more: "Origin: null\r\n")),
    Case(name: "an empty origin", status: 403, request: request(more: "Origin: \r\n")),
    Case(
      name: "another port", status: 403,
      request: request(more: "Origin: http://inspector.example\r\n")),
    Case(
      name: "two origins", status: 400,
      request: request(more: "Origin: \(page)\r\nOrigin: \(page)\r\n")),
    Case(
      name: "preflight", status: 204,
      request: request(
        "OPTIONS", type: nil, accept: nil, key: nil,
        more: "Origin: \(page)\r\nAccess-Control-Request-Method: POST\r\n"
          + "Access-Control-Request-Headers: authorization, mcp-param-region\r\n", body: ""),
      answer: "Access-Control-Allow-Headers: Authorization, "),
    Case(
      name: "preflight of another page", status: 403,
      request: request(
        "OPTIONS", key: nil, more: "Origin: http://evil.example\r\n", body: "")),
    Case(
      name: "preflight of no server", status: 404,
      request: request("OPTIONS", path: "/no", key: nil, more: "Origin: \(page)\r\n", body: "")),
  ]

  static let hosts: [Case] = [
    Case(name: "a listed host", status: 200, request: request(host: "gateway.example")),
    Case(
      name: "in capitals, with a port", status: 200, request: request(host: "GATEWAY.example:80")),
    Case(name: "only with its port", status: 200, request: request(host: "[::1]:8080")),
    Case(name: "with another port", status: 421, request: request(host: "[::1]:8081")),
    Case(name: "another host", status: 421, request: request(host: "evil.example")),
    Case(name: "before the credential", status: 421, request: request(host: "evil", key: nil)),
    Case(name: "a longer host", status: 421, request: request(host: "gateway.example.evil")),
    Case(name: "a longer name", status: 421, request: request(host: "gateway.examplee")),
    Case(name: "a shorter host", status: 421, request: request(host: "gateway")),
    Case(
      name: "no port behind the colon", status: 421,
      request: request(host: "gateway.example:80a")),
    Case(name: "no host", status: 400, request: request(host: nil)),
    Case(name: "two hosts", status: 400, request: request(more: "Host: gateway.example\r\n")),
  ]

  static let media: [Case] = [
    Case(
      name: "charset=utf-8", status: 200, request: request(type: "application/json; charset=utf-8")),
    Case(
      name: "another charset", status: 415,
      request: request(type: "application/json; charset=utf-16")),
    Case(name: "two types", status: 415, request: request(type: "application/json, text/plain")),
    Case(name: "no type", status: 415, request: request(type: nil)),
    Case(name: "text", status: 415, request: request(type: "text/plain")),
    Case(name: "encoded", status: 415, request: request(more: "Content-Encoding: gzip\r\n")),
    Case(
      name: "not encoded", status: 200, request: request(more: "Content-Encoding: identity\r\n")),
    Case(name: "only JSON accepted", status: 406, request: request(accept: "application/json")),
    Case(name: "only events accepted", status: 406, request: request(accept: "text/event-stream")),
    Case(name: "nothing said to be accepted", status: 406, request: request(accept: nil)),
    Case(
      name: "GET accepts no events", status: 406,
      request: request("GET", accept: "application/json", body: "")),
  ]

  static let framing: [Case] = [
    Case(
      name: "length and chunks", status: 400,
      request: request(more: "Transfer-Encoding: chunked\r\n")),
    Case(name: "two lengths", status: 400, request: request(more: "Content-Length: 1\r\n")),
    Case(name: "no length", status: 400, request: request(body: "")),
    Case(
      name: "another coding", status: 400,
      request: request(length: "Transfer-Encoding: gzip, chunked", body: "0\r\n\r\n")),
    Case(name: "a folded field", status: 400, request: request(more: "X-A: b\r\n c\r\n")),
    Case(name: "a space before the colon", status: 400, request: request(more: "X-A : b\r\n")),
    Case(name: "a lone line feed", status: 400, request: request(more: "X-A: b\nX-B: c\r\n")),
    Case(name: "a null", status: 400, request: request(more: "X-A: b\0\r\n")),
    Case(name: "Expect", status: 417, request: request(more: "Expect: 200-maybe\r\n")),
    Case(name: "Upgrade", status: 400, request: request(more: "Upgrade: websocket\r\n")),
    Case(
      name: "a name in disguise is not read", status: 200,
      request: request(more: "mcp_session_id: abc\r\n")),
  ]

  static let targets: [Case] = [
    Case(name: "a slash at the end", status: 200, request: request(path: "/shop/mcp/")),
    Case(name: "two slashes at the end", status: 400, request: request(path: "/shop/mcp//")),
    Case(name: "a query", status: 200, request: request(path: "/shop/mcp?a=b")),
    Case(name: "another path", status: 404, request: request(path: "/shop/mcpx")),
    Case(name: "in capitals", status: 404, request: request(path: "/Shop/mcp")),
    Case(name: "dots", status: 400, request: request(path: "/vault/../shop/mcp")),
    Case(name: "an encoded slash", status: 400, request: request(path: "/shop%2Fmcp")),
    Case(
      name: "absolute form", status: 400,
      request: request(path: "http://gateway.example/shop/mcp")),
  ]

  static let bounds: [Case] = [
    Case(name: "a body too long", status: 413, request: request(length: "Content-Length: 9999999")),
    Case(
      name: "a field too long", status: 431,
      request: request(more: "X-A: \(String(repeating: "a", count: 40_000))\r\n")),
    Case(
      name: "too many fields", status: 431,
      request: request(more: String(repeating: "X-A: b\r\n", count: 200))),
  ]

  @Test(arguments: cases)
  func isAnswered(_ rule: Case) throws {
    let gateway = try SimulatedGateway()
    gateway.server = { request in
      [.send(SimulatedGateway.json(#"{"jsonrpc":"2.0","id":\#(request.id),"result":{}}"#))]
    }
    gateway.control.offer(
      try SimulatedGateway.snapshot(
        SimulatedGateway.rules,
        access: [
          ListenerAccess(hosts: ["gateway.example", "[::1]:8080"], origins: [Self.page])
        ]))
    gateway.turn()
    let answer = gateway.exchange(rule.request, turns: 60)
    #expect(answer.hasPrefix("HTTP/1.1 \(rule.status) "), "\(answer)")
    #expect(answer.contains(rule.answer) || rule.answer.isEmpty, "\(answer)")
    #expect(
      answer.contains("Access-Control-Allow-Origin") == answer.contains("Vary: Origin"),
      "\(answer)")
    // Only what was let through reaches the server, and nothing of the page with it.
    #expect(gateway.requestsAtServers.count == (rule.status == 200 ? 1 : 0))
    #expect(gateway.requestsAtServers.allSatisfy { !$0.head.contains("Origin") })
  }

  @Test func withoutListsAnyHostAndNoPageMayCall() throws {
    let gateway = try SimulatedGateway()
    #expect(gateway.exchange(Self.request(host: "any.example")).hasPrefix("HTTP/1.1 200 "))
    #expect(
      gateway.exchange(Self.request(more: "Origin: \(Self.page)\r\n")).hasPrefix("HTTP/1.1 403 "))
  }

  /// The longest answer there may be to a page: a challenge, and the fields that let the page read it.
  @Test func theHeadOfALongChallengeFits() throws {
    let origin = "https://" + String(repeating: "a", count: 116) + ".com"
    #expect(origin.utf8.count == 128)
    var provider = LastingStreamTests.provider
    provider.scopes = [String(repeating: "s", count: 500)]
    let gateway = try SimulatedGateway(providers: [provider])
    gateway.control.offer(
      try SimulatedGateway.snapshot(
        SimulatedGateway.rules, providers: [provider],
        access: [ListenerAccess(origins: [origin])]))
    gateway.turn()
    let answer = gateway.exchange(
      Self.request(key: "a.b.c", more: "Origin: \(origin)\r\n"))
    #expect(answer.hasPrefix("HTTP/1.1 401 "))
    #expect(answer.contains("Access-Control-Allow-Origin: \(origin)\r\n"))
    #expect(answer.contains(provider.scopes[0]))
  }
}
