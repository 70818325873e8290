/// A call that the policy lets through only after a human has approved exactly it.
///
/// Only `PolicyProgram.decide` makes one, and it cannot be copied. The one way from here to a `Permit` is
/// `PolicyProgram.permit(for:grant:)`, which uses up the hold and a consumed grant for the same call.
public struct Hold: ~Copyable, Sendable {
  let call: PermittedCall
  /// The rule that asks for the approval.
  public let rule: RuleID
  /// Whether the rule could not be evaluated on this call's arguments, which counts as a match.
  public let isUndecided: Bool
}

/// SHA-256 over everything that makes a call this call: who, where, which tool, with which arguments, under which policy.
public struct CallDigest: BitwiseCopyable, Sendable, Equatable {
  /// The digest's 32 bytes, as four words in the order of memory.
  public var words: (UInt64, UInt64, UInt64, UInt64)

  @inlinable
  public init() { words = (0, 0, 0, 0) }

  @inlinable
  public init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

  @inlinable
  public static func == (left: CallDigest, right: CallDigest) -> Bool {
    (left.words.0 ^ right.words.0) | (left.words.1 ^ right.words.1)
      | (left.words.2 ^ right.words.2) | (left.words.3 ^ right.words.3) == 0
  }
}

/// The proof that an approval of one call was used up for it, in the store and for good.
///
/// Made in one place, where the worker hears from the store that it consumed the grant (`package`: nothing outside Sluice can
/// make one); spent by `PolicyProgram.permit(for:grant:)`.
public struct ConsumedGrant: ~Copyable, Sendable {
  let digest: CallDigest

  package init(digest: CallDigest) {
    self.digest = digest
  }
}

extension PolicyProgram {
  /// Turns a hold into a permit, with a grant that was consumed for it.
  /// - Parameter digest: the digest of the held call, made from the bytes that were judged.
  /// - Returns: nil when the grant is for another call; hold and grant are used up all the same.
  public func permit(
    for hold: consuming Hold, digest: CallDigest, grant: consuming ConsumedGrant
  ) -> Permit? {
    guard grant.digest == digest else { return nil }
    return Permit(call: hold.call)
  }

  /// What a held call's approval needs.
  public func approvalTerms(_ rule: RuleID) -> ApprovalTerms? {
    let row = tables.rules[Int(rule.index)]
    return row.approval == CompiledRule.noApproval ? nil : tables.approvals[Int(row.approval)]
  }

  /// The groups whose members may decide, in UTF-8, one a line.
  @_lifetime(borrow self)
  public func reviewers(_ terms: ApprovalTerms) -> RawSpan {
    let table = tables.text
    return unsafe _overrideLifetime(table.bytes(terms.reviewers), borrowing: self)
  }

  /// What reviewers are told, in UTF-8; empty for nothing.
  @_lifetime(borrow self)
  public func reviewMessage(_ terms: ApprovalTerms) -> RawSpan {
    let table = tables.text
    return unsafe _overrideLifetime(table.bytes(terms.message), borrowing: self)
  }
}

/// What a rule with effect `require_approval` asks for.
public struct ApprovalTerms: BitwiseCopyable, Sendable {
  let reviewers: TextRange
  let message: TextRange
  /// How many different reviewers must approve.
  public let quorum: UInt32
  /// How long the approval, asked for or given, is worth something, in milliseconds from the first identical call.
  public let expiresMilliseconds: UInt64
}
