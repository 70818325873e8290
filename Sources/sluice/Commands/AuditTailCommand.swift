import ArgumentParser
import Audit
import Recorder

/// `sluice audit tail`
struct AuditTailCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tail",
    abstract: "Show the latest calls, one line each.",
    discussion: """
      Reads the record also while a gateway writes it. Several conditions must all hold.

      EXAMPLES:
        sluice audit tail --follow
        sluice audit tail -n 100 --decision block --principal nightly-report
        sluice audit tail --json | jq .rule
      """)

  @OptionGroup(title: "Record") var record: RecordOptions

  @Option(name: [.customShort("n"), .long], help: "How many calls to show.")
  var count = 20

  @Flag(name: [.short, .long], help: "Go on showing calls as they end.")
  var follow = false

  @Flag(help: "Lines of JSON, with requests and answers.")
  var json = false

  @OptionGroup(title: "Conditions") var conditions: CallConditions

  func validate() throws {
    guard (1...1_000_000).contains(count) else {
      throw ValidationError("--count must be from 1 to 1000000, not \(count).")
    }
  }

  func run() async throws {
    let commands = try record.commands()
    // The heading stands over calls: where there are none, or no record at all, there is nothing to head.
    var needsHeading = !json
    do {
      try await commands.tail(
        count: count, follow: follow, filter: conditions.filter, json: json
      ) { line in
        if needsHeading { Terminal.write(TextStyle.standardOutput.bold(AuditCommands.tailHeader)) }
        needsHeading = false
        Terminal.write(line)
      }
    } catch {
      throw CommandFailure("\(error)")
    }
  }
}

/// Which calls to show.
struct CallConditions: ParsableArguments {
  @Option(help: "Only calls of this principal.")
  var principal: String?

  @Option(help: "Only calls to this server.")
  var server: String?

  @Option(help: "Only calls of this tool.")
  var tool: String?

  @Option(help: "Only calls this rule decided.")
  var rule: String?

  @Option(help: "Only calls decided like this.")
  var decision: DecisionFlag?

  @Flag(help: "Only calls that did not succeed.")
  var problems = false

  var filter: CallFilter {
    var filter = CallFilter()
    filter.principal = principal
    filter.server = server
    filter.tool = tool
    filter.rule = rule
    filter.decision = decision?.decision
    filter.problemsOnly = problems
    return filter
  }
}

/// The values of `--decision`.
enum DecisionFlag: String, CaseIterable, Sendable, ExpressibleByArgument {
  case allow, block, hold, unauthenticated, malformed, unavailable

  var decision: RecordedDecision {
    switch self {
    case .allow: .allow
    case .block: .block
    case .hold: .hold
    case .unauthenticated: .unauthenticated
    case .malformed: .malformed
    case .unavailable: .unavailable
    }
  }
}
