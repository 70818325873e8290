import EventLoop
import Testing

@testable import Proxy

/// Where agents and servers see each other as if nothing stood between them: the form of the handshake, the servers' own words,
/// methods and ids of events that the configuration lets pass.
struct TransparencyTests {
  static let initialize =
    #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#
  static let agreed = #"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25"}}"#

  static func event(_ message: String, id: String = "") -> String {
    let text = "\(id.isEmpty ? "" : "id: \(id)\n")event: message\ndata: \(message)\n\n"
    return String(text.utf8.count, radix: 16) + "\r\n\(text)\r\n"
  }

  static func stream(_ events: [String], session: String? = nil) -> String {
    let field = session.map { "Mcp-Session-Id: \($0)\r\n" } ?? ""
    return ServerText.streamHead.replacing("\r\n\r\n", with: "\r\n\(field)\r\n")
      + events.joined() + "0\r\n\r\n"
  }

  /// Begins a session on the path; its id as the agent gets it.
  private func open(
    _ gateway: SimulatedGateway, key: String = "key-ada", path: String = "/shop/mcp"
  ) throws -> String {
    let before = gateway.server
    gateway.server = { _ in
      [.send(SimulatedGateway.json(Self.agreed, more: "Mcp-Session-Id: s1\r\n"))]
    }
    defer { gateway.server = before }
    let answer = gateway.exchange(SimulatedGateway.post(Self.initialize, key: key, path: path))
    return try String(#require(answer.firstMatch(of: /Mcp-Session-Id: (\S+)/)).1)
  }

  // MARK: The handshake

  @Test(arguments: ["s1", nil])
  func aHandshakeOnAStreamStaysOne(session: String?) throws {
    let gateway = try SimulatedGateway()
    gateway.server = { request in
      guard request.body.contains("initialize") else { return SimulatedGateway.echo(request) }
      // Where the server keeps its events, the stream begins with an empty one.
      let priming = "e\r\nid: 1\ndata: \n\n\r\n"
      return [.send(Self.stream([priming, Self.event(Self.agreed, id: "2")], session: session))]
    }
    let answer = gateway.exchange(SimulatedGateway.post(Self.initialize))
    #expect(answer.contains("Content-Type: text/event-stream\r\n"))
    #expect(answer.contains("event: message\ndata: \(Self.agreed)\n\n"))
    #expect(answer.hasSuffix("0\r\n\r\n"))
    // Nothing to take up again before there is a session.
    #expect(!answer.contains("id: "))
    let sealed = answer.firstMatch(of: /Mcp-Session-Id: (\S+)/)
    #expect((sealed != nil) == (session != nil))
    guard let sealed else { return }
    #expect(sealed.1 != "s1")
    let call = SimulatedGateway.post(
      SimulatedGateway.call("query"),
      more: "Mcp-Session-Id: \(sealed.1)\r\nMCP-Protocol-Version: 2025-11-25\r\n")
    #expect(gateway.exchange(call).hasPrefix("HTTP/1.1 200 "))
    #expect(gateway.requestsAtServers[1].head.contains("Mcp-Session-Id: s1\r\n"))
  }

  @Test func whatComesBeforeTheHandshakesAnswerIsNotPassedOn() throws {
    let gateway = try SimulatedGateway()
    let notification =
      #"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}"#
    gateway.server = { _ in
      [.send(Self.stream([Self.event(notification), Self.event(Self.agreed)], session: "s1"))]
    }
    let answer = gateway.exchange(SimulatedGateway.post(Self.initialize))
    #expect(!answer.contains("notifications/message") && answer.contains(Self.agreed))
    #expect(answer.contains("Mcp-Session-Id: "))
  }

  @Test func anErrorInTheHandshakeBeginsNoSession() throws {
    let gateway = try SimulatedGateway()
    let error = #"{"jsonrpc":"2.0","id":0,"error":{"code":-32602,"message":"no"}}"#
    gateway.server = { _ in [.send(Self.stream([Self.event(error)], session: "s1"))] }
    let answer = gateway.exchange(SimulatedGateway.post(Self.initialize))
    #expect(answer.hasSuffix(error) && !answer.contains("Mcp-Session-Id"))
  }

  @Test func otherAnswersAloneOnTheirStreamAreJSON() throws {
    let gateway = try SimulatedGateway()
    let result = #"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#
    gateway.server = { _ in [.send(Self.stream([Self.event(result)]))] }
    let answer = gateway.exchange(SimulatedGateway.post(SimulatedGateway.call("query")))
    #expect(answer.contains("Content-Type: application/json\r\n") && answer.hasSuffix(result))
  }

  @Test func aSecondHandshakeStaysInItsSession() throws {
    let gateway = try SimulatedGateway()
    let session = try open(gateway)
    gateway.server = { _ in
      [.send(SimulatedGateway.json(Self.agreed, more: "Mcp-Session-Id: s1\r\n"))]
    }
    let again = SimulatedGateway.post(
      Self.initialize,
      more: "Mcp-Session-Id: \(session)\r\nMCP-Protocol-Version: 2025-06-18\r\n")
    #expect(gateway.exchange(again).hasPrefix("HTTP/1.1 200 "))
    #expect(gateway.requestsAtServers[1].head.contains("Mcp-Session-Id: s1\r\n"))
    // Nor does one in a session that is somebody else's.
    let foreign = SimulatedGateway.post(
      Self.initialize, key: "key-bob", path: "/vault/mcp", more: "Mcp-Session-Id: \(session)\r\n")
    #expect(gateway.exchange(foreign).hasPrefix("HTTP/1.1 404 "))
    #expect(gateway.requestsAtServers.count == 2)
  }

  // MARK: Versions

  @Test func withoutAVersionTheSessionsHolds() throws {
    let gateway = try SimulatedGateway()
    let session = try open(gateway)
    let call = SimulatedGateway.post(
      SimulatedGateway.call("query"), more: "Mcp-Session-Id: \(session)\r\n")
    #expect(gateway.exchange(call).hasPrefix("HTTP/1.1 200 "))
    #expect(gateway.requestsAtServers[1].head.contains("MCP-Protocol-Version: 2025-11-25\r\n"))
    let batch = SimulatedGateway.post(
      "[\(SimulatedGateway.call("query"))]", more: "Mcp-Session-Id: \(session)\r\n")
    #expect(gateway.exchange(batch).hasPrefix("HTTP/1.1 400 "))
    let other = SimulatedGateway.post(
      SimulatedGateway.call("query"),
      more: "Mcp-Session-Id: \(session)\r\nMCP-Protocol-Version: 2025-06-18\r\n")
    #expect(gateway.exchange(other).hasPrefix("HTTP/1.1 400 "))
    #expect(gateway.requestsAtServers.count == 2)
  }

  @Test func nullForNoMetaIsNoMeta() throws {
    let gateway = try SimulatedGateway()
    let body = SimulatedGateway.call("query").replacing(
      "\"arguments\"", with: "\"_meta\":null,\"task\":null,\"arguments\"")
    #expect(gateway.exchange(SimulatedGateway.post(body)).hasPrefix("HTTP/1.1 200 "))
    #expect(gateway.requestsAtServers[0].body == body)
    // The modern era needs one.
    let modern = gateway.exchange(
      SimulatedGateway.post(body, more: SimulatedGateway.modernFields("query")))
    #expect(modern.hasPrefix("HTTP/1.1 400 ") && modern.contains("-32602"))
  }

  // MARK: The server's words

  static let unnamed =
    #"{"jsonrpc":"2.0","id":null,"error":{"code":-32022,"message":"Unsupported","data":{"email":"a@b.c","supported":["2025-11-25"]}}}"#

  @Test(arguments: ["400 Bad Request", "404 Not Found"])
  func anErrorThatNamesNoRequestPassesMasked(status: String) throws {
    let gateway = try SimulatedGateway()
    gateway.server = { _ in [.send(SimulatedGateway.json(Self.unnamed, status: status))] }
    let answer = gateway.exchange(SimulatedGateway.post(SimulatedGateway.call("query")))
    #expect(answer.hasPrefix("HTTP/1.1 \(status.prefix(3)) "))
    #expect(answer.contains(#""id":null,"error":{"code":-32022,"message":"Unsupported""#))
    #expect(answer.contains(#""supported":["2025-11-25"]"#) && !answer.contains("a@b.c"))
    #expect(answer.contains("Sluice-Ref: "))
  }

  @Test(arguments: [
    Self.unnamed.replacing("null", with: "7"), Self.unnamed.replacing("null", with: "\"1\""),
    #"{"jsonrpc":"2.0","id":null,"result":{}}"#, "{", "<html>",
  ])
  func whatElseComesWithAnErrorsStatusDoesNot(body: String) throws {
    let gateway = try SimulatedGateway()
    gateway.server = { _ in [.send(SimulatedGateway.json(body, status: "400 Bad Request"))] }
    let answer = gateway.exchange(SimulatedGateway.post(SimulatedGateway.call("query")))
    #expect(!answer.contains("-32022") && !answer.contains("html"))
    #expect(answer.contains("\"id\":1"))
  }

  @Test func aRefusedStreamSaysWhy() throws {
    let gateway = try SimulatedGateway()
    let session = try open(gateway)
    let body =
      #"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Conflict: one stream"}}"#
    gateway.server = { _ in [.send(SimulatedGateway.json(body, status: "409 Conflict"))] }
    let answer = gateway.exchange(
      "GET /shop/mcp HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer key-ada\r\n"
        + "Accept: text/event-stream\r\nMcp-Session-Id: \(session)\r\n\r\n")
    #expect(answer.hasPrefix("HTTP/1.1 409 ") && answer.hasSuffix(body))
  }

  @Test func aPostedAnswerOfTheModernEraIsRefusedWithoutItsID() throws {
    let gateway = try SimulatedGateway()
    let answer = gateway.exchange(
      SimulatedGateway.post(
        #"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        more: SimulatedGateway.modernFields(of: "tools/list")))
    #expect(answer.hasPrefix("HTTP/1.1 400 ") && answer.contains("Sluice-Ref: "))
    #expect(answer.contains(#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"#))
    #expect(!answer.contains("\"data\""))
    #expect(gateway.requestsAtServers.isEmpty)
  }

  @Test func aNotificationOfTheModernEraNeedsNoMeta() throws {
    let gateway = try SimulatedGateway()
    let fields = SimulatedGateway.modernFields(of: "notifications/cancelled")
    let body = #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#
    #expect(
      gateway.exchange(SimulatedGateway.post(body, more: fields)).hasPrefix("HTTP/1.1 202 "))
    // A call that has lost its id is no notification.
    let call = SimulatedGateway.call("query").replacing("\"id\":1,", with: "")
    let answer = gateway.exchange(
      SimulatedGateway.post(call, more: SimulatedGateway.modernFields("query")))
    #expect(answer.hasPrefix("HTTP/1.1 400 "))
    #expect(gateway.requestsAtServers.isEmpty)
  }

  // MARK: Methods beyond the protocol

  static func extra(
    _ method: String, params: String = #""jobId":"job-7""#, modern: Bool = true
  ) -> String {
    let meta = "," + SimulatedGateway.modernMeta
    return
      #"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":{\#(params)\#(modern ? meta : "")}}"#
  }

  @Test(arguments: ["job-7", nil])
  func listedMethodsPassInTheModernEra(name: String?) throws {
    let gateway = try SimulatedGateway()
    let method = "com.example/jobs.status"
    let answer = gateway.exchange(
      SimulatedGateway.post(
        Self.extra(method), more: SimulatedGateway.modernFields(of: method, name)))
    #expect(answer.hasPrefix("HTTP/1.1 200 "))
    #expect(answer.contains("[redacted]") && !answer.contains("ann@example.com"))
    let head = try #require(gateway.requestsAtServers.first).head
    #expect(head.contains("Mcp-Method: \(method)\r\n"))
    #expect(head.contains("Mcp-Name: ") == (name != nil))
    #expect(name == nil || head.contains("Mcp-Name: job-7\r\n"))
  }

  @Test func aNameThatTheBodyDoesNotHoldIsRefused() throws {
    let gateway = try SimulatedGateway()
    let method = "com.example/jobs.status"
    let answer = gateway.exchange(
      SimulatedGateway.post(
        Self.extra(method), more: SimulatedGateway.modernFields(of: method, "job-8")))
    #expect(answer.hasPrefix("HTTP/1.1 400 ") && answer.contains("-32020"))
    #expect(gateway.requestsAtServers.isEmpty)
  }

  @Test(arguments: ["com.example/job", "com.example/Jobs.status", "jobs.status", "tools/run"])
  func othersDoNot(method: String) throws {
    let gateway = try SimulatedGateway()
    let modern = gateway.exchange(
      SimulatedGateway.post(Self.extra(method), more: SimulatedGateway.modernFields(of: method)))
    #expect(modern.hasPrefix("HTTP/1.1 404 ") && modern.contains("-32601"))
    let legacy = gateway.exchange(SimulatedGateway.post(Self.extra(method, modern: false)))
    #expect(legacy.hasPrefix("HTTP/1.1 200 ") && legacy.contains("-32601"))
    #expect(gateway.requestsAtServers.isEmpty)
  }

  @Test func listedMethodsOfTheLegacyEraNeedAnIDAndAProfile() throws {
    let gateway = try SimulatedGateway()
    let body = Self.extra("com.example\\/jobs.status", modern: false)
    #expect(gateway.exchange(SimulatedGateway.post(body)).hasPrefix("HTTP/1.1 200 "))
    #expect(gateway.requestsAtServers.count == 1)
    let bare = body.replacing("\"id\":1,", with: "")
    #expect(gateway.exchange(SimulatedGateway.post(bare)).hasPrefix("HTTP/1.1 400 "))
    _ = gateway.exchange(SimulatedGateway.post(body, key: "key-bob"))
    #expect(gateway.requestsAtServers.count == 1)
  }

  @Test func listsOfMethods() {
    func lists(_ methods: [String], _ method: String) -> Bool {
      let list = Array(MethodList.text(methods).utf8)
      let name = Array(method.utf8)
      return unsafe MethodList.contains(list.span.bytes, name.span.bytes)
    }
    #expect(lists(["a/b"], "a/b") && !lists(["a/b"], "a/bc") && !lists(["a/b"], "a/"))
    #expect(lists(["x", "a/*"], "a/b") && lists(["a/*", "x"], "x") && lists(["a/*"], "a/"))
    #expect(
      !lists(["a/*"], "a") && !lists([], "a") && !lists([], "") && !lists(["x", "y"], "x\ny"))
  }

  // MARK: Ids of events

  private func get(_ session: String, last: String) -> String {
    "GET /vault/mcp HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer key-bob\r\n"
      + "Accept: text/event-stream\r\nMcp-Session-Id: \(session)\r\nLast-Event-ID: \(last)\r\n\r\n"
  }

  @Test func aServersIDsPassAsTheyAreWhereTheyMay() throws {
    let gateway = try SimulatedGateway()
    let session = try open(gateway, key: "key-bob", path: "/vault/mcp")
    let note =
      #"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}"#
    let result = #"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#
    gateway.server = { request in
      if request.head.hasPrefix("GET ") {
        return [.send(Self.stream([Self.event(result, id: "5")]))]
      }
      return [.send(Self.stream([Self.event(note, id: "4"), Self.event(result, id: "5")]))]
    }
    let call = gateway.exchange(
      SimulatedGateway.post(
        SimulatedGateway.call("query"), key: "key-bob", path: "/vault/mcp",
        more: "Mcp-Session-Id: \(session)\r\n"))
    #expect(call.contains("id: 4\nevent: message\ndata: \(note)\n\n"))
    #expect(call.contains("id: 5\nevent: message\ndata: \(result)\n\n"))
    // Taken up again, the answer to a request that is not known any more is the session's.
    let rest = gateway.exchange(get(session, last: "4"))
    #expect(rest.contains("id: 5\nevent: message\ndata: \(result)\n\n"))
    #expect(gateway.requestsAtServers.last?.head.contains("Last-Event-ID: 4\r\n") == true)
  }

  /// The stream is filtered by what it lists, since nobody knows what was asked.
  @Test(arguments: [
    (#"{"tools":[{"name":"a"},{"title":"b"}]}"#, #"{"tools":[{"name":"a"}]}"#),
    (#"{"tools":[{"name":"a"}],"prompts":[]}"#, nil), (#"{"Tools":[{"name":"a"}]}"#, nil),
  ])
  func listsOnAStreamTakenUpAgainAreFiltered(result: String, left: String?) throws {
    let gateway = try SimulatedGateway()
    let session = try open(gateway, key: "key-bob", path: "/vault/mcp")
    gateway.server = { _ in
      [.send(Self.stream([Self.event(#"{"jsonrpc":"2.0","id":1,"result":\#(result)}"#, id: "5")]))]
    }
    let rest = gateway.exchange(get(session, last: "4"))
    #expect(rest.contains("\"name\":\"a\"") == (left != nil))
    #expect(left == nil || rest.contains("\"result\":\(left ?? "")}\n"))
  }
}
