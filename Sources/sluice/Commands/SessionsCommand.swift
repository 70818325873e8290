import ArgumentParser
import Audit
import Foundation
import Glibc
import Recorder

/// `sluice sessions …`
struct SessionsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sessions",
    abstract: "List, show and replay what agents did, session by session.",
    discussion: """
      A session is the protocol's own where there is one. Requests of the newest revision stand alone; there it is what \
      one principal does with one server through one client without a long pause.
      """,
    subcommands: [SessionsListCommand.self, SessionsShowCommand.self, SessionsReplayCommand.self])
}

/// What all commands about sessions take.
struct SessionOptions: ParsableArguments {
  @OptionGroup(title: "Record") var record: RecordOptions

  @Option(
    help: ArgumentHelp(
      "Longest pause within a session of the newest revision.", valueName: "duration"))
  var idle = Span(milliseconds: SessionCatalog.idleMillisecondsDefault)

  func catalog() throws(CommandFailure) -> SessionCatalog {
    var catalog = SessionCatalog(
      directory: try record.commands().directory, idleMilliseconds: idle.milliseconds)
    // Progress is for people who wait, and goes away again.
    if isatty(STDERR_FILENO) == 1 {
      catalog.progress = { (progress) throws(RecorderError) in
        let percent =
          progress.bytesInAll == 0 ? 100 : progress.bytesRead * 100 / progress.bytesInAll
        FileHandle.standardError.write(
          Data("\r\u{1B}[Kreading the record: \(percent) %".utf8))
        if percent >= 99 { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
      }
    }
    return catalog
  }

  /// Runs a command with its failures in words.
  static func run(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch let error as RecorderError {
      if case .noReference = error { throw CommandFailure("\(error)", status: .usage) }
      throw CommandFailure("\(error)")
    }
  }
}

/// A length of time: `90s`, `30m`, `12h`, `7d`.
struct Span: ExpressibleByArgument {
  var milliseconds: Int

  init(milliseconds: Int) { self.milliseconds = milliseconds }

  init?(argument: String) {
    let units = ["s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
    guard let unit = units[String(argument.suffix(1))], let number = Int(argument.dropLast()),
      number >= 0, number <= 1_000_000
    else { return nil }
    milliseconds = number * unit
  }

  var defaultValueDescription: String { "\(milliseconds / 60_000)m" }
}

/// A moment in UTC: `2026-11-26` or `2026-11-26T10:30`.
struct Moment: ExpressibleByArgument {
  var nanoseconds: UInt64

  init?(argument: String) {
    guard let nanoseconds = SessionFilter.nanoseconds(ofMoment: argument) else { return nil }
    self.nanoseconds = nanoseconds
  }
}

/// `sluice sessions list`
struct SessionsListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Show the latest sessions, one line each.",
    discussion: """
      Several conditions must all hold.

      EXAMPLES:
        sluice sessions list --since 1h
        sluice sessions list --principal nightly-report --from 2026-11-01 --to 2026-11-26T12:00
        sluice sessions list --decision block --json
      """)

  @OptionGroup var options: SessionOptions

  @Option(name: [.customShort("n"), .long], help: "How many sessions to show.")
  var count = 100

  @Flag(help: "Lines of JSON.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Only sessions active within this time, as in 30m, 12h or 7d.", valueName: "duration"))
  var since: Span?

  @Option(
    help: ArgumentHelp(
      "Only sessions active from then on (UTC), as in 2026-11-26 or 2026-11-26T10:30.",
      valueName: "moment"))
  var from: Moment?

  @Option(
    help: ArgumentHelp(
      "Only sessions that began by then (UTC), as in 2026-11-26T12:00.", valueName: "moment"))
  var to: Moment?

  @OptionGroup(title: "Conditions") var conditions: RecordConditions

  @Option(help: "Only sessions of this client, as name/version.")
  var client: String?

  @Option(help: "Only sessions in which a call ended like this.")
  var outcome: RecordedResult?

  @Flag(help: "Only sessions in which something was masked.")
  var masked = false

  func validate() throws {
    guard (1...SessionCatalog.sessionsMax).contains(count) else {
      throw ValidationError(
        "--count must be from 1 to \(SessionCatalog.sessionsMax), not \(count).")
    }
    guard since == nil || from == nil else {
      throw ValidationError("--since and --from both say when; use one of them.")
    }
  }

  func run() throws {
    let commands = SessionCommands(catalog: try options.catalog())
    var needsHeading = !json
    try SessionOptions.run {
      try commands.list(
        filter, limit: count, json: json, note: { Terminal.writeError("sluice: \($0)") },
        print: { line in
          if needsHeading {
            Terminal.write(TextStyle.standardOutput.bold(SessionCommands.listHeader))
          }
          needsHeading = false
          Terminal.write(line)
        })
    }
  }

  private var filter: SessionFilter {
    var filter = SessionFilter()
    let now = UInt64(max(0, Date().timeIntervalSince1970)) * 1_000_000_000
    filter.fromNanoseconds =
      since.map { now - min(now, UInt64($0.milliseconds) * 1_000_000) } ?? from?.nanoseconds
    filter.toNanoseconds = to?.nanoseconds
    filter.principal = conditions.principal
    filter.server = conditions.server
    filter.client = client
    filter.tool = conditions.tool
    filter.decision = conditions.decision
    filter.result = outcome
    filter.maskedOnly = masked
    filter.problemsOnly = conditions.problems
    return filter
  }
}

/// `sluice sessions show ID`
struct SessionsShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show the calls of one session in their order.",
    discussion: """
      Answers are shown as the agent got them, masked values masked.

      EXAMPLES:
        sluice sessions show 02fxdf8040c00
        sluice sessions show --full 02fxdf8040c00 | less
        sluice sessions show --json 02fxdf8040c00 | jq .tool
      """)

  @OptionGroup var options: SessionOptions

  @Argument(help: "A session of 'sluice sessions list', or the Ref of any of its calls.")
  var id: String

  @Flag(help: "Requests and answers whole, laid out over lines.")
  var full = false

  @Option(help: "Characters of each request and answer.")
  var width = 100

  @Flag(help: "A line of JSON for each call, with the bodies whole.")
  var json = false

  func validate() throws {
    guard (10...100_000).contains(width) else {
      throw ValidationError("--width must be from 10 to 100000.")
    }
  }

  func run() throws {
    let commands = SessionCommands(catalog: try options.catalog())
    try SessionOptions.run {
      try commands.show(id, bodyWidth: full ? nil : width, json: json) { Terminal.write($0) }
    }
  }
}
