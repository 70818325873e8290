import ExampleServer
import Foundation
import FoundationNetworking
import PlainJSON

/// One HTTP exchange with a server under test, through a client nobody here wrote.
struct Exchange {
  var status: Int
  var headers: [String: String]
  var text: String

  var json: JSONValue? { try? JSONValue(parsing: text.utf8) }
  var result: JSONValue? { json?["result"] }
  var errorCode: Int64? { json?["error"]?["code"]?.integer }
}

/// Speaks to one running server.
struct Client {
  var port: Int

  func send(
    _ method: String = "POST", body: String? = nil, headers: [String: String] = [:]
  ) async throws -> Exchange {
    var request = URLRequest(url: URL(string: "http://127.0.0.1:\(port)/mcp")!)
    request.httpMethod = method
    request.httpBody = body.map { Data($0.utf8) }
    request.setValue("application/json", forHTTPHeaderField: "Content-Type")
    request.setValue("application/json, text/event-stream", forHTTPHeaderField: "Accept")
    for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
    let (data, response) = try await URLSession.shared.data(for: request)
    let answer = response as! HTTPURLResponse
    var fields: [String: String] = [:]
    for (name, value) in answer.allHeaderFields {
      fields["\(name)".lowercased()] = "\(value)"
    }
    return Exchange(
      status: answer.statusCode, headers: fields, text: String(decoding: data, as: UTF8.self))
  }

  static let meta =
    #""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#

  /// A well-formed request of the modern era; `headers` override those it needs.
  func modern(
    _ method: String, params: String = "", name: String? = nil, headers: [String: String] = [:]
  ) async throws -> Exchange {
    var all = ["MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method]
    all["Mcp-Name"] = name
    all.merge(headers) { _, new in new }
    let separator = params.isEmpty ? "" : ","
    let body =
      #"{"jsonrpc":"2.0","id":"a-1","method":"\#(method)","params":{\#(params)\#(separator)\#(Self.meta)}}"#
    return try await send(body: body, headers: all)
  }

  /// Opens a legacy session and returns its identifier.
  func initialize(version: String) async throws -> Exchange {
    let body =
      #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"\#(version)","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#
    return try await send(body: body)
  }

  func legacy(
    _ method: String, params: String = "{}", session: String?, headers: [String: String] = [:]
  ) async throws -> Exchange {
    var all = headers
    all["Mcp-Session-Id"] = session
    return try await send(
      body: #"{"jsonrpc":"2.0","id":7,"method":"\#(method)","params":\#(params)}"#, headers: all)
  }
}

/// Runs `body` against a server of its own and stops the server whatever happens.
func withServer(
  answers: ExampleServer.AnswerForm = .json,
  _ body: (ExampleServer, Client) async throws -> Void
) async throws {
  let server = try ExampleServer(answers: answers)
  let port = try await server.start()
  do {
    try await body(server, Client(port: port))
  } catch {
    await server.stop()
    throw error
  }
  await server.stop()
}
