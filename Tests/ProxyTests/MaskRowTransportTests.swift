import EventLoop
import Foundation
import Policy
import Testing

@testable import Proxy

/// Where a server's data can reach an agent by the way it is sent, not by its place in a message (mcp-wire 5.1, rows 20 to
/// 24; 17 and the others are `MaskRowTests`).
struct MaskRowTransportTests {
  static let secret = MaskRowTests.secret
  static let data = #"{"who":"Zoë","email":"\#(secret)"}"#

  static func result(_ id: String) -> String {
    #"{"jsonrpc":"2.0","id":\#(id),"result":{"content":[],"structuredContent":\#(data)}}"#
  }

  static let note =
    #"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":\#(data)}}"#

  static func event(_ lines: String) -> String {
    let text = lines + "\n\n"
    return String(text.utf8.count, radix: 16) + "\r\n\(text)\r\n"
  }

  static func post(_ modern: Bool, id: String = "1") -> String {
    modern
      ? SimulatedGateway.post(
        SimulatedGateway.modernCall("query", id: id), more: SimulatedGateway.modernFields("query"))
      : SimulatedGateway.post(SimulatedGateway.call("query", id: id))
  }

  /// A session of ada's, as fields.
  private func open(_ gateway: SimulatedGateway) throws -> String {
    let before = gateway.server
    defer { gateway.server = before }
    LastingStreamTests.serve(gateway)
    let opened = gateway.exchange(LastingStreamTests.initialize(key: "key-ada"))
    let session = try #require(opened.firstMatch(of: /Mcp-Session-Id: (\S+)\r\n/)?.1)
    return "Mcp-Session-Id: \(session)\r\nMCP-Protocol-Version: 2025-06-18\r\n"
  }

  // MARK: Rows 20 and 21: events sent again, answers on another stream

  /// A call whose stream breaks off; the rules that mask its answer come into force before it is taken up.
  @Test func eventsSentAgainAreMaskedByWhatIsInForceThen() throws {
    let gateway = try SimulatedGateway(rules: Array(SimulatedGateway.rules.prefix(1)))
    let session = try open(gateway)
    gateway.server = { request in
      guard request.head.hasPrefix("GET ") else {
        return [
          .send(ServerText.streamHead + Self.event("id: raw-7\ndata:") + "0\r\n\r\n")
        ]
      }
      return [
        .send(
          ServerText.streamHead + Self.event("id: raw-8\ndata: \(Self.note)")
            + Self.event("id: raw-9\ndata: \(Self.result("5"))"))
      ]
    }
    let broken = gateway.exchange(
      SimulatedGateway.post(SimulatedGateway.call("query", id: "5"), more: session))
    let id = try String(#require(broken.firstMatch(of: /id: ([\w-]{30,})\n/)).1)
    #expect(!broken.contains("raw-"))
    gateway.control.offer(try SimulatedGateway.snapshot(SimulatedGateway.rules))
    gateway.turn()
    let resumed = gateway.exchange(SimulatedGateway.bare(session + "Last-Event-ID: \(id)\r\n"))
    #expect(gateway.requestsAtServers.last?.head.contains("Last-Event-ID: raw-7\r\n") == true)
    #expect(resumed.contains("notifications/message") && resumed.contains("\"id\":5,"))
    #expect(resumed.contains("Zoë") && !resumed.contains(Self.secret))
    #expect(!resumed.contains("raw-"))
    // An id that the gateway has not given, or has given in another session, is none.
    let count = gateway.requestsAtServers.count
    gateway.server = { SimulatedGateway.echo($0) }
    let other = try open(gateway).replacing("\r\n", with: "\r\n")
    for (id, session) in [("raw-7", session), (String(id.reversed()), session)] {
      #expect(
        gateway.exchange(SimulatedGateway.bare(session + "Last-Event-ID: \(id)\r\n")).hasPrefix(
          "HTTP/1.1 400 "))
    }
    #expect(other != session)
    #expect(gateway.requestsAtServers.count == count + 1)
  }

