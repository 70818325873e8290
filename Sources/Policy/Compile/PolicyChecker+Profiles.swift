extension PolicyChecker {
  mutating func checkProfiles() {
    var seen: Set<String> = []
    for profile in definition.profiles {
      let subject = "profile \"\(profile.name)\""
      checkName(profile.name, subject, profile.position)
      if !seen.insert(profile.name).inserted {
        report(.duplicateName, subject, profile.position, "another profile has this name already.")
      }
      if profile.groups.isEmpty && profile.principals.isEmpty {
        report(
          .uselessProfile, subject, profile.position,
          "nobody has it. Give it groups, or the names of service accounts.")
      }
      if profile.allow.isEmpty {
        report(
          .uselessProfile, subject, profile.position,
          "it allows nothing. List servers and their tools, resources or prompts under allow.")
      }
      checkPrincipalNames(profile.principals, for: subject)
      warnOfEmptyGroups(profile, subject)
      policy.profiles.append(
        ResolvedProfile(
          name: profile.name, groups: profile.groups.map(\.text),
          principals: profile.principals.map(\.text), grants: resolveGrants(profile, subject)))
    }
  }

  /// A profile for a group that nobody is in yet grants nothing: odd, but on the safe side.
  private mutating func warnOfEmptyGroups(_ profile: ProfileDefinition, _ subject: String) {
    guard !definition.hasIdentityProvider else { return }
    for group in profile.groups where !knownGroups.contains(group.text) {
      let hint = Suggestion.among(Array(knownGroups), for: group.text)
      warn(
        .unknownGroup, subject, group.position,
        "nobody is in the group \"\(group.text)\". \(hint ?? "")")
    }
  }

  private mutating func resolveGrants(
    _ profile: ProfileDefinition, _ subject: String
  ) -> [ResolvedGrant] {
    var grants: [ResolvedGrant] = []
    for grant in profile.allow {
      if Primitive.allCases.allSatisfy({ grant[$0].isEmpty }) {
        report(
          .emptyList, subject, grant.position ?? grant.server.position,
          "it allows nothing of \"\(grant.server.text)\". List tools, resources or prompts, or write \"*\" for all of them."
        )
      }
      for primitive in Primitive.allCases { checkPatterns(grant[primitive], primitive, subject) }
      for server in resolveServers([grant.server], for: subject) {
        grants.append(ResolvedGrant(server: server, definition: grant))
      }
    }
    return grants
  }
}
