import Testing
import Wire

@Suite struct HTTPRequestHeadTests {
  static let typical =
    "POST /orders/mcp HTTP/1.1|Host: gateway.example:8080|Authorization: Bearer sk-0123456789|"
    + "Content-Type: application/json|Accept: application/json, text/event-stream|"
    + "MCP-Protocol-Version: 2026-07-28|Mcp-Method: tools/call|mcp-name: query|User-Agent: x|"
    + "Content-Length: 12||"

  @Test func typicalRequestIsRead() {
    let bytes = httpBytes(Self.typical + "{}")
    var head = RequestHead()
    guard case .complete(let summary) = readRequest(bytes, head: &head) else {
      Issue.record("not read: \(readRequest(bytes))")
      return
    }
    #expect(summary.method == .post)
    #expect(summary.target == "/orders/mcp")
    #expect(summary.query == "")
    #expect(summary.minorVersion == 1)
    #expect(Int(summary.headBytes) == bytes.count - 2)
    #expect(summary.framing == .length(12))
    #expect(summary.keepAlive)
    #expect(!summary.expectsContinue)
    #expect(summary.accepts == [.json, .eventStream])
    #expect(summary.fields.count == 9)
    #expect(httpText(bytes, head.host) == "gateway.example:8080")
    #expect(httpText(bytes, head.authorization) == "Bearer sk-0123456789")
    #expect(httpText(bytes, head.mcpProtocolVersion) == "2026-07-28")
    #expect(httpText(bytes, head.mcpMethod) == "tools/call")
    #expect(httpText(bytes, head.mcpName) == "query")
    #expect(!head.has(.origin))
    #expect(head.has(.host))
    #expect(head.mediaRefusal(in: bytes.rawBytes) == nil)
    #expect(head.acceptRefusal == nil)
  }

  struct Refused: Sendable, CustomTestStringConvertible {
    var text: String
    var reason: HTTPRefusalReason
    var status: UInt16
    var testDescription: String { text.debugDescription }
    init(_ text: String, _ reason: HTTPRefusalReason, _ status: UInt16 = 400) {
      (self.text, self.reason, self.status) = (text, reason, status)
    }
  }

