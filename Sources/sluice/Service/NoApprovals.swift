import Approvals

/// The approvals of a gateway without a store: there never are any.
struct NoApprovals: ApprovalService {
  func requests(
    states: Set<ApprovalState>, limit: Int
  ) async throws(ApprovalError) -> [ApprovalRequest] { [] }

  func request(_ id: String) async throws(ApprovalError) -> ApprovalRequest { throw .notFound }

  func decide(
    _ id: String, _ word: ApprovalDecision.Word, by reviewer: Reviewer, reason: String
  ) async throws(ApprovalError) -> ApprovalRequest { throw .notFound }

  func changes() -> AsyncStream<ApprovalRequest> { AsyncStream { _ in } }
}
