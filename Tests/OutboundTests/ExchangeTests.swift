import Dispatch
import Outbound
import Testing

@Suite struct ExchangeTests {
  private func exchange(
    answer: String, _ change: (inout OutboundRequest) -> Void = { _ in }
  ) async throws -> (OutboundAnswer, asked: String) {
    let server = OneAnswerServer(answer)
    DispatchQueue.global().async { server.serve() }
    var request = OutboundRequest(url: "http://127.0.0.1:\(server.port)/keys?a=b")
    change(&request)
    let got = try await request.exchange()
    return (got, server.asked)
  }

  @Test func givesStatusFieldsAndBody() async throws {
    let (answer, asked) = try await exchange(
      answer: "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nnope")
    #expect(answer.status == 404)
    #expect(answer.field("content-TYPE") == "text/html")
    #expect(String(decoding: answer.body, as: UTF8.self) == "nope")
    #expect(asked.hasPrefix("GET /keys?a=b HTTP/1.1\r\n"))
  }

  @Test func followsNoRedirect() async throws {
    let (answer, _) = try await exchange(
      answer: "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    #expect(answer.status == 302)
  }

  @Test func sendsABodyAndFields() async throws {
    let (answer, asked) = try await exchange(
      answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    ) { request in
      request.method = "POST"
      request.body = Array("hello".utf8)
      request.fields = [("X-Signature", "abc")]
    }
    #expect(answer.status == 200)
    #expect(asked.hasPrefix("POST "))
    #expect(asked.contains("\r\nX-Signature: abc\r\n"))
    #expect(asked.contains("\r\nContent-Length: 5\r\n"))
  }

  @Test func refusesALongerAnswerThanAllowed() async throws {
    await #expect(throws: OutboundError("the answer is too long")) {
      _ = try await exchange(
        answer: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
          + String(repeating: "x", count: 100)
      ) { $0.answerBytesMax = 99 }
    }
  }

  @Test func refusesALineBreakInAField() async throws {
    var request = OutboundRequest(url: "http://127.0.0.1:1/")
    request.fields = [("X-A", "b\r\nX-C: d")]
    await #expect(throws: OutboundError("a header field holds a line break")) {
      _ = try await request.exchange()
    }
  }

  @Test func refusesOtherProtocols() async throws {
    await #expect(throws: OutboundError.self) {
      _ = try await OutboundRequest(url: "file:///etc/passwd").exchange()
    }
  }

  @Test func saysWhyNobodyAnswers() async throws {
    do {
      _ = try await OutboundRequest(url: "http://127.0.0.1:1/").exchange()
      Issue.record("something listens on port 1")
    } catch {
      #expect("\(error)".contains("connect"))
    }
  }
}

@Suite struct StreamTests {
  @Test func carriesBytesBothWays() throws {
    let server = OneAnswerServer("pong")
    DispatchQueue.global().async { server.serve() }
    let stream = try OutboundStream(host: "127.0.0.1", port: server.port)
    #expect(try stream.receive(upTo: 16, milliseconds: 10) == .nothing)
    #expect(try stream.send(Array("ping\r\n\r\n".utf8)[...], milliseconds: 1000) == 8)
    #expect(try stream.receive(upTo: 16, milliseconds: 5000) == .bytes(Array("pong".utf8)))
    #expect(try stream.receive(upTo: 16, milliseconds: 5000) == .ended)
  }

  @Test func refusesAPeerThatSpeaksNoTLS() throws {
    let server = OneAnswerServer("no\r\n\r\n")
    DispatchQueue.global().async { server.serve() }
    #expect(throws: OutboundError.self) {
      _ = try OutboundStream(
        host: "127.0.0.1", port: server.port, tls: OutboundTLS(), connectMilliseconds: 500)
    }
  }
}