  static let refusedLines: [Refused] = [
    Refused("POST  /mcp HTTP/1.1|Host: a||", .malformedRequestLine),
    Refused("POST /mcp|Host: a||", .malformedRequestLine),
    Refused(" POST /mcp HTTP/1.1|Host: a||", .malformedRequestLine),
    Refused("|POST /mcp HTTP/1.1|Host: a||", .malformedRequestLine),
    Refused("P@ST /mcp HTTP/1.1|Host: a||", .malformedRequestLine),
    Refused("POST /mcp?a|Host: a||", .malformedRequestLine),
    Refused("||", .malformedRequestLine),
    Refused("CONNECT a:443 HTTP/1.1|Host: a||", .methodRefused, 405),
    Refused("TRACE / HTTP/1.1|Host: a||", .methodRefused, 405),
    Refused("POST http://a/mcp HTTP/1.1|Host: a||", .absoluteForm),
    Refused("POST mcp HTTP/1.1|Host: a||", .absoluteForm),
    Refused("OPTIONS * HTTP/1.1|Host: a||", .asteriskForm),
    Refused("POST /mcp# HTTP/1.1|Host: a||", .targetCharacter),
    Refused("POST /m\\p HTTP/1.1|Host: a||", .targetCharacter),
    Refused("POST /m\"p HTTP/1.1|Host: a||", .targetCharacter),
    Refused("POST /m\u{e9}p HTTP/1.1|Host: a||", .targetCharacter),
    Refused("POST /mcp?a=<b> HTTP/1.1|Host: a||", .targetCharacter),
    Refused("POST /m\tp HTTP/1.1|Host: a||", .targetCharacter),
    Refused("POST /mcp%4 HTTP/1.1|Host: a||", .targetEncoding),
    Refused("POST /mcp%zz HTTP/1.1|Host: a||", .targetEncoding),
    Refused("POST /mcp?a=%2 HTTP/1.1|Host: a||", .targetEncoding),
    Refused("POST /a%2Fmcp HTTP/1.1|Host: a||", .targetEncodedSeparator),
    Refused("POST /a%2fmcp HTTP/1.1|Host: a||", .targetEncodedSeparator),
    Refused("POST /a%5Cmcp HTTP/1.1|Host: a||", .targetEncodedSeparator),
    Refused("POST /%2e%2e/mcp HTTP/1.1|Host: a||", .targetEncodedSeparator),
    Refused("POST /a%00 HTTP/1.1|Host: a||", .targetEncodedSeparator),
    Refused("POST /a%0d%0a HTTP/1.1|Host: a||", .targetEncodedSeparator),
    Refused("POST /a%7F HTTP/1.1|Host: a||", .targetEncodedSeparator),
    Refused("POST /a?b=%00 HTTP/1.1|Host: a||", .targetEncodedSeparator),
    Refused("POST /a/../mcp HTTP/1.1|Host: a||", .targetDotSegment),
    Refused("POST /a/./mcp HTTP/1.1|Host: a||", .targetDotSegment),
    Refused("POST /.. HTTP/1.1|Host: a||", .targetDotSegment),
    Refused("POST /. HTTP/1.1|Host: a||", .targetDotSegment),
    Refused("POST /..?x HTTP/1.1|Host: a||", .targetDotSegment),
    Refused("POST /a/..;x/mcp HTTP/1.1|Host: a||", .targetDotSegment),
    Refused("POST /a/.;x/mcp HTTP/1.1|Host: a||", .targetDotSegment),
    Refused("POST //mcp HTTP/1.1|Host: a||", .targetEmptySegment),
    Refused("POST /a//b HTTP/1.1|Host: a||", .targetEmptySegment),
    Refused("POST /mcp HTTP/1.1 |Host: a||", .versionMalformed),
    Refused("POST /mcp  HTTP/1.1|Host: a||", .versionMalformed),
    Refused("POST /mcp http/1.1|Host: a||", .versionMalformed),
    Refused("POST /mcp HTTP/1,1|Host: a||", .versionMalformed),
    Refused("POST /mcp HTTP/11|Host: a||", .versionMalformed),
    Refused("POST /mcp ICE/1.0|Host: a||", .versionMalformed),
    Refused("POST /mcp HTTP/1.2|Host: a||", .versionNotSupported, 505),
    Refused("POST /mcp HTTP/0.9|Host: a||", .versionNotSupported, 505),
    Refused("POST /mcp HTTP/2.0|Host: a||", .versionNotSupported, 505),
    Refused("PRI * HTTP/2.0||SM||", .versionNotSupported, 505),
  ]

  static let refusedFields: [Refused] = [
    Refused("POST / HTTP/1.1|Host: a|X: 1| folded||", .foldedField),
    Refused("POST / HTTP/1.1|Host: a|X: 1|\tfolded: x||", .foldedField),
    Refused("POST / HTTP/1.1| Host: a||", .foldedField),
    Refused("POST / HTTP/1.1|Host: a|Nothing||", .fieldWithoutColon),
    Refused("POST / HTTP/1.1|Host: a|: x||", .fieldNameEmpty),
    Refused("POST / HTTP/1.1|Host : a||", .fieldNameCharacter),
    Refused("POST / HTTP/1.1|Host\t: a||", .fieldNameCharacter),
    Refused("POST / HTTP/1.1|Host: a|Content Length: 3||", .fieldNameCharacter),
    Refused("POST / HTTP/1.1|Host: a|X\u{e9}: 3||", .fieldNameCharacter),
    Refused("POST / HTTP/1.1|Host: a|(X): 3||", .fieldNameCharacter),
    Refused("POST / HTTP/1.1||", .hostMissing),
    Refused("POST / HTTP/1.1|Host:||", .hostMalformed),
    Refused("POST / HTTP/1.1|Host: a b||", .hostMalformed),
    Refused("POST / HTTP/1.1|Host: a,b||", .hostMalformed),
    Refused("POST / HTTP/1.1|Host: user@a||", .hostMalformed),
    Refused("POST / HTTP/1.1|Host: a/b||", .hostMalformed),
    Refused("POST / HTTP/1.1|Host: a%41||", .hostMalformed),
    Refused("GET / HTTP/1.1|Host: a|Upgrade: websocket||", .upgradeRefused),
    Refused("GET / HTTP/1.1|Host: a|Connection: upgrade|Upgrade: h2c||", .upgradeRefused),
    Refused("POST / HTTP/1.1|Host: a|Expect: 200-ok||", .expectationUnsupported, 417),
    Refused("POST / HTTP/1.1|Host: a|Expect:||", .expectationUnsupported, 417),
    Refused("POST / HTTP/1.1|Host: a|Mcp-Name: \u{e9}||", .nonASCIIField),
    Refused("POST / HTTP/1.1|Host: a|Authorization: Bearer \u{e9}||", .nonASCIIField),
  ]

