import EventLoop
import Testing

@testable import PerfKit

/// The two tools against each other, over real sockets: what one counts the other must have counted.
@Suite(.serialized)
struct ModelAndLoadTests {
  static let choices: [IOChoice] = [.ioUring, .epoll]

  private func server(_ change: (inout ModelServerSettings) -> Void = { _ in }) throws
    -> ModelServer
  {
    var settings = ModelServerSettings()
    settings.connectionsMax = 1024
    change(&settings)
    return try ModelServer(settings)
  }

  private func load(
    on server: ModelServer, _ change: (inout LoadSettings) -> Void
  ) throws -> LoadSettings {
    let address = try SocketAddress(host: "127.0.0.1", port: server.port)
    var settings = LoadSettings(address: address, path: "/mcp", host: "127.0.0.1")
    settings.warmupSeconds = 0
    settings.durationSeconds = 1
    settings.timeoutSeconds = 5
    change(&settings)
    return settings
  }

  @Test(arguments: choices)
  func countsAgree(io: IOChoice) throws {
    let server = try server { $0.io = io }
    let report = try LoadRun(
      load(on: server) {
        $0.io = io
        $0.requests = 5000
      }
    ).run()
    server.stop()
    #expect(server.backend == io.rawValue)
    #expect(report.answers == 5000)
    #expect(report.errors == [:])
    #expect(server.answered == 5000)
    #expect(report.bytesReceived > 5000 * 4096)
    #expect(report.reconnects == 0)
    #expect(report.latency.p50 > 0)
    #expect(report.latency.max >= report.latency.p99)
  }

