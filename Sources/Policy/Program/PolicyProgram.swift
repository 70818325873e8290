/// The policy, checked and compiled: immutable, shared by every worker, read without a lock.
public final class PolicyProgram: Sendable {
  /// Checks `definition` as a whole and compiles it.
  ///
  /// - Throws: every problem found, not only the first. A rule that could never take effect is a problem.
  public init(definition: PolicyDefinition) throws(PolicyError) {
    throw PolicyError(problems: [])
  }

  /// Sixteen hexadecimal digits that stand for the definition: the same meaning, the same digits.
  public var revision: RawSpan {
    @_lifetime(borrow self)
    get { fatalError() }
  }

  /// The principal at `index` of the definition's `principals`.
  public func principal(at index: Int) -> Principal { fatalError() }

  /// A principal the definition does not list, as an identity provider vouches for it.
  public func makePrincipal(
    kind: PrincipalKind, name: String, groups: [String]
  ) -> Principal { fatalError() }

  /// Judges one call.
  public func decide(
    principal: borrowing Principal,
    server: ServerID,
    call: PolicyCall,
    index: borrowing JSONIndex,
    bytes: RawSpan,
    scratch: inout PolicyScratch
  ) -> Verdict { fatalError() }

  /// Whether the principal may call a tool with this unescaped name, with some arguments at least.
  public func mayList(
    tool name: RawSpan, principal: borrowing Principal, server: ServerID,
    scratch: inout PolicyScratch
  ) -> Bool { fatalError() }

  /// The mask rules for what arrives outside any call: all that could concern this principal on this server.
  public func masksOutsideCalls(
    principal: borrowing Principal, server: ServerID
  ) -> MaskRuleSet { fatalError() }

  /// The name of a rule, in UTF-8.
  @_lifetime(borrow self)
  public func ruleName(_ rule: RuleID) -> RawSpan { fatalError() }

  /// What a blocking rule tells the caller, in UTF-8; nil when the definition gives it no words of its own.
  @_lifetime(borrow self)
  public func ruleMessage(_ rule: RuleID) -> RawSpan? { fatalError() }

  /// How often a rule has matched since the program was loaded, over all workers.
  public func hits(_ rule: RuleID) -> UInt64 { fatalError() }
}

/// One worker's working memory for decisions with one program.
public struct PolicyScratch: ~Copyable {
  public init(for program: PolicyProgram) { fatalError() }
}
