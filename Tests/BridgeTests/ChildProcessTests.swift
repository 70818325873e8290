import Foundation
import Logging
import Synchronization
import Testing

@testable import Bridge

/// Real processes that behave badly.
@Suite(.timeLimit(.minutes(5)))
struct ChildProcessTests {
  final class Events: Sendable {
    let lines = Mutex<[String]>([])
    let tooLong = Mutex(0)
    let end = Mutex<String?>(nil)

    @Sendable func take(_ event: ProcessEvent) async {
      switch event {
      case .line(let bytes), .related(let bytes, _):
        lines.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) }
      case .lineTooLong: tooLong.withLock { $0 += 1 }
      case .ended(let why): end.withLock { $0 = why }
      }
    }

    var now: [String] { lines.withLock { $0 } }
  }

  private func start(
    _ script: String, environment: [String: String] = [:],
    change: (inout BridgedServer) -> Void = { _ in }
  ) -> (ChildProcess, Events) {
    var server = BridgedServer(
      name: "x", command: ["/bin/sh", "-c", script], environment: environment)
    server.limits.closeTime = .milliseconds(300)
    server.limits.terminateTime = .milliseconds(300)
    change(&server)
    var log = Logger(label: "test")
    log.logLevel = .critical
    let events = Events()
    return (ChildProcess(server, log: log, processGuard: nil, events: events.take), events)
  }

  init() {
    // As the command does it: who does not read any more is an error of one write, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
  }

  private func isAlive(_ process: Int32) -> Bool { kill(process, 0) == 0 }

  @Test func linesGoInAndOut() async {
    // How it ends is its own affair, so that it has all the time it needs.
    let (process, events) = start(
      "while read line; do echo \"<$line>\"; done", change: { $0.limits.closeTime = .seconds(240) })
    #expect(process.send(Array("one\n".utf8)))
    #expect(process.send(Array("two\n".utf8)))
    await until { events.now == ["<one>", "<two>"] }
    process.end()
    await process.waitUntilEnded()
    #expect(events.end.withLock { $0 } == "it ended with status 0")
  }

  @Test func theEnvironmentIsWhatItWasGiven() async {
    let (process, events) = start(
      "/usr/bin/env; pwd", environment: ["A": "b c"], change: { $0.directory = "/usr" })
    await process.waitUntilEnded()
    // The shell adds what it makes up itself.
    let made = ["PWD=", "SHLVL=", "_=", "OLDPWD="]
    let given = events.now.filter { line in !made.contains { line.hasPrefix($0) } }
    #expect(given == ["A=b c", "/usr"])
  }

  @Test func aProgramThatIsNotThereIsAnEndLikeAnother() async {
    let (process, events) = start("", change: { $0.command = ["/no/such/program"] })
    await process.waitUntilEnded()
    #expect(events.end.withLock { $0 }?.hasPrefix("it cannot be run") == true)
    let (other, otherEvents) = start("", change: { $0.command = ["no-such-program-anywhere"] })
    await other.waitUntilEnded()
    #expect(otherEvents.end.withLock { $0 }?.hasPrefix("it cannot be run") == true)
  }

  @Test func whatItSaidBeforeItsEndArrives() async {
    let (process, events) = start("echo last; exit 3")
    await process.waitUntilEnded()
    #expect(events.now == ["last"])
    #expect(events.end.withLock { $0 } == "it ended with status 3")
  }

  /// Neither the end of its input nor SIGTERM ends it, and what it has started must go too.
  @Test func stubbornProcessesAreKilledWithWhatTheyStarted() async throws {
    let (process, events) = start(
      "trap '' TERM; (trap '' TERM; echo $$-child; while :; do sleep 1; done) & echo $!; echo $$; while :; do sleep 1; done"
    )
    await until { events.now.count == 3 }
    let numbers = events.now.compactMap { Int32($0) }
    #expect(numbers.count == 2)
    for number in numbers { #expect(isAlive(number)) }
    process.end()
    await process.waitUntilEnded()
    #expect(events.end.withLock { $0 } == "it was ended by signal 9")
    for number in numbers { await until { !isAlive(number) } }
  }

  /// The leader ends by itself, and leaves something behind in its group.
  @Test func whatAProcessLeavesBehindIsKilled() async throws {
    let (process, events) = start("sleep 1000 > /dev/null 2>&1 < /dev/null & echo $!")
    await process.waitUntilEnded()
    let left = try #require(events.now.first.flatMap { Int32($0) })
    await until { !isAlive(left) }
  }

  @Test func aFloodOnStandardErrorHindersNothing() async {
    let (process, events) = start(
      "i=0; while [ $i -lt 20000 ]; do echo \"noise $i noise noise noise noise noise\" >&2; i=$((i+1)); done; echo done"
    )
    await process.waitUntilEnded()
    #expect(events.now == ["done"])
  }

  @Test func aLineOverTheLimitIsLeftOut() async {
    let (process, events) = start(
      "head -c 5000 /dev/zero | tr '\\0' x; echo; echo short",
      environment: ["PATH": "/usr/bin:/bin"], change: { $0.limits.messageBytesMax = 4096 })
    await process.waitUntilEnded()
    #expect(events.now == ["short"])
    #expect(events.tooLong.withLock { $0 } == 1)
  }

  @Test func whatAProcessDoesNotReadIsBounded() async {
    let (process, events) = start(
      "while :; do sleep 1; done", environment: ["PATH": "/usr/bin:/bin"],
      change: { $0.limits.inputBytesMax = 1 << 20 })
    let line = [UInt8](repeating: 0x20, count: 1 << 18)
    var taken = 0
    while process.send(line), taken < 100 { taken += 1 }
    #expect((1..<20).contains(taken))
    process.end()
    await process.waitUntilEnded()
    #expect(events.end.withLock { $0 } != nil)
  }
}
