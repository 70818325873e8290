import Audit
import AuditTestSupport
import Foundation
import Testing

@testable import Recorder

@Suite struct SessionTests {
  /// 2026-11-26 00:00:00 UTC, in seconds since 1970.
  static let midnight: UInt64 = 1_795_651_200

  private func call(
    _ second: UInt64, principal: String = "alice", client: String = "agent/1",
    tool: String = "query"
  ) -> Call {
    var call = Call(principal: principal, tool: tool)
    call.second = Self.midnight + second
    call.client = client
    return call
  }

  @Test func modernCallsAreOneSessionUntilThePauseIsTooLong() throws {
    let recording = try Recording()
    let log = try recording.log()
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    for second in [0, 60, 1800, 3660] as [UInt64] { producer.record(call(second)) }
    producer.record(call(3700, client: "agent/2"))
    producer.record(call(3701, principal: "bob"))
    log.close()
    let list = try recording.sessions.list()
    #expect(!list.isCut && list.warnings.isEmpty)
    #expect(list.sessions.map(\.calls) == [1, 1, 1, 3])
    #expect(list.sessions.map(\.principal) == ["bob", "alice", "alice", "alice"])
    #expect(list.sessions.map(\.client) == ["agent/1", "agent/2", "agent/1", "agent/1"])
    var longer = recording.sessions
    longer.idleMilliseconds = 3_600_000
    #expect(try longer.list().sessions.map(\.calls) == [1, 1, 4])
  }

  @Test func aLegacySessionIsTheProtocolsOwnWithTheCallThatOpenedIt() throws {
    let recording = try Recording()
    let log = try recording.log()
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    var hello = call(0)
    hello.era = .legacy
    hello.method = "initialize"
    hello.tool = ""
    hello.openedSession = "sealed-1"
    let first = producer.record(hello)
    var other = hello
    other.openedSession = "sealed-2"
    other.second = Self.midnight + 1
    producer.record(other)
    // Hours later, and without the client's name, which only the first call tells.
    for second in [5, 20_000] as [UInt64] {
      var later = call(second, client: "")
      later.era = .legacy
      later.session = "sealed-1"
      producer.record(later)
    }
    log.close()
    let list = try recording.sessions.list()
    #expect(list.sessions.map(\.calls) == [3, 1])
    #expect(list.sessions[0].client == "agent/1")
    #expect(list.sessions[0].session == "sealed-1")
    #expect(list.sessions[0].id == (try #require(first)).id.description)
    var methods: [String] = []
    let session = try recording.sessions.timeline(list.sessions[0].id) { call in
      methods.append(call.method)
      return true
    }
    #expect(methods == ["initialize", "tools/call", "tools/call"])
    #expect(session == list.sessions[0])
  }

  @Test func theTimelineIsInTheOrderInWhichCallsBegan() throws {
    let recording = try Recording()
    let log = try recording.log(segmentBytesMax: 65536, batch: 4096)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    var slow = call(1)
    slow.answer = #"{"slow":true}"#
    producer.record(call(0))
    let opened = producer.record(slow, closes: false)
    var (id, ticket) = try #require(opened)
    for second in 2..<200 as Range<UInt64> {
      var call = call(second)
      call.answer = String(repeating: "x", count: 4000)
      while producer.record(call) == nil { usleep(1000) }
      while producer.record(self.call(second, principal: "bob")) == nil { usleep(1000) }
    }
    #expect(producer.finish(&ticket, slow))
    log.close()
    #expect(recording.segments.count > 5)
    var seen: [RecordedCall] = []
    // By the reference of any of its calls.
    let session = try recording.sessions.timeline(id.description) { call in
      seen.append(call)
      return true
    }
    #expect(session.calls == 200 && seen.count == 200)
    #expect(seen.map(\.record) == seen.map(\.record).sorted())
    #expect(seen.allSatisfy { $0.principal == "alice" && $0.isWhole })
    #expect(String(decoding: seen[1].answer, as: UTF8.self) == #"{"slow":true}"#)
    var few = 0
    try recording.sessions.timeline(id.description, keepsBytes: false) { call in
      #expect(call.answer.isEmpty)
      few += 1
      return few < 3
    }
    #expect(few == 3)
  }

  /// A call that a rule held and that did not run.
  private func held(_ second: UInt64, _ state: RecordedApproval) -> Call {
    var call = call(second)
    call.decision = .hold
    call.rule = "ask"
    call.approval = "apr_1"
    call.review = state
    call.heldMicroseconds = 12_000_000
    call.outcome = CallOutcome(result: state == .cancelled ? .cancelled : .refused)
    return call
  }

  @Test func aCallThatWaitsForItsApprovalIsNotRefused() throws {
    let recording = try Recording()
    let log = try recording.log()
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    producer.record(held(0, .pending))
    producer.record(held(50, .pending))
    log.close()
    let session = try #require(try recording.sessions.list().sessions.first)
    #expect((session.calls, session.waiting, session.refused, session.failed) == (2, 2, 0, 0))
    var filter = SessionFilter()
    filter.problemsOnly = true
    #expect(try recording.sessions.list(filter).sessions.isEmpty, "and is no problem")
    let heading = SessionLine.heading(of: session).joined(separator: "\n")
    #expect(heading.contains("2: 0 refused, 0 failed, 2 told to wait for approval, 0 without"))
  }

