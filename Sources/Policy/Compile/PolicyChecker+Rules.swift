extension PolicyChecker {
  mutating func checkRules() {
    var seen: Set<String> = []
    for (number, rule) in definition.rules.enumerated() {
      let subject = "rule \"\(rule.name)\""
      checkName(rule.name, subject, rule.position)
      if !seen.insert(rule.name).inserted {
        report(.duplicateName, subject, rule.position, "another rule has this name already.")
      }
      checkEffect(rule, subject)
      checkMatch(rule, subject)
      policy.rules.append(
        ResolvedRule(
          number: number, definition: rule,
          servers: resolveServers(rule.match.servers ?? ["*"], for: subject),
          principals: rule.match.principals?.map(\.text),
          groups: rule.match.groups?.map(\.text),
          conditions: resolveConditions(rule, subject),
          masks: resolveMasks(rule, subject)))
    }
  }

  private mutating func checkEffect(_ rule: RuleDefinition, _ subject: String) {
    switch rule.effect {
    case .requireApproval:
      checkApproval(rule, subject)
    case .mask where rule.masks.isEmpty:
      report(
        .maskWithoutFields, subject, rule.position,
        "it masks nothing. List fields under mask, or give it another effect.")
    case .block where !rule.masks.isEmpty:
      report(
        .maskOnBlock, subject, rule.position,
        "a blocked call has no answer to mask. Take the mask out, or make it a rule of its own.")
    case .mask, .block, .allow:
      break
    }
    if rule.approval != nil && rule.effect != .requireApproval {
      report(
        .approvalWithoutHold, subject, rule.approval?.position ?? rule.position,
        "only a rule with effect require_approval holds calls, so its approval never takes effect. "
          + "Change the effect, or take the approval out.")
    }
    guard let message = rule.message else { return }
    if message.utf8.count > limits.textBytesMax {
      report(
        .tooLong, subject, rule.position,
        "the message is longer than textBytesMax = \(limits.textBytesMax) bytes.")
    }
    if rule.effect == .allow || rule.effect == .mask {
      warn(.neverMatches, subject, rule.position, "its message is never shown: it does not block.")
    }
  }

  /// Who approves, how many of them, and until when: an approval that could never be given is an error.
  private mutating func checkApproval(_ rule: RuleDefinition, _ subject: String) {
    guard let approval = rule.approval else {
      return report(
        .approvalMissing, subject, rule.position,
        "nobody could approve its calls. Add approval: { reviewers: [a group] }, or write effect: block."
      )
    }
    let position = approval.position ?? rule.position
    if rule.match.tools == nil, rule.match.resources != nil || rule.match.prompts != nil {
      report(
        .approvalWithoutHold, subject, rule.position,
        "only calls of tools can be held for an approval. Block resources and prompts, or list tools."
      )
    }
    if approval.reviewers.isEmpty {
      report(
        .invalidApproval, subject, position,
        "approval.reviewers is empty, so nobody could approve its calls. Name a group.")
    } else if approval.reviewers.count > limits.reviewersMax {
      report(
        .invalidApproval, subject, position,
        "\(approval.reviewers.count) groups of reviewers are more than reviewersMax = \(limits.reviewersMax)."
      )
    }
    for group in approval.reviewers { checkName(group.text, subject, group.position ?? position) }
    if !(1...limits.quorumMax).contains(approval.quorum) {
      report(
        .invalidApproval, subject, position,
        "a quorum of \(approval.quorum) cannot be reached. Ask for 1 to \(limits.quorumMax) reviewers."
      )
    }
    if !(1...limits.approvalMillisecondsMax).contains(approval.expiresMilliseconds) {
      report(
        .invalidApproval, subject, position,
        "approval.expires is out of range: more than nothing, and at most thirty days.")
    }
    if let message = approval.message, message.utf8.count > limits.textBytesMax {
      report(
        .tooLong, subject, position,
        "approval.message is longer than textBytesMax = \(limits.textBytesMax) bytes.")
    }
  }

  private mutating func checkMatch(_ rule: RuleDefinition, _ subject: String) {
    let lists: [(name: String, list: [PositionedText]?)] = [
      ("servers", rule.match.servers), ("tools", rule.match.tools),
      ("resources", rule.match.resources), ("prompts", rule.match.prompts),
      ("principals", rule.match.principals), ("groups", rule.match.groups),
    ]
    for (name, list) in lists where list?.isEmpty == true {
      report(
        .emptyList, subject, rule.position,
        "match.\(name) is empty, so the rule can never apply. Fill it, or take it out.")
    }
    for primitive in Primitive.allCases {
      checkPatterns(rule.match[primitive] ?? [], primitive, subject)
    }
    if rule.match.resources != nil, rule.match.tools == nil, rule.match.prompts == nil,
      let argument = rule.match.arguments.first
    {
      report(
        .neverMatches, subject, argument.path.position ?? rule.position,
        "a resource is read without arguments, so the rule can never apply. Take match.arguments out."
      )
    }
    checkPrincipalNames(rule.match.principals ?? [], for: subject)
    checkGroupNames(rule.match.groups ?? [], for: subject)
  }

  private mutating func resolveMasks(_ rule: RuleDefinition, _ subject: String) -> [ResolvedMask] {
    var masks: [ResolvedMask] = []
    for mask in rule.masks {
      if mask.fields.isEmpty {
        report(
          .maskWithoutFields, subject, mask.position ?? rule.position,
          "a mask has no fields. List the names or paths to mask.")
      }
      for field in mask.fields {
        if let path = checkPath(field, subject) {
          masks.append(ResolvedMask(path: path, treatment: mask.treatment))
        }
      }
    }
    return masks
  }

  /// The keys of a path; nil when something is wrong with it, which is then reported.
  mutating func checkPath(_ path: PositionedText, _ subject: String) -> [String]? {
    guard let keys = KeyPath.keys(of: path.text) else {
      report(
        .invalidPath, subject, path.position,
        "\"\(path.text)\" is no path. Join keys with single dots; write a dot inside a key as \\. ."
      )
      return nil
    }
    if keys.count > limits.pathDepthMax {
      report(
        .tooMany, subject, path.position,
        "\"\(path.text)\" has \(keys.count) keys, more than pathDepthMax = \(limits.pathDepthMax).")
      return nil
    }
    if keys.contains(where: { $0.utf8.count > limits.nameBytesMax }) {
      report(
        .tooLong, subject, path.position,
        "a key of \"\(path.text)\" is longer than nameBytesMax = \(limits.nameBytesMax) bytes.")
      return nil
    }
    return keys
  }
}
