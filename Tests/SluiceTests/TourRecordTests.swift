import Testing

@testable import sluice

@Suite struct TourRecordTests {
  private let blocked =
    #"{"answer_bytes":9,"decision":"block","principal":"demo-agent","ref":"02fxdf8040c00","rule":"no-drop","time":"2026-07-28T14:23:05.123Z","tool":"query","outcome":{"masked_values":0}}"#
  private let masked =
    #"{"decision":"allow","principal":"demo-agent","ref":"02fxdf8040c01","time":"2026-07-28T14:23:06.000Z","tool":"query","outcome":{"masked_values":18}}"#

  @Test func linesOfTheRecordAreRead() throws {
    let record = try #require(try TourRecord(line: blocked))
    #expect(record.isBlocked)
    #expect(record.rule == "no-drop")
    #expect(record.time == "14:23:05")
    #expect(try TourRecord(line: masked)?.maskedValues == 18)
    #expect(try TourRecord(line: #"{"notice":"gap","drops":3}"#) == nil)
    #expect(throws: (any Error).self) { try TourRecord(line: "{") }
  }

  @Test func theTableShowsWhatHappened() throws {
    let records = try [masked, blocked].compactMap { try TourRecord(line: $0) }
    let lines = TourRecord.table(records) { $0 }
    #expect(lines.count == 3)
    #expect(lines[1].hasPrefix("14:23:06  02fxdf8040c01  demo-agent  query  allow"))
    #expect(lines[1].contains("18 values"))
    #expect(lines[2].contains("no-drop"))
  }
}
