import AuditTestSupport
import Glibc
import Testing

@testable import Audit

@Suite struct RoundTripTests {
  @Test func everyByteOfACallIsInTheFile() throws {
    let directory = try TemporaryDirectory()
    let log = try AuditLog(settings: AuditSettings(directory: directory.audit), workers: 2)
    #expect(log.repair == nil)
    var producer = log.producer(worker: 1, wakeDescriptor: -1)
    let id = producer.makeRecordID()
    let principal = Array("alice".utf8)
    let server = Array("orders".utf8)
    let method = Array("tools/call".utf8)
    let tool = Array("query".utf8)
    let session = Array("session-1".utf8)
    let rule = Array("pii".utf8)
    let requestID = Array("\"a-7\"".utf8)
    let texts = [principal, server, method, tool, session, rule, requestID]
    let request = Array("{\"jsonrpc\":\"2.0\"}".utf8)
    var facts = CallFacts(record: id, receivedNanoseconds: 42, decision: .allow)
    facts.era = .modern
    facts.policyRevision = 0x0102_0304_0506_0708
    facts.principal = principal.raw
    facts.server = server.raw
    facts.method = method.raw
    facts.tool = tool.raw
    facts.session = session.raw
    facts.rule = rule.raw
    facts.requestID = requestID.raw
    guard case .opened(var ticket) = producer.open(facts, request: request.raw) else {
      Issue.record("refused")
      return
    }
    #expect(ticket.isOpen && !ticket.isDropped)
    let first = producer.append(&ticket, answer: Array("first ".utf8).raw)
    #expect(first == 6)
    var outcome = CallOutcome(result: .toolError)
    outcome.status = 200
    outcome.maskedValues = 5
    outcome.doneMicroseconds = 1234
    let second = producer.close(&ticket, outcome, answer: Array("second".utf8).raw)
    #expect(second == 6)
    #expect(!ticket.isOpen && ticket.answerBytes == 12)
    #expect(log.close() == 0)

    let (entries, ends) = try readAll(directory)
    #expect(ends == [.end])
    #expect(entries.map(\.kind) == [.opening, .answerPiece, .closing])
    #expect(entries.map(\.sequence) == [0, 1, 2])
    #expect(entries.allSatisfy { $0.record == id.value && $0.worker == 1 })
    let opening = entries[0].body
    #expect(Array(opening[64...].prefix(texts.joined().count)) == Array(texts.joined()))
    #expect(Array(opening[(64 + texts.joined().count)...].prefix(request.count)) == request)
    #expect(entries[0].number(at: 32, as: UInt64.self) == 0x0102_0304_0506_0708)
    #expect(
      String(decoding: entries[1].answer + entries[2].answer, as: UTF8.self) == "first second")
    #expect(entries[2].number(at: 80, as: UInt32.self) == 5)
  }

  @Test func longRequestsAndAnswersAreCutIntoPiecesAndComeBackWhole() throws {
    let directory = try TemporaryDirectory()
    let log = try AuditLog(settings: AuditSettings(directory: directory.audit), workers: 1)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    let request = (0..<1_000_003).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let answer = (0..<2_000_001).map { UInt8(truncatingIfNeeded: $0 &* 13) }
    let ticket = producer.call(request: request, answer: answer)
    #expect(ticket != nil)
    log.close()
    let (entries, _) = try readAll(directory)
    var requestSeen: [UInt8] = []
    for entry in entries {
      if entry.kind == .opening { requestSeen += entry.body[(64 + 19)...].prefix(262144) }
      if entry.kind == .requestPiece { requestSeen += entry.data(countAt: 24, from: 32) }
    }
    #expect(requestSeen == request)
    #expect(Array(entries.map(\.answer).joined()) == answer)
  }

  @Test func theChainGoesOnOverRestartsAndRotation() throws {
    let directory = try TemporaryDirectory()
    var settings = AuditSettings(directory: directory.audit)
    settings.segmentBytesMax = 65536
    settings.writeBatchBytesMax = 4096
    var ids: [RecordID] = []
    for _ in 0..<3 {
      let log = try AuditLog(settings: settings, workers: 1)
      var producer = log.producer(worker: 0, wakeDescriptor: -1)
      for _ in 0..<40 {
        let ticket = producer.call(answer: [UInt8](repeating: 65, count: 4096))
        ids.append(try #require(ticket).record)
      }
      #expect(log.close() == 0)
    }
    let (entries, ends) = try readAll(directory)
    #expect(ends.count > 6)
    #expect(ends.allSatisfy { $0 == .end })
    #expect(entries.filter { $0.kind == .opening }.map(\.record) == ids.map(\.value))
    #expect(entries.map(\.sequence) == (0..<UInt64(entries.count)).map { $0 })
    #expect(Set(ids).count == ids.count)
    #expect(ids == ids.sorted())
  }

  @Test func refusedCallsLeaveBothEntries() throws {
    let directory = try TemporaryDirectory()
    let log = try AuditLog(settings: AuditSettings(directory: directory.audit), workers: 1)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    let facts = CallFacts(
      record: producer.makeRecordID(), receivedNanoseconds: 0, decision: .unauthenticated)
    var outcome = CallOutcome(result: .refused)
    outcome.status = 401
    let answer = Array("no".utf8)
    guard
      case .opened(let ticket) = producer.refuse(
        facts, request: RawSpan(), outcome, answer: answer.raw)
    else {
      Issue.record("refused")
      return
    }
    #expect(!ticket.isOpen)
    log.close()
    let (entries, _) = try readAll(directory)
    #expect(entries.map(\.kind) == [.opening, .closing])
    #expect(entries[1].answer == answer)
    let open = producer.ticketsOpen
    #expect(open == 0)
  }

  @Test func twoProcessesCannotShareADirectory() throws {
    let directory = try TemporaryDirectory()
    let settings = AuditSettings(directory: directory.audit)
    let log = try AuditLog(settings: settings, workers: 1)
    #expect(throws: AuditError.directoryInUse(path: directory.audit)) {
      _ = try AuditLog(settings: settings, workers: 1)
    }
    log.close()
    try AuditLog(settings: settings, workers: 1).close()
  }

  @Test func settingsOutOfRangeAreNamed() throws {
    let directory = try TemporaryDirectory()
    var settings = AuditSettings(directory: directory.audit)
    settings.ringBytes = 100_000
    #expect(
      throws: AuditError.invalidSettings(
        "the audit ring size must be a power of two from 64 KiB to 1 GiB")
    ) { _ = try AuditLog(settings: settings, workers: 1) }
    #expect(throws: AuditError.cannotOpenDirectory(path: "/nowhere/at/all", code: ENOENT)) {
      _ = try AuditLog(settings: AuditSettings(directory: "/nowhere/at/all"), workers: 1)
    }
  }

  @Test func startingOftenLeavesOneEmptySegment() throws {
    let directory = try TemporaryDirectory()
    for _ in 0..<3 {
      try AuditLog(settings: AuditSettings(directory: directory.audit), workers: 1).close()
    }
    #expect(directory.segments == ["00000001.sluice"])
  }

  @Test func smallAndLargeFramesMixOnBothWaysIntoTheFile() throws {
    let directory = try TemporaryDirectory()
    var settings = AuditSettings(directory: directory.audit)
    settings.segmentBytesMax = 1 << 20
    settings.writeBatchBytesMax = 16384
    settings.directBytesMin = 8192
    settings.durability = .interval(milliseconds: 1)
    let log = try AuditLog(settings: settings, workers: 1)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    var random = Seeded(11)
    var answers: [UInt64: [UInt8]] = [:]
    for number in 0..<300 {
      let size = Int.random(in: 0..<(number % 50 < 25 ? 400 : 20_000), using: &random)
      let answer = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: size)
      var ticket = producer.call(answer: answer)
      while ticket == nil {
        usleep(100)
        ticket = producer.call(answer: answer)
      }
      answers[try #require(ticket).record.value] = answer
      if number % 20 == 0 { eventually("written") { log.statistics.lagBytes == 0 } }
    }
    log.close()
    let (entries, ends) = try readAll(directory)
    #expect(ends.allSatisfy { $0 == .end })
    var seen: [UInt64: [UInt8]] = [:]
    for entry in entries where entry.kind != .filler {
      seen[entry.record, default: []] += entry.answer
    }
    #expect(seen == answers)
    // Fillers come only where the file system lets frames pass by the page cache.
    #expect(entries.contains { $0.kind == .filler } == (log.statistics.directFrames > 0))
  }
}
