import Approvals
import ArgumentParser
import Console
import Foundation

/// `sluice approvals`
struct ApprovalsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "approvals",
    abstract: "See and decide calls that wait for a human.",
    discussion: """
      Talks to the console's admin API as the service account whose API key is in SLUICE_TOKEN. It decides what one of \
      its groups reviews, and never calls of its own.

      EXAMPLES:
        sluice approvals list
        sluice approvals show apr_01JDN3B9Q2S4T6V8W0X2Y4Z6
        sluice approvals approve apr_01JDN3B9Q2S4T6V8W0X2Y4Z6 --reason "Matches OPS-2210"
        sluice approvals watch --prompt
      """,
    subcommands: [
      ApprovalsListCommand.self, ApprovalsShowCommand.self, ApprovalsApproveCommand.self,
      ApprovalsDenyCommand.self, ApprovalsWatchCommand.self,
    ])
}

extension AdminClient {
  /// Runs a request of a command. - Throws: what the API said.
  func run<Result>(
    _ body: (AdminClient) async throws(AdminClientError) -> Result
  ) async throws(CommandFailure) -> Result {
    do {
      return try await body(self)
    } catch {
      throw CommandFailure("\(error)")
    }
  }
}

/// `sluice approvals list`
struct ApprovalsListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Approvals, the newest first.",
    discussion: "Without --state or --all, those that wait.")

  @OptionGroup(title: "Console") var admin: AdminOptions

  @Option(help: "Only approvals in this state. May be repeated.")
  var state: [StateFlag] = []

  @Flag(help: "Approvals in every state.")
  var all = false

  @Option(help: ArgumentHelp("At most so many.", valueName: "n"))
  var limit: Int?

  @Flag(help: "As the API answers.")
  var json = false

  func validate() throws {
    if let limit, !(1...200).contains(limit) {
      throw ValidationError("--limit must be from 1 to 200, not \(limit).")
    }
    if all, !state.isEmpty { throw ValidationError("Give --all or --state, not both.") }
  }

  func run() async throws {
    let states: [ApprovalState] = all ? [] : state.isEmpty ? [.pending] : state.map(\.state)
    let list = try await admin.client().run { client throws(AdminClientError) in
      try await client.approvals(states: states, limit: limit)
    }
    if json { return Terminal.write(list.json) }
    guard !list.approvals.isEmpty else {
      return Terminal.write(
        states == [.pending] ? "Nothing waits for a decision." : "There are no such approvals.")
    }
    let lines = ApprovalText.table(list.approvals, now: Date(), width: Terminal.width)
    Terminal.write(TextStyle.standardOutput.bold(lines[0]))
    for line in lines.dropFirst() { Terminal.write(line) }
    if list.isCut { Terminal.write("There are more; --limit shows up to 200.") }
  }
}

/// The values of `--state`.
enum StateFlag: String, CaseIterable, Sendable, ExpressibleByArgument {
  case pending, approved, denied, expired, consumed, cancelled

  var state: ApprovalState { ApprovalState(rawValue: rawValue)! }
}

/// `sluice approvals show`
struct ApprovalsShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "One approval, with its arguments in full.")

  @OptionGroup(title: "Console") var admin: AdminOptions
  @Argument(help: "The id, as in apr_01JDN3B9Q2S4T6V8W0X2Y4Z6.") var id: String

  @Flag(help: "As the API answers.")
  var json = false

  func run() async throws {
    let approval = try await admin.client().run { client throws(AdminClientError) in
      try await client.approval(id)
    }
    Terminal.write(json ? approval.json : ApprovalText.page(approval, now: Date()))
  }
}
