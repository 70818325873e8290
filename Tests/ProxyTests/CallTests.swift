import EventLoop
import Foundation
import Policy
import Testing

@testable import Proxy

/// Whole calls through one worker, on a kind network.
struct CallTests {
  @Test func anAllowedCallReachesTheServerAndComesBackMasked() throws {
    let gateway = try SimulatedGateway()
    let answer = gateway.exchange(SimulatedGateway.post(SimulatedGateway.call("query")))
    #expect(gateway.requestsAtServers.count == 1)
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(answer.contains("\"email\":\"[redacted]\""))
    #expect(answer.contains("\"city\":\"Ulm\""))
    #expect(!answer.contains("ann@example.com"))
    let request = try #require(gateway.requestsAtServers.first)
    #expect(request.body == SimulatedGateway.call("query"))
    #expect(!request.head.contains("key-ada"))
    #expect(request.head.contains("Host: 127.0.0.1:9000\r\n"))
  }

  @Test func aBlockedCallNeverReachesTheServer() throws {
    let gateway = try SimulatedGateway()
    let answer = gateway.exchange(
      SimulatedGateway.post(
        SimulatedGateway.call("query", #"{"sql":"DR\u004fP TABLE customers"}"#, id: "\"x-1\"")))
    #expect(gateway.requestsAtServers.isEmpty)
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(answer.contains(#""id":"x-1""#))
    #expect(answer.contains(#""isError":true"#))
    #expect(answer.contains("no-drop"))
    #expect(answer.contains(#"Ask the \"owners\"."#))
  }

  @Test(
    arguments: [
      (nil, "401"), ("wrong", "401"), ("key-ada", "200"),
    ] as [(String?, String)])
  func callersAreRecognised(key: String?, status: String) throws {
    let gateway = try SimulatedGateway()
    let answer = gateway.exchange(
      SimulatedGateway.post(SimulatedGateway.call("query"), key: key))
    #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
    #expect(gateway.requestsAtServers.count == (status == "200" ? 1 : 0))
    if status == "401" { #expect(answer.contains("WWW-Authenticate: Bearer")) }
  }

  @Test func whoHasNoProfileGetsNothing() throws {
    let gateway = try SimulatedGateway()
    let answer = gateway.exchange(
      SimulatedGateway.post(SimulatedGateway.call("query"), key: "key-bob"))
    #expect(answer.contains("\"isError\":true"))
    #expect(gateway.requestsAtServers.isEmpty)
  }

  @Test func theServersCredentialGoesUpAndNothingElse() throws {
    let gateway = try SimulatedGateway()
    _ = gateway.exchange(
      SimulatedGateway.post(
        SimulatedGateway.call("open"), key: "key-bob", path: "/vault/mcp",
        more: "Cookie: a=b\r\nX-Forwarded-For: 1.2.3.4\r\n"))
    let request = try #require(gateway.requestsAtServers.first)
    #expect(request.head.contains("Authorization: Bearer up\r\n"))
    #expect(!request.head.lowercased().contains("cookie"))
    #expect(!request.head.contains("1.2.3.4"))
  }

  @Test func pipelinedRequestsAreAnsweredInOrder() throws {
    let gateway = try SimulatedGateway()
    let text = (1...5).map {
      SimulatedGateway.post(SimulatedGateway.call("query", id: "\($0)"))
    }.joined()
    let answer = gateway.exchange(text, turns: 400)
    let ids = answer.matches(of: /"id":(\d)/).map { String($0.1) }
    #expect(ids == ["1", "2", "3", "4", "5"])
    #expect(gateway.worker.upstreams.count == 1)
  }

  @Test func chunkedRequestsAreReadWhole() throws {
    let gateway = try SimulatedGateway()
    let body = SimulatedGateway.call("query")
    let cut = body.index(body.startIndex, offsetBy: 20)
    let first = String(body[..<cut])
    let second = String(body[cut...])
    let text =
      "POST /shop/mcp HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer key-ada\r\n"
      + "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
      + "Transfer-Encoding: chunked\r\n\r\n"
      + "\(String(first.utf8.count, radix: 16))\r\n\(first)\r\n"
      + "\(String(second.utf8.count, radix: 16))\r\n\(second)\r\n0\r\n\r\n"
    let answer = gateway.exchange(text)
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(gateway.requestsAtServers.first?.body == body)
    #expect(
      gateway.requestsAtServers.first?.head.contains("Content-Length: \(body.utf8.count)") == true)
  }

  @Test func streamsArePassedOnEventByEvent() throws {
    let gateway = try SimulatedGateway()
    gateway.server = { request in
      let event = { (json: String) in
        let text = "event: message\r\ndata: \(json)\r\n\r\n"
        return ServerText.chunk(text)
      }
      return [
        .send(ServerText.streamHead),
        .send(
          event(
            #"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":{"ssn":"1-2-3"}}}"#
          )),
        .wait(20),
        .send(
          event(
            #"{"jsonrpc":"2.0","id":\#(request.id),"result":{"structuredContent":{"ssn":"4-5-6","n":1}}}"#
          )),
        .send("0\r\n\r\n"),
      ]
    }
    let client = gateway.network.connect(toPort: SimulatedGateway.audience)
    gateway.network.send(SimulatedGateway.post(SimulatedGateway.call("query")), from: client)
    gateway.run(turns: 15)
    let early = String(decoding: gateway.network.takeReceived(by: client), as: UTF8.self)
    #expect(early.contains("text/event-stream"))
    #expect(early.contains("notifications/message"))
    gateway.run(turns: 60)
    let late = String(decoding: gateway.network.takeReceived(by: client), as: UTF8.self)
    #expect(late.contains(#""n":1"#))
    #expect(late.hasSuffix("0\r\n\r\n"))
    #expect(!(early + late).contains("1-2-3"))
    #expect(!(early + late).contains("4-5-6"))
    // The server's connection was read to its end and is used again.
    _ = gateway.exchange(SimulatedGateway.post(SimulatedGateway.call("query")))
    #expect(gateway.worker.upstreams.count == 1)
  }

  /// Masks cover every message of a tools/list exchange but the list, whose definitions must stay whole.
  @Test func notificationsAndErrorsOfAListAreMasked() throws {
    let gateway = try SimulatedGateway()
    let list = #"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#
    gateway.server = { request in
      [
        .send(ServerText.streamHead),
        .send(
          ServerText.chunk(
            #"data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":{"ssn":"1-2-3"}}}"#
              + "\n\n")),
        .send(
          ServerText.chunk(
            #"data: {"jsonrpc":"2.0","id":\#(request.id),"result":{"tools":[{"name":"query"},{"name":"evil"}]}}"#
              + "\n\n")),
        .send("0\r\n\r\n"),
      ]
    }
    let stream = gateway.exchange(SimulatedGateway.post(list))
    #expect(stream.contains("notifications/message"))
    #expect(!stream.contains("1-2-3"))
    #expect(stream.contains("query"))
    #expect(!stream.contains("evil"))
    gateway.server = { request in
      [
        .send(
          SimulatedGateway.json(
            #"{"jsonrpc":"2.0","id":\#(request.id),"error":{"code":-1,"message":"m","data":{"ssn":"4-5-6"}}}"#
          ))
      ]
    }
    let error = gateway.exchange(SimulatedGateway.post(list))
    #expect(error.contains(#""code":-1"#))
    #expect(!error.contains("4-5-6"))
  }

  @Test func aSingleMessageStreamBecomesJSON() throws {
    let gateway = try SimulatedGateway()
    gateway.server = { request in
      [
        .send(ServerText.streamHead),
        .send(
          ServerText.chunk(
            "data: {\"jsonrpc\":\"2.0\",\"id\":\(request.id),\"result\":{\"content\":[]}}\n\n")),
        .send("0\r\n\r\n"),
      ]
    }
    let answer = gateway.exchange(SimulatedGateway.post(SimulatedGateway.call("query")))
    #expect(answer.contains("Content-Type: application/json"))
    #expect(answer.hasSuffix(#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#))
  }
}

enum ServerText {
  static let streamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

  static func chunk(_ text: String) -> String {
    "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n"
  }
}
