import Testing
import Wire

@Suite struct HTTPWriterTests {
  @Test func writtenHeadsReadBack() {
    let target = Array("/orders/mcp".utf8)
    let host = Array("upstream:9000".utf8)
    let request = httpWritten { out in
      HTTPWriter.request(.post, target: target.rawBytes, into: &out)
      #expect(HTTPWriter.field("Host", host.rawBytes, into: &out))
      HTTPWriter.field("Accept-Encoding", "identity", into: &out)
      HTTPWriter.field("Accept", "application/json, text/event-stream", into: &out)
      HTTPWriter.contentLength(18_446_744, into: &out)
      HTTPWriter.end(into: &out)
    }
    guard let request, case .complete(let summary) = readRequest(request) else {
      Issue.record("not read")
      return
    }
    #expect(summary.framing == .length(18_446_744) && summary.target == "/orders/mcp")
    #expect(summary.accepts == [.json, .eventStream])
    let answer = httpWritten { out in
      HTTPWriter.status(200, into: &out)
      HTTPWriter.eventStreamFields(into: &out)
      HTTPWriter.chunked(into: &out)
      HTTPWriter.connection(keepAlive: false, into: &out)
      HTTPWriter.end(into: &out)
    }
    var head = ResponseHead()
    #expect(readResponse(answer ?? [], head: &head) == .complete)
    #expect(head.framing == .chunked && head.contentKind == .eventStream && !head.keepAlive)
  }

  @Test func valuesThatWouldBreakAHeadAreNotWritten() {
    for bad in ["a\r\nX: y", "a\n", "\ra", "a\0", " a", "a ", "\ta", "a\u{7f}"] {
      let value = Array(bad.utf8)
      let written = httpWritten { #expect(!HTTPWriter.field("X", value.rawBytes, into: &$0)) }
      #expect(written == [])
    }
    let good = Array("b".utf8)
    for bad in ["", "a b", "a:", "a\r\n", "é"] {
      let name = Array(bad.utf8)
      let written = httpWritten { out in
        #expect(!HTTPWriter.field(name: name.rawBytes, value: good.rawBytes, into: &out))
      }
      #expect(written == [])
    }
    let name = Array("Mcp-Param-A".utf8)
    let written = httpWritten { out in
      #expect(HTTPWriter.field(name: name.rawBytes, value: good.rawBytes, into: &out))
    }
    #expect(written == Array("Mcp-Param-A: b\r\n".utf8))
  }

  @Test(arguments: [
    (200, "HTTP/1.1 200 OK\r\n"), (202, "HTTP/1.1 202 Accepted\r\n"),
    (431, "HTTP/1.1 431 Request Header Fields Too Large\r\n"),
    (505, "HTTP/1.1 505 HTTP Version Not Supported\r\n"), (299, "HTTP/1.1 299 \r\n"),
  ])
  func statusLines(status: UInt16, line: String) {
    #expect(httpWritten { HTTPWriter.status(status, into: &$0) } == Array(line.utf8))
  }

  @Test(arguments: HTTPRefusalReason.allCases)
  func everyRefusalHasAStatusWithAName(reason: HTTPRefusalReason) {
    #expect(HTTPWriter.reason(reason.status).utf8CodeUnitCount > 0)
    #expect(reason.description.utf8CodeUnitCount > 10)
  }

  @Test func events() {
    func event(_ json: String) -> String? {
      let bytes = Array(json.utf8)
      return httpWritten { SSEWriter.message(bytes.rawBytes, into: &$0) }.map {
        String(decoding: $0, as: UTF8.self)
      }
    }
    #expect(event(#"{"id":1}"#) == "event: message\ndata: {\"id\":1}\n\n")
    // Line breaks between tokens must not end the data line.
    #expect(event("{\r\n\"id\":\n1\r}") == "event: message\ndata: {  \"id\": 1 }\n\n")
    #expect(event("") == "event: message\ndata: \n\n")
    let overhead = event("x")!.utf8.count - 1
    #expect(overhead == SSEWriter.messageOverheadBytes)
    #expect(readEvents([Array(event("{\n}")!.utf8)]) == [SSEReading(data: "{ }")])
    let comment = httpWritten { SSEWriter.keepAlive(into: &$0) } ?? []
    #expect(readEvents([comment]) == [])
  }
}

@Suite struct HTTPMediaTypeTests {
  @Test(arguments: [
    ("application/json", true), ("Application/JSON", true),
    ("application/json; charset=utf-8", true),
    ("application/json;charset=UTF-8", true), ("application/json ; charset=\"utf-8\"", true),
    ("application/json;", false), ("application/json; charset=utf-16", false),
    ("application/json; charset=utf-8; x=y", false), ("application/json; boundary=x", false),
    ("application/json, text/plain", false), ("application/jsonX", false), ("text/json", false),
    ("application/json-rpc", false), ("", false), ("application/json charset=utf-8", false),
    ("application/json; charset = utf-8", false),
  ])
  func contentTypes(value: String, isJSON: Bool) {
    let bytes = httpBytes("POST / HTTP/1.1|Host: a|Content-Type: \(value)||")
    var head = RequestHead()
    _ = readRequest(bytes, head: &head)
    #expect((head.mediaRefusal(in: bytes.rawBytes) == nil) == isJSON)
    #expect(MediaType.isStrictJSON(Array(value.utf8).rawBytes) == isJSON)
  }

  @Test(arguments: [
    ("identity", true), ("Identity", true), ("gzip", false), ("", false), ("identity, gzip", false),
  ])
  func contentEncodings(value: String, isAccepted: Bool) {
    let bytes = httpBytes(
      "POST / HTTP/1.1|Host: a|Content-Type: application/json|Content-Encoding: \(value)||")
    var head = RequestHead()
    _ = readRequest(bytes, head: &head)
    #expect(head.mediaRefusal(in: bytes.rawBytes)?.status == (isAccepted ? nil : 415))
  }

  static let both: AcceptedTypes = [.json, .eventStream]

  @Test(
    arguments: [
      (["application/json, text/event-stream"], both),
      (["text/event-stream,application/json"], both),
      (["Application/Json , TEXT/event-stream"], both), (["*/*"], both),
      (["application/*, text/*"], both),
      (["application/json"], .json), (["text/event-stream"], .eventStream), (["text/html"], []),
      ([""], []),
      (["application/json", "text/event-stream"], both),
      (["application/json;q=0, text/event-stream"], .eventStream),
      (["application/json;q=0.0,*/*;q=0.000"], []),
      (["application/json; q=0.1;x=y, text/event-stream;v=1"], both),
      (["application/jsonx, xtext/event-stream"], []), (["text/html;x=\",application/json\""], []),
      (["application/json text/event-stream"], []),
    ] as [([String], AcceptedTypes)])
  func accepts(values: [String], types: AcceptedTypes) {
    let lines = values.map { "Accept: \($0)|" }.joined()
    var head = RequestHead()
    _ = readRequest(httpBytes("POST / HTTP/1.1|Host: a|\(lines)|"), head: &head)
    #expect(head.accepts == types)
    #expect(head.acceptRefusal?.status == (types == Self.both ? nil : 406))
    _ = readRequest(httpBytes("GET / HTTP/1.1|Host: a|\(lines)|"), head: &head)
    #expect(head.acceptRefusal?.status == (types.contains(.eventStream) ? nil : 406))
  }
}
