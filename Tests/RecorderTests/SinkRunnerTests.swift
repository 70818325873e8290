import Audit
import AuditTestSupport
import Foundation
import Synchronization
import Testing

@testable import Recorder

@Suite struct SinkRunnerTests {
  private func settings(_ name: String = "test") -> SinkSettings {
    var settings = SinkSettings(name: name, receiver: .jsonl(FileSettings(path: "/nowhere")))
    settings.start = .beginning
    return settings
  }

  private func runner(
    _ recording: Recording, _ inbox: Inbox, _ settings: SinkSettings, seed: UInt64 = 0,
    reports: Reports = Reports()
  ) -> SinkRunner {
    SinkRunner(
      settings, directory: recording.audit, gateway: "gw", pace: .brisk,
      report: { level, message, sink in reports.all.withLock { $0.append(message) } },
      makeReceiver: { ClumsyReceiver(inbox, seed: seed) })
  }

  final class Reports: Sendable {
    let all = Mutex<[String]>([])
  }

  /// Every event reaches the receiver, in its order, whatever happens on the way, while the gateway writes and restarts.
  @Test(arguments: 0..<6 as Range<UInt64>)
  func throughAccidentsAndRestartsEverythingArrives(seed: UInt64) throws {
    let recording = try Recording()
    let inbox = Inbox()
    var generator = Seeded(seed)
    var made: [String] = []
    for _ in 0..<4 {
      let log = try recording.log(segmentBytesMax: 65536, batch: 4096)
      var producer = log.producer(worker: 0, wakeDescriptor: -1)
      inbox.failures.withLock { $0 = Int.random(in: 0...8, using: &generator) }
      let sink = runner(recording, inbox, settings(), seed: generator.next())
      sink.start()
      for _ in 0..<Int.random(in: 20...80, using: &generator) {
        var call = Call()
        call.answer = String(repeating: "x", count: Int.random(in: 10...5000, using: &generator))
        let closes = Int.random(in: 0..<10, using: &generator) > 0
        var recorded = producer.record(call, closes: closes)
        while recorded == nil {
          usleep(500)
          recorded = producer.record(call, closes: closes)
        }
        made.append(try #require(recorded).id.description)
      }
      if Bool.random(using: &generator) { log.close() }
      sink.stop()
      sink.waitUntilStopped()
      log.close()
    }
    inbox.failures.withLock { $0 = 0 }
    // One more process, so that calls left open count as interrupted.
    let log = try recording.log()
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    let final = producer.record(Call())
    made.append(try #require(final).id.description)
    log.close()
    let sink = runner(recording, inbox, settings())
    sink.start()
    // The last events arrive before the cursor behind them is on the disk.
    #expect(eventually { inbox.distinct.count >= made.count && sink.status.lagBytes == 0 })
    sink.stop()
    sink.waitUntilStopped()
    let distinct = inbox.distinct
    #expect(Set(distinct.map(\.id)) == Set(made))
    #expect(distinct.map(\.order) == distinct.map(\.order).sorted())
    #expect(sink.status.lagBytes == 0 && sink.status.lagSeconds == 0)
  }

  @Test func aReceiverThatIsDownIsTriedAgainAndSaidOnce() throws {
    let recording = try Recording()
    let log = try recording.log()
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    for _ in 0..<10 { producer.record(Call()) }
    log.close()
    let inbox = Inbox()
    inbox.failures.withLock { $0 = 1_000_000 }
    let reports = Reports()
    let sink = runner(recording, inbox, settings(), reports: reports)
    sink.start()
    #expect(eventually { sink.status.failures > 5 })
    let down = sink.status
    #expect(down.state == .failing && down.lastError == "an accident" && down.lagBytes > 0)
    #expect(down.lagSeconds > 0 && down.eventsDelivered == 0)
    inbox.failures.withLock { $0 = 0 }
    #expect(eventually { sink.status.eventsDelivered == 10 && sink.status.lagBytes == 0 })
    #expect(sink.status.state == .delivering && sink.status.lastError == nil)
    sink.stop()
    sink.waitUntilStopped()
    #expect(sink.status.state == .stopped)
    #expect(
      reports.all.withLock { $0 } == [
        "cannot deliver events, trying again: an accident", "delivers events again",
      ])
  }

  @Test func onlyWhatIsIncludedIsSent() throws {
    let recording = try Recording()
    let log = try recording.log()
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    for number in 0..<10 {
      producer.record(Call(decision: number % 5 == 0 ? .block : .allow))
    }
    log.close()
    let inbox = Inbox()
    var settings = settings()
    settings.include = ["block", "gap"]
    let sink = runner(recording, inbox, settings)
    sink.start()
    #expect(eventually { sink.status.eventsFiltered == 8 && sink.status.lagBytes == 0 })
    sink.stop()
    sink.waitUntilStopped()
    #expect(inbox.all.map(\.name) == ["block", "block"])
    #expect(sink.status.eventsDelivered == 2)
  }

  @Test func sinksComeAndGoWithTheConfiguration() throws {
    let recording = try Recording()
    let log = try recording.log()
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    producer.record(Call())
    let sinks = Sinks(
      directory: recording.audit, retention: RecordRetention(), gateway: "gw", pace: .brisk
    ) { _, _, _ in }
    func file(_ name: String) -> String { recording.path + "/" + name }
    func sink(_ name: String, _ start: SinkSettings.Start) -> SinkSettings {
      var sink = SinkSettings(name: name, receiver: .jsonl(FileSettings(path: file(name))))
      sink.start = start
      return sink
    }
    func lines(_ name: String) -> Int {
      let text = (try? String(contentsOfFile: file(name), encoding: .utf8)) ?? ""
      return text.split(separator: "\n").count
    }
    #expect(eventually { !recording.segments.isEmpty })
    sinks.apply([sink("all", .beginning)])
    #expect(eventually { lines("all") == 1 })
    let both = [sink("all", .beginning), sink("new", .now)]
    let beginnings = sinks.beginnings(of: both)
    producer.record(Call())
    #expect(eventually { lines("all") == 2 })
    sinks.apply(both, beginnings: beginnings)
    #expect(eventually { lines("new") == 1 })
    #expect(sinks.statuses.map(\.name) == ["all", "new"])
    sinks.apply([sink("new", .now)])
    producer.record(Call())
    #expect(eventually { lines("new") == 2 })
    #expect(lines("all") == 2)
    // It comes back where it was.
    sinks.apply([sink("all", .now)])
    #expect(eventually { lines("all") == 3 })
    log.close()
    sinks.stop()
    let outside = Sinks.statuses(of: both, in: recording.audit)
    #expect(outside.map(\.lagBytes).first == 0 && outside[0].lastSequence != nil)
  }

  @Test func aThreadThatIsToldToStopBeforeItWaitsDoesNotWait() {
    let bell = Bell()
    bell.stop(afterMilliseconds: 0)
    Thread {
      bell.wait(milliseconds: 3_600_000)
      bell.end()
    }.start()
    bell.waitUntilEnded()
    #expect(bell.isPatienceOver)
  }

  @Test func aCursorThatCannotBeReadStopsTheSinkInsteadOfGuessing() throws {
    let recording = try Recording()
    let log = try recording.log()
    log.close()
    let folder = CursorFile.folder(in: recording.audit)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data("{}".utf8).write(to: URL(fileURLWithPath: folder + "/test.json"))
    let sink = runner(recording, Inbox(), settings())
    sink.start()
    #expect(
      eventually { sink.status.lastError?.contains("cursors/test.json cannot be read") == true })
    sink.stop()
    sink.waitUntilStopped()
  }
}