  static let refusedFraming: [Refused] = [
    Refused("POST / HTTP/1.1|Host: a|Content-Length:||", .contentLengthMalformed),
    Refused("POST / HTTP/1.1|Host: a|Content-Length: +5||", .contentLengthMalformed),
    Refused("POST / HTTP/1.1|Host: a|Content-Length: -5||", .contentLengthMalformed),
    Refused("POST / HTTP/1.1|Host: a|Content-Length: 5 5||", .contentLengthMalformed),
    Refused("POST / HTTP/1.1|Host: a|Content-Length: 5, 5||", .contentLengthMalformed),
    Refused("POST / HTTP/1.1|Host: a|Content-Length: 0x5||", .contentLengthMalformed),
    Refused("POST / HTTP/1.1|Host: a|Content-Length: 05||", .contentLengthMalformed),
    Refused("POST / HTTP/1.1|Host: a|Content-Length: 5.0||", .contentLengthMalformed),
    Refused(
      "POST / HTTP/1.1|Host: a|Content-Length: 1234567890123456789||", .contentLengthMalformed),
    Refused("POST / HTTP/1.1|Host: a|Content-Length: 5|Content-Length: 5||", .repeatedField),
    Refused("POST / HTTP/1.1|Host: a|Content-Length: 5|content-length: 6||", .repeatedField),
    Refused(
      "POST / HTTP/1.1|Host: a|Content-Length: 5|Transfer-Encoding: chunked||", .bothFramings),
    Refused(
      "POST / HTTP/1.1|Host: a|Transfer-Encoding: chunked|Content-Length: 5||", .bothFramings),
    Refused(
      "POST / HTTP/1.1|Host: a|Transfer-Encoding: gzip, chunked||", .transferEncodingUnsupported),
    Refused(
      "POST / HTTP/1.1|Host: a|Transfer-Encoding: chunked, chunked||", .transferEncodingUnsupported),
    Refused("POST / HTTP/1.1|Host: a|Transfer-Encoding: chunked\t||", .transferEncodingUnsupported),
    Refused(
      "POST / HTTP/1.1|Host: a|Transfer-Encoding: chunked \t ||", .transferEncodingUnsupported),
    Refused("POST / HTTP/1.1|Host: a|Transfer-Encoding: identity||", .transferEncodingUnsupported),
    Refused("POST / HTTP/1.1|Host: a|Transfer-Encoding: xchunked||", .transferEncodingUnsupported),
    Refused(
      "POST / HTTP/1.1|Host: a|Transfer-Encoding: \"chunked\"||", .transferEncodingUnsupported),
    Refused("POST / HTTP/1.1|Host: a|Transfer-Encoding:||", .transferEncodingUnsupported),
    Refused(
      "POST / HTTP/1.1|Host: a|Transfer-Encoding: chunked|Transfer-Encoding: identity||",
      .repeatedField),
    Refused("POST / HTTP/1.0|Host: a|Transfer-Encoding: chunked||", .transferEncodingInHTTP10),
  ]

  @Test(arguments: refusedLines + refusedFields + refusedFraming)
  func refused(_ row: Refused) {
    #expect(readRequest(httpBytes(row.text)) == .refused(row.reason, row.status))
  }

