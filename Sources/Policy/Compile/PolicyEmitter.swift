/// Writes a checked policy down as flat tables.
struct PolicyEmitter {
  let policy: ResolvedPolicy
  let limits: PolicyLimits
  var problems: [PolicyProblem] = []

  var text = TextPool()
  var servers: [ServerRow] = []
  var nameSlots: [NameSlot] = []
  var foldSlots: [NameSlot] = []
  var rows: [NameRow] = []
  var grants: [NameGrant] = []
  var entries: [RuleEntry] = []
  var rules: [CompiledRule] = []
  var ruleNames: [TextRange] = []
  var ruleMessages: [TextRange] = []
  var approvals: [ApprovalTerms] = []
  var patterns: [CompiledPattern] = []
  var patternNumbers: [[UInt8]: UInt32] = [:]
  var numbers: [UInt32] = []
  var conditions: [CompiledCondition] = []
  var scalars: [CompiledScalar] = []
  var constants: [NumberConstant] = []
  var paths: [CompiledPath] = []
  var pathNumbers: [[[UInt8]]: Int] = [:]
  var components: [PathComponent] = []

  /// The regular expressions over each path, in the order of their bits.
  var regexes: [[String]] = []
  var regexSets: [RegexSet] = []
  var regexWordCount = 0

  var groupNumbers: [String: Int] = [:]
  var groupNames: [TextRange] = []
  var nameNumbers: [String: Int] = [:]
  /// The rule of each mask number.
  var maskRules: [RuleID] = []
  var maskFields: [MaskField] = []

  init(_ policy: ResolvedPolicy, _ limits: PolicyLimits) {
    self.policy = policy
    self.limits = limits
    for (number, group) in policy.groups.enumerated() {
      groupNumbers[group] = number
      groupNames.append(text.insert(group))
    }
    for (number, name) in policy.names.enumerated() { nameNumbers[name] = number }
  }

  /// The compiled policy. Only what cannot be known before it is built can still go wrong.
  static func emit(
    _ policy: ResolvedPolicy, _ limits: PolicyLimits
  ) throws(PolicyError) -> CompiledPolicy {
    var emitter = PolicyEmitter(policy, limits)
    for rule in policy.rules { emitter.emit(rule) }
    emitter.compileRegexes()
    for server in policy.servers.indices { emitter.emitServer(server) }
    guard emitter.problems.isEmpty else {
      for set in emitter.regexSets { set.free() }
      throw PolicyError(problems: emitter.problems)
    }
    return emitter.finish()
  }

  private func finish() -> CompiledPolicy {
    let maker = PrincipalMaker(policy: policy, groupNumbers: groupNumbers, nameNumbers: nameNumbers)
    let tables = PolicyTables(
      text: FlatTable(text.bytes), servers: FlatTable(servers), nameSlots: FlatTable(nameSlots),
      foldSlots: FlatTable(foldSlots), rows: FlatTable(rows), grants: FlatTable(grants),
      entries: FlatTable(entries), rules: FlatTable(rules), ruleNames: FlatTable(ruleNames),
      ruleMessages: FlatTable(ruleMessages), approvals: FlatTable(approvals),
      patterns: FlatTable(patterns),
      numbers: FlatTable(numbers), conditions: FlatTable(conditions), scalars: FlatTable(scalars),
      constants: FlatTable(constants), paths: FlatTable(paths), components: FlatTable(components),
      principals: FlatTable(maker.makeKnown()), groupNames: FlatTable(groupNames),
      regexSets: FlatTable(regexSets))
    return CompiledPolicy(
      tables: tables, regexWordCount: regexWordCount, maker: maker, maskRules: maskRules,
      maskFields: maskFields)
  }
}

/// What compilation hands to the program.
struct CompiledPolicy: ~Copyable {
  var tables: PolicyTables
  var regexWordCount: Int
  var maker: PrincipalMaker
  var maskRules: [RuleID]
  var maskFields: [MaskField]
}

// MARK: - Rules

extension PolicyEmitter {
  private mutating func emit(_ rule: ResolvedRule) {
    ruleNames.append(text.insert(rule.definition.name))
    ruleMessages.append(text.insert(rule.definition.message ?? ""))
    var mask = CompiledRule.noMask
    if !rule.masks.isEmpty {
      mask = UInt16(maskRules.count)
      maskRules.append(RuleID(index: UInt32(rule.number)))
      for field in rule.masks {
        maskFields.append(
          MaskField(path: field.path, treatment: field.treatment, rule: Int(mask)))
      }
    }
    let effect: CompiledRule.Effect =
      switch rule.effect {
      case .allow: .allow
      case .mask: .mask
      case .requireApproval: .hold
      case .block: .block
      }
    let compiled = CompiledRule(
      effect: effect,
      serverWide: !rule.isAboutSome && rule.conditions.isEmpty,
      mask: mask,
      approval: emitApproval(rule.definition),
      patterns: [
        emitPatterns(rule.reach(.tool).listed), emitPatterns(rule.reach(.prompt).listed),
        emitPatterns(rule.reach(.resource).listed),
      ],
      principals: emitNumbers((rule.principals ?? []).compactMap { nameNumbers[$0] }),
      groups: emitNumbers((rule.groups ?? []).compactMap { groupNumbers[$0] }),
      conditions: emitConditions(rule.conditions))
    rules.append(compiled)
  }

  private mutating func emitApproval(_ rule: RuleDefinition) -> UInt16 {
    guard rule.effect == .requireApproval, let approval = rule.approval else {
      return CompiledRule.noApproval
    }
    approvals.append(
      ApprovalTerms(
        reviewers: text.insert(
          Set(approval.reviewers.map(\.text)).sorted().joined(separator: "\n")),
        message: text.insert(approval.message ?? ""), quorum: UInt32(approval.quorum),
        expiresMilliseconds: UInt64(approval.expiresMilliseconds)))
    return UInt16(approvals.count - 1)
  }

  private mutating func emitNumbers(_ list: [Int]) -> TableRange {
    let first = UInt32(numbers.count)
    numbers += Set(list).sorted().map { UInt32($0) }
    return TableRange(first: first, count: UInt32(numbers.count) - first)
  }

  /// The globs among `listed`, next to each other, for the names that no table knows.
  private mutating func emitPatterns(_ listed: [String]) -> TableRange {
    let first = UInt32(patterns.count)
    for pattern in listed where Glob.isGlob(pattern) {
      patterns.append(compilePattern(pattern))
    }
    return TableRange(first: first, count: UInt32(patterns.count) - first)
  }

  mutating func compilePattern(_ pattern: String) -> CompiledPattern {
    CompiledPattern(text: text.insert(pattern), folded: text.insert(NameFold.fold(pattern)))
  }
}
