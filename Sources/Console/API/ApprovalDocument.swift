public import Approvals
public import Foundation

/// An approval as the admin API gives it.
public struct ApprovalDocument: Codable, Sendable, Equatable {
  public var id: String
  public var state: ApprovalState
  public var principal: String
  /// Those of the principal's groups that the policy speaks of.
  public var groups: [String]
  public var server: String
  public var tool: String
  /// Canonical JSON (RFC 8785) as a text, because that text is what the digest covers.
  public var arguments: String
  public var digest: String
  public var rule: String
  public var message: String
  public var policyRevision: String
  public var reference: String
  public var reviewerGroups: [String]
  public var quorum: Int
  public var approvals: Int
  public var created: Date
  public var expires: Date
  public var decisions: [Decision]
  /// Whether whoever asked may decide it now.
  public var canDecide: Bool

  public struct Decision: Codable, Sendable, Equatable {
    public var reviewer: String
    public var decision: ApprovalDecision.Word
    public var reason: String
    public var time: Date
  }

  init(_ request: ApprovalRequest, for viewer: Viewer, now: Date) {
    id = request.id
    state = request.state(at: now)
    principal = request.principal
    groups = request.groups
    server = request.server
    tool = request.tool
    arguments = request.arguments
    digest = request.digest
    rule = request.rule
    message = request.message
    policyRevision = request.policyRevision
    reference = request.reference
    reviewerGroups = request.reviewerGroups
    quorum = request.quorum
    approvals = request.approvalCount
    created = request.created
    expires = request.expires
    decisions = request.decisions.map {
      Decision(reviewer: $0.reviewer, decision: $0.word, reason: $0.reason, time: $0.time)
    }
    canDecide =
      state == .pending && !request.isAsked(by: viewer.reviewer) && viewer.reviews(request)
      && !request.isDecided(by: viewer.reviewer)
  }
}

/// A list of them, the newest first.
public struct ApprovalList: Codable, Sendable, Equatable {
  public var approvals: [ApprovalDocument]
  /// Whether there are older ones that the answer does not hold.
  public var isCut: Bool
}

/// What is sent to decide.
public struct DecisionDocument: Codable, Sendable, Equatable {
  public var decision: String
  public var reason: String?

  public init(decision: ApprovalDecision.Word, reason: String) {
    self.decision = decision.rawValue
    self.reason = reason
  }
}
