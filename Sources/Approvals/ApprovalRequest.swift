public import Foundation

/// One call that waits, or waited, for a human: exactly this call, once.
public struct ApprovalRequest: Sendable, Codable, Identifiable, Equatable {
  /// "apr_" and 26 characters; appears in answers, records and the console.
  public var id: String
  /// SHA-256 over principal, server, tool, canonical arguments (RFC 8785) and policy revision: what was approved is what
  /// runs. Hexadecimal.
  public var digest: String
  public var principal: String
  public var server: String
  public var tool: String
  /// The arguments as canonical JSON (RFC 8785): what the reviewer sees is what the digest covers.
  public var arguments: String
  /// The rule that asks, and what it says to reviewers.
  public var rule: String
  public var message: String
  /// Sixteen hexadecimal digits.
  public var policyRevision: String
  /// The reference id of the call that asked first, for finding its record.
  public var reference: String
  /// Whoever is in one of these groups may decide, except the principal itself.
  public var reviewerGroups: [String]
  /// How many different reviewers must approve.
  public var quorum: Int
  public var created: Date
  /// After this moment nothing of it counts any more.
  public var expires: Date
  public var state: ApprovalState
  public var decisions: [ApprovalDecision]

  public init(
    id: String, digest: String, principal: String, server: String, tool: String, arguments: String,
    rule: String, message: String, policyRevision: String, reference: String,
    reviewerGroups: [String], quorum: Int, created: Date, expires: Date,
    state: ApprovalState = .pending, decisions: [ApprovalDecision] = []
  ) {
    self.id = id
    self.digest = digest
    self.principal = principal
    self.server = server
    self.tool = tool
    self.arguments = arguments
    self.rule = rule
    self.message = message
    self.policyRevision = policyRevision
    self.reference = reference
    self.reviewerGroups = reviewerGroups
    self.quorum = quorum
    self.created = created
    self.expires = expires
    self.state = state
    self.decisions = decisions
  }
}

/// Where an approval is. `expired` is not `denied`: nobody said no.
public enum ApprovalState: String, Sendable, Codable, CaseIterable {
  case pending
  /// The quorum is reached; the call may run once, until it expires.
  case approved
  case denied
  case expired
  /// The approved call was sent to its server.
  case consumed
  /// The agent gave up, or the policy changed, before anybody decided.
  case cancelled
}

/// One reviewer's word.
public struct ApprovalDecision: Sendable, Codable, Equatable {
  public enum Word: String, Sendable, Codable { case approve, deny }

  public var reviewer: String
  public var word: Word
  public var reason: String
  public var time: Date

  public init(reviewer: String, word: Word, reason: String, time: Date) {
    self.reviewer = reviewer
    self.word = word
    self.reason = reason
    self.time = time
  }
}

/// A person (or program) that decides, as its own login says: never as the agent's call says.
public struct Reviewer: Sendable, Equatable {
  public var name: String
  public var groups: Set<String>

  public init(name: String, groups: Set<String>) {
    self.name = name
    self.groups = groups
  }
}

/// Why a decision was not taken.
public enum ApprovalError: Error, Sendable, Equatable {
  case notFound
  /// None of the reviewer's groups may decide this.
  case notAReviewer
  /// Whoever asks does not decide.
  case selfApproval
  /// The same reviewer has decided already; a quorum counts people.
  case alreadyDecidedByYou
  /// It is no longer pending.
  case notPending(ApprovalState)
  /// The store failed; nothing was decided.
  case store(String)
}

/// What the console, the admin API and the command line use: the approvals of this gateway, wherever they are kept.
public protocol ApprovalService: Sendable {
  /// The newest first; `states` empty for all.
  func requests(states: Set<ApprovalState>, limit: Int) async throws(ApprovalError)
    -> [ApprovalRequest]
  func request(_ id: String) async throws(ApprovalError) -> ApprovalRequest
  /// Takes one reviewer's word and returns the request as it is afterwards.
  func decide(
    _ id: String, _ word: ApprovalDecision.Word, by reviewer: Reviewer, reason: String
  ) async throws(ApprovalError) -> ApprovalRequest
  /// Every change from now on, for live views. Ends when the stream is dropped.
  func changes() -> AsyncStream<ApprovalRequest>
}
