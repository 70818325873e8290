import Approvals
import ArgumentParser
import Console
import Foundation

/// `sluice approvals approve`
struct ApprovalsApproveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "approve", abstract: "Let exactly this call run, once.")

  @OptionGroup(title: "Console") var admin: AdminOptions
  @Argument(help: "The id, as in apr_01JDN3B9Q2S4T6V8W0X2Y4Z6.") var id: String

  @Option(help: "Why, for the record.")
  var reason = ""

  @Flag(help: "As the API answers.")
  var json = false

  func run() async throws {
    try await Decision(admin: admin, json: json).take(id, .approve, reason)
  }
}

/// `sluice approvals deny`
struct ApprovalsDenyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deny", abstract: "Refuse a call. The agent gets the reason.")

  @OptionGroup(title: "Console") var admin: AdminOptions
  @Argument(help: "The id, as in apr_01JDN3B9Q2S4T6V8W0X2Y4Z6.") var id: String

  @Option(help: "Why, for the agent and the record.")
  var reason: String

  @Flag(help: "As the API answers.")
  var json = false

  func run() async throws {
    try await Decision(admin: admin, json: json).take(id, .deny, reason)
  }
}

/// Takes a decision and says what came of it.
private struct Decision {
  var admin: AdminOptions
  var json: Bool

  func take(
    _ id: String, _ word: ApprovalDecision.Word, _ reason: String
  ) async throws(CommandFailure) {
    let after = try await admin.client().run { client throws(AdminClientError) in
      try await client.decide(id, word, reason: reason)
    }
    Terminal.write(json ? after.json : DecisionText.sentence(after))
  }
}

/// What a decision led to, in words.
enum DecisionText {
  static func sentence(_ approval: ApprovalDocument) -> String {
    switch approval.state {
    case .approved: "Approved: the call may run once."
    case .denied: "Denied: the agent is told so."
    case .pending: "Counted: \(approval.approvals) of \(approval.quorum) have approved."
    default: "The approval is \(approval.state.rawValue)."
    }
  }
}
