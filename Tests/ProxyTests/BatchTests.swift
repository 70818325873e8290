import EventLoop
import Foundation
import Testing
import Wire

@testable import Proxy

/// Batches of revision 2025-03-26 through one worker: split, judged one by one, and answered on one stream.
struct BatchTests {
  private static let query = SimulatedGateway.call("query", #"{"sql":"SELECT 1"}"#, id: "1")
  private static let drop = SimulatedGateway.call("query", #"{"sql":"DROP TABLE t"}"#, id: "\"b\"")
  private static let stranger = SimulatedGateway.call("forbidden", id: "3")
  private static let notification =
    #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
  private static let version = "MCP-Protocol-Version: 2025-03-26\r\n"

  private func post(_ members: [String], more: String = BatchTests.version) -> String {
    SimulatedGateway.post("[\(members.joined(separator: " ,\n"))]", more: more)
  }

  /// The messages of an event stream, by the literal of their ids.
  private func events(_ answer: String) -> [String: String] {
    var found: [String: String] = [:]
    for match in answer.matches(of: /data: (\{"jsonrpc":"2\.0","id":([^,]+),.*\})\n\n/) {
      found[String(match.2)] = String(match.1)
    }
    return found
  }

  @Test func eachMessageIsACallOfItsOwn() throws {
    let gateway = try SimulatedGateway()
    let answer = gateway.exchange(
      post([Self.query, Self.drop, Self.notification, Self.stranger]))
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(answer.contains("text/event-stream"))
    #expect(answer.hasSuffix("\r\n0\r\n\r\n"))
    let events = events(answer)
    #expect(events.count == 3)
    #expect(events["1"]?.contains("\"email\":\"[redacted]\"") == true)
    #expect(events["\"b\""]?.contains("Blocked by policy no-drop") == true)
    #expect(events["3"]?.contains("\"isError\":true") == true)
    #expect(Set(gateway.requestsAtServers.map(\.body)) == [Self.query, Self.notification])
    #expect(gateway.worker.exchanges.count == 0)
    // The connection is there for the next request.
    #expect(gateway.worker.connections.count == 1)
  }

  @Test func messagesWithoutAnswersAreAccepted() throws {
    let gateway = try SimulatedGateway()
    let answer = gateway.exchange(post([Self.notification, Self.notification]))
    #expect(answer.hasPrefix("HTTP/1.1 202 Accepted\r\n"))
    #expect(gateway.requestsAtServers.count == 2)
    // Without a field the revision is this one too.
    let bare = gateway.exchange(post([Self.query], more: ""))
    #expect(events(bare)["1"]?.contains("redacted") == true)
  }

  @Test(arguments: [
    "[]", "[[\(query)]]", "[\(query),]", "[\(query)] x", "[\(query),1]", "[\(query)",
    "[\(query),{}]",
    "[\(query),\(query)]", "[\(query),{\"jsonrpc\":\"2.0\",\"id\":2,\"id\":3,\"method\":\"ping\"}]",
    "[\(query),{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"initialize\",\"params\":{}}]",
    "[\((0...32).map { SimulatedGateway.call("query", id: "\($0)") }.joined(separator: ","))]",
  ])
  func aBatchThatIsWrongIsRefusedAsAWhole(body: String) throws {
    let gateway = try SimulatedGateway()
    let answer = gateway.exchange(SimulatedGateway.post(body, more: Self.version))
    #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
    #expect(answer.contains("\"id\":null,\"error\":{\"code\":-32"))
    #expect(gateway.requestsAtServers.isEmpty)
    #expect(gateway.worker.exchanges.count == 0)
  }

  @Test(arguments: ["2024-11-05", "2025-06-18", "2025-11-25", "2026-07-28", "2099-01-01"])
  func noOtherRevisionHasBatches(version: String) throws {
    let gateway = try SimulatedGateway()
    let answer = gateway.exchange(
      post([Self.query], more: "MCP-Protocol-Version: \(version)\r\n"))
    #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
    #expect(answer.contains("-32600"))
    #expect(gateway.requestsAtServers.isEmpty)
  }

  @Test func aSessionOfAnotherRevisionHasNone() throws {
    for agreed in ["2024-11-05", "2025-03-26", "2025-11-25"] {
      let gateway = try SimulatedGateway()
      gateway.server = { request in
        guard request.body.contains("initialize") else { return SimulatedGateway.echo(request) }
        return [
          .send(
            SimulatedGateway.json(
              "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"protocolVersion\":\"\(agreed)\"}}",
              more: "Mcp-Session-Id: s1\r\n"))
        ]
      }
      let hello = gateway.exchange(
        SimulatedGateway.post(
          "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{}}"))
      let session = try String(#require(hello.firstMatch(of: /Mcp-Session-Id: (\S+)/)).1)
      let answer = gateway.exchange(post([Self.query], more: "Mcp-Session-Id: \(session)\r\n"))
      #expect(answer.contains(" 200 OK") == (agreed == "2025-03-26"), "\(agreed)")
      #expect(gateway.requestsAtServers.count == (agreed == "2025-03-26" ? 2 : 1))
      // Bob has no session with this id, whatever is in the batch.
      let foreign = gateway.exchange(
        SimulatedGateway.post(
          "[\(Self.query)]", key: "key-bob", more: "Mcp-Session-Id: \(session)\r\n"))
      #expect(!foreign.contains(" 200 OK"))
    }
  }

  @Test func aMessageOfTheModernEraIsRefusedInIt() throws {
    let gateway = try SimulatedGateway()
    let answer = gateway.exchange(
      post([SimulatedGateway.modernCall("query", id: "5"), Self.query]))
    let events = events(answer)
    #expect(events["5"]?.contains("-32020") == true)
    #expect(events["1"]?.contains("redacted") == true)
    #expect(gateway.requestsAtServers.map(\.body) == [Self.query])
  }

  @Test func whatFailsForOneIsItsErrorAlone() throws {
    let gateway = try SimulatedGateway()
    gateway.server = { request in
      switch request.id {
      case "1": [.send("garbage\r\n\r\n")]
      case "2":
        [
          .send(ServerText.streamHead),
          .send(
            ServerText.chunk(
              "id: 9\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"data\":{\"ssn\":\"1\"}}}\n\n"
            )), .wait(10), .end,
        ]
      default: [.wait(40)] + SimulatedGateway.echo(request)
      }
    }
    let answer = gateway.exchange(
      post((1...3).map { SimulatedGateway.call("query", id: "\($0)") }))
    let events = events(answer)
    #expect(events["1"]?.contains("-32603") == true)
    #expect(events["2"]?.contains("-32603") == true)
    #expect(events["3"]?.contains("redacted") == true)
    #expect(answer.contains("\"ssn\":\"[redacted]\""))
    #expect(!answer.contains("id: "), "nobody can take up the stream of a batch")
    #expect(answer.hasSuffix("0\r\n\r\n"))
  }

  @Test func aHeldMessageWaitsAndTheOthersDoNot() throws {
    let holding = try HoldingGateway()
    let members = [
      SimulatedGateway.call("delete_row", #"{"id":7}"#, id: "7"), Self.query,
      SimulatedGateway.call("delete_row", #"{"id":8}"#, id: "8"),
    ]
    let client = holding.send(post(members))
    let held = holding.takeHeld()
    #expect(held.map(\.arguments) == [#"{"id":7}"#, #"{"id":8}"#])
    var text = holding.receive(client)
    #expect(events(text).keys.sorted() == ["1"])
    holding.calls.answer(
      held[1].ticket, .denied(approval: "apr_2", reviewers: ["bob"], reason: "no"))
    text += holding.receive(client)
    #expect(events(text)["8"]?.contains("A reviewer denied this call") == true)
    // Comments keep the connection alive while the last one waits.
    holding.advance(seconds: 15)
    text += holding.receive(client)
    #expect(text.contains(": keep-alive"))
    #expect(!text.contains("\r\n0\r\n\r\n"))
    holding.grant(held[0])
    text += holding.receive(client)
    #expect(events(text).keys.sorted() == ["1", "7", "8"])
    #expect(events(text)["7"]?.contains("redacted") == true)
    #expect(text.hasSuffix("0\r\n\r\n"))
    #expect(holding.gateway.requestsAtServers.map(\.body) == [members[1], members[0]])
  }

  @Test func aHeldMessageThatIsNotDecidedEndsAsPending() throws {
    let holding = try HoldingGateway()
    let client = holding.send(post([SimulatedGateway.call("delete_row", #"{"id":7}"#, id: "7")]))
    #expect(holding.takeHeld().count == 1)
    holding.advance(seconds: 60)
    let text = holding.receive(client)
    #expect(events(text)["7"]?.contains("repeat the identical call") == true)
    #expect(text.hasSuffix("0\r\n\r\n"))
    #expect(holding.gateway.requestsAtServers.isEmpty)
  }

  @Test func aClientThatGoesAwayLeavesNothingBehind() throws {
    let holding = try HoldingGateway()
    holding.gateway.server = { request in
      request.id == "1" ? [.wait(60)] + SimulatedGateway.echo(request) : []
    }
    let members = [
      SimulatedGateway.call("delete_row", #"{"id":7}"#, id: "7"), Self.query, Self.drop,
    ]
    let client = holding.send(post(members))
    let call = try #require(holding.takeHeld().first)
    holding.network.reset(client)
    holding.gateway.run(turns: 100)
    #expect(holding.takeMessages() == [.left(call.ticket)])
    holding.grant(call)
    holding.gateway.run(turns: 100)
    #expect(holding.gateway.requestsAtServers.map(\.body) == [Self.query])
    #expect(holding.gateway.worker.connections.count == 0)
    #expect(holding.gateway.worker.exchanges.count == 0)
  }
}
