import Audit
import AuditTestSupport
import Foundation
import Testing

@testable import Recorder

@Suite struct CommandTests {
  @Test func tailShowsTheLastCallsInColumns() async throws {
    let recording = try Recording()
    let log = try recording.log()
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    for number in 0..<30 {
      var call = Call(principal: "user-\(number)")
      call.outcome.doneMicroseconds = 12_345
      call.outcome.maskedValues = 5
      producer.record(call)
    }
    log.close()
    let lines = Lines()
    try await recording.commands.tail(count: 4) { lines.all.append($0) }
    #expect(lines.all.count == 4)
    #expect(lines.all[3].contains("user-29"))
    #expect(lines.all[3].contains("ok, 5 masked"))
    #expect(lines.all[3].hasSuffix("12.3 ms"))
    let column = try #require(AuditCommands.tailHeader.range(of: "PRINCIPAL")).lowerBound
    let place = AuditCommands.tailHeader.distance(
      from: AuditCommands.tailHeader.startIndex, to: column)
    #expect(lines.all.allSatisfy { $0.dropFirst(place).hasPrefix("user-") })
  }

  @Test func tailFilters() async throws {
    let recording = try Recording()
    let log = try recording.log()
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    var blocked = Call(principal: "mallory", rule: "no-ddl", decision: .block)
    blocked.outcome = CallOutcome(result: .refused)
    producer.record(Call())
    producer.record(blocked)
    producer.record(Call())
    log.close()
    var filter = CallFilter()
    filter.decision = .block
    let lines = Lines()
    try await recording.commands.tail(filter: filter) { lines.all.append($0) }
    #expect(lines.all.count == 1)
    #expect(lines.all.first?.contains("mallory") == true)
    #expect(lines.all.first?.contains("no-ddl") == true)
    lines.all = []
    filter = CallFilter()
    filter.problemsOnly = true
    try await recording.commands.tail(filter: filter, json: true) { lines.all.append($0) }
    #expect(lines.all.count == 1)
    #expect(lines.all.first?.contains(#""decision":"block""#) == true)
  }

  @Test func tailLooksBackOverSegmentsUntilItHasEnough() async throws {
    let recording = try Recording()
    let log = try recording.log(segmentBytesMax: 65536, batch: 4096)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    for number in 0..<200 {
      var call = Call(principal: "user-\(number)")
      call.answer = String(repeating: "x", count: 4000)
      let made = producer.record(call)
      #expect(made != nil)
    }
    log.close()
    #expect(recording.segments.count > 8)
    let lines = Lines()
    try await recording.commands.tail(count: 150) { lines.all.append($0) }
    #expect(lines.all.count == 150)
    #expect(lines.all.first?.contains("user-50") == true)
    #expect(lines.all.last?.contains("user-199") == true)
  }

  @Test func tailFollowsAWriterThatIsRunning() async throws {
    let recording = try Recording()
    let log = try recording.log(segmentBytesMax: 65536, batch: 4096)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    producer.record(Call(principal: "first"))
    let commands = recording.commands
    let seen = AsyncStream<String>.makeStream()
    let follower = Task {
      try await commands.tail(follow: true) { seen.continuation.yield($0) }
      seen.continuation.finish()
    }
    for number in 0..<100 {
      var call = Call(principal: "user-\(number)")
      call.answer = String(repeating: "y", count: 3000)
      while producer.record(call) == nil { try await Task.sleep(for: .milliseconds(1)) }
      if number % 10 == 0 { try await Task.sleep(for: .milliseconds(3)) }
    }
    var lines: [String] = []
    for await line in seen.stream {
      lines.append(line)
      if line.contains("user-99") { follower.cancel() }
    }
    try await follower.value
    #expect(lines.count == 101)
    #expect(!lines.contains { $0.hasPrefix("!") })
    log.close()
  }

  @Test func showPutsACallTogether() throws {
    let recording = try Recording()
    let log = try recording.log()
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    var call = Call()
    call.pieces = [#"{"jsonrpc":"2.0","#, #""id":7,"#]
    call.answer = #""result":{"n":1.50,"n":2}}"#
    call.outcome.firstByteMicroseconds = 900
    call.outcome.doneMicroseconds = 2_000_000
    let other = producer.record(Call(), closes: false)
    let made = producer.record(call)
    let recorded = try #require(made)
    log.close()
    let page = try recording.commands.show(recorded.id.description.uppercased())
    #expect(page.contains("Record \(recorded.id)"))
    #expect(page.contains("  principal     alice"))
    #expect(page.contains("first byte after 900 µs, done after 2.0 s"))
    #expect(page.contains("      \"n\": 1.50,\n      \"n\": 2"))
    #expect(page.contains("\"method\": \"tools/call\""))
    let found = try recording.commands.find(recorded.id.description)
    #expect(found.isWhole)
    #expect(String(decoding: found.answer, as: UTF8.self) == call.pieces.joined() + call.answer)
    let open = try recording.commands.find(try #require(other).id.description)
    #expect(open.outcome == nil)
    #expect(throws: RecorderError.notFound(RecordID(value: 99).description)) {
      try recording.commands.show(RecordID(value: 99).description)
    }
    #expect(throws: RecorderError.noReference("../etc")) { try recording.commands.show("../etc") }
  }

  @Test func aMissingDirectoryIsNamed() {
    #expect(throws: RecorderError.self) {
      try AuditCommands(directory: "/nowhere/at/all").show("0000000000000")
    }
  }
}