  @Test(arguments: [
    "Host", "Authorization", "Content-Type", "Content-Encoding", "Origin", "Mcp-Session-Id",
    "Mcp-Protocol-Version", "Mcp-Method", "Mcp-Name", "Last-Event-ID", "Content-Length",
    "Transfer-Encoding", "Expect",
  ])
  func protectedFieldTwiceIsRefused(name: String) {
    let value = name == "Content-Length" ? "5" : "a"
    let first = name == "Host" ? "" : "Host: a|"
    let lower = name.lowercased()
    let upper = name.uppercased()
    let head = "POST / HTTP/1.1|\(first)\(lower): \(value)|X: y|\(upper): \(value)||"
    #expect(readRequest(httpBytes(head)) == .refused(.repeatedField, 400))
  }

  @Test func bytesThatNoHeadMayHold() {
    for byte in UInt8(0)...255 {
      for place in [0, 3, 6, 20, 26, 30] {
        var bytes = httpBytes("POST /mcp HTTP/1.1|Host: abcdefgh|X-Any: abcdefgh||")
        bytes[place] = byte
        let isControl = (byte < 0x20 && byte != 9 && byte != 10 && byte != 13) || byte == 0x7f
        let reading = readRequest(bytes)
        if isControl {
          let expected: HTTPRefusalReason =
            place == 0 && byte == 0x16 ? .tlsOnPlainListener : .controlByte
          #expect(reading == .refused(expected, 400), "byte \(byte) at \(place)")
        } else if byte == 10 {
          #expect(reading == .refused(.bareLineFeed, 400), "at \(place)")
        } else if byte == 13 {
          #expect(reading == .refused(.bareCarriageReturn, 400), "at \(place)")
        }
      }
    }
  }

