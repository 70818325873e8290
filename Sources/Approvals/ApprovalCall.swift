public import Foundation

/// A held call: what is asked of reviewers, as the data path describes it.
public struct ApprovalCall: Sendable, Equatable {
  /// SHA-256 over principal, person, server, tool, canonical arguments (RFC 8785) and policy revision: what was approved is
  /// what runs. Hexadecimal.
  public var digest: String
  public var principal: String
  /// Who the principal is, whatever it is called: see `Person`.
  public var person: String
  /// Those of the principal's groups that the policy speaks of, as they were when it asked.
  public var groups: [String]
  public var server: String
  public var tool: String
  /// The arguments as canonical JSON: what the reviewer sees is what the digest covers.
  public var arguments: String
  /// The rule that asks.
  public var rule: String
  /// What the rule tells reviewers.
  public var message: String
  /// Sixteen hexadecimal digits.
  public var policyRevision: String
  /// The reference id of the call that asked first, for finding its record.
  public var reference: String
  /// Whoever is in one of these groups may decide, except who asks.
  public var reviewerGroups: [String]
  /// How many different reviewers must approve.
  public var quorum: Int

  public init(
    digest: String, principal: String, person: String, groups: [String] = [], server: String,
    tool: String, arguments: String, rule: String, message: String, policyRevision: String,
    reference: String, reviewerGroups: [String], quorum: Int
  ) {
    self.digest = digest
    self.principal = principal
    self.person = person
    self.groups = groups
    self.server = server
    self.tool = tool
    self.arguments = arguments
    self.rule = rule
    self.message = message
    self.policyRevision = policyRevision
    self.reference = reference
    self.reviewerGroups = reviewerGroups
    self.quorum = quorum
  }
}

/// A held call that is to be put before reviewers.
public struct ApprovalQuestion: Sendable, Equatable {
  public var call: ApprovalCall
  /// Seconds from now on after which nothing of it counts any more.
  public var lifetime: TimeInterval

  public init(_ call: ApprovalCall, lifetime: TimeInterval) {
    self.call = call
    self.lifetime = lifetime
  }
}

/// Why a held call was not put before reviewers.
public enum ApprovalAdmissionError: Error, Sendable, Equatable {
  /// `ApprovalLimits.pendingMax` requests wait already.
  case tooManyPending
  /// `ApprovalLimits.pendingPerPrincipalMax` requests of this principal wait already.
  case tooManyPendingOfPrincipal
  /// The store failed; nothing was kept.
  case store(String)
}

/// How many requests there may be, and for how long they are kept.
public struct ApprovalLimits: Sendable, Equatable {
  /// Requests that wait at once, over all principals.
  public var pendingMax = 10_000
  /// Requests of one principal that wait at once.
  public var pendingPerPrincipalMax = 100
  /// Seconds for which decided, expired and cancelled requests are kept.
  public var retention: TimeInterval = 30 * 86_400
  /// Characters of a reviewer's reason that are kept.
  public var reasonCharactersMax = 2000

  public init() {}
}

/// How many approvals there are.
public struct ApprovalTally: Sendable, Equatable {
  public var counts: [ApprovalState: Int]
  /// When the oldest of those that wait was asked; nil when none does.
  public var oldestPending: Date?

  public init(counts: [ApprovalState: Int] = [:], oldestPending: Date? = nil) {
    self.counts = counts
    self.oldestPending = oldestPending
  }
}

/// Names one request for approval: "apr_" and 26 digits of Crockford's base 32, of which the first ten are the time in
/// milliseconds and the rest is random. Ordered by time, and not to be guessed.
enum ApprovalID {
  private static let digits = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

  static func make(at time: Date) -> String {
    var random = SystemRandomNumberGenerator()
    var milliseconds = UInt64(max(0, time.timeIntervalSince1970 * 1000))
    var text = [UInt8](repeating: 0, count: 26)
    for place in stride(from: 9, through: 0, by: -1) {
      text[place] = digits[Int(milliseconds & 31)]
      milliseconds >>= 5
    }
    for place in 10..<26 { text[place] = digits[Int(random.next(upperBound: 32 as UInt64))] }
    return "apr_" + String(decoding: text, as: UTF8.self)
  }
}
