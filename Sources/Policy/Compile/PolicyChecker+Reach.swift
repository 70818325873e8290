/// Rules that could never take effect: the silence that a start-up error is better than.
extension PolicyChecker {
  /// Whether any call that some profile allows could ever reach each rule.
  mutating func checkReach() {
    let allowed = AllowedNames(policy)
    for rule in policy.rules {
      var reaches = !rule.isAboutSome && allowed.isAnything(on: rule.servers)
      for primitive in Primitive.allCases {
        for pattern in rule.definition.match[primitive] ?? [] {
          if allowed.contains(pattern.text, primitive, on: rule.servers) {
            reaches = true
          } else {
            reportUnreachable(pattern, primitive, rule)
          }
        }
      }
      if !rule.isAboutSome && !reaches {
        report(
          .neverMatches, rule.subject, rule.definition.position,
          "no profile allows anything on \(serverList(rule)), so the rule can never apply. "
            + "Allow something there, or take the rule out.")
      }
      if reaches { checkCallers(of: rule, allowed) }
    }
  }

  private mutating func reportUnreachable(
    _ pattern: PositionedText, _ primitive: Primitive, _ rule: ResolvedRule
  ) {
    let known = Set(policy.profiles.flatMap(\.grants).flatMap { $0[primitive] })
      .filter { !Glob.isGlob($0) }
    let hint = Suggestion.among(Array(known), for: pattern.text)
    report(
      .neverMatches, rule.subject, pattern.position ?? rule.definition.position,
      "no profile allows \(primitive.phrase) \"\(pattern.text)\" on \(serverList(rule)), so no call with it ever gets to "
        + "the rules. \(hint ?? "Correct the name, or allow it in a profile.")")
  }

  private func serverList(_ rule: ResolvedRule) -> String {
    if rule.servers.count > 4 { return "any of its \(rule.servers.count) servers" }
    return rule.servers.map { "\"\(policy.servers[$0])\"" }.joined(separator: ", ")
  }

  /// Whether somebody the rule is for may call what it is about. Only asked when everybody it could be for is known:
  /// an identity provider may send anybody.
  private mutating func checkCallers(of rule: ResolvedRule, _ allowed: AllowedNames) {
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
        && allowed.reaches(rule, by: number)
    }
    guard !reaches else { return }
    report(
      .neverMatches, rule.subject, rule.definition.position,
      callers.isEmpty
        ? "none of its principals is in any of its groups, so the rule can never apply. Keep one of the lists."
        : "no profile allows its principals anything it is about on \(serverList(rule)), so the rule can never apply."
    )
  }

  private func has(_ principal: PrincipalDefinition, _ profile: ResolvedProfile) -> Bool {
    profile.principals.contains(principal.name)
      || principal.groups.contains { profile.groups.contains($0.text) }
  }
}

/// What profiles allow, by server: all of them together, and each of them.
private struct AllowedNames {
  private struct Key: Hashable {
    var server: Int
    var primitive: Primitive
  }

  private var onServer: [Key: NamePatterns] = [:]
  private var ofProfile: [[Key: NamePatterns]] = []

  init(_ policy: ResolvedPolicy) {
    for profile in policy.profiles {
      var own: [Key: NamePatterns] = [:]
      for grant in profile.grants {
        for primitive in Primitive.allCases {
          let key = Key(server: grant.server, primitive: primitive)
          for pattern in grant[primitive] {
            own[key, default: NamePatterns()].insert(pattern)
            onServer[key, default: NamePatterns()].insert(pattern)
          }
        }
      }
      ofProfile.append(own)
    }
  }

  func isAnything(on servers: [Int]) -> Bool {
    servers.contains { server in
      Primitive.allCases.contains { onServer[Key(server: server, primitive: $0)] != nil }
    }
  }

  func contains(_ pattern: String, _ primitive: Primitive, on servers: [Int]) -> Bool {
    servers.contains { onServer[Key(server: $0, primitive: primitive)]?.meets(pattern) == true }
  }

  /// Whether the profile allows anything that the rule is about.
  func reaches(_ rule: ResolvedRule, by profile: Int) -> Bool {
    rule.servers.contains { server in
      Primitive.allCases.contains { primitive in
        guard let patterns = ofProfile[profile][Key(server: server, primitive: primitive)] else {
          return false
        }
        return switch rule.reach(primitive) {
        case .none: false
        case .all: true
        case .those(let list): list.contains { patterns.meets($0) }
        }
      }
    }
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
      && includes(earlier.groups, later.groups)
      && Primitive.allCases.allSatisfy { includes(earlier.reach($0), later.reach($0)) }
  }

  /// Whether all of `inner` is in `outer`. Most pairs of rules part at the first name.
  private func includes<Name: Equatable>(_ outer: [Name]?, _ inner: [Name]?) -> Bool {
    guard let outer else { return true }
    guard let inner else { return false }
    return inner.allSatisfy(outer.contains)
  }

  private func includes(_ outer: RuleReach, _ inner: RuleReach) -> Bool {
    switch (outer, inner) {
    case (.all, _), (_, .none): true
    case (.none, _): false
    case (.those(let outer), .all): outer.contains("*")
    case (.those(let outer), .those(let inner)):
      inner.allSatisfy { pattern in outer.contains { Glob.covers($0, pattern) } }
    }
  }
}
