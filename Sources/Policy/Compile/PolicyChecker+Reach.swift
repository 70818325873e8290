/// Rules that could never take effect: the silence that a start-up error is better than.
extension PolicyChecker {
  /// Whether any call that some profile allows could ever reach each rule.
  mutating func checkReach() {
    let allowed = AllowedTools(policy)
    for rule in policy.rules {
      let tools = definition.rules[rule.number].match.tools ?? []
      var reaches = tools.isEmpty && allowed.isAnything(on: rule.servers)
      for tool in tools {
        if allowed.contains(tool.text, on: rule.servers) {
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
      if reaches { checkCallers(of: rule, allowed) }
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

  /// Whether somebody the rule is for may call what it is about. Only asked when everybody it could be for is known:
  /// an identity provider may send anybody.
  private mutating func checkCallers(of rule: ResolvedRule, _ allowed: AllowedTools) {
    guard rule.principals != nil || rule.groups != nil else { return }
    if definition.hasIdentityProvider {
      guard let names = rule.principals, names.allSatisfy({ knownPrincipals[$0] != nil }) else {
        return
      }
    }
    let names = rule.principals.map(Set.init)
    let groups = rule.groups.map(Set.init)
    let callers = definition.principals.filter { principal in
      names?.contains(principal.name) != false
        && (groups.map { groups in principal.groups.contains { groups.contains($0.text) } } ?? true)
    }
    // Profiles are few, callers may be many: each profile is looked at once.
    let reaches = policy.profiles.indices.contains { number in
      let profile = policy.profiles[number]
      return callers.contains { has($0, profile) }
        && (rule.tools ?? ["*"]).contains { allowed.contains($0, on: rule.servers, by: number) }
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

/// What profiles allow, by server: all of them together, and each of them.
private struct AllowedTools {
  private var onServer: [Int: ToolPatterns] = [:]
  private var ofProfile: [[Int: ToolPatterns]] = []

  init(_ policy: ResolvedPolicy) {
    for profile in policy.profiles {
      var own: [Int: ToolPatterns] = [:]
      for grant in profile.grants {
        for tool in grant.tools {
          own[grant.server, default: ToolPatterns()].insert(tool)
          onServer[grant.server, default: ToolPatterns()].insert(tool)
        }
      }
      ofProfile.append(own)
    }
  }

  func isAnything(on servers: [Int]) -> Bool {
    servers.contains { onServer[$0] != nil }
  }

  func contains(_ tool: String, on servers: [Int]) -> Bool {
    servers.contains { onServer[$0]?.meets(tool) == true }
  }

  func contains(_ tool: String, on servers: [Int], by profile: Int) -> Bool {
    servers.contains { ofProfile[profile][$0]?.meets(tool) == true }
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
    // What a human could approve, a later rule can still block.
    if earlier.effect == .requireApproval && later.effect == .block { return false }
    return includes(earlier.servers, later.servers)
      && includes(earlier.principals, later.principals)
      && includes(earlier.groups, later.groups) && includesTools(earlier.tools, later.tools)
  }

  /// Whether all of `inner` is in `outer`. Most pairs of rules part at the first name.
  private func includes<Name: Equatable>(_ outer: [Name]?, _ inner: [Name]?) -> Bool {
    guard let outer else { return true }
    guard let inner else { return false }
    return inner.allSatisfy(outer.contains)
  }

  private func includesTools(_ outer: [String]?, _ inner: [String]?) -> Bool {
    guard let outer else { return true }
    guard let inner else { return outer.contains("*") }
    return inner.allSatisfy { tool in outer.contains { Glob.covers($0, tool) } }
  }
}