  @Test func aListOnAStreamTakenUpAgainIsFiltered() throws {
    let gateway = try SimulatedGateway()
    let session = try open(gateway)
    let list =
      #"{"jsonrpc":"2.0","id":6,"result":{"tools":[{"name":"hidden","description":"h"},{"name":"query","_meta":\#(Self.data)}]}}"#
    gateway.server = { request in
      request.head.hasPrefix("GET ")
        ? [.send(ServerText.streamHead + Self.event("data: \(list)"))]
        : [.send(ServerText.streamHead + Self.event("id: 1\ndata:") + "0\r\n\r\n")]
    }
    let broken = gateway.exchange(
      SimulatedGateway.post(
        #"{"jsonrpc":"2.0","id":6,"method":"tools/list"}"#, more: session))
    let id = try String(#require(broken.firstMatch(of: /id: ([\w-]{30,})\n/)).1)
    let resumed = gateway.exchange(SimulatedGateway.bare(session + "Last-Event-ID: \(id)\r\n"))
    #expect(resumed.contains("\"query\"") && !resumed.contains("hidden"))
    #expect(resumed.contains("Zoë") && !resumed.contains(Self.secret))
  }

  /// A session's stream carries no answer but that of the call it takes up.
  @Test func answersOnASessionsStreamAreNobodys() throws {
    let gateway = try SimulatedGateway()
    let session = try open(gateway)
    gateway.server = { _ in
      [
        .send(
          ServerText.streamHead + Self.event("data: \(Self.result("1"))")
            + Self.event("data: \(Self.note)"))
      ]
    }
    let stream = gateway.exchange(SimulatedGateway.bare(session))
    #expect(!stream.contains("\"id\":1") && !stream.contains(Self.secret))
    #expect(stream.contains("Zoë"))
  }

  @Test func membersOfABatchAreMaskedEachByItsOwn() throws {
    let gateway = try SimulatedGateway()
    gateway.server = { [.send(SimulatedGateway.json(Self.result($0.id)))] }
    let answer = gateway.exchange(
      SimulatedGateway.post(
        "[\(SimulatedGateway.call("query", id: "1")),\(SimulatedGateway.call("list_x", id: "\"1\""))]"
      ))
    #expect(answer.contains("\"id\":1,") && answer.contains("\"id\":\"1\","))
    #expect(answer.contains("Zoë") && !answer.contains(Self.secret))
  }

  // MARK: Row 22: HTTP around the message

  @Test(arguments: [false, true])
  func fieldsOfServersStayBehind(modern: Bool) throws {
    let fields =
      "Set-Cookie: sid=\(Self.secret)\r\nLocation: https://\(Self.secret)/\r\n"
      + "WWW-Authenticate: Basic realm=\"\(Self.secret)\"\r\nServer: \(Self.secret)\r\n"
      + "X-Debug: \(Self.secret)\r\nLink: <\(Self.secret)>\r\nMcp-Session-Id: ghost\r\n"
      + "Content-Disposition: inline; filename=\(Self.secret)\r\nETag: \"\(Self.secret)\"\r\n"
    let gateway = try SimulatedGateway()
    for status in ["200 OK", "400 Bad Request", "404 Not Found", "500 Oops"] {
      for streams in [false, true] {
        gateway.server = { request in
          let message = Self.result(request.id)
          return streams
            ? [
              .send(
                ServerText.streamHead.replacing("200 OK\r\n", with: "\(status)\r\n\(fields)")
                  + Self.event("data: \(message)") + "0\r\n\r\n")
            ] : [.send(SimulatedGateway.json(message, status: status, more: fields))]
        }
        let answer = gateway.exchange(Self.post(modern))
        #expect(!answer.contains(Self.secret), "\(answer)")
        #expect(!answer.contains("ghost") && !answer.contains("Set-Cookie"), "\(answer)")
      }
    }
  }

  /// An answer that is no message.
  struct Page: CustomTestStringConvertible, Sendable {
    var text: String
    var testDescription: String {
      text.split(separator: "\r\n").dropLast().joined(separator: ", ")
    }
  }

