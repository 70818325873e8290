import Testing

@testable import Bridge

@Suite struct MessageTests {
  private func read(_ text: String) -> Message? {
    MessageReader(bytesMax: 4096).read(Array(text.utf8))
  }

  @Test func findsTheLiteralsThatMustBeUnique() throws {
    let message = try #require(
      read(
        #"{"params":{"_meta":{"progressToken":"p"},"uri":"a:\/\/b"},"method":"resources\/read","id":"x","jsonrpc":"2.0"}"#
      ))
    #expect(message.kind == .request)
    #expect(message.method == "resources/read")
    #expect(message.uri == "a://b")
    #expect(message.id.map(message.literal) == Array("\"x\"".utf8))
    #expect(message.progressToken.map(message.literal) == Array("\"p\"".utf8))
    #expect(!message.hasRevision)
    let rewritten = message.replacing([
      (message.id, Array("7".utf8)), (message.progressToken, Array("7".utf8)),
    ])
    #expect(
      String(decoding: rewritten, as: UTF8.self)
        == #"{"params":{"_meta":{"progressToken":7},"uri":"a:\/\/b"},"method":"resources\/read","id":7,"jsonrpc":"2.0"}"#
    )
  }

  @Test func tellsKindsApart() throws {
    #expect(read(#"{"jsonrpc":"2.0","method":"a"}"#)?.kind == .notification)
    #expect(read(#"{"jsonrpc":"2.0","id":1,"result":{}}"#)?.kind == .answer)
    let error = try #require(read(#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601}}"#))
    #expect(error.kind == .answer)
    #expect(error.errorCode == -32601)
    #expect(error.result == nil)
    let progress = try #require(
      read(#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":4}}"#))
    #expect(progress.progressToken.map(progress.literal) == Array("4".utf8))
    // Where a progress token has no meaning, it is left alone.
    #expect(
      read(#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"progressToken":4}}"#)?.progressToken
        == nil)
  }

  @Test(arguments: [
    "", "[]", "7", "{}", "nonsense", #"{"id":1}"#, #"{"id":1,"id":2,"method":"a"}"#,
    #"{"id":null,"method":"a"}"#, #"{"id":[1],"method":"a"}"#, #"{"id":1,"method":7}"#,
    #"{"id":1,"method":"a""#, "{\"id\":1,\"method\":\"a\nb\"}", #"{"id":NaN,"result":1}"#,
  ])
  func whatIsNotOneMessageIsNone(text: String) {
    #expect(read(text) == nil)
  }

  @Test func lineBreaksBetweenTokensBecomeSpaces() throws {
    let message = try #require(read("{\r\n\"method\": \"a\",\n\"params\": {\"b\": \"\\n\"}\n}"))
    #expect(
      String(decoding: message.replacing([]), as: UTF8.self)
        == "{  \"method\": \"a\", \"params\": {\"b\": \"\\n\"} }")
  }

  @Test func theBridgesOwnMessagesAreSound() {
    for bytes in [
      MessageText.discover(id: 1), MessageText.initialize(id: 2), MessageText.initialized,
      MessageText.cancelled(id: 3, reason: "a \"b\" \\ \n"),
      MessageText.error(id: nil, code: -1, "a\u{1}\"b\"") + [],
      MessageText.result(id: Array("\"x\"".utf8), Array("{}".utf8)),
    ] {
      let text = String(decoding: bytes, as: UTF8.self)
      #expect(!text.contains("\n"))
      #expect(text.contains("\"id\":null") || read(text) != nil, "\(text)")
    }
  }
}

@Suite struct AnswerGuessTests {
  @Test(
    arguments: [
      (#"{"jsonrpc":"2.0","id":7,"result":{"id":8,"x":NaN}}"#, 7),
      (#"{"result":{"id":8},"error":"a \"id\":9","id" : "7",}"#, 7),
      (#"{"id":7,"result":1,"result":2}"#, 7), (#"{"id":7,"method":"ping",}"#, nil),
      (#"{"result":{"id":8}"#, nil), (#"id: 7"#, nil), (#"{"id"#, nil), (#"{"id":"#, nil),
      (#"{"id":x}"#, nil), (#"{"id":99999999999999999999}"#, nil), (#"["id":7]"#, nil), ("", nil),
    ] as [(String, Int?)])
  func findsTheOutermostNumber(line: String, expected: Int?) {
    #expect(AnswerGuess.id(Array(line.utf8)) == expected)
  }
}

@Suite struct LineSplitterTests {
  @Test func anyCutGivesTheSameLines() {
    let text = Array("one\r\n\ntwo\nthree is over the limit\nfour\n\n five".utf8)
    let expected: [LineSplitter.Piece] = [
      .line(Array("one".utf8)), .line(Array("two".utf8)), .tooLong, .line(Array("four".utf8)),
      .line(Array(" five".utf8)),
    ]
    for first in 0...text.count {
      for second in first...text.count {
        var splitter = LineSplitter(bytesMax: 10)
        let pieces =
          splitter.push(text[..<first]) + splitter.push(text[first..<second])
          + splitter.push(text[second...]) + splitter.finish()
        #expect(pieces == expected)
      }
    }
  }
}

@Suite struct BoundsTests {
  @Test func backOffGrowsAndIsBounded() {
    var backOff = BackOff()
    let now = ContinuousClock.now
    #expect(backOff.wait(now: now) == nil)
    var waits: [Duration] = []
    for _ in 0..<20 {
      backOff.failed(now: now)
      waits.append(backOff.wait(now: now) ?? .zero)
    }
    #expect(waits[0] == .zero)
    #expect(Array(waits[1...3]) == [.milliseconds(500), .seconds(1), .seconds(2)])
    #expect(waits.last == .seconds(30))
    #expect(backOff.wait(now: now + .seconds(30)) == nil)
    backOff.succeeded()
    #expect(backOff.wait(now: now) == nil)
  }

  @Test func anAllowanceRefills() {
    let now = ContinuousClock.now
    var allowance = Allowance(burst: 3, perSecond: 2, now: now)
    let first = (0..<5).map { _ in allowance.take(now: now) }
    #expect(first == [true, true, true, false, false])
    let later = (0..<3).map { _ in allowance.take(now: now + .seconds(1)) }
    #expect(later == [true, true, false])
  }

  @Test func standardErrorIsMadeHarmless() {
    let line = Array("\u{1B}[31mred\tTOKEN=s3cr3t-t0ken\r\u{85}".utf8) + [0xFF]
    let text = ErrorLog.readable(line, without: ["s3cr3t-t0ken"])
    #expect(text == "\u{FFFD}[31mred TOKEN=[secret]\u{FFFD}\u{FFFD}\u{FFFD}")
  }

  @Test func theGuardKnowsItsGroups() {
    var groups: Set<Int32> = []
    for line in ["+12", "+13", "-12", "+1", "+0", "+-5", "x14", "+15x", "", "+99999999999"] {
      StdioGuard.update(&groups, line)
    }
    #expect(groups == [13])
  }

  @Test func aServersEnvironmentIsNeverShown() {
    let server = BridgedServer(name: "a", command: ["b"], environment: ["C": "s3cr3t"])
    #expect(!"\(server)".contains("s3cr3t"))
    #expect(!String(reflecting: server).contains("s3cr3t"))
    var dumped = ""
    dump(server, to: &dumped)
    #expect(!dumped.contains("s3cr3t"))
    #expect(BridgedServer(name: "a", command: ["b"]).environment.isEmpty)
  }
}
