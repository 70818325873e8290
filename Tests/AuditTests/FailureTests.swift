import AuditTestSupport
import Glibc
import Testing

@testable import Audit

@Suite struct FailureTests {
  private func settings(_ directory: TemporaryDirectory) -> AuditSettings {
    var settings = AuditSettings(directory: directory.audit)
    settings.durability = .interval(milliseconds: 2)
    settings.closeWaitMilliseconds = 50
    return settings
  }

  @Test(arguments: [(ENOSPC, AuditRefusal.diskFull), (EIO, .writeFailed), (EDQUOT, .diskFull)])
  func aFailingDiskRefusesCallsAndRecoversWithoutLoss(code: Int32, refusal: AuditRefusal) throws {
    let directory = try TemporaryDirectory()
    let faults = AuditFaults()
    let log = try AuditLog(settings: settings(directory), workers: 1, faults: faults)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    var ids: [UInt64] = []
    for after in [0, 1, 40, 64] {
      // Accepted before the disk fails, and closed while it does: neither may be lost.
      faults.failWrites(code: code, after: after)
      guard case .opened(var ticket) = producer.openCall() else {
        Issue.record("refused while healthy")
        return
      }
      ids.append(ticket.record.value)
      eventually("failing") { log.statistics.state == .failing(refusal) }
      let state = producer.state
      #expect(state == .failing(refusal))
      var why: AuditRefusal?
      if case .refused(let refusal) = producer.openCall() { why = refusal }
      #expect(why == refusal)
      let answer = Array("while it failed".utf8)
      let taken = producer.close(&ticket, CallOutcome(result: .success), answer: answer.raw)
      #expect(taken == answer.count)
      faults.failWrites(code: 0)
      eventually("healthy") { log.statistics.state == .healthy }
    }
    let ticket = producer.call(answer: [1, 2, 3])
    ids.append(try #require(ticket).record.value)
    #expect(log.close() == 0)
    #expect(log.statistics.writeFailures >= 4)
    let (entries, ends) = try readAll(directory)
    #expect(ends == [.end])
    #expect(entries.filter { $0.kind == .opening }.map(\.record) == ids)
    #expect(entries.filter { $0.kind == .closing }.map(\.record) == ids)
  }

  @Test func dropAndCountTellsHowManyWereDropped() throws {
    let directory = try TemporaryDirectory()
    let faults = AuditFaults()
    var settings = settings(directory)
    settings.onFailure = .dropAndCount
    settings.ringBytes = 65536
    let log = try AuditLog(settings: settings, workers: 1, faults: faults)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    faults.failWrites(code: ENOSPC)
    var recorded = 0
    var dropped = 0
    let answer = [UInt8](repeating: 9, count: 3000)
    while dropped < 25 {
      guard case .opened(var ticket) = producer.openCall() else {
        Issue.record("refused")
        return
      }
      if ticket.isDropped { dropped += 1 } else { recorded += 1 }
      let taken = producer.close(&ticket, CallOutcome(result: .success), answer: answer.raw)
      if ticket.isOpen {
        producer.close(&ticket, CallOutcome(result: .success))
      } else {
        #expect(taken == 3000)
      }
    }
    #expect(recorded > 5)
    #expect(log.statistics.callsDropped == 25)
    faults.failWrites(code: 0)
    eventually("healthy") { log.statistics.state == .healthy && log.statistics.lagBytes == 0 }
    log.close()
    let (entries, _) = try readAll(directory)
    let gaps = entries.filter { $0.kind == .gap }
    #expect(gaps.map { $0.number(at: 24, as: UInt64.self) }.reduce(0, +) == 25)
    #expect(gaps.last?.number(at: 32, as: UInt64.self) == 25)
    #expect(entries.filter { $0.kind == .opening }.count == recorded)
    #expect(entries.filter { $0.kind == .closing }.count == recorded)
  }

  @Test func aRemovedDirectoryIsNoticedAndNotRecreated() throws {
    let directory = try TemporaryDirectory()
    let log = try AuditLog(settings: settings(directory), workers: 1)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    let before = producer.call(answer: [1])
    #expect(before != nil)
    eventually("written") { log.statistics.lagBytes == 0 }
    let moved = directory.path + "/moved"
    for name in TemporaryDirectory.names(in: directory.audit) {
      unsafe _ = unlink(directory.audit + "/" + name)
    }
    try #require(unsafe rmdir(directory.audit) == 0)
    let during = producer.call(answer: [2])
    #expect(during != nil)
    eventually("failing") { log.statistics.state == .failing(.directoryGone) }
    #expect(unsafe access(directory.audit, F_OK) != 0)
    #expect(unsafe access(moved, F_OK) != 0)
    try #require(unsafe mkdir(directory.audit, 0o700) == 0)
    eventually("healthy") { log.statistics.state == .healthy && log.statistics.lagBytes == 0 }
    #expect(log.close() == 0)
    let (entries, ends) = try readAll(directory)
    #expect(ends == [.end])
    #expect(directory.segments == ["00000002.sluice"])
    #expect(entries.filter { $0.kind == .opening }.map(\.record) == [during?.record.value])
  }

  @Test func aSegmentThatCannotBeCreatedIsTriedAgain() throws {
    let directory = try TemporaryDirectory()
    let faults = AuditFaults()
    var settings = settings(directory)
    settings.segmentBytesMax = 65536
    settings.writeBatchBytesMax = 4096
    let log = try AuditLog(settings: settings, workers: 1, faults: faults)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    faults.failCreates(code: EMFILE)
    var calls = 0
    while log.statistics.state == .healthy {
      let ticket = producer.call(answer: [UInt8](repeating: 1, count: 2000))
      if ticket != nil { calls += 1 }
      usleep(100)
    }
    #expect(log.statistics.state == .failing(.writeFailed))
    faults.failCreates(code: 0)
    eventually("healthy") { log.statistics.state == .healthy && log.statistics.lagBytes == 0 }
    log.close()
    let (entries, ends) = try readAll(directory)
    #expect(ends.count >= 2 && ends.allSatisfy { $0 == .end })
    #expect(entries.filter { $0.kind == .closing }.count == calls)
  }

  @Test func aFailingSyncIsSeenAndHeals() throws {
    let directory = try TemporaryDirectory()
    let faults = AuditFaults()
    let log = try AuditLog(settings: settings(directory), workers: 1, faults: faults)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    faults.failSyncs(code: EIO)
    let ticket = producer.call(answer: [1])
    #expect(ticket != nil)
    eventually("failing") { log.statistics.state == .failing(.writeFailed) }
    faults.failSyncs(code: 0)
    eventually("healthy") { log.statistics.state == .healthy && log.statistics.unsyncedBytes == 0 }
    let durable = producer.isDurable(ticket?.sequence ?? .max)
    #expect(durable)
    log.close()
  }

  @Test func withSyncedAFailingSyncKeepsTheAnswerBack() throws {
    let directory = try TemporaryDirectory()
    let faults = AuditFaults()
    var settings = settings(directory)
    settings.durability = .synced
    let log = try AuditLog(settings: settings, workers: 1, faults: faults)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    faults.failSyncs(code: EIO)
    let call = producer.call(answer: [1])
    let ticket = try #require(call)
    let isThere = producer.wakeWhenDurable(ticket.sequence)
    #expect(!isThere)
    eventually("failing") { log.statistics.state == .failing(.writeFailed) }
    var released = producer.isReleased(ticket.sequence)
    #expect(!released)
    faults.failSyncs(code: 0)
    eventually("healthy") { log.statistics.state == .healthy }
    eventually("durable") { log.rings[0].durable.loadAcquiring() >= ticket.sequence }
    released = producer.isReleased(ticket.sequence)
    #expect(released)
    log.close()
    let (entries, ends) = try readAll(directory)
    #expect(ends == [.end])
    #expect(entries.map(\.kind) == [.opening, .closing])
  }

  @Test func closingWithABrokenDiskEndsAndSaysWhatIsLost() throws {
    let directory = try TemporaryDirectory()
    let faults = AuditFaults()
    let log = try AuditLog(settings: settings(directory), workers: 1, faults: faults)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    faults.failWrites(code: EIO)
    let ticket = producer.call(answer: [1])
    #expect(ticket != nil)
    #expect(log.close() > 0)
    var why: AuditRefusal?
    if case .refused(let refusal) = producer.openCall() { why = refusal }
    #expect(why == .closed)
  }
}
