import AuditTestSupport
import Testing

@testable import Audit

@Suite struct RecordIDTests {
  @Test func theWorkedExampleHolds() {
    // 2026-03-01 00:00:00.001 UTC
    let id = RecordID(milliseconds: 5_097_600_001, worker: 3)
    #expect(id.value == 5_097_600_001 << 23 | 3 << 13)
    #expect(id.description == "015zbk8080r00")
    #expect(id.millisecondsSince1970 == 1_772_323_200_001)
  }

  @Test func textReadsBackInEitherCaseAndAsPeopleMistypeIt() {
    var random = Seeded(7)
    for _ in 0..<1000 {
      let id = RecordID(value: random.next())
      #expect(RecordID(id.description) == id)
      #expect(RecordID(id.description.uppercased()) == id)
      let mistyped = id.description.map { $0 == "1" ? "l" : $0 == "0" ? "O" : $0 }
      #expect(RecordID(String(mistyped)) == id)
    }
    for text in ["", "0", "g000000000000", "000000000000u", "00000000000000", "0000000000 00"] {
      #expect(RecordID(text) == nil, "\(text)")
    }
  }

  @Test func idsOfWorkersNeverMeetAndOnlyGrow() throws {
    let directory = try TemporaryDirectory()
    let log = try AuditLog(settings: AuditSettings(directory: directory.audit), workers: 3)
    var seen: Set<RecordID> = []
    for worker in 0..<3 {
      var producer = log.producer(worker: worker, wakeDescriptor: -1)
      var last = RecordID(value: 0)
      // More than a millisecond's worth, so that the count runs over into the time.
      for _ in 0..<30_000 {
        let id = producer.makeRecordID()
        #expect(id > last)
        #expect(id.value >> 13 & 1023 == UInt64(worker))
        last = id
        seen.insert(id)
      }
    }
    #expect(seen.count == 90_000)
  }

  @Test func aRunningOverCountKeepsTheWorker() {
    let last = RecordID(value: RecordID(milliseconds: 9, worker: 5).value | 8191)
    #expect(last.next(worker: 5) == RecordID(milliseconds: 10, worker: 5))
  }
}
