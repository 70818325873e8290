public import ArgumentParser
public import Audit
import Recorder

/// What `audit tail` and `sessions list` both look for: a call that meets it, or a session with such a call.
struct RecordConditions: ParsableArguments {
  @Option(help: "Only what this principal did.")
  var principal: String?

  @Option(help: "Only what was for this server.")
  var server: String?

  @Option(help: "Only calls of this tool, or sessions with one.")
  var tool: String?

  @Option(help: "Only what was decided like this.")
  var decision: RecordedDecision?

  @Flag(help: "Only what was refused or failed.")
  var problems = false
}

/// Which calls to show.
struct CallConditions: ParsableArguments {
  @OptionGroup var general: RecordConditions

  @Option(help: "Only calls this rule decided.")
  var rule: String?

  var filter: CallFilter {
    var filter = CallFilter()
    filter.principal = general.principal
    filter.server = general.server
    filter.tool = general.tool
    filter.rule = rule
    filter.decision = general.decision
    filter.problemsOnly = general.problems
    return filter
  }
}

/// The values of `--decision`.
extension RecordedDecision: ExpressibleByArgument {
  public init?(argument: String) { self.init(text: argument) }
  public static var allValueStrings: [String] { allCases.map(\.text) }
}

/// The values of `--outcome`.
extension RecordedResult: ExpressibleByArgument {
  public init?(argument: String) { self.init(text: argument) }
  public static var allValueStrings: [String] { allCases.map(\.text) }
}
