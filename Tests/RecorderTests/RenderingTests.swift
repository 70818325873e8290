import Audit
import AuditTestSupport
import Testing

@testable import Recorder

@Suite struct RenderingTests {
  @Test func hostileTextCannotDriveATerminal() {
    let hostile = "a\u{1b}[2Jb\u{7}\u{202e}c\u{200b}\u{9b}31m\rd\u{2028}e\u{feff}"
    let safe = SafeText.line(hostile)
    #expect(
      safe
        == #"a\u{1b}[2Jb\u{7}\u{202e}c\u{200b}\u{9b}31m\u{d}d\u{2028}e\u{feff}"#)
    #expect(SafeText.line("Zoë 東京 ok") == "Zoë 東京 ok")
    #expect(SafeText.line("two\nlines") == #"two\u{a}lines"#)
    #expect(SafeText.block("a\r\nb\tc\u{1b}") == "a\nb  c\\u{1b}")
  }

  @Test func aCallOfNothingButControlsStaysOnOneLine() {
    var call = RecordedCall(record: RecordID(value: 1), worker: 0, segment: 1)
    call.principal = "\n\n\u{1b}]0;owned\u{7}"
    call.tool = String(repeating: "\u{202e}", count: 50)
    let line = CallLine.text(of: call)
    #expect(!line.contains("\n"))
    #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x202e })
    let json = CallJSON.text(of: call)
    #expect(json.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value < 0x7f })
    #expect(json.contains(#""principal":"\n\n\u001b]0;owned\u0007""#))
  }

  /// A refusal by policy or by a reviewer is no failure, and is called what it is wherever people read it.
  @Test(arguments: [
    (RecordedDecision.block, nil as RecordedApproval?, nil as String?, "refused by policy"),
    (.hold, .pending, nil, "told to wait for approval"),
    (.hold, .denied, nil, "denied, has not run"),
    (.hold, .expired, nil, "expired, has not run"), (.hold, .unavailable, "gateway", "refused"),
    (.malformed, nil, "agent", "refused, HTTP 400"),
    (.unauthenticated, nil, "agent", "refused, HTTP 400"),
  ])
  func onlyWhatFailedHasAFailedSide(
    decision: RecordedDecision, review: RecordedApproval?, side: String?, words: String
  ) {
    var call = RecordedCall(record: RecordID(value: 1), worker: 0, segment: 1)
    call.decision = decision
    var outcome = CallOutcome(result: .refused)
    outcome.status = review == nil && decision != .block ? 400 : 200
    call.review = review.map {
      RecordedCall.Review(state: $0, reviewers: [], reason: "", heldMicroseconds: 1)
    }
    // As it is written, and as it was before.
    for recorded in [RecordedSide.agent, side == nil ? .none : side == "agent" ? .agent : .gateway]
    {
      outcome.failedSide = recorded
      call.outcome = outcome
      let page = CallPage.text(of: call, bodyBytesMax: 100)
      let event = AuditEvent(content: .call(call), sequence: 1, hash: "", order: 1)
      let texts = [
        CallJSON.text(of: call),
        String(
          decoding: EventJSON.line(event, gateway: "g", contents: false, bytesMax: 65536),
          as: UTF8.self),
      ]
      #expect(page.contains("failed side   \(side ?? "")") == (side != nil))
      for text in texts {
        #expect(text.contains(#""failed_side":"\#(side ?? "")""#) == (side != nil), "\(text)")
        #expect(text.contains("failed_side") == (side != nil), "\(text)")
      }
      #expect(CallLine.text(of: call).contains("  \(words) "), "\(CallLine.text(of: call))")
    }
  }

  @Test func prettyJSONKeepsWhatWasSent() {
    let text = #"{"b":[],"a":{},"a":[1,2.50e+1,{"k":"x,\"y{:"}],"s":"\u00e9"}"#
    #expect(
      PrettyJSON.format(Array(text.utf8)) == """
        {
          "b": [],
          "a": {},
          "a": [
            1,
            2.50e+1,
            {
              "k": "x,\\"y{:"
            }
          ],
          "s": "\\u00e9"
        }
        """)
  }

  @Test(arguments: ["", "plain", "{", "[1,2", "{]}", #"{"a":"}"#, "data: {}\n\n", "}", "[,"])
  func whatIsNoJSONIsLeftAlone(text: String) {
    #expect(PrettyJSON.format(Array(text.utf8)) == nil)
  }

  @Test func bytesThatAreNoTextAndDeepNestingAreLeftAlone() {
    #expect(PrettyJSON.format([0x5b, 0xff, 0x5d]) == nil)
    #expect(PrettyJSON.format([UInt8](repeating: 0x5b, count: 100_000)) == nil)
  }

  @Test func timesAreCivil() {
    #expect(RecordedTime.text(0) == "1970-01-01 00:00:00.000")
    #expect(RecordedTime.text(1_709_164_799_999_000_000) == "2024-02-28 23:59:59.999")
    #expect(RecordedTime.text(1_709_164_800_000_000_000) == "2024-02-29 00:00:00.000")
    #expect(RecordedTime.text(4_102_444_800_000_000_000) == "2100-01-01 00:00:00.000")
    #expect(RecordedTime.duration(microseconds: 999) == "999 µs")
    #expect(RecordedTime.duration(microseconds: 12_345) == "12.3 ms")
    #expect(RecordedTime.duration(microseconds: 4_560_000) == "4.5 s")
    #expect(RecordedTime.duration(microseconds: 59_999_999) == "59.9 s")
    #expect(RecordedTime.duration(microseconds: 3_599_999_999) == "59 min 59 s")
    #expect(RecordedTime.duration(microseconds: 7_800_000_000) == "2 h 10 min")
    #expect(RecordedTime.duration(microseconds: 260_000_000_000) == "3 days")
  }
}