  @Test(arguments: [
    (RecordedApproval.pending, "told to wait for approval", "…", "not decided when"),
    (.denied, "denied, has not run", "✗", "denied"),
    (.expired, "expired, has not run", "✗", "expired"),
    (.cancelled, "cancelled, has not run", "✗", "cancelled"),
    (.unavailable, "refused", "✗", "no approval could be asked for"),
  ])
  func aTimelineSaysWhatBecameOfAHeldCall(
    state: RecordedApproval, outcome: String, mark: String, words: String
  ) throws {
    let recording = try Recording()
    let log = try recording.log()
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    producer.record(held(0, state))
    log.close()
    var lines: [String] = []
    let session = try #require(try recording.sessions.list().sessions.first)
    #expect(session.refused == (state == .pending || state == .cancelled ? 0 : 1))
    try recording.sessions.timeline(session.id) { call in
      #expect(call.ending() == outcome)
      lines = SessionLine.lines(of: call, bodyWidth: 80)
      return true
    }
    #expect(lines.first?.contains("hold (ask), \(outcome), ") == true)
    #expect(
      lines.contains { $0.hasPrefix("    \(mark) approval apr_1: held 12.0 s, \(words)") },
      "\(lines)")
  }

  @Test func sessionsAreCountedAndFiltered() throws {
    let recording = try Recording()
    let log = try recording.log()
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    var masked = call(0)
    masked.outcome.maskedValues = 3
    masked.outcome.doneMicroseconds = 2_000_000
    producer.record(masked)
    var blocked = call(5, principal: "mallory", tool: "wipe")
    blocked.decision = .block
    blocked.outcome = CallOutcome(result: .refused)
    producer.record(blocked)
    var failed = call(10, principal: "carol")
    failed.outcome = CallOutcome(result: .toolError)
    producer.record(failed)
    producer.record(call(20, principal: "dave"), closes: false)
    log.close()
    let all = try recording.sessions.list().sessions
    #expect(all.map(\.principal) == ["dave", "carol", "mallory", "alice"])
    #expect(all.map(\.refused) == [0, 0, 1, 0])
    #expect(all.map(\.failed) == [0, 1, 0, 0])
    #expect(all.map(\.open) == [1, 0, 0, 0])
    #expect(all[3].maskedValues == 3)
    #expect(all[3].endedNanoseconds == (Self.midnight + 2) * 1_000_000_000)
    #expect(all[2].tools == ["wipe": 1])
    func names(_ change: (inout SessionFilter) -> Void) throws -> [String] {
      var filter = SessionFilter()
      change(&filter)
      return try recording.sessions.list(filter).sessions.map(\.principal)
    }
    #expect(try names { $0.decision = .block } == ["mallory"])
    #expect(try names { $0.result = .toolError } == ["carol"])
    #expect(try names { $0.maskedOnly = true } == ["alice"])
    #expect(try names { $0.problemsOnly = true } == ["carol", "mallory"])
    #expect(try names { $0.tool = "wipe" } == ["mallory"])
    #expect(try names { $0.principal = "dave" } == ["dave"])
    #expect(try names { $0.server = "nowhere" } == [])
    #expect(
      try names { $0.fromNanoseconds = (Self.midnight + 6) * 1_000_000_000 } == ["dave", "carol"])
    #expect(try names { $0.toNanoseconds = (Self.midnight + 2) * 1_000_000_000 } == ["alice"])
    let few = try recording.sessions.list(limit: 2)
    #expect(few.isCut && few.sessions.map(\.principal) == ["dave", "carol"])
  }

  @Test func whatIsNotThereIsNamed() throws {
    let recording = try Recording()
    let log = try recording.log()
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    producer.record(call(0))
    log.close()
    #expect(throws: RecorderError.noReference("x")) { try recording.sessions.session("x") }
    #expect(throws: RecorderError.notFound("0000000000001")) {
      try recording.sessions.session("0000000000001")
    }
    #expect(throws: RecorderError.self) {
      try SessionCatalog(directory: "/nowhere/at/all").list()
    }
  }

  @Test func longReadingTellsHowFarItIsAndCanBeStopped() throws {
    let recording = try Recording()
    let log = try recording.log(segmentBytesMax: 4 << 20)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    var large = call(0)
    large.answer = String(repeating: "x", count: 100_000)
    for _ in 0..<250 {
      while producer.record(large) == nil { usleep(1000) }
    }
    log.close()
    var catalog = recording.sessions
    catalog.progress = { (progress) throws(RecorderError) in
      #expect(progress.bytesInAll > 25_000_000)
      #expect(progress.bytesRead <= progress.bytesInAll)
      if progress.bytesRead > 16 << 20 { throw .cancelled }
    }
    #expect(throws: RecorderError.cancelled) { try catalog.list() }
  }

  @Test func clientAndApprovalAreInTheRecordAndOldEntriesHaveNone() throws {
    let recording = try Recording()
    let log = try recording.log()
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    var named = call(0)
    named.approval = "apr_01"
    let made = producer.record(named)
    var long = call(1, client: String(repeating: "c", count: 2000))
    long.rule = String(repeating: "r", count: 2000)
    let cut = producer.record(long)
    let plain = producer.record(Call())
    log.close()
    let found = try recording.commands.find(try #require(made).id.description)
    #expect(found.client == "agent/1" && found.approval == "apr_01" && found.isWhole)
    #expect(String(decoding: found.request, as: UTF8.self) == named.request)
    let shortened = try recording.commands.find(try #require(cut).id.description)
    #expect(shortened.cutFields == ["rule", "client"] && shortened.client.utf8.count == 1024)
    #expect(String(decoding: shortened.request, as: UTF8.self) == named.request)
    let old = try recording.commands.find(try #require(plain).id.description)
    #expect(old.client.isEmpty && old.approval.isEmpty && old.rule == "pii")
  }
}
