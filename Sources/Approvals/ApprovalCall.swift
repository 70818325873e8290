public import Foundation

/// A held call, as the data path describes it: what a request for approval is made of.
public struct ApprovalCall: Sendable, Equatable {
  /// See `ApprovalRequest.digest`.
  public var digest: String
  public var principal: String
  public var server: String
  public var tool: String
  /// Canonical JSON: exactly what the digest covers.
  public var arguments: String
  public var rule: String
  /// What the rule tells reviewers.
  public var message: String
  public var policyRevision: String
  public var reference: String
  public var reviewerGroups: [String]
  public var quorum: Int
  /// Seconds from now on after which nothing of it counts any more.
  public var lifetime: TimeInterval

  public init(
    digest: String, principal: String, server: String, tool: String, arguments: String,
    rule: String, message: String, policyRevision: String, reference: String,
    reviewerGroups: [String], quorum: Int, lifetime: TimeInterval
  ) {
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
