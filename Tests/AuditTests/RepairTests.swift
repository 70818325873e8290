import AuditTestSupport
import Glibc
import Testing

@testable import Audit

@Suite struct RepairTests {
  private func settings(_ directory: TemporaryDirectory) -> AuditSettings {
    var settings = AuditSettings(directory: directory.audit)
    settings.durability = .interval(milliseconds: 1)
    return settings
  }

  /// A segment of four frames with one call each; returns its bytes and where the last frame begins.
  private func recorded(_ directory: TemporaryDirectory) throws -> (bytes: [UInt8], last: Int) {
    let log = try AuditLog(settings: settings(directory), workers: 1)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    for number in 0..<4 {
      let ticket = producer.call(answer: [UInt8](repeating: UInt8(number), count: 10))
      #expect(ticket != nil)
      let frames = log.statistics.framesWritten
      eventually("a frame of its own") {
        log.statistics.framesWritten > frames || log.statistics.lagBytes == 0
      }
    }
    log.close()
    let bytes = try directory.bytes(1)
    var offset = SegmentFormat.headerBytes
    var last = offset
    while offset < bytes.count {
      last = offset
      offset += Int(bytes.raw.number(at: offset + 4, as: UInt32.self))
    }
    #expect(offset == bytes.count)
    return (bytes, last)
  }

  @Test func aTailTornAtAnyByteIsCutToTheLastWholeFrame() throws {
    let directory = try TemporaryDirectory()
    let (bytes, last) = try recorded(directory)
    let (whole, _) = try readAll(directory)
    for size in (last + 1)..<bytes.count {
      try directory.replace(1, with: Array(bytes[..<size]))
      guard size % 41 == 0 || size == bytes.count - 1 else {
        try expectTornTailCut(
          directory, last, size, bytes.raw.number(at: last + 8, as: UInt64.self))
        continue
      }
      // The same through a whole start, which takes longer, for some of the sizes.
      let log = try AuditLog(settings: settings(directory), workers: 1)
      let repair = try #require(log.repair, "cut at \(size)")
      #expect(repair.reason == .torn)
      #expect(repair.segment == 1)
      #expect(repair.offset == UInt64(last))
      #expect(repair.bytesCut == UInt64(size - last))
      #expect(repair.description.contains("torn tail of \(size - last) bytes at offset \(last)"))
      log.close()
      let (entries, ends) = try readAll(directory)
      #expect(ends == [.end, .end])
      let kept = entries.filter { $0.kind != .repair }
      #expect(kept == Array(whole.prefix(kept.count)))
      #expect(entries.last?.kind == .repair)
      #expect(entries.map(\.sequence) == (0..<UInt64(entries.count)).map { $0 })
      unsafe _ = unlink(directory.segment(2))
    }
  }

  /// The repair alone.
  private func expectTornTailCut(
    _ directory: TemporaryDirectory, _ last: Int, _ size: Int, _ nextSequence: UInt64
  ) throws {
    let folder = AuditFiles.openDirectory(directory.audit, create: false)
    defer { Glibc.close(folder) }
    let end = try SegmentRepair.findEnd(in: folder)
    #expect(end.repair?.reason == .torn)
    #expect(end.repair?.offset == UInt64(last))
    #expect(end.repair?.bytesCut == UInt64(size - last))
    #expect(end.number == 1 && end.nextSequence == nextSequence)
    #expect(try directory.bytes(1).count == last)
  }

  @Test func aSegmentWithoutAWholeHeaderIsRemoved() throws {
    let directory = try TemporaryDirectory()
    let (bytes, _) = try recorded(directory)
    let (whole, _) = try readAll(directory)
    for size in [0, 1, 8, 64, 127] {
      try directory.replace(2, with: Array(bytes[..<size]))
      let log = try AuditLog(settings: settings(directory), workers: 1)
      #expect(log.repair?.segment == 2)
      #expect(log.repair?.bytesCut == UInt64(size))
      log.close()
      let (entries, ends) = try readAll(directory)
      #expect(ends.allSatisfy { $0 == .end })
      #expect(entries.filter { $0.kind != .repair } == whole)
      for name in directory.segments.dropFirst() {
        unsafe _ = unlink(directory.audit + "/" + name)
      }
    }
  }

  @Test func aDamagedFrameIsKeptAside() throws {
    let directory = try TemporaryDirectory()
    let (bytes, _) = try recorded(directory)
    let second = SegmentFormat.headerBytes + Int(bytes.raw.number(at: 132, as: UInt32.self))
    var damaged = bytes
    damaged[second + 100] ^= 4
    try directory.replace(1, with: damaged)
    let log = try AuditLog(settings: settings(directory), workers: 1)
    let repair = try #require(log.repair)
    #expect(repair.reason == .damaged)
    #expect(repair.offset == UInt64(second))
    let kept = try #require(repair.keptAs)
    #expect(TemporaryDirectory.names(in: directory.audit).contains(kept))
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    let ticket = producer.call(answer: [])
    #expect(ticket != nil)
    log.close()
    let (entries, ends) = try readAll(directory)
    #expect(ends == [.end, .end])
    let notice = try #require(entries.first { $0.kind == .repair })
    #expect(notice.number(at: 28, as: UInt32.self) == AuditRepair.Reason.damaged.rawValue)
    #expect(notice.number(at: 40, as: UInt64.self) == UInt64(bytes.count - second))
  }

  @Test func aLengthThatRunsOverLaterFramesIsDamageNotATornTail() throws {
    let directory = try TemporaryDirectory()
    let (bytes, _) = try recorded(directory)
    var damaged = bytes
    damaged[SegmentFormat.headerBytes + 6] = 0x10
    try directory.replace(1, with: damaged)
    let log = try AuditLog(settings: settings(directory), workers: 1)
    #expect(log.repair?.reason == .damaged)
    log.close()
  }

  @Test func idsGoOnAboveThoseInTheFilesWhenTheClockWasSetBack() throws {
    let directory = try TemporaryDirectory()
    let log = try AuditLog(settings: settings(directory), workers: 1)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    // An id of an hour from now, as a clock that was wrong has made it.
    let wrong = RecordID(value: producer.makeRecordID().value + 3_600_000 << RecordID.timeShift)
    let facts = CallFacts(record: wrong, receivedNanoseconds: 0, decision: .block)
    let outcome = CallOutcome(result: .refused)
    _ = producer.refuse(facts, request: RawSpan(), outcome, answer: RawSpan())
    log.close()
    let next = try AuditLog(settings: settings(directory), workers: 1)
    var again = next.producer(worker: 0, wakeDescriptor: -1)
    let id = again.makeRecordID()
    #expect(id > wrong)
    next.close()
  }
}
