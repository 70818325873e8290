import Audit
import AuditTestSupport
import Foundation
import Testing

@testable import Recorder

@Suite struct RetentionTests {
  private static let day: UInt64 = 86_400_000_000_000

  private func recording() throws -> Recording {
    let recording = try Recording()
    let log = try recording.log(segmentBytesMax: 65536, batch: 4096)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    var call = Call()
    call.answer = String(repeating: "x", count: 3000)
    for _ in 0..<120 { while producer.record(call) == nil { usleep(1000) } }
    log.close()
    return recording
  }

  private var now: UInt64 { UInt64(Date().timeIntervalSince1970) * 1_000_000_000 }

  @Test func theOldestSegmentsGoUntilTheRestFits() throws {
    let recording = try recording()
    let before = recording.segments.count
    #expect(before > 4)
    var retention = RecordRetention()
    #expect(retention.apply(in: recording.audit, sinks: [], now: now) == RetentionResult())
    retention.bytesMax = 3 * 66_000
    let result = retention.apply(in: recording.audit, sinks: [], now: now)
    #expect(result.removed == Array(1...UInt32(before - 3)) && result.kept.isEmpty)
    #expect(recording.segments.count == 3)
    // What is left is a chain all the same.
    #expect(try recording.commands.verify().isIntact)
    retention.bytesMax = 1
    #expect(retention.apply(in: recording.audit, sinks: [], now: now).removed.count == 2)
    #expect(recording.segments.count == 1)
  }

  @Test func segmentsGoByAge() throws {
    let recording = try recording()
    var retention = RecordRetention()
    retention.days = 7
    #expect(retention.apply(in: recording.audit, sinks: [], now: now).removed.isEmpty)
    let later = retention.apply(in: recording.audit, sinks: [], now: now + 8 * Self.day)
    #expect(!later.removed.isEmpty)
    #expect(recording.segments.count == 1)
  }

  @Test func whatASinkHasNotReadStaysUnlessToldOtherwise() throws {
    let recording = try recording()
    let last = UInt32(recording.segments.count)
    var cursor = try SinkCursor.start(.beginning, in: recording.audit)
    cursor.segment = 3
    try CursorFile(directory: recording.audit, sink: "siem").write(cursor)
    try CursorFile(directory: recording.audit, sink: "forgotten").write(cursor)
    var retention = RecordRetention()
    retention.bytesMax = 1
    let result = retention.apply(in: recording.audit, sinks: ["siem"], now: now)
    #expect(result.removed == [1, 2])
    #expect(result.kept == Array(3..<last) && result.behind == ["siem"])
    // A sink that has read nothing yet holds everything.
    let fresh = retention.apply(in: recording.audit, sinks: ["fresh"], now: now)
    #expect(fresh.removed.isEmpty && fresh.behind == ["fresh"])
    retention.unread = .delete
    let forced = retention.apply(in: recording.audit, sinks: ["siem"], now: now)
    #expect(forced.removed == Array(3..<last) && forced.behind == ["siem"])
    // A sink that is no longer configured holds nothing.
    #expect(recording.segments.count == 1)
  }
}
