import ArgumentParser
import Recorder

/// `sluice audit show REF`
struct AuditShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show everything about one call: who, what, why, and both bodies.",
    discussion: """
      The answer is shown as the agent got it, masked values masked.

      EXAMPLES:
        sluice audit show 02fxdf8040c00
        sluice audit show --json 02fxdf8040c00 | jq -r .answer
      """)

  @OptionGroup(title: "Record") var record: RecordOptions

  @Argument(help: "The Ref of an answer, or of a line of 'sluice audit tail'.")
  var ref: String

  @Flag(help: "One line of JSON with the bodies whole.")
  var json = false

  @Option(help: "How many bytes of each body to show.")
  var bodyBytes = 65_536

  func validate() throws {
    guard bodyBytes >= 0 else { throw ValidationError("--body-bytes must not be negative.") }
  }

  func run() throws {
    let commands = try record.commands()
    do {
      guard json else {
        return Terminal.write(try commands.show(ref, bodyBytesMax: bodyBytes))
      }
      try commands.showJSON(ref) { Terminal.write(bytes: $0) }
      Terminal.write()
    } catch {
      if case .noReference = error { throw CommandFailure("\(error)", status: .usage) }
      throw CommandFailure("\(error)")
    }
  }
}
