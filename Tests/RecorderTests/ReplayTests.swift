import Audit
import AuditTestSupport
import Foundation
import Testing

@testable import Recorder

@Suite struct ReplayTests {
  private func json(_ text: String) throws -> ReplayJSON {
    try #require(ReplayJSON(text.utf8))
  }

  private func differences(
    _ recorded: String, _ now: String, masked: Bool = false
  ) throws -> ReplayDifferences {
    ReplayDifferences(recorded: try json(recorded), now: try json(now), mayBeMasked: masked)
  }

  @Test func answersAreComparedByWhatTheyMean() throws {
    #expect(try differences(#"{"a":1,"b":[true,null]}"#, #"{"b":[true,null],"a":1.0}"#).count == 0)
    let found = try differences(
      #"{"a":{"b":[1,2]},"c":"x"}"#, #"{"a":{"b":[1,3,4]},"d":"y"}"#)
    #expect(
      found.lines == [
        "$.a.b[1]: recorded 2, now 3", "$.a.b: recorded 2 elements, now 3",
        #"$.c: recorded "x", now nothing"#, #"$.d: recorded nothing, now "y""#,
      ])
    #expect(
      try differences(#"{"t":"{\"n\":1}"}"#, #"{"t":"{ \"n\": 2 }"}"#).lines
        == ["$.t(json).n: recorded 1, now 2"])
    #expect(try differences("[]", "{}").lines == ["$: recorded a list of 0, now an object of 0"])
  }

  @Test func maskedValuesAreCountedAndNotCompared() throws {
    let recorded =
      #"{"ssn":"[redacted]","card":"***1111","age":0,"t":"{\"e\":\"[redacted]\"}","x":"a"}"#
    let now = #"{"ssn":"123","card":"4111 1111","age":41,"t":"{\"e\":\"a@b\"}","x":"a"}"#
    let found = try differences(recorded, now, masked: true)
    #expect(found.count == 0 && found.uncompared.masked == 4)
    // Where nothing was masked, the same texts are what the server said.
    #expect(try differences(recorded, now).count == 4)
    // Base64 of {"ssn":"[redacted]","n":1} and of {"ssn":"123","n":2}.
    let encoded = try differences(
      #"{"blob":"eyJzc24iOiJbcmVkYWN0ZWRdIiwibiI6MX0="}"#,
      #"{"blob":"eyJzc24iOiIxMjMiLCJuIjoyfQ=="}"#, masked: true)
    #expect(encoded.lines == ["$.blob(base64)(json).n: recorded 1, now 2"])
    #expect(encoded.uncompared.masked == 1)
  }

  @Test func listsAreComparedByNameWhereEntriesWereHidden() throws {
    let recorded = #"{"result":{"tools":[{"name":"b","n":1},{"name":"d"}]}}"#
    func found(_ now: String, hidden: Int) throws -> ReplayDifferences {
      ReplayDifferences(
        recorded: try json(recorded), now: try json(#"{"result":{"tools":[\#(now)]}}"#),
        mayBeMasked: false, list: ReplayList("tools/list", hidden: hidden))
    }
    let all = #"{"name":"a"},{"name":"b","n":1},{"name":"c"},{"name":"d"}"#
    let same = try found(all, hidden: 2)
    #expect(same.count == 0 && same.uncompared.hidden == 2)
    // Nothing was hidden then, or less than there is more of now: that is news.
    #expect(try found(all, hidden: 0).count > 0)
    #expect(
      try found(all, hidden: 1).lines
        == ["$.result.tools: 1 entries more that policy did not list, now 2 more"])
    #expect(
      try found(#"{"name":"a"},{"name":"b","n":2}"#, hidden: 1).lines == [
        "$.result.tools[0].n: recorded 1, now 2",
        #"$.result.tools[1]: recorded "d", now nothing"#,
      ])
    #expect(ReplayList("tools/call", hidden: 1) == nil)
  }