  /// Every combination of framing, shape, era and answer that the tools know, with notifications before the answer.
  @Test(arguments: choices, [AnswerShape.structured, .text, .both])
  func allMixesPass(io: IOChoice, shape: AnswerShape) throws {
    for chunked in [false, true] {
      let server = try server {
        $0.io = io
        $0.shape = shape
        $0.chunked = chunked
        $0.events = 3
        $0.bytes = 40_000
        $0.delayMicroseconds = 100
      }
      let report = try LoadRun(
        load(on: server) {
          $0.io = io
          $0.era = .mix
          $0.answer = .mix
          $0.requests = 400
          $0.calls = [
            .init(name: "query", arguments: #"{"sql":"select 1"}"#, weight: 3),
            .init(name: "tools/list"), .init(name: "customers"),
          ]
        }
      ).run()
      server.stop()
      #expect(report.answers == 400)
      #expect(report.errors == [:])
      #expect(report.handshakes == 8)
      // Four of five requests are calls, and every other one of them asks for a stream.
      #expect(report.eventStreams == 160)
      #expect(server.answered == 320)
    }
  }

  @Test func threadsShareTheWork() throws {
    let server = try server { $0.workers = 2 }
    let report = try LoadRun(
      load(on: server) {
        $0.threads = 3
        $0.connections = 8
        $0.requests = 1000
      }
    ).run()
    server.stop()
    #expect(report.answers == 1000)
    #expect(report.errors == [:])
    // Threads that are ready earlier begin to send before the measured interval does.
    #expect(server.answered >= 1000)
  }

  @Test(arguments: choices)
  func openLoopKeepsItsRate(io: IOChoice) throws {
    let server = try server { $0.io = io }
    defer { server.stop() }
    let report = try LoadRun(
      load(on: server) {
        $0.io = io
        $0.rate = 500
        $0.durationSeconds = 1
      }
    ).run()
    // Whatever the machine does meanwhile, every request that was due is sent and counted, and no other.
    #expect((499...501).contains(report.answers))
    #expect(report.errors == [:])
    #expect(report.unfinished == 0)
  }

  /// A server that holds every call for 50 ms, asked at twice the rate two connections can bear: the wait for a free
  /// connection must show in the latency.
  @Test func openLoopCountsTheWaitForAConnection() throws {
    let server = try server { $0.delayMicroseconds = 50_000 }
    defer { server.stop() }
    let report = try LoadRun(
      load(on: server) {
        $0.connections = 2
        $0.rate = 80
        $0.durationSeconds = 1
      }
    ).run()
    #expect((79...81).contains(report.answers))
    #expect(report.latency.max > 500_000)
  }

  @Test(arguments: choices)
  func aKilledServerGivesErrorsAndNoHang(io: IOChoice) throws {
    let server = try server { $0.io = io }
    let killer = try WorkerThread(name: "killer") {
      Clock.sleep(milliseconds: 300)
      server.stop()
    }
    let report = try LoadRun(load(on: server) { $0.io = io }).run()
    killer.join()
    #expect(report.answers > 0)
    #expect(report.errorCount > 0)
    #expect(report.errors["connect failed", default: 0] > 0)
    #expect(report.errors["timeout"] == nil)
  }

  @Test func aServerThatNeverAnswersMeansTimeouts() throws {
    let server = try server { $0.delayMicroseconds = 60_000_000 }
    let report = try LoadRun(
      load(on: server) {
        $0.timeoutSeconds = 0.2
        $0.connections = 4
      }
    ).run()
    server.stop()
    #expect(report.answers == 0)
    #expect(report.errors["timeout", default: 0] >= 4)
  }

  /// Connections that come and go while the queue of free ones is in use.
  @Test func openLoopSurvivesReconnects() throws {
    let server = try server { $0.delayMicroseconds = 20_000 }
    let report = try LoadRun(
      load(on: server) {
        $0.timeoutSeconds = 0.01
        $0.connections = 3
        $0.rate = 400
        $0.durationSeconds = 1
      }
    ).run()
    server.stop()
    // Each request is a timeout, sent or not; the odd one may slip through between two looks at the clock.
    #expect((399...401).contains(report.answers + report.errorCount + report.unfinished))
    #expect(report.errors["timeout", default: 0] > 0)
    #expect(report.reconnects > 3)
  }

  @Test func aStoppedRunReportsWhatItHas() throws {
    let server = try server()
    defer { server.stop() }
    let run = try LoadRun(load(on: server) { $0.durationSeconds = 1000 })
    let stopper = try WorkerThread(name: "stopper") {
      Clock.sleep(milliseconds: 300)
      run.stop()
    }
    let report = try run.run()
    stopper.join()
    #expect(report.answers > 0)
    #expect(report.seconds > 0 && report.seconds < 900)
  }

  @Test func wrongAnswersAreToldApart() throws {
    let server = try server { $0.eras = [.modern] }
    defer { server.stop() }
    func errors(_ change: (inout LoadSettings) -> Void) throws -> [String: Int] {
      try LoadRun(
        load(on: server) {
          $0.requests = 40
          change(&$0)
        }
      ).run().errors
    }
    #expect(try errors { $0.expectAbsent = ["Nobody", "100-10-0000"] } == ["forbidden text": 40])
    #expect(
      try errors { $0.expectPresent = ["100-10-0000", "[redacted]"] } == ["missing text": 40])
    #expect(try errors { $0.expectPresent = ["100-10-0000"] } == [:])
    #expect(try errors { $0.calls = [.init(name: "no/such")] } == [:])
    // A server of the modern era knows no initialize: no connection gets past its handshake.
    #expect(try errors { $0.era = .legacy } == ["HTTP status": 40])
  }

  @Test(arguments: choices)
  func idleConnectionsStayOpenBesideTheLoad(io: IOChoice) throws {
    let server = try server { $0.io = io }
    defer { server.stop() }
    let report = try LoadRun(
      load(on: server) {
        $0.io = io
        $0.idleConnections = 300
        $0.requests = 500
      }
    ).run()
    #expect(report.answers == 500)
    #expect(report.errors == [:])
    #expect(report.idleClosed == 0)
    // The idle ones have had an answer each.
    #expect(server.answered >= 800)
  }
}
