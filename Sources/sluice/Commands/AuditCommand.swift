import ArgumentParser

/// `sluice audit …`
struct AuditCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Read and verify the record of all calls.",
    subcommands: [AuditTailCommand.self, AuditShowCommand.self, AuditVerifyCommand.self])
}
