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
