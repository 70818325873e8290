import EventLoop
import Foundation
import Synchronization
import Testing
import Wire

@testable import Proxy

/// What passes on legacy streams beside answers: requests of servers, their answers, ids of events.
struct StreamTests {
  private static let head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

  private static func event(_ message: String, id: String? = nil) -> String {
    let text = (id.map { "id: \($0)\n" } ?? "") + "event: message\ndata: \(message)\n\n"
    return String(text.utf8.count, radix: 16) + "\r\n\(text)\r\n"
  }

  private static func request(_ method: String, id: String = "7") -> String {
    "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"method\":\"\(method)\",\"params\":{\"email\":\"a@b.c\"}}"
  }

  private static func result(_ id: String) -> String {
    "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"result\":{\"content\":[]}}"
  }

  /// The sealed session id of a new session of ada's with the shop.
  private func open(_ gateway: SimulatedGateway, key: String = "key-ada") throws -> String {
    let before = gateway.server
    gateway.server = { request in
      [
        .send(
          SimulatedGateway.json(
            "{\"jsonrpc\":\"2.0\",\"id\":\(request.id),\"result\":"
              + "{\"protocolVersion\":\"2025-11-25\"}}", more: "Mcp-Session-Id: s1\r\n"))
      ]
    }
    defer { gateway.server = before }
    let answer = gateway.exchange(
      SimulatedGateway.post(
        "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":"
          + "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},"
          + "\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}", key: key))
    return try String(#require(answer.firstMatch(of: /Mcp-Session-Id: (\S+)/)).1)
  }

  private func fields(_ session: String) -> String {
    "Mcp-Session-Id: \(session)\r\nMCP-Protocol-Version: 2025-11-25\r\n"
  }

  /// What ada gets on the stream of a call, and the gateway that it was made through.
  private func call(
    _ events: [String], _ gateway: SimulatedGateway, session: String
  ) -> String {
    gateway.server = { request in
      guard request.body.contains("tools/call") else {
        return [.send("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")]
      }
      return [.send(Self.head + events.joined())]
    }
    return gateway.exchange(
      SimulatedGateway.post(SimulatedGateway.call("query"), more: fields(session)))
  }

  @Test func aServersRequestPassesWithASealedIDAndItsAnswerComesBackWithTheOldOne() throws {
    let gateway = try SimulatedGateway()
    let session = try open(gateway)
    let stream = call([Self.event(Self.request("elicitation/create"))], gateway, session: session)
    let id = try String(#require(stream.firstMatch(of: /"id":"([\w-]{30,})"/)).1)
    #expect(stream.contains("\"method\":\"elicitation/create\""))
    #expect(stream.contains("[redacted]") && !stream.contains("a@b.c"))
    let answer = gateway.exchange(
      SimulatedGateway.post(
        "{\"jsonrpc\":\"2.0\",\"id\":\"\(id)\",\"result\":{\"action\":\"accept\"}}",
        more: fields(session)))
    #expect(answer.hasPrefix("HTTP/1.1 202 "))
    let posted = try #require(gateway.requestsAtServers.last)
    #expect(posted.body == "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"action\":\"accept\"}}")
    #expect(posted.head.contains("Mcp-Session-Id: s1\r\n"))
  }

  @Test func anAnswerNobodyAskedForIsRefused() throws {
    let gateway = try SimulatedGateway()
    let session = try open(gateway)
    let other = try open(gateway)
    let stream = call([Self.event(Self.request("elicitation/create"))], gateway, session: session)
    let id = try String(#require(stream.firstMatch(of: /"id":"([\w-]{30,})"/)).1)
    let count = gateway.requestsAtServers.count
    for (name, of) in [("7", session), ("\"7\"", session), ("\"\(session)\"", session)] {
      let answer = gateway.exchange(
        SimulatedGateway.post(
          "{\"jsonrpc\":\"2.0\",\"id\":\(name),\"result\":{}}", more: fields(of)))
      #expect(answer.hasPrefix("HTTP/1.1 400 "))
    }
    // The sealed session ids differ; the server's own session is the same, and so the id still opens.
    #expect(other != session)
    let foreign = gateway.exchange(
      SimulatedGateway.post("{\"jsonrpc\":\"2.0\",\"id\":\"\(id)\",\"result\":{}}"))
    #expect(foreign.hasPrefix("HTTP/1.1 400 "))
    #expect(gateway.requestsAtServers.count == count)
  }

  /// Posts an answer to the question with this id.
  private func answer(_ id: String, _ gateway: SimulatedGateway, session: String) -> String {
    gateway.exchange(
      SimulatedGateway.post(
        "{\"jsonrpc\":\"2.0\",\"id\":\"\(id)\",\"result\":{\"action\":\"accept\"}}",
        more: fields(session)))
  }

  @Test func aQuestionIsAnsweredOnce() throws {
    let gateway = try SimulatedGateway()
    let session = try open(gateway)
    let stream = call([Self.event(Self.request("elicitation/create"))], gateway, session: session)
    let id = try String(#require(stream.firstMatch(of: /"id":"([\w-]{30,})"/)).1)
    #expect(answer(id, gateway, session: session).hasPrefix("HTTP/1.1 202 "))
    let count = gateway.requestsAtServers.count
    #expect(answer(id, gateway, session: session).hasPrefix("HTTP/1.1 400 "))
    #expect(gateway.requestsAtServers.count == count)
    // Asked again by the server, it may be answered again.
    let again = call([Self.event(Self.request("elicitation/create"))], gateway, session: session)
    #expect(again.contains(id))
    #expect(answer(id, gateway, session: session).hasPrefix("HTTP/1.1 202 "))
  }

  @Test func aQuestionIsNotOpenForEver() throws {
    var limits = GatewayLimits()
    limits.questionTime = 1_000_000_000
    let gateway = try SimulatedGateway(limits: limits)
    let session = try open(gateway)
    let stream = call([Self.event(Self.request("elicitation/create"))], gateway, session: session)
    let id = try String(#require(stream.firstMatch(of: /"id":"([\w-]{30,})"/)).1)
    gateway.network.advance(nanoseconds: 3_000_000_000)
    let count = gateway.requestsAtServers.count
    #expect(answer(id, gateway, session: session).hasPrefix("HTTP/1.1 400 "))
    #expect(gateway.requestsAtServers.count == count)
  }

  @Test func aQuestionThatWasTakenBackIsClosed() throws {
    let gateway = try SimulatedGateway()
    let session = try open(gateway)
    let cancel =
      #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#
    let stream = call(
      [Self.event(Self.request("elicitation/create")), Self.event(cancel)], gateway,
      session: session)
    let id = try String(#require(stream.firstMatch(of: /"id":"([\w-]{30,})"/)).1)
    #expect(answer(id, gateway, session: session).hasPrefix("HTTP/1.1 400 "))
  }

  @Test func aRequestThatIsNotAllowedIsAnsweredByTheGateway() throws {
    let gateway = try SimulatedGateway()
    let session = try open(gateway)
    let stream = call(
      [
        Self.event(Self.request("sampling/createMessage", id: "\"x\\n1\"")),
        Self.event(Self.request("vendor/run")), Self.event(Self.result("1")), "0\r\n\r\n",
      ], gateway, session: session)
    #expect(!stream.contains("sampling") && !stream.contains("vendor"))
    #expect(stream.contains("\"content\":[]"))
    let posted = gateway.requestsAtServers.map(\.body).filter { $0.contains("error") }
    #expect(
      Set(posted)
        == Set(
          ["\"x\\n1\"", "7"].map {
            "{\"jsonrpc\":\"2.0\",\"id\":\($0),\"error\":{\"code\":-32601,"
              + "\"message\":\"Not available through the gateway.\"}}"
          }))
    #expect(gateway.worker.exchanges.count == 0)
  }

  @Test func aServerThatKeepsAskingIsCutOff() throws {
    let gateway = try SimulatedGateway()
    let session = try open(gateway)
    let events = (0..<70).map { Self.event(Self.request("roots/list", id: "\($0)")) }
    let stream = call(events, gateway, session: session)
    #expect(stream.contains("keeps asking"))
  }

  @Test func pingsPassAndTheirCancellationNamesThem() throws {
    let gateway = try SimulatedGateway()
    let session = try open(gateway)
    let cancel =
      #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#
    let stream = call(
      [Self.event(Self.request("ping")), Self.event(cancel)], gateway, session: session)
    let asked = try #require(stream.firstMatch(of: /"id":("[\w-]{30,}")/)).1
    #expect(stream.contains("\"requestId\":\(asked)"))
  }

  @Test func onlyKnownNotificationsPass() throws {
    let gateway = try SimulatedGateway()
    let session = try open(gateway)
    let stream = call(
      [
        Self.event(#"{"jsonrpc":"2.0","method":"notifications/vendor","params":{"a":1}}"#),
        Self.event(
          #"{"jsonrpc":"2.0","method":"notifications/message","params":{"data":{"ssn":"1-2"}}}"#),
      ], gateway, session: session)
    #expect(!stream.contains("vendor"))
    #expect(stream.contains("notifications/message") && !stream.contains("1-2"))
    #expect(gateway.control.droppedMessages.load(ordering: .relaxed) == 1)
  }

  @Test(
    arguments: [
      ("elicitation/create", true), ("sampling/createMessage", false), ("roots/list", false),
      ("vendor/ask", false),
    ])
  func whatAnswersAskForNeedsTheSamePermission(method: String, passes: Bool) throws {
    let gateway = try SimulatedGateway()
    gateway.server = { request in
      [
        .send(
          SimulatedGateway.json(
            "{\"jsonrpc\":\"2.0\",\"id\":\(request.id),\"result\":"
              + "{\"resultType\":\"input_required\",\"requestState\":\"s\",\"inputRequests\":"
              + "{\"a\":{\"method\":\"\(method)\",\"params\":{\"email\":\"a@b.c\"}}}}}"))
      ]
    }
    let answer = gateway.exchange(
      SimulatedGateway.post(
        SimulatedGateway.modernCall("query"), more: SimulatedGateway.modernFields("query")))
    #expect(answer.contains("\"requestState\":\"slu2.") == passes)
    #expect(answer.contains("may not ask") == !passes)
    #expect(!answer.contains("a@b.c"))
  }

  // MARK: Taking up streams

  @Test func aStreamThatBreaksOffIsTakenUp() throws {
    let gateway = try SimulatedGateway()
    let session = try open(gateway)
    gateway.server = { request in
      if request.head.hasPrefix("GET ") {
        return [.send(Self.head + Self.event(Self.result("1"), id: "e2") + "0\r\n\r\n")]
      }
      let text = "id: e1\nretry: 50\ndata: \n\n"
      return [
        .send(Self.head + String(text.utf8.count, radix: 16) + "\r\n\(text)\r\n0\r\n\r\n")
      ]
    }
    let stream = gateway.exchange(
      SimulatedGateway.post(SimulatedGateway.call("query"), more: fields(session)))
    let id = try String(
      #require(stream.firstMatch(of: /id: ([\w-]{30,})\nretry: 50\ndata: \n\n/)).1)
    #expect(stream.hasSuffix("0\r\n\r\n"))
    let resumed = gateway.exchange(
      SimulatedGateway.bare(fields(session) + "Last-Event-ID: \(id)\r\n"))
    #expect(gateway.requestsAtServers.last?.head.contains("Last-Event-ID: e1\r\n") == true)
    #expect(resumed.contains("\"content\":[]"))
    for (key, event) in [("key-ada", "e1"), ("key-ada", session), ("key-bob", id)] {
      let refused = gateway.exchange(
        SimulatedGateway.bare(fields(session) + "Last-Event-ID: \(event)\r\n", key: key))
      #expect(refused.hasPrefix("HTTP/1.1 4"))
    }
  }

  @Test func answersToOtherRequestsDoNotComeBack() throws {
    let gateway = try SimulatedGateway()
    let session = try open(gateway)
    gateway.server = { request in
      request.head.hasPrefix("GET ")
        ? [.send(Self.head + Self.event(Self.result("2")) + Self.event(Self.result("null")))]
        : [.send(Self.head + Self.event(Self.request("ping"), id: "e1"))]
    }
    let stream = gateway.exchange(
      SimulatedGateway.post(SimulatedGateway.call("query"), more: fields(session)))
    let id = try String(#require(stream.firstMatch(of: /id: ([\w-]{30,})\n/)).1)
    let resumed = gateway.exchange(
      SimulatedGateway.bare(fields(session) + "Last-Event-ID: \(id)\r\n"))
    #expect(!resumed.contains("\"content\""))
    #expect(!gateway.exchange(SimulatedGateway.bare(fields(session))).contains("\"content\""))
  }
}
