/// The policy, checked and compiled: immutable, shared by every worker, read without a lock.
///
/// What the rules mean is in <doc:Rules>; how the tables hang together, at `PolicyTables`.
public final class PolicyProgram: Sendable {
  /// The masks of all rules, for the masker: bit n of a `MaskRuleSet` is `maskRule(n)`.
  public let maskProgram: MaskProgram
  /// What is odd about the definition, but no error: a profile for a group that nobody is in.
  public let warnings: [PolicyProblem]

  let tables: PolicyTables
  let limits: PolicyLimits
  let regexWordCount: Int
  let hitCounters: HitCounters
  private let principals: PrincipalMaker
  private let maskRules: [RuleID]
  private let revisionDigits: FlatTable<UInt8>

  /// Checks `definition` as a whole and compiles it. Takes milliseconds, most of them for regular expressions.
  ///
  /// - Throws: every problem found, not only the first. A rule that could never take effect is a problem.
  public init(definition: PolicyDefinition) throws(PolicyError) {
    let (policy, warnings) = try PolicyChecker.check(definition)
    let compiled = try PolicyEmitter.emit(policy, definition.limits)
    do throws(MaskError) {
      maskProgram = try MaskProgram(fields: compiled.maskFields)
    } catch {
      throw PolicyError(problems: [PolicyProgram.problem(error, compiled.maskRules, policy)])
    }
    self.warnings = warnings
    limits = definition.limits
    regexWordCount = compiled.regexWordCount
    hitCounters = HitCounters(count: policy.rules.count)
    principals = compiled.maker
    maskRules = compiled.maskRules
    tables = compiled.tables
    revisionDigits = FlatTable(PolicyRevision.digits(of: definition))
  }

  /// What the masker refuses, told of the rule and not of its number among the masks.
  private static func problem(
    _ error: MaskError, _ maskRules: [RuleID], _ policy: ResolvedPolicy
  ) -> PolicyProblem {
    let number: Int? =
      switch error {
      case .emptyPath(let rule), .emptyName(let rule), .pathTooLong(let rule, _),
        .ruleOutOfRange(let rule):
        rule
      case .tooManyFields: nil
      }
    let rule = number.map { policy.rules[Int(maskRules[$0].index)] }
    return PolicyProblem(
      kind: .invalidMask, subject: rule?.subject ?? "policy", position: rule?.definition.position,
      message: "\(error).")
  }

  deinit {
    revisionDigits.free()
  }
}

// MARK: - Principals

extension PolicyProgram {
  /// How many principals the definition lists.
  public var principalCount: Int { tables.principals.count }

  /// The principal at `index` of the definition's `principals`. Costs a copy: may be called for every call.
  public func principal(at index: Int) -> Principal {
    tables.principals[index]
  }

  /// A principal the definition does not list, as an identity provider vouches for it. Groups that the policy does not
  /// mention make no difference. Allocates: once per login, not per call.
  public func makePrincipal(kind: PrincipalKind, name: String, groups: [String]) -> Principal {
    principals.makeOutsider(kind: kind, name: name, groups: groups)
  }
}

// MARK: - Names, for answers and records

extension PolicyProgram {
  /// Sixteen hexadecimal digits that stand for the definition: the same meaning, the same digits, in every
  /// process and on every machine.
  public var revision: RawSpan {
    @_lifetime(borrow self)
    get {
      let span = revisionDigits.bytes(TextRange(offset: 0, count: 16))
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  public var ruleCount: Int { tables.rules.count }

  /// The name of a rule, in UTF-8.
  @_lifetime(borrow self)
  public func ruleName(_ rule: RuleID) -> RawSpan {
    text(tables.ruleNames[Int(rule.index)])
  }

  /// What a blocking rule tells the caller, in UTF-8; nil when the definition gives it no words of its own.
  @_lifetime(borrow self)
  public func ruleMessage(_ rule: RuleID) -> RawSpan? {
    let range = tables.ruleMessages[Int(rule.index)]
    return range.count == 0 ? nil : text(range)
  }

  /// Those of a principal's groups that the policy mentions, in UTF-8, one after the other. Groups it does not mention make no
  /// difference to it, and are not kept.
  public func forEachGroup(of principal: Principal, _ body: (RawSpan) -> Void) {
    for number in 0..<tables.groupNames.count where principal.groups.contains(number) {
      body(text(tables.groupNames[number]))
    }
  }

  @_lifetime(borrow self)
  private func text(_ range: TextRange) -> RawSpan {
    let table = tables.text
    let span = table.bytes(range)
    return unsafe _overrideLifetime(span, borrowing: self)
  }

  /// The rule behind a bit of a `MaskRuleSet`.
  public func maskRule(_ number: Int) -> RuleID { maskRules[number] }

  /// How often a rule has had a say since the program was loaded, over all workers: it decided a call, or it matched one
  /// and has a mask. A rule that stays at zero under load is worth a look.
  public func hits(_ rule: RuleID) -> UInt64 {
    hitCounters.sum(Int(rule.index))
  }
}