  @Test func lineFeedsAloneNeverEndAHead() {
    #expect(readRequest(Array("GET / HTTP/1.1\nHost: a\n\n".utf8)) == .refused(.bareLineFeed, 400))
    #expect(
      readRequest(Array("GET / HTTP/1.1\r\nHost: a\r\n\n".utf8)) == .refused(.bareLineFeed, 400))
    #expect(
      readRequest(Array("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n".utf8))
        == .refused(.bareCarriageReturn, 400))
  }

  @Test func acceptedForms() throws {
    func summary(_ head: String) throws -> RequestSummary {
      guard case .complete(let summary) = readRequest(httpBytes(head)) else {
        throw Unread(reading: readRequest(httpBytes(head)))
      }
      return summary
    }
    #expect(try summary("GET / HTTP/1.1|Host: a||").framing == .none)
    #expect(try summary("GET /a/?x=/../%2F? HTTP/1.1|Host: a||").query == "x=/../%2F?")
    #expect(try summary("GET /..a/.b/...;x/ HTTP/1.1|Host: a||").target == "/..a/.b/...;x/")
    #expect(try summary("GET /%41 HTTP/1.1|Host: [::1]:80||").target == "/%41")
    #expect(try summary("POST / HTTP/1.1|Host: a|Transfer-Encoding: Chunked||").framing == .chunked)
    #expect(try summary("POST / HTTP/1.1|Host: a|Content-Length:0 ||").framing == .length(0))
    #expect(
      try summary("POST / HTTP/1.1|Host: a|Content-Length: 999999999999999999||").framing
        == .length(999_999_999_999_999_999))
    #expect(try summary("POST / HTTP/1.1|Host: a|X:||").fields == ["host Host=a", "other X="])
    #expect(try summary("POST / HTTP/1.1|Host:\t a \t||").fields == ["host Host=a"])
    #expect(
      try summary("POST / HTTP/1.1|Host: a|X: \u{e9}:b||").fields == [
        "host Host=a", "other X=\u{e9}:b",
      ])
    #expect(try summary("BREW / HTTP/1.1|Host: a||").method == .other)
    #expect(try summary("post / HTTP/1.1|Host: a||").method == .other)
    #expect(try summary("X / HTTP/1.1|Host: a||").method == .other)
    #expect(try summary("PROPPATCHES / HTTP/1.1|Host: a||").method == .other)
    #expect(
      try summary("POST / HTTP/1.1|Host: a|Mcp-Param-X: 1||").fields[1]
        == "mcpParameter Mcp-Param-X=1")
  }

  @Test(arguments: [
    ("GET", HTTPMethod.get), ("POST", .post), ("DELETE", .delete), ("OPTIONS", .options),
    ("HEAD", .head), ("PUT", .put), ("PATCH", .patch), ("GETS", .other), ("PO", .other),
  ])
  func methods(name: String, method: HTTPMethod) {
    guard case .complete(let summary) = readRequest(httpBytes("\(name) / HTTP/1.1|Host: a||"))
    else {
      Issue.record("not read")
      return
    }
    #expect(summary.method == method)
  }

  struct Persistence: Sendable {
    var version: Int
    var connection: String
    var keepsAlive: Bool
  }

  @Test(arguments: [
    Persistence(version: 1, connection: "", keepsAlive: true),
    Persistence(version: 1, connection: "Connection: close|", keepsAlive: false),
    Persistence(version: 1, connection: "Connection: Close|", keepsAlive: false),
    Persistence(version: 1, connection: "Connection: keep-alive|", keepsAlive: true),
    Persistence(version: 1, connection: "Connection: keep-alive, close|", keepsAlive: false),
    Persistence(version: 1, connection: "Connection: te ,\tclose ,|", keepsAlive: false),
    Persistence(
      version: 1, connection: "Connection: close|Connection: keep-alive|", keepsAlive: false),
    Persistence(version: 1, connection: "Connection: closed|", keepsAlive: true),
    Persistence(version: 0, connection: "", keepsAlive: false),
    Persistence(version: 0, connection: "Connection: keep-alive|", keepsAlive: true),
    Persistence(version: 0, connection: "Connection: Keep-Alive|", keepsAlive: true),
    Persistence(version: 0, connection: "Connection: x|", keepsAlive: false),
    Persistence(
      version: 0, connection: "Connection: keep-alive|Connection: close|", keepsAlive: false),
  ])
  func persistence(row: Persistence) {
    let head = "GET / HTTP/1.\(row.version)|Host: a|\(row.connection)|"
    guard case .complete(let summary) = readRequest(httpBytes(head)) else {
      Issue.record("not read")
      return
    }
    #expect(summary.keepAlive == row.keepsAlive)
  }

  @Test func expectations() {
    func expects(_ head: String) -> Bool? {
      guard case .complete(let summary) = readRequest(httpBytes(head)) else { return nil }
      return summary.expectsContinue
    }
    #expect(expects("POST / HTTP/1.1|Host: a|Expect: 100-Continue|Content-Length: 2||") == true)
    #expect(
      expects("POST / HTTP/1.1|Host: a|Expect: 100-continue|Transfer-Encoding: chunked||") == true)
    #expect(expects("POST / HTTP/1.1|Host: a|Expect: 100-continue||") == false)
    #expect(expects("POST / HTTP/1.0|Expect: 100-continue|Content-Length: 2||") == false)
  }

  @Test(arguments: [
    ("mcp_name", true), ("Mcp_Name", true), ("content_length", true), ("Transfer_Encoding", true),
    ("HOST_", false), ("mcp_param_x", true), ("mcp-param_x", true), ("X_Custom", false),
    ("mcp-protocol_version", true), ("content_types", false), ("MCP_anything", true),
    ("last_event_id", true), ("a_", false), ("_", false),
  ])
  func underscoresImitatingProtectedNamesAreIgnored(name: String, isIgnored: Bool) {
    let head = "POST / HTTP/1.1|Host: a|\(name): 7||"
    guard case .complete(let summary) = readRequest(httpBytes(head)) else {
      Issue.record("not read")
      return
    }
    #expect(summary.fields[1] == "\(isIgnored ? "ignored" : "other") \(name)=7")
    #expect(summary.framing == .none)
  }

  struct Unread: Error {
    var reading: RequestReading
  }
}
