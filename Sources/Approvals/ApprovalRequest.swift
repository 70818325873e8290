public import Foundation

/// One call that waits, or waited, for a human: exactly this call, once. What is asked is in `call`, and can be read and
/// written as if it stood here.
@dynamicMemberLookup
public struct ApprovalRequest: Sendable, Identifiable, Equatable {
  /// "apr_" and 26 characters; appears in answers, records and the console.
  public var id: String
  public var call: ApprovalCall
  public var created: Date
  /// After this moment nothing of it counts any more.
  public var expires: Date
  public var state: ApprovalState
  public var decisions: [ApprovalDecision]

  public init(
    id: String, call: ApprovalCall, created: Date, expires: Date, state: ApprovalState = .pending,
    decisions: [ApprovalDecision] = []
  ) {
    self.id = id
    self.call = call
    self.created = created
    self.expires = expires
    self.state = state
    self.decisions = decisions
  }

  public subscript<Value>(dynamicMember member: WritableKeyPath<ApprovalCall, Value>) -> Value {
    get { call[keyPath: member] }
    set { call[keyPath: member] = newValue }
  }

  /// The approvals so far, of which there must be `quorum`.
  public var approvalCount: Int { decisions.count { $0.word == .approve } }

  /// Whether a reviewer is who asks: nobody decides on their own call.
  ///
  /// One person is told from another by `person`, not by what they are called: whoever shares a name with somebody at another
  /// provider is somebody else. The name counts only within the provider that gave it (`Reviewer.principal`), because some
  /// providers give one person another subject for each client (OpenID Connect Core 1.0 section 8, pairwise).
  public func isAsked(by reviewer: Reviewer) -> Bool {
    if reviewer.person == call.person { return true }
    return reviewer.principal.map { $0.lowercased() == call.principal.lowercased() } ?? false
  }

  /// Whether a reviewer has had their say.
  public func isDecided(by reviewer: Reviewer) -> Bool {
    decisions.contains { $0.person == reviewer.person }
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
public struct ApprovalDecision: Sendable, Equatable {
  public enum Word: String, Sendable, Codable { case approve, deny }

  /// What the reviewer is called.
  public var reviewer: String
  /// Who the reviewer is: see `Reviewer.person`.
  public var person: String
  public var word: Word
  public var reason: String
  public var time: Date

  public init(reviewer: String, person: String, word: Word, reason: String, time: Date) {
    self.reviewer = reviewer
    self.person = person
    self.word = word
    self.reason = reason
    self.time = time
  }
}

/// A person (or program) that decides, as its own login says: never as the agent's call says.
public struct Reviewer: Sendable, Equatable {
  /// What people call them, and records.
  public var name: String
  public var groups: Set<String>
  /// What tells them from everybody else and stays when they are renamed: `Person`.
  public var person: String
  /// What a call of theirs would name as its principal, such as `corp/ada`; nil for who cannot call.
  public var principal: String?

  public init(name: String, groups: Set<String>, person: String, principal: String? = nil) {
    self.name = name
    self.groups = groups
    self.person = person
    self.principal = principal
  }
}

/// How those who ask and those who decide are told apart: texts that are equal for one and the same only.
public enum Person {
  /// Somebody with a token of an identity provider.
  /// - Parameter digest: SHA-256 over the issuer and the subject, in hexadecimal digits.
  public static func subject(_ digest: String) -> String { "subject/" + digest }

  /// A program with an API key: a service account, or one of the console's own.
  public static func account(_ name: String) -> String { "account/" + name }

  /// The administrator with a password.
  public static func localAdmin(_ name: String) -> String { "local-admin/" + name }
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
