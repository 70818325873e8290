import ArgumentParser
import Recorder

/// `sluice audit verify`
struct AuditVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check every hash of the record: that nothing was changed, removed or put in.",
    discussion: """
      Exits with status 1 at the first place where the chain is broken. Whole writes that were cut off at the very end \
      only show against something noted elsewhere: the cursors of sinks are compared by themselves, and an event that \
      a sink has sent proves the record up to itself, with --anchor and its "sequence" and "hash".

      EXAMPLES:
        sluice audit verify
        sluice audit verify --anchor 1742:9f86d081884c7d659a2feaa0c55ad015
      """)

  @OptionGroup(title: "Record") var record: RecordOptions

  @Option(
    help: ArgumentHelp(
      "The record must hold this entry, in a frame of this hash. May be repeated.",
      valueName: "entry:hash"))
  var anchor: [String] = []

  func validate() throws {
    for text in anchor where Verification.Anchor(text) == nil {
      throw ValidationError(
        "--anchor must be like 1742:9f86d081884c7d65, not '\(text.prefix(80))'.")
    }
  }

  func run() throws {
    let commands = try record.commands()
    let verification: Verification
    do {
      verification = try commands.verify(anchors: anchor.compactMap { Verification.Anchor($0) })
    } catch {
      throw CommandFailure("\(error)")
    }
    Terminal.write(verification.description)
    if !verification.isIntact { throw ExitCode(CommandFailure.Status.failure.rawValue) }
  }
}
