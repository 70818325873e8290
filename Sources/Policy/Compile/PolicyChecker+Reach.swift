/// Rules that could never take effect: the silence that a start-up error is better than.
extension PolicyChecker {
  /// Whether any call that some profile allows could ever reach each rule.
  mutating func checkReach() {
    for rule in policy.rules {
      let tools = definition.rules[rule.number].match.tools ?? []
      var reaches = tools.isEmpty && isAnythingAllowed(on: rule.servers)
      for tool in tools {
        if isAllowed(tool.text, on: rule.servers) {
          reaches = true
        } else {
          reportUnreachable(tool, rule)
        }
      }
      if tools.isEmpty && !reaches {
        report(
          .neverMatches, rule.subject, rule.definition.position,
          "no profile allows anything on \(serverList(rule)), so the rule can never apply. "
            + "Allow something there, or take the rule out.")
      }
      if reaches { checkCallers(of: rule) }
    }
  }

  private mutating func reportUnreachable(_ tool: PositionedText, _ rule: ResolvedRule) {
    let known = Set(policy.profiles.flatMap(\.grants).flatMap(\.tools)).filter { !Glob.isGlob($0) }
    let hint = Suggestion.among(Array(known), for: tool.text)
    report(
      .neverMatches, rule.subject, tool.position ?? rule.definition.position,
      "no profile allows a tool \"\(tool.text)\" on \(serverList(rule)), so no call with it ever gets to "
        + "the rules. \(hint ?? "Correct the name, or allow it in a profile.")")
  }

  private func serverList(_ rule: ResolvedRule) -> String {
    if rule.servers.count > 4 { return "any of its \(rule.servers.count) servers" }
    return rule.servers.map { "\"\(policy.servers[$0])\"" }.joined(separator: ", ")
  }

  private func isAnythingAllowed(on servers: [Int]) -> Bool {
    policy.profiles.contains { $0.grants.contains { servers.contains($0.server) } }
  }

  private func isAllowed(_ tool: String, on servers: [Int]) -> Bool {
    policy.profiles.contains { isAllowed(tool, on: servers, by: $0) }
  }

  private func isAllowed(_ tool: String, on servers: [Int], by profile: ResolvedProfile) -> Bool {
    profile.grants.contains { grant in
      servers.contains(grant.server) && grant.tools.contains { Glob.intersect($0, tool) }
    }
  }

  /// Whether somebody the rule is for may call what it is about. Only asked when everybody it could be for is known:
  /// an identity provider may send anybody.
  private mutating func checkCallers(of rule: ResolvedRule) {
    guard rule.principals != nil || rule.groups != nil else { return }
    if definition.hasIdentityProvider {
      guard let names = rule.principals, names.allSatisfy({ knownPrincipals[$0] != nil }) else {
        return
      }
    }
    let callers = definition.principals.filter { principal in
      let groups = principal.groups.map(\.text)
      return rule.principals?.contains(principal.name) != false
        && rule.groups.map { !$0.filter(groups.contains).isEmpty } != false
    }
    let reaches = callers.contains { caller in
      policy.profiles.contains { profile in
        has(caller, profile)
          && (rule.tools ?? ["*"]).contains { isAllowed($0, on: rule.servers, by: profile) }
      }
    }
    guard !reaches else { return }
    report(
      .neverMatches, rule.subject, rule.definition.position,
      callers.isEmpty
        ? "none of its principals is in any of its groups, so the rule can never apply. Keep one of the lists."
        : "no profile allows its principals any of its tools on \(serverList(rule)), so the rule can never apply."
    )
  }

  private func has(_ principal: PrincipalDefinition, _ profile: ResolvedProfile) -> Bool {
    profile.principals.contains(principal.name)
      || principal.groups.contains { profile.groups.contains($0.text) }
  }
}

// MARK: - Shadows

extension PolicyChecker {
  /// Rules that an earlier one without conditions leaves nothing to. Says nothing when in doubt.
  mutating func checkShadows() {
    var decisive: [(rule: ResolvedRule, afterAllow: Bool)] = []
    var allowSeen = false
    for rule in policy.rules {
      if let shadow = decisive.first(where: { leavesNothing($0.rule, $0.afterAllow, to: rule) }) {
        report(
          .shadowedRule, rule.subject, rule.definition.position,
          "\(shadow.rule.subject) above it has no conditions and decides every call this rule is for, so it "
            + "never takes effect. Move it up, narrow the other, or take one out.")
      }
      if rule.isUnconditional { decisive.append((rule, allowSeen)) }
      if rule.effect == .allow { allowSeen = true }
    }
  }

  /// Whether `earlier` decides every call that `later` is for, and nothing of `later` is left: a mask still applies to
  /// what is allowed, whoever allows it.
  private func leavesNothing(
    _ earlier: ResolvedRule, _ afterAllow: Bool, to later: ResolvedRule
  ) -> Bool {
    if !later.masks.isEmpty && (earlier.effect != .block || afterAllow) { return false }
    return includes(earlier.servers, later.servers)
      && includes(earlier.principals, later.principals)
      && includes(earlier.groups, later.groups) && includesTools(earlier.tools, later.tools)
  }

  private func includes<Name: Hashable>(_ outer: [Name]?, _ inner: [Name]?) -> Bool {
    guard let outer else { return true }
    guard let inner else { return false }
    return Set(inner).isSubset(of: outer)
  }

  private func includesTools(_ outer: [String]?, _ inner: [String]?) -> Bool {
    guard let outer else { return true }
    guard let inner else { return outer.contains("*") }
    return inner.allSatisfy { tool in outer.contains { Glob.covers($0, tool) } }
  }
}
