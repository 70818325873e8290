public import Approvals
public import Foundation

/// Approvals in memory, under the same rules as the store: reviewers by group, nobody for themselves, each person once, a
/// quorum of people, expiry, deny wins.
public actor MemoryApprovals: ApprovalService {
  private var kept: [ApprovalRequest]
  private let now: @Sendable () -> Date
  private var failure: ApprovalError?
  private let watchers = Watchers()

  public init(_ requests: [ApprovalRequest] = [], now: @escaping @Sendable () -> Date = { Date() })
  {
    kept = requests
    self.now = now
  }

  /// Every call from now on fails like this.
  public func fail(_ error: ApprovalError?) { failure = error }

  public func add(_ request: ApprovalRequest) {
    kept.append(request)
    watchers.tell(request)
  }

  public func requests(
    states: Set<ApprovalState>, limit: Int
  ) async throws(ApprovalError) -> [ApprovalRequest] {
    if let failure { throw failure }
    expire()
    let found = kept.filter { states.isEmpty || states.contains($0.state) }
    return Array(found.sorted { $0.created > $1.created }.prefix(limit))
  }

  public func request(_ id: String) async throws(ApprovalError) -> ApprovalRequest {
    if let failure { throw failure }
    expire()
    guard let found = kept.first(where: { $0.id == id }) else { throw .notFound }
    return found
  }

  public func decide(
    _ id: String, _ word: ApprovalDecision.Word, by reviewer: Reviewer, reason: String
  ) async throws(ApprovalError) -> ApprovalRequest {
    var request = try await request(id)
    guard request.state == .pending else { throw .notPending(request.state) }
    guard !reviewer.groups.isDisjoint(with: request.reviewerGroups) else { throw .notAReviewer }
    guard !request.isAsked(by: reviewer) else { throw .selfApproval }
    guard !request.isDecided(by: reviewer) else { throw .alreadyDecidedByYou }
    request.decisions.append(
      ApprovalDecision(
        reviewer: reviewer.name, person: reviewer.person, word: word, reason: reason, time: now()))
    if word == .deny {
      request.state = .denied
    } else if request.approvalCount >= request.quorum {
      request.state = .approved
    }
    kept[kept.firstIndex { $0.id == id }!] = request
    watchers.tell(request)
    return request
  }

  public nonisolated func changes() -> AsyncStream<ApprovalRequest> { watchers.watch() }

  private func expire() {
    for index in kept.indices where kept[index].state == .pending && kept[index].expires <= now() {
      kept[index].state = .expired
    }
  }
}
