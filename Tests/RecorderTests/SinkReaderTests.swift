import Audit
import AuditTestSupport
import Foundation
import Testing

@testable import Recorder

@Suite struct SinkReaderTests {
  private func reader(_ recording: Recording, _ cursor: SinkCursor) -> SinkReader {
    SinkReader(directory: recording.audit, cursor: cursor, bodyBytesMax: 1024)
  }

  private func beginning(_ recording: Recording) throws -> SinkCursor {
    try SinkCursor.start(.beginning, in: recording.audit)
  }

  @Test func everyCallIsAnEventInTheOrderInWhichTheyEnded() throws {
    let recording = try Recording()
    let log = try recording.log()
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    let opened = producer.record(Call(principal: "slow"), closes: false)
    var (slow, ticket) = try #require(opened)
    for number in 0..<5 { producer.record(Call(principal: "user-\(number)")) }
    #expect(producer.finish(&ticket, Call()))
    log.close()
    var reader = reader(recording, try beginning(recording))
    let (events, _) = try reader.readAll(2)
    #expect(events.count == 6 && events.last?.id == slow.description)
    #expect(events.map(\.sequence) == events.map(\.sequence).sorted())
    #expect(Set(events.map(\.hash)).allSatisfy { $0.count == 32 })
  }

  @Test func afterACrashAtAnyPlaceNothingIsMissing() throws {
    let recording = try Recording()
    var made: [String] = []
    // Three processes, the first two of which die with calls open.
    for process in 0..<3 {
      let log = try recording.log(segmentBytesMax: 65536, batch: 4096)
      var producer = log.producer(worker: 0, wakeDescriptor: -1)
      var tickets: [AuditTicket] = []
      for number in 0..<60 {
        var call = Call(principal: "p\(process)-\(number)")
        call.answer = String(repeating: "x", count: 3000)
        var recorded = producer.record(call, closes: number % 10 != 0)
        while recorded == nil {
          usleep(1000)
          recorded = producer.record(call, closes: number % 10 != 0)
        }
        made.append(try #require(recorded).id.description)
        if number % 10 == 0 { tickets.append(try #require(recorded).ticket) }
      }
      if process == 2 {
        for index in tickets.indices { producer.finish(&tickets[index], Call()) }
      }
      log.close()
    }
    #expect(recording.segments.count > 6)
    var whole = reader(recording, try beginning(recording))
    let all = try whole.readAll().events
    #expect(Set(all.map(\.id)) == Set(made) && all.count == made.count)
    let interrupted = all.filter { event in
      if case .call(let call) = event.content { call.outcome == nil } else { false }
    }
    #expect(interrupted.count == 12)
    for seed in 0..<60 as Range<UInt64> {
      var generator = Seeded(seed)
      var cursor = try beginning(recording)
      var delivered: [AuditEvent] = []
      // Every round is a process: it delivers some batches, and the last ones may not have reached its cursor.
      while delivered.last != all.last {
        var reader = reader(recording, cursor)
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
          let batch = try reader.next(Int.random(in: 1...25, using: &generator))
          #expect(batch.problems.isEmpty)
          delivered += batch.events
          if Bool.random(using: &generator) {
            let data = try JSONEncoder().encode(batch.cursor)
            cursor = try JSONDecoder().decode(SinkCursor.self, from: data)
          }
        }
      }
      var seen: Set<String> = []
      let distinct = delivered.filter { seen.insert($0.id).inserted }
      #expect(distinct.map(\.id) == all.map(\.id), "seed \(seed)")
      for (event, first) in zip(distinct, all) {
        guard case .call(let call) = event.content, case .call(let other) = first.content else {
          continue
        }
        #expect(call.principal == other.principal && call.outcome == other.outcome, "seed \(seed)")
      }
    }
  }

  @Test func aCallThatStaysOpenDoesNotHoldBackTheCursor() throws {
    let recording = try Recording()
    let log = try recording.log(segmentBytesMax: 65536, batch: 4096)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    let opened = producer.record(Call(principal: "stream"), closes: false)
    var (stream, ticket) = try #require(opened)
    var call = Call()
    call.answer = String(repeating: "x", count: 3000)
    for _ in 0..<200 { while producer.record(call) == nil { usleep(1000) } }
    #expect(eventually { recording.segments.count > 8 })
    var first = reader(recording, try beginning(recording))
    let (_, cursor) = try first.readAll()
    #expect(cursor.segment > 4 && cursor.carried.map(\.record) == [stream.value])
    #expect(producer.finish(&ticket, Call()))
    log.close()
    // The segment in which it began is gone by now.
    for number in 1..<cursor.segment {
      try FileManager.default.removeItem(at: recording.url(SegmentFormat.name(of: number)))
    }
    var second = reader(recording, try cursor.fitted(to: recording.audit).cursor)
    let (events, _) = try second.readAll()
    let last = try #require(events.last)
    guard case .call(let found) = last.content else {
      Issue.record("no call")
      return
    }
    #expect(found.record == stream && found.principal == "stream")
  }

  @Test func nowIsAfterEverythingThatIsThere() throws {
    let recording = try Recording()
    var log = try recording.log()
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    for _ in 0..<10 { producer.record(Call(principal: "before")) }
    log.close()
    let cursor = try SinkCursor.start(.now, in: recording.audit)
    log = try recording.log()
    producer = log.producer(worker: 0, wakeDescriptor: -1)
    producer.record(Call(principal: "after"))
    log.close()
    var reader = reader(recording, cursor)
    let events = try reader.readAll().events
    #expect(events.count == 1)
    // Without any record yet, everything is new.
    let empty = try Recording()
    try FileManager.default.createDirectory(
      atPath: empty.audit, withIntermediateDirectories: true)
    #expect(try SinkCursor.start(.now, in: empty.audit).through == 0)
  }

  @Test func aRecordThatLostItsEndOrWasReplacedIsToldAndNothingNewIsMissed() throws {
    let recording = try Recording()
    func record(_ count: Int, _ principal: String) throws {
      let log = try recording.log(batch: 4096)
      var producer = log.producer(worker: 0, wakeDescriptor: -1)
      for _ in 0..<count {
        while producer.record(Call(principal: principal)) == nil { usleep(1000) }
        usleep(300)
      }
      log.close()
    }
    try record(100, "old")
    var first = reader(recording, try beginning(recording))
    let (events, cursor) = try first.readAll()
    #expect(events.count == 100)
    // Half of the segment is cut off, and the gateway goes on.
    let segment = recording.url(try #require(recording.segments.last))
    let bytes = try Data(contentsOf: segment)
    try bytes.prefix(bytes.count / 2).write(to: segment)
    var cut = reader(recording, cursor)
    let told = try cut.next(1000)
    #expect(told.problems.count == 1 && told.problems[0].contains("cut off"))
    try record(5, "new")
    let after = try cut.readAll().events.compactMap { event in
      if case .call(let call) = event.content { call } else { nil }
    }
    #expect(after.count { $0.principal == "new" } == 5)
    // Where the cut fell between a call's beginning and its end, that call is told of as one that never ended.
    #expect(after.count { $0.principal == "old" } <= 1)
    #expect(after.allSatisfy { $0.principal == "new" || $0.outcome == nil })
    // Without having looked in between: what was delivered last is not there any more.
    try record(100, "new")
    var replaced = reader(recording, cursor)
    var seen: [AuditEvent] = []
    var problems: [String] = []
    while true {
      let batch = try replaced.next(1000)
      seen += batch.events
      problems += batch.problems
      if batch.isLevel, batch.events.isEmpty { break }
    }
    #expect(problems.count == 1 && problems[0].contains("replaced"))
    let new = seen.filter { event in
      if case .call(let call) = event.content { call.principal == "new" } else { false }
    }
    #expect(new.count == 105)
  }

  @Test func damageAndMissingSegmentsAreToldAndReadingGoesOn() throws {
    let recording = try Recording()
    let log = try recording.log(segmentBytesMax: 65536, batch: 4096)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    var call = Call()
    call.answer = String(repeating: "x", count: 3000)
    for _ in 0..<200 { while producer.record(call) == nil { usleep(1000) } }
    log.close()
    let segments = recording.segments
    #expect(segments.count > 6)
    var damaged = try Data(contentsOf: recording.url(segments[1]))
    damaged[damaged.count / 2] ^= 1
    try damaged.write(to: recording.url(segments[1]))
    try FileManager.default.removeItem(at: recording.url(segments[3]))
    var reader = reader(recording, try beginning(recording))
    var problems: [String] = []
    var count = 0
    while true {
      let batch = try reader.next(1000)
      problems += batch.problems
      count += batch.events.count
      if batch.isLevel, batch.events.isEmpty { break }
    }
    #expect(problems.count == 2)
    #expect(problems.first?.contains(segments[1]) == true)
    #expect(problems.last?.contains("\(segments[3]) was gone") == true)
    #expect(count > 150 && count < 200)
    // A cursor that stood in what is gone.
    var lost = try beginning(recording)
    lost.segmentHash = "x"
    try FileManager.default.removeItem(at: recording.url(segments[0]))
    let (fitted, problem) = try lost.fitted(to: recording.audit)
    #expect(fitted.segment == 2 && problem?.contains("removed") == true)
  }
}
