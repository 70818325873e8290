import ArgumentParser
import Audit
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
  var decision: DecisionFlag?

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
    filter.decision = general.decision?.decision
    filter.problemsOnly = general.problems
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
