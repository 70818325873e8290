import Testing
import Wire

@Suite struct HTTPResponseHeadTests {
  struct Accepted: Sendable, CustomTestStringConvertible {
    var text: String
    var status: UInt16
    var framing: ResponseFraming
    var keepAlive: Bool
    var kind: ContentKind
    var testDescription: String { text.debugDescription }
    init(
      _ text: String, _ status: UInt16, _ framing: ResponseFraming, keepAlive: Bool = true,
      _ kind: ContentKind = .absent
    ) {
      (self.text, self.status, self.framing) = (text, status, framing)
      (self.keepAlive, self.kind) = (keepAlive, kind)
    }
  }

  static let accepted: [Accepted] = [
    Accepted(
      "HTTP/1.1 200 OK|content-length: 2|Content-Type: application/json||", 200, .length(2), .json),
    Accepted(
      "HTTP/1.1 200 OK|transfer-encoding: chunked|content-type: text/event-stream||", 200, .chunked,
      .eventStream),
    Accepted("HTTP/1.1 200 OK||", 200, .untilClose, keepAlive: false),
    Accepted("HTTP/1.1 200|content-length: 0||", 200, .length(0)),
    Accepted("HTTP/1.1 200 |content-length: 0||", 200, .length(0)),
    Accepted("HTTP/1.1 202 \u{e9}|content-length: 0||", 202, .length(0)),
    Accepted("HTTP/1.1 204 No Content||", 204, .none),
    Accepted("HTTP/1.1 204 No Content|content-length: 5||", 204, .none),
    Accepted("HTTP/1.1 304 x|content-length: 5||", 304, .none),
    Accepted("HTTP/1.1 100 Continue||", 100, .none),
    Accepted(
      "HTTP/1.1 200 OK|content-length: 2|connection: close||", 200, .length(2), keepAlive: false),
    Accepted("HTTP/1.0 200 OK|content-length: 2||", 200, .length(2), keepAlive: false),
    Accepted("HTTP/1.0 200 OK|content-length: 2|connection: keep-alive||", 200, .length(2)),
    Accepted(
      "HTTP/1.1 200 OK|content-length: 2|content-type: application/json; charset=UTF-8||", 200,
      .length(2), .json),
    Accepted(
      "HTTP/1.1 200 OK|content-length: 2|content-type: application/json; charset=latin1||", 200,
      .length(2), .other),
    Accepted(
      "HTTP/1.1 200 OK|content-length: 2|content-type: text/html||", 200, .length(2), .other),
    Accepted("HTTP/1.1 200 OK|content-length: 2|content-type:||", 200, .length(2), .other),
    Accepted(
      "HTTP/1.1 200 OK|content-length: 2|set-cookie: a|set-cookie: b|x: \u{e9}||", 200, .length(2)),
  ]

  @Test(arguments: accepted)
  func isRead(row: Accepted) {
    let bytes = httpBytes(row.text)
    var head = ResponseHead()
    #expect(readResponse(bytes, head: &head) == .complete)
    #expect(head.status == row.status)
    #expect(head.framing == row.framing)
    #expect(head.keepAlive == row.keepAlive)
    #expect(head.contentKind == row.kind)
    #expect(Int(head.headBytes) == bytes.count)
    #expect(head.isInterim == (row.status < 200))
  }

  @Test(arguments: [
    ("HTTP/1.1 101 Switching Protocols|upgrade: x||", HTTPRefusalReason.protocolSwitched),
    ("HTTP/1.1 099 x||", .statusOutOfRange), ("HTTP/1.1 600 x||", .statusOutOfRange),
    ("HTTP/1.1 20 OK||", .statusLineMalformed), ("HTTP/1.1 2000 OK||", .statusLineMalformed),
    ("HTTP/1.1 200OK||", .statusLineMalformed), ("HTTP/1.1  200 OK||", .statusLineMalformed),
    ("HTTP/2.0 200 OK||", .statusLineMalformed), ("http/1.1 200 OK||", .statusLineMalformed),
    ("ICY 200 OK||", .statusLineMalformed), ("|HTTP/1.1 200 OK||", .statusLineMalformed),
    ("HTTP/1.1 200 OK|content-length: 2|content-length: 2||", .repeatedField),
    ("HTTP/1.1 200 OK|content-length: 2|transfer-encoding: chunked||", .bothFramings),
    ("HTTP/1.1 204 OK|content-length: 2|transfer-encoding: chunked||", .bothFramings),
    ("HTTP/1.1 200 OK|content-length: +2||", .contentLengthMalformed),
    ("HTTP/1.1 200 OK|transfer-encoding: gzip, chunked||", .transferEncodingUnsupported),
    ("HTTP/1.1 200 OK|transfer-encoding: chunked\t||", .transferEncodingUnsupported),
    ("HTTP/1.0 200 OK|transfer-encoding: chunked||", .transferEncodingInHTTP10),
    ("HTTP/1.1 200 OK|x: a| b||", .foldedField), ("HTTP/1.1 200 OK|x : a||", .fieldNameCharacter),
    ("HTTP/1.1 200 OK|mcp-session-id: a b||", .nonASCIIField),
    ("HTTP/1.1 200 OK|mcp-session-id: a|mcp-session-id: a||", .repeatedField),
    ("HTTP/1.1 200 OK|content-type: a|content-type: b||", .repeatedField),
  ])
  func isRefused(text: String, reason: HTTPRefusalReason) {
    var head = ResponseHead()
    guard case .refused(let refusal) = readResponse(httpBytes(text), head: &head) else {
      Issue.record("accepted: \(text)")
      return
    }
    #expect(refusal.reason == reason)
  }

  @Test func encodingAndValues() {
    let bytes = httpBytes(
      "HTTP/1.1 401 x|content-length: 0|content-encoding: gzip|mcp-session-id: ab~|retry-after: 7|"
        + "location: /x|www-authenticate: Bearer||")
    var head = ResponseHead()
    #expect(readResponse(bytes, head: &head) == .complete)
    #expect(head.isEncoded)
    #expect(httpText(bytes, head.mcpSessionID) == "ab~")
    #expect(httpText(bytes, head.retryAfter) == "7")
    #expect(httpText(bytes, head.location) == "/x")
    #expect(httpText(bytes, head.authenticate) == "Bearer")
    let plain = httpBytes("HTTP/1.1 200 x|content-length: 0|content-encoding: Identity||")
    #expect(readResponse(plain, head: &head) == .complete)
    #expect(!head.isEncoded)
  }

  @Test func everySplitReadsTheSame() {
    let bytes = httpBytes(Self.accepted[0].text)
    for cut in 0..<bytes.count {
      var head = ResponseHead()
      #expect(readResponse(bytes, splits: [cut], head: &head) == .complete)
      #expect(head.framing == .length(2) && head.contentKind == .json)
      if cut < bytes.count {
        #expect(readResponse(Array(bytes[..<cut]), head: &head) == .incomplete)
      }
    }
  }
}
