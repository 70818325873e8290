import Audit
import AuditTestSupport
import Foundation
import Testing

@testable import Recorder

@Suite struct SinkFormatTests {
  private func event(_ change: (inout RecordedCall) -> Void = { _ in }) -> AuditEvent {
    var call = RecordedCall(record: RecordID(value: 1 << 40), worker: 0, segment: 1)
    call.openedNanoseconds = 1_795_651_200_123_000_000
    call.principal = "alice"
    call.server = "orders"
    call.method = "tools/call"
    call.tool = "query"
    call.rule = "no-ddl"
    call.session = "sealed"
    call.decision = .block
    call.outcome = CallOutcome(result: .refused)
    call.request = Array(#"{"a":"ä"}"#.utf8)
    call.requestBytes = call.request.count
    change(&call)
    return AuditEvent(
      content: .call(call), sequence: 17, hash: String(repeating: "a", count: 32), order: 35)
  }

  private func message(_ settings: SyslogSettings? = nil, contents: Bool = false) -> SyslogMessage {
    SyslogMessage(
      settings ?? SyslogSettings(host: "h", port: 1), gateway: "gw 1", contents: contents)
  }

  private func object(_ line: some Sequence<UInt8>) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
  }

  @Test func aMessageHasTheFormOfRFC5424AndItsLengthInFront() throws {
    let framed = String(decoding: message().frame(event()), as: UTF8.self)
    let space = try #require(framed.firstIndex(of: " "))
    let text = String(framed[framed.index(after: space)...])
    #expect(Int(framed[..<space]) == text.utf8.count)
    // 13 (log audit) × 8 + 4 (warning).
    #expect(
      text.hasPrefix("<108>1 2026-11-26T00:00:00.123Z gw1 sluice \(getpid()) block [sluice@32473 "))
    #expect(text.contains(#"id="02000000000000"#) || text.contains(#" id=""#))
    #expect(text.contains(#" seq="17" principal="alice" server="orders" "#))
    #expect(text.contains(#" decision="block" rule="no-ddl" "#))
    let json = try #require(text.firstRange(of: #""] {"#))
    let fields = try object(text[text.index(before: json.upperBound)...].utf8)
    #expect(fields["schema"] as? String == "sluice.event/1")
    #expect(fields["sequence"] as? Int == 17)
    #expect(fields["request"] == nil)
    // An id that finds the session's other events and opens nothing.
    #expect((fields["session"] as? String)?.count == 16)
  }

  @Test func valuesOfStructuredDataAreEscaped() {
    var data: [UInt8] = []
    SyslogMessage.escape("a\"b\\c]d\ne\u{1b}ä", into: &data)
    // The spelling of a control character has a backslash of its own, which is escaped like any other.
    #expect(String(decoding: data, as: UTF8.self) == #"a\"b\\c\]d\\u{a}e\\u{1b}ä"#)
    #expect(SyslogMessage.word("a b\u{e4}\n", max: 5) == "ab")
    #expect(SyslogMessage.word("", max: 5) == "-")
  }

  @Test func severityFollowsWhatHappened() {
    func severity(_ decision: RecordedDecision, _ result: RecordedResult?) -> SyslogSeverity {
      event { call in
        call.decision = decision
        call.outcome = result.map(CallOutcome.init)
      }.severity
    }
    #expect(severity(.allow, .success) == .informational)
    #expect(severity(.allow, .toolError) == .notice)
    #expect(severity(.allow, .transportError) == .error)
    #expect(severity(.allow, nil) == .warning)
    #expect(severity(.block, .refused) == .warning)
    #expect(severity(.unauthenticated, .refused) == .warning)
    #expect(severity(.unavailable, .refused) == .error)
    let gap = AuditEvent(
      content: .notice(.gap(worker: 0, drops: 1, dropsInAll: 1, nanoseconds: 1)), sequence: 1,
      hash: "", order: 3)
    #expect(gap.severity == .critical && gap.id == "gap-1")
  }

  @Test(arguments: [300, 512, 700, 1024, 2048, 8192, 20_000])
  func whatDoesNotFitLosesItsContentsThenItsTails(bytesMax: Int) throws {
    let long = event { call in
      call.principal = String(repeating: "p\"\u{1f600}", count: 300)
      call.tool = String(repeating: "t", count: 1024)
      call.rule = String(repeating: "r", count: 1024)
      call.request = Array(repeating: 0x22, count: 6000)
      call.requestBytes = 9000
    }
    let line = EventJSON.line(long, gateway: "gw", contents: true, bytesMax: bytesMax)
    let fields = try object(line)
    #expect(line.allSatisfy { $0 >= 0x20 && $0 < 0x7f })
    #expect(fields["ref"] as? String != nil)
    if bytesMax < 20_000 {
      #expect(fields["cut"] as? Bool == true && fields["request"] == nil)
    } else {
      #expect((fields["request"] as? String)?.hasSuffix("\"…") == true)
      #expect(fields["tool"] as? String == String(repeating: "t", count: 1024))
    }
    // The facts that every event has take some room.
    #expect(line.count <= max(bytesMax, 900))
    var syslog = SyslogSettings(host: "h", port: 1)
    syslog.messageBytesMax = max(2048, bytesMax)
    let framed = message(syslog, contents: true).frame(long)
    let space = try #require(framed.firstIndex(of: 0x20))
    #expect(framed.count - space - 1 <= syslog.messageBytesMax)
  }

  @Test func aSignatureIsTheHMACOfTimestampAndBody() {
    let signature = WebhookReceiver.signature(
      timestamp: "1795651200", body: Array(#"{"events":[]}"#.utf8),
      secret: SinkSecret(Array("a-secret-of-some-length".utf8)))
    #expect(signature == "e5fe243415c2bcc013e6606b942552e3776e9b2d6e8156f41c61842720c5e410")
    #expect("\(SinkSecret([1, 2, 3]))" == "[secret]")
  }

  @Test func aFileContinuesAfterHalfALineAndIsRotated() throws {
    let recording = try Recording()
    let path = recording.path + "/events"
    try Data("{\"whole\":1}\n{\"half".utf8).write(to: URL(fileURLWithPath: path))
    var settings = FileSettings(path: path)
    settings.fileBytesMax = 2000
    settings.filesKept = 2
    let receiver = FileReceiver(settings, gateway: "gw", contents: false)
    try receiver.connect()
    for _ in 0..<12 { try receiver.deliver([event()]) }
    #expect(receiver.taken() == 12)
    var lines: [Int] = []
    for suffix in ["", ".1", ".2"] {
      let text = try String(contentsOfFile: path + suffix, encoding: .utf8)
      let found = text.split(separator: "\n")
      for line in found { _ = try object(line.utf8) }
      lines.append(found.count)
    }
    #expect(!FileManager.default.fileExists(atPath: path + ".3"))
    #expect(lines[1] > 1 && lines[2] > 1)
    #expect(throws: SinkError.self) {
      try FileReceiver(
        FileSettings(path: "/nowhere/at/all"), gateway: "gw", contents: false
      ).connect()
    }
  }
}
