import Audit
import AuditTestSupport
import Foundation
import Testing

@testable import Recorder

/// Bodies that are read and written a piece at a time.
struct LongBodyTests {
  /// Records one call among others that are open at the same time.
  private func recorded(_ call: Call, closes: Bool = true) throws -> (Recording, RecordID) {
    let recording = try Recording()
    let log = try recording.log(segmentBytesMax: 65536, batch: 4096)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    producer.record(Call(principal: "before"), closes: false)
    let made = producer.record(call, closes: closes)
    producer.record(Call(principal: "behind"))
    log.close()
    return (recording, try #require(made).id)
  }

  private func line(_ recording: Recording, _ record: RecordID) throws -> [String: Any] {
    var line: [UInt8] = []
    var longest = 0
    try recording.commands.showJSON(record.description) {
      line += $0
      longest = max(longest, $0.count)
    }
    #expect(line.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
    #expect(longest <= 6 * BodyReader.pieceBytesMax + 64)
    #expect(line.first == UInt8(ascii: "{") && line.last == UInt8(ascii: "}"))
    return try #require(
      try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
  }

  @Test func aLongAnswerIsWrittenInPieces() throws {
    // Characters of every length, cut by pieces wherever it may be.
    let unit = "a\"\\\u{1}\n\tü→𝄞\u{7F} "
    var call = Call()
    call.pieces = (0..<40).map { String(repeating: unit, count: 300) + String($0) }
    let text = call.pieces.joined() + call.answer
    let (recording, record) = try recorded(call)
    #expect(recording.segments.count > 2)
    let shown = try line(recording, record)
    #expect(shown["answer"] as? String == text)
    #expect(shown["answer_bytes"] as? Int == text.utf8.count)
    #expect(shown["request"] as? String == call.request)
    #expect(shown["request_bytes"] as? Int == call.request.utf8.count)
    #expect(shown["whole"] as? Bool == true && shown["answer_base64"] == nil)
    #expect(shown["principal"] as? String == "alice")
    #expect((shown["outcome"] as? [String: Any])?["result"] as? String == "success")
    // Both ways of writing it are one.
    var pieces: [UInt8] = []
    try recording.commands.showJSON(record.description) { pieces += $0 }
    let whole = try recording.commands.find(record.description)
    #expect(String(decoding: pieces, as: UTF8.self) == CallJSON.text(of: whole))
  }

  @Test func piecesMayEndInTheMiddleOfACharacter() {
    let text = Array("aü→𝄞z".utf8)
    for first in 0...text.count {
      for second in first...text.count {
        var meter = BodyMeter()
        var pieces = TextPieces()
        var read = ""
        for piece in [text[..<first], text[first..<second], text[second...]] {
          meter.take(Array(piece), at: meter.count)
          read += pieces.push(Array(piece)) ?? "?"
        }
        #expect(read == "aü→𝄞z" && pieces.isComplete)
        #expect(meter.isText && meter.isContinuous && meter.count == text.count)
      }
    }
  }

  @Test(
    arguments: [
      [[0xFF]], [[0x61, 0x80]], [[0xE2, 0x86], [0x61]], [[0xF0, 0x9D, 0x84]], [[0xC3]],
      [[0xED, 0xA0], [0x80]], [[0xF4, 0x90, 0x80, 0x80]], [[0xC0, 0x80]],
      [[0x80, 0x80, 0x80, 0x80]], [[0x61], [], [0xE2]],
    ] as [[[UInt8]]])
  func whatIsNoTextIsNone(pieces: [[UInt8]]) {
    var meter = BodyMeter()
    for piece in pieces { meter.take(piece, at: nil) }
    #expect(!meter.isText)
  }

  @Test(arguments: 0...7) func bytesThatAreNoTextAreWrittenInBase64(length: Int) throws {
    let bytes = (0..<length).map { UInt8(0xF8 + $0) }
    for cut in 0...length {
      var meter = BodyMeter()
      for piece in [bytes[..<cut], bytes[cut...]] { meter.take(Array(piece), at: nil) }
      #expect(meter.isText == (length == 0))
      let body = CallBodies.Body(count: length, isText: meter.isText) {
        (take: ([UInt8]) -> Void) throws(RecorderError) in
        take(Array(bytes[..<cut]))
        take(Array(bytes[cut...]))
      }
      var written: [UInt8] = []
      try body.write("answer", to: { written += $0 })
      let expected =
        length == 0 ? "" : "\"answer_base64\":\"\(Data(bytes).base64EncodedString())\","
      #expect(String(decoding: written, as: UTF8.self) == expected)
    }
  }

  @Test func aCallWithoutItsEndShowsWhatThereIs() throws {
    var call = Call()
    call.pieces = [String(repeating: "x", count: 5000), "y"]
    let (recording, record) = try recorded(call, closes: false)
    let shown = try line(recording, record)
    #expect(shown["answer"] as? String == call.pieces.joined())
    #expect(shown["answer_bytes"] as? Int == 5001 && shown["outcome"] == nil)
    let page = try recording.commands.show(record.description, bodyBytesMax: 10)
    #expect(page.contains("Answer as the agent got it, 5001 bytes"))
    #expect(page.contains("  … 4991 bytes more"))
  }

  @Test func aPageHasTheBeginningOnly() throws {
    var call = Call()
    call.pieces = (0..<20).map { _ in String(repeating: "~", count: 4000) }
    let (recording, record) = try recorded(call)
    let whole = 80_000 + call.answer.utf8.count
    for most in [0, 1, 4000, 4001, 79_999] {
      let page = try recording.commands.show(record.description, bodyBytesMax: most)
      #expect(page.contains("Answer as the agent got it, \(whole) bytes"))
      #expect(page.contains("  … \(whole - most) bytes more"), "\(most)")
      #expect(!page.contains("are missing"))
      #expect(page.count { $0 == "~" } == most)
    }
    let page = try recording.commands.show(record.description, bodyBytesMax: whole)
    #expect(!page.contains("bytes more"))
  }

  @Test func whatIsRemovedMeanwhileIsNoShorterAnswer() throws {
    var call = Call()
    call.pieces = (0..<40).map { _ in String(repeating: "x", count: 4000) }
    let (recording, record) = try recorded(call)
    let last = try #require(recording.segments.dropLast().last)
    var hasBegun = false
    #expect(throws: RecorderError.changed(record.description)) {
      try recording.commands.showJSON(record.description) { _ in
        guard !hasBegun else { return }
        hasBegun = true
        try? FileManager.default.removeItem(at: recording.url(last))
      }
    }
  }

  @Test func aPieceThatIsMissingIsTold() throws {
    var call = Call()
    call.pieces = (0..<40).map { _ in String(repeating: "x", count: 4000) }
    let (recording, record) = try recorded(call)
    let middle = recording.segments[1]
    try FileManager.default.removeItem(at: recording.url(middle))
    let shown = try line(recording, record)
    #expect(shown["whole"] as? Bool == false)
    let answer = try #require(shown["answer"] as? String)
    #expect(answer.utf8.count < shown["answer_bytes"] as? Int ?? 0)
  }
}
