internal import Approvals
internal import Foundation

extension ApprovalRequest {
  /// What it is, though nobody may have noted yet that its time is over.
  func state(at now: Date) -> ApprovalState {
    state == .pending && expires <= now ? .expired : state
  }
}

/// One approval as a page shows it.
struct ApprovalView {
  var id: String
  var link: String
  var server: String
  var tool: String
  var principal: String
  var principalGroups: String?
  var rule: String
  var ruleMessage: String?
  var policyRevision: String
  var reference: String
  /// Where the call stands in its session; nil while it waits, since there is no record of it yet, and for who may see none.
  var recordLink: String?
  var digest: String
  var reviewers: String
  var quorum: Int
  var approvalCount: Int
  var quorumText: String
  var created: TimeText
  var expires: TimeText
  var state: String
  var stateLabel: String
  var isPending: Bool
  var decisions: [DecisionView]
  var hasDecisions: Bool
  var arguments: ArgumentsView
  /// The arguments are too long for a list of approvals: the card says so and leads to the approval's own page.
  var tooLongText: String?
  var decide: DecideView?
  /// Why the viewer cannot decide, while others can.
  var cannotDecide: String?

  struct DecisionView {
    var reviewer: String
    var word: String
    var isApproval: Bool
    var reason: String?
    var time: TimeText
  }

  struct DecideView {
    var action: String
    var token: String
    var fieldID: String
    var reasonHint: String
    var reason: String
    var problem: String?
  }

  init(_ request: ApprovalRequest, now: Date) {
    id = request.id
    link = "/approvals/" + PercentEncoding.encoded(request.id)
    server = request.server
    tool = request.tool
    principal = request.principal
    principalGroups = request.groups.isEmpty ? nil : request.groups.joined(separator: ", ")
    rule = request.rule
    ruleMessage = request.message.isEmpty ? nil : request.message
    policyRevision = request.policyRevision
    reference = request.reference
    digest = request.digest
    reviewers = request.reviewerGroups.joined(separator: ", ")
    quorum = request.quorum
    approvalCount = request.approvalCount
    quorumText = "\(approvalCount) of \(request.quorum)"
    created = TimeText(request.created, now: now)
    expires = TimeText(request.expires, now: now)
    let state = request.state(at: now)
    self.state = state.rawValue
    stateLabel = ApprovalView.label(state)
    isPending = state == .pending
    decisions = request.decisions.map { decision in
      DecisionView(
        reviewer: decision.reviewer, word: decision.word == .approve ? "approved" : "denied",
        isApproval: decision.word == .approve,
        reason: decision.reason.isEmpty ? nil : decision.reason,
        time: TimeText(decision.time, now: now))
    }
    hasDecisions = !request.decisions.isEmpty
    arguments = ArgumentsView(request.arguments)
  }

  static func label(_ state: ApprovalState) -> String {
    switch state {
    case .pending: "waiting"
    case .approved: "approved"
    case .denied: "denied"
    case .expired: "expired"
    case .consumed: "approved and run"
    case .cancelled: "withdrawn"
    }
  }

  /// Adds the form, or why there is none.
  mutating func offerDecision(
    to viewer: Viewer, on request: ApprovalRequest, token: String, needsReason: Bool
  ) {
    guard isPending else { return }
    if request.isAsked(by: viewer.reviewer) {
      cannotDecide = "You asked for this call yourself, so somebody else must decide it."
    } else if !viewer.reviews(request) {
      cannotDecide = "Only members of \(reviewers) decide this."
    } else if request.isDecided(by: viewer.reviewer) {
      cannotDecide = "You have decided. It takes \(quorum) people."
    } else {
      decide = DecideView(
        action: link, token: token, fieldID: "reason-\(request.id)",
        reasonHint: needsReason ? "needed" : "needed to deny", reason: "", problem: nil)
    }
  }
}

/// The list of approvals.
struct ApprovalsView {
  var heading: String
  var isHistory: Bool
  var cards: [ApprovalView]
  var isEmpty: Bool
  var countText: String
  /// The gateway has no store for approvals.
  var hasNoStore: Bool
  /// Said when there are more than one page holds.
  var more: String?
}
