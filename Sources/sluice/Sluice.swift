import ArgumentParser
import Glibc

/// The command `sluice` and its subcommands.
@main
struct Sluice: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sluice",
    abstract: "A policy-enforcing gateway for the Model Context Protocol.",
    discussion: """
      Sluice stands between agents and MCP servers: it knows who is calling, reads every message, lets it through, \
      blocks it, holds it for approval, or masks what comes back, and records all of it.

      New here? Run 'sluice demo' for a tour, then 'sluice init' for a configuration of your own.

      Exit status: 0 when all went well, 1 when something failed, 2 when the command line or the configuration is \
      wrong.
      """,
    version: SluiceVersion.text,
    groupedSubcommands: [
      CommandGroup(
        name: "Run",
        subcommands: [
          ServeCommand.self, StatusCommand.self, DemoCommand.self, ConnectCommand.self,
        ]),
      CommandGroup(
        name: "Configure",
        subcommands: [
          InitCommand.self, CheckCommand.self, ResolvedCommand.self, KeyCommand.self,
          ConsoleCommand.self,
        ]),
      CommandGroup(name: "Decide", subcommands: [ApprovalsCommand.self]),
      CommandGroup(
        name: "Look back",
        subcommands: [AuditCommand.self, SessionsCommand.self, SinksCommand.self]),
      CommandGroup(name: "About", subcommands: [VersionCommand.self]),
    ])

  /// Replaces the library's entry point, whose exit status for a wrong command line is 64.
  static func main() async {
    if StdioGuardCommand.isAskedFor { return StdioGuardCommand.run() }
    if StdioKeeperCommand.isAskedFor { StdioKeeperCommand.run() }
    // A peer or a reader that went away is an error of one call, never the end of the process.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch let failure as CommandFailure {
      Terminal.writeError(failure.message)
      exit(withStatus: failure.status)
    } catch {
      let code = exitCode(for: error)
      let text = fullMessage(for: error)
      // Help and version asked for are answers, not errors.
      if code == .success {
        Terminal.write(text)
      } else if !text.isEmpty {
        Terminal.writeError(text)
      }
      exit(withStatus: code == .success ? .success : code == .validationFailure ? .usage : .failure)
    }
  }

  private static func exit(withStatus status: CommandFailure.Status) -> Never {
    exit(withError: ExitCode(status.rawValue))
  }
}