  static let pages = [
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 26\r\n\r\n<p>ann@example.com at</p>\n",
    "HTTP/1.1 500 Oops\r\nContent-Type: text/plain\r\nContent-Length: 15\r\n\r\nann@example.com",
    "HTTP/1.1 404 No\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\nann@example.com",
    "HTTP/1.1 400 No\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\nann@example.com",
    "HTTP/1.1 401 No\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n{\"a@b\":\"ann@example\"}",
    "HTTP/1.1 302 Found\r\nLocation: /ann@example.com\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n\"ann@example.com\"",
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 15\r\n\r\nann@example.com",
    "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\nann@example.com",
  ].map { Page(text: $0) }

  @Test(arguments: pages, [false, true])
  func pagesAreReplaced(page: Page, modern: Bool) throws {
    let gateway = try SimulatedGateway()
    gateway.server = { _ in [.send(page.text)] }
    let answer = gateway.exchange(Self.post(modern))
    #expect(answer.contains("application/json") && answer.contains("\"error\""))
    #expect(!answer.contains("ann@") && !answer.contains("Location"), "\(answer)")
  }

  // MARK: Row 23: answers that are nobody's

  @Test(arguments: [false, true])
  func onlyTheAnswerToTheRequestPasses(modern: Bool) throws {
    let gateway = try SimulatedGateway()
    let good = #"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#
    let others = [Self.result("\"1\""), Self.result("2"), Self.result("\"\""), Self.result("10")]
    gateway.server = { _ in
      [
        .send(
          ServerText.streamHead
            + (others + [good, Self.result("1")]).map { Self.event("data: \($0)") }.joined()
            + "0\r\n\r\n")
      ]
    }
    let answer = gateway.exchange(Self.post(modern))
    #expect(answer.hasSuffix(good), "\(answer)")
    #expect(answer.contains("application/json"))
    for other in others {
      gateway.server = { _ in [.send(SimulatedGateway.json(other))] }
      let answer = gateway.exchange(Self.post(modern))
      #expect(answer.contains("\"id\":1,") && answer.contains("-32603"))
      #expect(!answer.contains("Zoë"), "\(answer)")
    }
  }

  /// What comes after the answer, or after the agent has gone, is not taken for the next call's.
  @Test(arguments: [false, true])
  func lateMessagesAreNotTheNextCalls(modern: Bool) throws {
    let gateway = try SimulatedGateway()
    gateway.server = { request in
      [
        .send(SimulatedGateway.json(#"{"jsonrpc":"2.0","id":\#(request.id),"result":{}}"#)),
        .wait(5), .send(SimulatedGateway.json(Self.result("2"))),
      ]
    }
    #expect(gateway.exchange(Self.post(modern)).hasSuffix("\"result\":{}}"))
    gateway.server = {
      [.send(SimulatedGateway.json(#"{"jsonrpc":"2.0","id":\#($0.id),"result":{}}"#))]
    }
    #expect(gateway.exchange(Self.post(modern, id: "2")).hasSuffix("\"id\":2,\"result\":{}}"))
    #expect(gateway.serverPeers.count == 2)
  }

  // MARK: Row 24: the stream's own fields

  static let streams: [(String, Bool)] = [
    (": ann@example.com\ndata: \(note)", true),
    ("event: ann@example.com\ndata: \(note)", false),
    ("event: endpoint\ndata: /ann@example.com", false),
    ("event: message\nid: ann@example.com\nretry: 7\ndata: \(note)", true),
    ("ann@example.com: x\ndata: \(note)", true),
    ("data: {\"jsonrpc\":\"2.0\",\ndata: \(note.dropFirst(17))", true),
    ("data: ann@example.com\nevent: other", false),
  ]

  @Test(arguments: streams, [false, true])
  func onlyMessagesOfAStreamPass(stream: (String, Bool), modern: Bool) throws {
    let gateway = try SimulatedGateway()
    gateway.server = { request in
      [
        .send(
          ServerText.streamHead + Self.event(stream.0)
            + Self.event(
              #"data: {"jsonrpc":"2.0","id":\#(request.id),"result":{"content":[]}}"#)
            + "0\r\n\r\n")
      ]
    }
    let answer = gateway.exchange(Self.post(modern))
    #expect(!answer.contains("ann@"), "\(answer)")
    #expect(answer.contains("Zoë") == stream.1, "\(answer)")
    #expect(answer.contains("\"content\":[]"))
    #expect(!answer.contains("event: ") || !answer.contains(/event: (?!message\n)/))
  }
}
