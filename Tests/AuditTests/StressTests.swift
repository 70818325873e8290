import AuditTestSupport
import Glibc
import Synchronization
import Testing

@testable import Audit

/// Workers and the writer at full speed on small rings: run this under `--sanitize=thread`, too.
@Suite struct StressTests {
  /// What one worker does: calls of random shape, waiting on its wake descriptor whenever the ring is full.
  private static func work(_ log: AuditLog, worker: Int, calls: Int) -> (closed: Int, bytes: Int) {
    // A pipe stands in for the eventfd: the writer's eight bytes wake its reader just as well.
    var ends: [Int32] = [0, 0]
    guard unsafe pipe(&ends) == 0 else { return (-1, 0) }
    let wake = ends[0]
    defer { for end in ends { Glibc.close(end) } }
    var producer = log.producer(worker: worker, wakeDescriptor: ends[1])
    var random = Seeded(UInt64(worker) + 99)
    let pattern = [UInt8](repeating: UInt8(worker), count: 9000)
    var bytes = 0
    for _ in 0..<calls {
      var opening = producer.openCall()
      while case .refused(.full) = opening {
        if !producer.wakeWhenRoom() { wait(wake) }
        opening = producer.openCall()
      }
      guard case .opened(var ticket) = opening else { return (-1, 0) }
      let answer = Array(pattern.prefix(Int.random(in: 0...9000, using: &random)))
      var done = 0
      while ticket.isOpen {
        done += producer.close(
          &ticket, CallOutcome(result: .success), answer: answer.raw.extracting(droppingFirst: done)
        )
        if ticket.isOpen, !producer.wakeWhenRoom() { wait(wake) }
      }
      bytes += answer.count
      if Int.random(in: 0..<50, using: &random) == 0, !producer.wakeWhenDurable(ticket.sequence) {
        while !producer.isDurable(ticket.sequence) {
          wait(wake)
          if producer.wakeWhenDurable(ticket.sequence) { break }
        }
      }
    }
    return (calls, bytes)
  }

  /// Blocks until the writer wakes us.
  private static func wait(_ descriptor: Int32) {
    var value: UInt64 = 0
    unsafe _ = read(descriptor, &value, 8)
  }

  @Test(arguments: [AuditDurability.interval(milliseconds: 1), .synced])
  func everythingFromEveryWorkerArrivesOnce(durability: AuditDurability) throws {
    let directory = try TemporaryDirectory()
    var settings = AuditSettings(directory: directory.audit)
    settings.ringBytes = 65536
    settings.segmentBytesMax = 1 << 20
    settings.writeBatchBytesMax = 8192
    settings.durability = durability
    settings.directBytesMin = 6000
    let workers = 3
    let calls = 400
    let log = try AuditLog(settings: settings, workers: workers)
    let results = Mutex<[Int: (closed: Int, bytes: Int)]>([:])
    let threads = try (0..<workers).map { worker in
      try AuditThread(name: "worker") {
        let result = Self.work(log, worker: worker, calls: calls)
        results.withLock { $0[worker] = result }
      }
    }
    for thread in threads { thread.join() }
    #expect(log.close() == 0)
    let (entries, ends) = try readAll(directory)
    #expect(ends.allSatisfy { $0 == .end })
    for worker in 0..<workers {
      let mine = entries.filter { $0.worker == UInt16(worker) && $0.kind != .filler }
      let result = results.withLock { $0[worker] }
      #expect(result?.closed == calls)
      #expect(mine.filter { $0.kind == .closing }.count == calls)
      #expect(Set(mine.map(\.record)).count == calls)
      let answers = mine.map(\.answer)
      #expect(answers.reduce(0) { $0 + $1.count } == result?.bytes)
      #expect(answers.allSatisfy { $0.allSatisfy { $0 == UInt8(worker) } })
    }
  }

  @Test func anIdleRecordReachesTheFileWithoutAnotherOneComing() throws {
    let directory = try TemporaryDirectory()
    let log = try AuditLog(settings: AuditSettings(directory: directory.audit), workers: 1)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    for number in 1...5 {
      // The writer sleeps without a time limit when there is nothing: only the wake-up brings it back.
      eventually("asleep") { log.gate.stage.loadAcquiring() == WriterGate.asleep }
      let ticket = producer.call(answer: [1])
      #expect(ticket != nil)
      eventually("written and synced") {
        log.statistics.entriesWritten == UInt64(number * 2) && log.statistics.unsyncedBytes == 0
      }
    }
    log.close()
  }
}
