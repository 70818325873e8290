internal import Approvals
internal import Foundation
internal import Logging

/// Looking at approvals and deciding them, the same for pages and programs.
struct ApprovalDesk: Sendable {
  let core: ConsoleCore

  /// The approvals that a viewer may see, the newest first.
  func requests(
    states: Set<ApprovalState>, for viewer: Viewer, limit: Int? = nil
  ) async throws(ConsoleFailure) -> (requests: [ApprovalRequest], more: String?) {
    let max = core.settings.limits.approvalsMax
    let limit = min(limit ?? max, max)
    do {
      // More than are shown, so that a flood of other people's approvals does not hide the viewer's own.
      let readMax = core.settings.limits.approvalsReadMax
      let found = try await core.services.approvals.requests(states: states, limit: readMax)
      let visible = found.filter { mayLook(viewer, at: $0) }
      let isCut = found.count >= readMax || visible.count > limit
      return (
        Array(visible.prefix(limit)),
        isCut ? "There are more: only the newest \(limit) are shown." : nil
      )
    } catch {
      throw ConsoleFailure(error)
    }
  }

  /// One approval. What may not be seen is not there.
  func request(_ id: String, for viewer: Viewer) async throws(ConsoleFailure) -> ApprovalRequest {
    let request: ApprovalRequest
    do {
      request = try await core.services.approvals.request(id)
    } catch {
      throw ConsoleFailure(error)
    }
    guard mayLook(viewer, at: request) else { throw .notFound }
    return request
  }

  /// Those of some approvals that are still known, and that a viewer may see. For pages that mention them: a store that fails
  /// leaves them out.
  func requests(_ ids: Set<String>, for viewer: Viewer) async -> [String: ApprovalRequest] {
    var found: [String: ApprovalRequest] = [:]
    for id in ids { found[id] = try? await request(id, for: viewer) }
    return found
  }

  /// Takes the viewer's word.
  func decide(
    _ id: String, _ word: ApprovalDecision.Word, reason: String, by viewer: Viewer
  ) async throws(ConsoleFailure) -> ApprovalRequest {
    let reason = reason.trimmingCharacters(in: .whitespacesAndNewlines)
    if reason.isEmpty, word == .deny || core.settings.approvalNeedsReason {
      throw .invalid("Say why: the agent and the record get your reason.")
    }
    let max = core.settings.limits.reasonCharactersMax
    guard reason.unicodeScalars.count <= max else {
      throw .invalid("The reason is longer than \(max) characters.")
    }
    // What may not be seen cannot be decided either, and is not told to exist.
    _ = try await request(id, for: viewer)
    do {
      let request = try await core.services.approvals.decide(
        id, word, by: viewer.reviewer, reason: reason)
      core.logger.notice(
        "an approval was decided upon",
        metadata: [
          "approval": "\(id)", "reviewer": "\(viewer.name)", "word": "\(word.rawValue)",
          "state": "\(request.state.rawValue)",
        ])
      return request
    } catch {
      throw ConsoleFailure(error)
    }
  }

  func mayLook(_ viewer: Viewer, at request: ApprovalRequest) -> Bool {
    viewer.reviews(request)
      || core.permissions(of: viewer).contains(.allApprovals)
  }

  static func word(_ text: String?) throws(ConsoleFailure) -> ApprovalDecision.Word {
    guard let word = text.flatMap(ApprovalDecision.Word.init(rawValue:)) else {
      throw .invalid("The decision is \"approve\" or \"deny\".")
    }
    return word
  }

  /// What became of a decision, in words.
  static func sentence(about request: ApprovalRequest, _ word: ApprovalDecision.Word) -> String {
    switch (request.state, word) {
    case (.pending, _):
      return
        "You approved. \(request.approvalCount) of \(request.quorum) people have; the call waits for the others."
    case (.denied, _): return "You denied. The agent is told so, with your reason."
    default: return "You approved. The call may run once, exactly as shown."
    }
  }
}
