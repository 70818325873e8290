import ArgumentParser
import Recorder

/// `sluice audit verify`
struct AuditVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check every hash of the record: that nothing was changed, removed or put in.",
    discussion: """
      Exits with status 1 at the first place where the chain is broken. What was cut off at the very end only shows \
      when you compare the last hash with one noted earlier.
      """)

  @OptionGroup(title: "Record") var record: RecordOptions

  func run() throws {
    let commands = try record.commands()
    let verification: Verification
    do {
      verification = try commands.verify()
    } catch {
      throw CommandFailure("\(error)")
    }
    Terminal.write(verification.description)
    if !verification.isIntact { throw ExitCode(CommandFailure.Status.failure.rawValue) }
  }
}