  @Test func whatAServerHandsOutIsGivenBackAsItIsNow() throws {
    var carried = CarriedValues()
    let then = try json(#"{"result":{"nextCursor":"7","requestState":"a/b"}}"#)
    let now = try json(#"{"result":{"nextCursor":"x\"y","requestState":"c"}}"#)
    carried.note(recorded: then, now: now)
    #expect(ReplayDifferences(recorded: then, now: now, mayBeMasked: false).count == 0)
    let request = #"{"params":{"arguments":{"a":"7"},"cursor" : "7","requestState":"a/b"}}"#
    let renewed = carried.renew(Array(request.utf8), try json(request)).0
    #expect(
      String(decoding: renewed, as: UTF8.self)
        == #"{"params":{"arguments":{"a":"7"},"cursor" : "x\"y","requestState":"c"}}"#)
    let other = #"{"params":{"cursor":"8"}}"#
    #expect(carried.renew(Array(other.utf8), try json(other)).0 == Array(other.utf8))
  }

  @Test func answersAreFoundInEventStreams() throws {
    let stream =
      "event: message\ndata: {\"method\":\"notifications/progress\",\"params\":{}}\n\n"
      + "data: {\"id\":1,\"result\":{}}\r\n\r\ndata: {\"id\":2,\ndata: \"result\":{\"n\":3}}\n\n"
    let found = ReplayJSON.answer(in: Array(stream.utf8), to: .number(2))
    #expect(found?["result"]?["n"] == .number(3))
    #expect(ReplayJSON.answer(in: Array(stream.utf8), to: .number(7)) == nil)
    #expect(ReplayJSON.answer(in: Array(#"{"id":1,"error":{}}"#.utf8), to: nil) != nil)
  }

  @Test func headersFollowTheMessage() throws {
    let call = try json(
      #"{"method":"tools/call","params":{"name":"größe","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#
    )
    let fields = ReplaySession.modernFields(call).map { "\($0.name): \($0.value)" }
    #expect(
      fields == [
        "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call",
        "Mcp-Name: =?base64?Z3LDtsOfZQ==?=",
      ])
    let read = try json(#"{"method":"resources/read","params":{"uri":"a://b"}}"#)
    #expect(ReplaySession.modernFields(read).last?.value == "a://b")
  }

  @Test func aCarefulReplaySendsNoToolCallsAndNothingThatWasRefused() throws {
    let recording = try Recording()
    let log = try recording.log()
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    let first = producer.record(Call())
    producer.record(Call(decision: .block))
    var held = Call(decision: .hold)
    held.review = .pending
    held.outcome = CallOutcome(result: .refused)
    producer.record(held)
    var list = Call()
    list.method = "tools/list"
    list.tool = ""
    producer.record(list)
    log.close()
    let id = try #require(first).id.description
    var replay = Replay(url: "http://127.0.0.1:1/mcp")
    replay.isDry = true
    var lines: [String] = []
    var summary = try replay.run(id, in: recording.sessions) { lines += ReplayReport.lines($0, $1) }
    #expect(summary.skipped == 3 && summary.wouldBeSent == 1 && summary.isSame)
    #expect(lines[0].contains("--yes") && lines[1].contains("refused by the gateway"))
    #expect(lines[2].contains("held for an approval, and has not run"))
    #expect(lines[3].hasPrefix("would send") && lines[3].hasSuffix("tools/list"))
    replay.sendsToolCalls = true
    #expect(try replay.run(id, in: recording.sessions) { _, _ in }.wouldBeSent == 2)
    // Nobody listens there.
    replay.isDry = false
    summary = try replay.run(id, in: recording.sessions) { _, _ in }
    #expect(summary.failed == 2 && !summary.isSame)
    #expect(ReplayReport.text(of: summary) == "2 failed, 2 not sent")
  }

  @Test func aTimelineIsReadable() throws {
    let recording = try Recording()
    let log = try recording.log()
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    var call = Call(tool: "qu\u{1b}ery")
    call.answer = #"{"text":"\#(String(repeating: "ä", count: 200))"}"#
    call.outcome.maskedValues = 2
    call.outcome.doneMicroseconds = 1500
    let made = producer.record(call)
    log.close()
    let id = try #require(made).id.description
    let commands = SessionCommands(catalog: recording.sessions)
    var lines: [String] = []
    try commands.show(id, bodyWidth: 40, json: false) { lines.append($0) }
    #expect(lines[0] == "Session \(id)")
    let line = try #require(lines.first { $0.contains("tools/call") && $0.contains(id) })
    #expect(line.hasSuffix(#"tools/call qu\u{1b}ery: allow (pii), ok, 2 masked, 1.5 ms"#))
    #expect(lines.last?.hasPrefix("    ← {") == true && lines.last?.count == 46)
    lines = []
    try commands.show(id, bodyWidth: nil, json: false) { lines.append($0) }
    #expect(lines.contains("    → {") && lines.contains { $0.hasSuffix("\"name\": \"query\"") })
    lines = []
    try commands.list(
      SessionFilter(), limit: 10, json: true, note: { _ in }, print: { lines.append($0) })
    let fields = try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: Any]
    #expect(fields?["session"] as? String == id && fields?["masked_values"] as? Int == 2)
    lines = []
    try commands.list(
      SessionFilter(), limit: 10, json: false, note: { _ in }, print: { lines.append($0) })
    #expect(lines.count == 1 && lines[0].contains("alice"))
  }

  @Test(arguments: [
    ("2026-11-26", 1_795_651_200), ("2026-11-26T10:30", 1_795_689_000),
    ("2026-11-26 10:30:05Z", 1_795_689_005), ("2024-02-29", 1_709_164_800), ("1970-01-01", 0),
    ("2100-03-01", 4_107_542_400),
  ])
  func momentsAreRead(text: String, seconds: UInt64) {
    #expect(SessionFilter.nanoseconds(ofMoment: text) == seconds * 1_000_000_000)
    #expect(RecordedTime.text(seconds * 1_000_000_000).hasPrefix(text.prefix(10)))
  }

  @Test(arguments: ["", "yesterday", "2026-13-01", "2025-02-29", "2026-11-26T25:00", "2026-1-1"])
  func otherTextsAreNoMoments(text: String) {
    #expect(SessionFilter.nanoseconds(ofMoment: text) == nil)
  }
}

@Suite struct AnchorTests {
  @Test func anEndThatWasCutOffShowsAgainstAnAnchor() throws {
    let recording = try Recording()
    let log = try recording.log(batch: 4096)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    for _ in 0..<100 {
      while producer.record(Call()) == nil { usleep(1000) }
      usleep(300)
    }
    log.close()
    var reader = SinkReader(
      directory: recording.audit, cursor: try SinkCursor.start(.beginning, in: recording.audit),
      bodyBytesMax: 0)
    let (events, cursor) = try reader.readAll()
    let last = try #require(events.last)
    let anchor = try #require(Verification.Anchor("\(last.sequence):\(last.hash)"))
    let whole = try recording.commands.verify(anchors: [anchor])
    #expect(whole.isIntact && whole.anchorsFound == 1)
    var wrong = anchor
    wrong.hash = String(repeating: "0", count: 32)
    #expect(
      try recording.commands.verify(anchors: [wrong]).firstBreak?.reason.contains("another") == true
    )
    // Whole frames are cut off the end: what is left is a valid chain.
    let segment = recording.url(try #require(recording.segments.last))
    let bytes = try Data(contentsOf: segment)
    let frame = try #require(bytes.range(of: Data("SLFR".utf8), options: .backwards))
    try bytes.prefix(frame.lowerBound).write(to: segment)
    #expect(try recording.commands.verify().isIntact)
    let cut = try recording.commands.verify(anchors: [anchor])
    #expect(cut.firstBreak?.reason.contains("cut off") == true)
    // The cursor of a sink is an anchor by itself.
    try CursorFile(directory: recording.audit, sink: "siem").write(cursor)
    let told = try recording.commands.verify()
    #expect(told.firstBreak?.reason.contains("the cursor of sink siem") == true)
    for text in ["", "1", "x:0123456789abcdef", "1:0123", "1:0123456789abcdeg", "1:2:3"] {
      #expect(Verification.Anchor(text) == nil)
    }
  }
}
