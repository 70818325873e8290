import Approvals
import Console
import ExampleServer
import Foundation
import PlainJSON

/// The reviewer's side of the tour: somebody of the group `dba`, with a key of their own for the admin API.
struct TourReviewer: Sendable {
  var client: AdminClient
  /// Where the console is, for who would rather look than read.
  var consoleURL: String
  /// Whether somebody sits at the terminal who can decide; else the tour approves as the reviewer.
  var asksPerson: Bool
}

extension Tour {
  /// The order that the tour wants refunded.
  static let orderID = 1017

  /// A call that a rule holds: it waits, somebody decides, and it runs once or not at all.
  func showApproval() async throws -> Bool {
    narrator.heading(4, "A risky call waits for a human")
    do {
      return try await holdAndDecide()
    } catch let error as AdminClientError {
      narrator.failure("The console did not answer: \(error)")
      return false
    }
  }

  private func holdAndDecide() async throws -> Bool {
    let sql = "UPDATE orders SET status = 'refunded' WHERE id = \(Self.orderID)"
    narrator.quote("The agent asks", sql)
    let before = try await orderStatus()
    async let reply = agent.callAndWait(tool: "query", arguments: ["sql": .string(sql)])
    guard let waiting = try await waitingApproval() else {
      return complain("No approval was asked for.", Answer(reply: try await reply))
    }
    describe(waiting)
    guard try await orderStatus() == before else {
      narrator.failure("The call waits, and yet the order has changed.")
      return false
    }
    let decided = try await decide(waiting)
    let answer = Answer(reply: try await reply)
    guard let decided, decided.state != .pending, decided.state != .expired else {
      narrator.say("Nobody has decided. The call has not run; asked again, it would wait again.")
      return try await orderStatus() == before
    }
    guard decided.state == .denied else { return try await checkApproved(answer) }
    narrator.quote("The agent gets", answer.result?["content"]?[0]?["text"]?.text ?? "")
    guard answer.result?["isError"] == true, try await orderStatus() == before else {
      return complain("It was denied, and yet it ran.", answer)
    }
    narrator.success("Denied: the agent is told why, and the order is as it was.")
    return true
  }

  private func checkApproved(_ answer: Answer) async throws -> Bool {
    guard answer.reply.status == 200, answer.result?["isError"] != true else {
      return complain("It was approved, and yet it did not run.", answer)
    }
    guard try await orderStatus() == "refunded" else {
      return complain("It was approved and answered, and yet the order is not refunded.", answer)
    }
    let used = try await reviewer.client.approvals(states: [.consumed]).approvals
    guard used.count == 1 else {
      narrator.failure("The approval should be used up.")
      return false
    }
    narrator.success(
      "Approved: it ran, once. The approval is for these very arguments and is used up.")
    return true
  }

  private func orderStatus() async throws -> String? {
    let rows = try await database.run("SELECT status FROM orders WHERE id = \(Self.orderID)").rows
    return rows.first?["status"]?.text
  }

  /// The approval that the call has asked for, as soon as it is there.
  private func waitingApproval() async throws -> ApprovalDocument? {
    for _ in 0..<100 {
      if let found = try await reviewer.client.approvals(states: [.pending]).approvals.first {
        return found
      }
      try await Task.sleep(for: .milliseconds(100))
    }
    return nil
  }

  private func describe(_ approval: ApprovalDocument) {
    narrator.quote("Rule", approval.rule)
    narrator.quote("Reviewers", approval.reviewerGroups.joined(separator: ", "))
    narrator.quote("They are told", approval.message)
    narrator.quote("They see", approval.arguments)
  }

  // MARK: Deciding

  /// Has somebody decide. Nil when nobody did while the agent waited.
  private func decide(_ approval: ApprovalDocument) async throws -> ApprovalDocument? {
    guard reviewer.asksPerson else {
      narrator.quote("You run", "sluice approvals approve \(approval.id)")
      return try await reviewer.client.decide(
        approval.id, .approve, reason: "The customer asked for it")
    }
    narrator.say("")
    narrator.say(narrator.style.bold("You are the reviewer. Approve it? [y/n]"))
    narrator.say(narrator.style.dim("or decide in the console: \(reviewer.consoleURL)/approvals"))
    var question = TerminalQuestion()
    // As long as the agent is patient: see `TourClient.callAndWait`.
    for _ in 0..<Int(TourClient.patience / 0.5) {
      switch question.answer(milliseconds: 500)?.lowercased() {
      case "y", "yes":
        return try await reviewer.client.decide(
          approval.id, .approve, reason: "Approved on the terminal")
      case "n", "no":
        return try await reviewer.client.decide(
          approval.id, .deny, reason: "Denied on the terminal")
      default: break
      }
      let now = try await reviewer.client.approval(approval.id)
      if now.state != .pending { return now }
    }
    return nil
  }
}
