import Approvals
import ArgumentParser
import Console
import Foundation
import Glibc

/// `sluice approvals watch`
struct ApprovalsWatchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "Print approvals as they come, until Ctrl-C.",
    discussion: "With --prompt it asks for each that you may decide.")

  @OptionGroup(title: "Console") var admin: AdminOptions

  @Flag(help: "Ask what to do with each.")
  var prompt = false

  @Flag(help: "One line of JSON for each.")
  var json = false

  @Option(help: ArgumentHelp("Seconds between two looks.", valueName: "n"))
  var interval = 2

  func validate() throws {
    guard (1...3600).contains(interval) else {
      throw ValidationError("--interval must be from 1 to 3600, not \(interval).")
    }
    if prompt, json { throw ValidationError("Give --prompt or --json, not both.") }
    if prompt, isatty(STDIN_FILENO) == 0 {
      throw ValidationError("--prompt needs a terminal to ask on.")
    }
  }

  func run() async throws {
    let client = try admin.client()
    var seen: Set<String> = []
    var isLost = false
    while !Task.isCancelled {
      do throws(AdminClientError) {
        let pending = try await client.approvals(states: [.pending]).approvals
        if isLost { Terminal.writeError("The console answers again.") }
        isLost = false
        // Only what still waits is remembered.
        seen.formIntersection(pending.map(\.id))
        for approval in pending.reversed() where seen.insert(approval.id).inserted {
          try await tell(approval, client)
        }
      } catch {
        // A key that is not accepted will not be later; a console that is away may come back.
        if let problem = error.problem, (400..<500).contains(problem.status) {
          throw CommandFailure("\(error)")
        }
        if !isLost { Terminal.writeError("sluice: \(error) Trying again.") }
        isLost = true
      }
      try await Task.sleep(for: .seconds(interval))
    }
  }

  private func tell(
    _ approval: ApprovalDocument, _ client: AdminClient
  ) async throws(AdminClientError) {
    if json { return Terminal.write(approval.json) }
    Terminal.write(ApprovalText.page(approval, now: Date()) + "\n")
    guard prompt, approval.canDecide else { return }
    guard let (word, reason) = ask() else { return }
    do {
      Terminal.write(
        DecisionText.sentence(try await client.decide(approval.id, word, reason: reason)) + "\n")
    } catch {
      Terminal.writeError("sluice: \(error)")
    }
  }

  /// - Returns: nil to leave it to others.
  private func ask() -> (ApprovalDecision.Word, String)? {
    while true {
      Terminal.ask("[a]pprove, [d]eny or [s]kip? ")
      guard let answer = readLine() else { return nil }
      switch answer.trimmingCharacters(in: .whitespaces).lowercased() {
      case "approve", "a": return (.approve, reason(isNeeded: false))
      case "deny", "d":
        // Denying takes a reason: without one, it is asked again what to do.
        let reason = reason(isNeeded: true)
        if !reason.isEmpty { return (.deny, reason) }
      case "skip", "s", "": return nil
      default: continue
      }
    }
  }

  private func reason(isNeeded: Bool) -> String {
    Terminal.ask(isNeeded ? "Why? The agent is told: " : "Why? (may be left out) ")
    return (readLine() ?? "").trimmingCharacters(in: .whitespaces)
  }
}
