import EventLoop
import Foundation
import Testing

@testable import Proxy

/// Which status and which code answer what (mcp-wire 13), with the request's id byte for byte, and a reference to the record.
struct ErrorTableTests {
  typealias Era = RequestEra

  struct Case: CustomTestStringConvertible, Sendable {
    var name: String
    var era: Era
    var status: Int
    /// Nil for no body.
    var code: Int?
    /// With `ID` for the id.
    var body: String
    var fields: String? = nil
    /// The id cannot be read, or there is none.
    var isWithoutID = false
    /// The record is named in the head alone.
    var isBare = false
    /// What the answer also holds.
    var answer = ""
    /// Of the server: status, and what it says.
    var server: (String, String)? = nil
    var testDescription: String { "\(era): \(name): \(status) \(code ?? 0)" }
  }

  static func request(
    _ method: String, _ params: String = "", meta: String = SimulatedGateway.modernMeta
  ) -> String {
    let params = [params, meta].filter { !$0.isEmpty }.joined(separator: ",")
    return #"{"jsonrpc":"2.0","id":ID,"method":"\#(method)","params":{\#(params)}}"#
  }

  static let call = #""name":"query","arguments":{}"#

  static let modern: [Case] = [
    Case(
      name: "no JSON", era: .modern, status: 400, code: -32700, body: #"{"id":ID,"a":}"#,
      isWithoutID: true),
    Case(
      name: "no object", era: .modern, status: 400, code: -32600, body: "7", isWithoutID: true),
    Case(
      name: "an array", era: .modern, status: 400, code: -32600,
      body: "[\(request("tools/call", call))]", isWithoutID: true),
    Case(
      name: "an unknown member", era: .modern, status: 400, code: -32600,
      body: request("tools/list").replacing(#""method""#, with: #""x":1,"method""#)),
    Case(
      name: "another JSON-RPC", era: .modern, status: 400, code: -32600,
      body: request("tools/list").replacing(#""2.0""#, with: #""1.0""#)),
    Case(
      name: "an answer", era: .modern, status: 400, code: -32600,
      body: #"{"jsonrpc":"2.0","id":ID,"result":{"_meta":{}}}"#, isWithoutID: true, isBare: true),
    Case(
      name: "no _meta", era: .modern, status: 400, code: -32602,
      body: request("tools/list", meta: "")),
    Case(
      name: "no capabilities", era: .modern, status: 400, code: -32602,
      body: request(
        "tools/list", meta: #""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#)),
    Case(
      name: "no name", era: .modern, status: 400, code: -32602, body: request("tools/call"),
      fields: SimulatedGateway.modernFields(of: "tools/call")),
    Case(
      name: "a reference to nothing", era: .modern, status: 400, code: -32602,
      body: request("completion/complete", #""ref":{"type":"ref/x"},"argument":{}"#)),
    Case(
      name: "no version field", era: .modern, status: 400, code: -32020,
      body: request("tools/list"),
      fields: "Mcp-Method: tools/list\r\n"),
    Case(
      name: "another version field", era: .modern, status: 400, code: -32020,
      body: request("tools/list"),
      fields: SimulatedGateway.modernFields(of: "tools/list", version: "2025-11-25")),
    Case(
      name: "another method field", era: .modern, status: 400, code: -32020,
      body: request("tools/list"), fields: SimulatedGateway.modernFields(of: "tools/call")),
    Case(
      name: "no method field", era: .modern, status: 400, code: -32020, body: request("tools/list"),
      fields: "MCP-Protocol-Version: 2026-07-28\r\n"),
    Case(
      name: "another name field", era: .modern, status: 400, code: -32020,
      body: request("tools/call", call),
      fields: SimulatedGateway.modernFields(of: "tools/call", "safe")),
    Case(
      name: "a malformed name field", era: .modern, status: 400, code: -32020,
      body: request("tools/call", call),
      fields: SimulatedGateway.modernFields(of: "tools/call", "=?base64?cXVlcnk?=")),
    Case(
      name: "a field twice", era: .modern, status: 400, code: -32020,
      body: request("tools/call", call),
      fields: SimulatedGateway.modernFields(of: "tools/call", "query") + "Mcp-Name: query\r\n",
      isWithoutID: true),
    Case(
      name: "a missing capability, says the server", era: .modern, status: 400, code: -32021,
      body: request("tools/call", call),
      fields: SimulatedGateway.modernFields(of: "tools/call", "query"),
      server: (
        "400 Bad Request", #"{"code":-32021,"message":"m","data":{"requiredCapabilities":{}}}"#
      )),
    Case(
      name: "an unknown version", era: .modern, status: 400, code: -32022,
      body: request("tools/list").replacing("2026-07-28", with: "2031-01-01"),
      fields: SimulatedGateway.modernFields(of: "tools/list", version: "2031-01-01"), isBare: true,
      answer: #""supported":["2026-07-28"],"requested":"2031-01-01""#),
    Case(
      name: "an unknown method", era: .modern, status: 404, code: -32601,
      body: request("vendor/do")),
    Case(name: "ping", era: .modern, status: 404, code: -32601, body: request("ping")),
    Case(
      name: "an unknown tool, says the server", era: .modern, status: 400, code: -32602,
      body: request("tools/call", call),
      fields: SimulatedGateway.modernFields(of: "tools/call", "query"),
      server: ("400 Bad Request", #"{"code":-32602,"message":"m"}"#)),
    Case(
      name: "an unknown task", era: .modern, status: 400, code: -32602,
      body: request("tasks/get", #""taskId":"t""#),
      fields: SimulatedGateway.modernFields(of: "tasks/get", "t")),
    Case(
      name: "an unknown state", era: .modern, status: 400, code: -32602,
      body: request("tools/call", call + #","requestState":"s""#),
      fields: SimulatedGateway.modernFields(of: "tools/call", "query")),
    Case(
      name: "a prompt that is not allowed", era: .modern, status: 200, code: -31403,
      body: request("prompts/get", #""name":"p""#),
      fields: SimulatedGateway.modernFields(of: "prompts/get", "p")),
    Case(
      name: "nobody's server", era: .modern, status: 200, code: -32603,
      body: request("tools/call", call),
      fields: SimulatedGateway.modernFields(of: "tools/call", "query"),
      server: ("500 Oops", "")),
    Case(
      name: "a notification", era: .modern, status: 202, code: nil,
      body: #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"#
        + SimulatedGateway.modernMeta + "}}",
      fields: SimulatedGateway.modernFields(of: "notifications/cancelled")),
    Case(
      name: "a call without an id", era: .modern, status: 400, code: -31403,
      body: request("tools/call", call).replacing(#""id":ID,"#, with: ""),
      fields: SimulatedGateway.modernFields(of: "tools/call", "query"), isWithoutID: true),
  ]

  static let legacy: [Case] = [
    Case(
      name: "no JSON", era: .legacy, status: 400, code: -32700, body: #"{"id":ID,"a":}"#,
      isWithoutID: true),
    Case(
      name: "an id that is none", era: .legacy, status: 400, code: -32600,
      body: #"{"jsonrpc":"2.0","id":1.0,"method":"ping"}"#, isWithoutID: true),
    Case(
      name: "an unknown member", era: .legacy, status: 400, code: -32600,
      body: #"{"jsonrpc":"2.0","id":ID,"method":"ping","x":1}"#),
    Case(
      name: "an array behind a newer version", era: .legacy, status: 400, code: -32600, body: "[]",
      fields: "MCP-Protocol-Version: 2025-06-18\r\n", isWithoutID: true),
    Case(
      name: "an answer to nothing", era: .legacy, status: 400, code: -32600,
      body: #"{"jsonrpc":"2.0","id":ID,"result":{}}"#),
    Case(
      name: "a reference to nothing", era: .legacy, status: 200, code: -32602,
      body: request("completion/complete", #""ref":{"type":"ref/x"},"argument":{}"#, meta: "")),
    Case(
      name: "an unknown version", era: .legacy, status: 400, code: -32602,
      body: request("tools/list", meta: ""), fields: "MCP-Protocol-Version: 2031-01-01\r\n"),
    Case(
      name: "another version than the session's", era: .legacy, status: 400, code: -32020,
      body: request("tools/list"), fields: "MCP-Protocol-Version: 2025-06-18\r\n"),
    Case(
      name: "an unknown method", era: .legacy, status: 200, code: -32601,
      body: request("vendor/do", meta: "")),
    Case(
      name: "the list of tasks", era: .legacy, status: 200, code: -32601,
      body: request("tasks/list", meta: "")),
    Case(
      name: "an unknown task", era: .legacy, status: 200, code: -32602,
      body: request("tasks/result", #""taskId":"t""#, meta: "")),
    Case(
      name: "an unknown cursor, says the server", era: .legacy, status: 200, code: -32602,
      body: request("tools/list", #""cursor":"c""#, meta: ""),
      server: ("200 OK", #"{"code":-32602,"message":"m"}"#)),
    Case(
      name: "a resource that is not allowed", era: .legacy, status: 200, code: -31403,
      body: request("resources/read", #""uri":"a:b""#, meta: "")),
    Case(
      name: "an unknown session", era: .legacy, status: 404, code: -32001,
      body: request("tools/list", meta: ""), fields: "Mcp-Session-Id: abc\r\n"),
    Case(
      name: "a server that speaks no JSON", era: .legacy, status: 200, code: -32603,
      body: request("tools/list", meta: ""), server: ("502 Bad Gateway", "")),
    Case(
      name: "a notification that is none", era: .legacy, status: 400, code: -32601,
      body: #"{"jsonrpc":"2.0","method":"notifications/vendor"}"#, isWithoutID: true),
    Case(
      name: "a notification", era: .legacy, status: 202, code: nil,
      body: #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#),
  ]

  static let ids = ["1", "-7", #""x""#, #""\u0061\/ \"""#, #""""#]

  private func post(_ rule: Case, _ body: String, key: String? = "key-ada") -> String {
    var fields = rule.fields ?? ""
    if rule.fields == nil, rule.era == .modern {
      let method = body.firstMatch(of: /"method":"([^"]*)"/).map { String($0.1) } ?? "tools/call"
      fields = SimulatedGateway.modernFields(of: method)
    }
    return SimulatedGateway.post(body, key: key, more: fields)
  }

  @Test(arguments: modern + legacy)
  func isAnswered(_ rule: Case) throws {
    for id in rule.body.contains("ID") ? Self.ids : ["1"] {
      let gateway = try SimulatedGateway()
      gateway.server = { request in
        guard let (status, error) = rule.server else {
          return request.body.contains("\"id\":")
            ? SimulatedGateway.echo(request)
            : [.send("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")]
        }
        return [
          .send(
            error.isEmpty
              ? "HTTP/1.1 \(status)\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\nno\n"
              : SimulatedGateway.json(
                #"{"jsonrpc":"2.0","id":\#(id),"error":\#(error)}"#, status: status))
        ]
      }
      let answer = gateway.exchange(post(rule, rule.body.replacing("ID", with: id)))
      #expect(answer.hasPrefix("HTTP/1.1 \(rule.status) "), "\(answer)")
      guard let code = rule.code else {
        #expect(answer.hasSuffix("Content-Length: 0\r\n\r\n"), "\(answer)")
        continue
      }
      #expect(answer.contains("\"error\":{\"code\":\(code),"), "\(answer)")
      let echoed = rule.isWithoutID ? "null" : id
      #expect(answer.contains(#"{"jsonrpc":"2.0","id":\#(echoed),"#), "\(answer)")
      #expect(answer.contains(rule.answer) || rule.answer.isEmpty, "\(answer)")
      // A server's own error names the server's records, if any.
      let isServers = rule.server.map { !$0.1.isEmpty } ?? false
      #expect(answer.contains(/"ref":"[\w-]{8,}"/) != (isServers || rule.isBare), "\(answer)")
      #expect(answer.contains(/Sluice-Ref: [\w-]{8,}\r\n/) == (rule.status >= 400), "\(answer)")
      #expect(rule.server != nil || gateway.requestsAtServers.isEmpty)
    }
  }

  /// What is refused before the message is read says so in the same form.
  @Test func withoutACredential() throws {
    for era in [Era.legacy, .modern] {
      let gateway = try SimulatedGateway()
      let rule = Case(name: "", era: era, status: 401, code: -32001, body: "")
      let answer = gateway.exchange(post(rule, Self.request("tools/list"), key: nil))
      #expect(answer.hasPrefix("HTTP/1.1 401 ") && answer.contains("WWW-Authenticate: Bearer"))
      #expect(answer.contains(#"{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"#))
      #expect(answer.contains("\"ref\""))
    }
  }

  @Test func aBlockedCallIsAResultThatTheModelReads() throws {
    for era in [Era.legacy, .modern] {
      for id in Self.ids {
        let gateway = try SimulatedGateway()
        let params = #""name":"query","arguments":{"sql":"DROP"}"#
        let rule = Case(
          name: "", era: era, status: 200, code: nil, body: "",
          fields: era == .modern ? SimulatedGateway.modernFields(of: "tools/call", "query") : "")
        let body = Self.request(
          "tools/call", params, meta: era == .modern ? SimulatedGateway.modernMeta : "")
        let answer = gateway.exchange(post(rule, body.replacing("ID", with: id)))
        #expect(answer.hasPrefix("HTTP/1.1 200 "))
        let type = era == .modern ? #""resultType":"complete","# : ""
        #expect(
          answer.contains(#"{"jsonrpc":"2.0","id":\#(id),"result":{\#(type)"isError":true,"#),
          "\(answer)")
        #expect(answer.contains(" Ref "))
      }
    }
  }
}
