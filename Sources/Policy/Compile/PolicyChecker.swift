/// Looks a definition over as a whole, and collects everything wrong with it.
///
/// It goes on after a problem, so that a person sees all of them at once; what depends on a part that is wrong
/// is left out, so that one mistake is reported once.
struct PolicyChecker {
  let definition: PolicyDefinition
  let limits: PolicyLimits
  var problems: [PolicyProblem] = []
  var warnings: [PolicyProblem] = []
  var policy = ResolvedPolicy()

  var serverNumbers: [String: Int] = [:]
  var knownPrincipals: [String: PrincipalDefinition] = [:]
  var knownGroups: Set<String> = []

  private init(_ definition: PolicyDefinition) {
    self.definition = definition
    self.limits = definition.limits
  }

  /// The definition, resolved, and what is odd about it but no error.
  static func check(
    _ definition: PolicyDefinition
  ) throws(PolicyError) -> (policy: ResolvedPolicy, warnings: [PolicyProblem]) {
    var checker = PolicyChecker(definition)
    checker.checkCounts()
    // Beyond a limit nothing else is looked at: the limits are there so that looking ends.
    try checker.throwIfAny()
    checker.checkServers()
    checker.checkPrincipals()
    checker.checkProfiles()
    checker.checkRules()
    checker.numberNames()
    // Reachability of rules is only meaningful once every name means something.
    try checker.throwIfAny()
    checker.checkReach()
    checker.checkShadows()
    try checker.throwIfAny()
    return (checker.policy, checker.warnings)
  }

  private func throwIfAny() throws(PolicyError) {
    if !problems.isEmpty { throw PolicyError(problems: problems) }
  }

  mutating func report(
    _ kind: PolicyProblem.Kind, _ subject: String, _ position: SourcePosition?, _ message: String
  ) {
    problems.append(
      PolicyProblem(kind: kind, subject: subject, position: position, message: message))
  }

  mutating func warn(
    _ kind: PolicyProblem.Kind, _ subject: String, _ position: SourcePosition?, _ message: String
  ) {
    warnings.append(
      PolicyProblem(kind: kind, subject: subject, position: position, message: message))
  }
}

// MARK: - Counts, names and references

extension PolicyChecker {
  private mutating func checkCounts() {
    func check(_ count: Int, _ most: Int, _ what: String, _ limit: String) {
      guard count > most else { return }
      report(
        .tooMany, "policy", nil,
        "\(count) \(what) are more than \(limit) = \(most). Merge some, or raise the limit.")
    }
    check(definition.servers.count, limits.serversMax, "servers", "serversMax")
    check(definition.principals.count, limits.principalsMax, "principals", "principalsMax")
    check(
      definition.profiles.count, min(limits.profilesMax, BoundedSet.capacity), "profiles",
      "profilesMax")
    check(definition.rules.count, limits.rulesMax, "rules", "rulesMax")
    check(
      definition.rules.count { !$0.masks.isEmpty }, min(limits.maskRulesMax, 256),
      "rules that mask", "maskRulesMax")
  }

  private mutating func checkServers() {
    for (number, server) in definition.servers.enumerated() {
      let subject = "server \"\(server.name)\""
      checkName(server.name, subject, server.position)
      if server.name == "*" || Glob.isGlob(server.name) {
        report(.invalidName, subject, server.position, "a server's name cannot hold * or ?.")
      }
      if serverNumbers.updateValue(number, forKey: server.name) != nil {
        report(.duplicateName, subject, server.position, "another server has this name already.")
      }
    }
    policy.servers = definition.servers.map(\.name)
  }

  private mutating func checkPrincipals() {
    for principal in definition.principals {
      let subject = "principal \"\(principal.name)\""
      checkName(principal.name, subject, principal.position)
      if knownPrincipals.updateValue(principal, forKey: principal.name) != nil {
        report(
          .duplicateName, subject, principal.position, "another principal has this name already.")
      }
      knownGroups.formUnion(principal.groups.map(\.text))
    }
    policy.principals = definition.principals
  }

  mutating func checkName(_ name: String, _ subject: String, _ position: SourcePosition?) {
    if name.isEmpty {
      report(.invalidName, subject, position, "the name is empty. Give it one.")
    } else if name.utf8.count > limits.nameBytesMax {
      report(
        .tooLong, subject, position,
        "the name is longer than nameBytesMax = \(limits.nameBytesMax) bytes.")
    } else if name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
      report(.invalidName, subject, position, "the name holds a control character.")
    }
  }

  /// Numbers of the servers that `names` mean; `*` means all of them.
  mutating func resolveServers(_ names: [PositionedText], for subject: String) -> [Int] {
    var numbers: Set<Int> = []
    for name in names {
      if name.text == "*" {
        numbers.formUnion(policy.servers.indices)
      } else if let number = serverNumbers[name.text] {
        numbers.insert(number)
      } else {
        let hint = Suggestion.among(policy.servers, for: name.text)
        report(
          .unknownServer, subject, name.position,
          "there is no server \"\(name.text)\". \(hint ?? "Define it under servers, or take it out.")"
        )
      }
    }
    return numbers.sorted()
  }

  mutating func checkPrincipalNames(_ names: [PositionedText], for subject: String) {
    for name in names where knownPrincipals[name.text] == nil && !definition.hasIdentityProvider {
      let hint = Suggestion.among(Array(knownPrincipals.keys), for: name.text)
      report(
        .unknownPrincipal, subject, name.position,
        "there is no principal \"\(name.text)\". \(hint ?? "Define it, or take it out.")")
    }
  }

  mutating func checkGroupNames(_ names: [PositionedText], for subject: String) {
    for name in names where !knownGroups.contains(name.text) && !definition.hasIdentityProvider {
      let hint = Suggestion.among(Array(knownGroups), for: name.text)
      report(
        .unknownGroup, subject, name.position,
        "nobody is in a group \"\(name.text)\", and no identity provider could put anybody there. "
          + (hint ?? "Add it to a principal's groups, or take it out."))
    }
  }

  /// Checks a list of names or URIs and globs.
  mutating func checkPatterns(
    _ patterns: [PositionedText], _ primitive: Primitive, _ subject: String
  ) {
    if patterns.count > limits.toolsPerListMax {
      report(
        .tooMany, subject, patterns.first?.position,
        "\(patterns.count) \(primitive.key) are more than toolsPerListMax = \(limits.toolsPerListMax). Use globs."
      )
    }
    for pattern in patterns {
      if pattern.text.isEmpty {
        report(
          .invalidPattern, subject, pattern.position,
          "an empty text matches no \(primitive).")
      } else if pattern.text.utf8.count > limits.nameBytesMax {
        report(
          .tooLong, subject, pattern.position,
          "\(primitive.phrase)'s pattern is longer than nameBytesMax = \(limits.nameBytesMax) bytes."
        )
      } else if primitive == .resource, !isPlain(pattern.text) {
        report(
          .invalidPattern, subject, pattern.position,
          "\"\(pattern.text)\" matches no URI that is let through: write it without . and .. segments, and "
            + "without percent-encoded letters, digits and -._~.")
      }
    }
  }

  private func isPlain(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    return unsafe ResourceURI.isPlain(bytes.span.bytes)
  }

  /// Gives every group and principal that a profile or rule names its number.
  private mutating func numberNames() {
    var groups: Set<String> = []
    var names: Set<String> = []
    for profile in policy.profiles {
      groups.formUnion(profile.groups)
      names.formUnion(profile.principals)
    }
    for rule in policy.rules {
      groups.formUnion(rule.groups ?? [])
      names.formUnion(rule.principals ?? [])
    }
    policy.groups = groups.sorted()
    policy.names = names.sorted()
    let most = min(limits.groupsMax, BoundedSet.capacity)
    if groups.count > most {
      report(
        .tooMany, "policy", nil,
        "profiles and rules name \(groups.count) groups, more than groupsMax = \(most). Merge some."
      )
    }
  }
}

/// "Did you mean": the known name a mistyped one is closest to.
enum Suggestion {
  static func among(_ names: [String], for name: String) -> String? {
    let most = max(1, name.count / 3)
    let best = names.sorted()
      .map { (name: $0, distance: distance($0, name)) }
      .filter { $0.distance <= most }
      .min { $0.distance < $1.distance }
    return best.map { "Did you mean \"\($0.name)\"?" }
  }

  /// The number of insertions, deletions and replacements between two texts (Levenshtein).
  private static func distance(_ left: String, _ right: String) -> Int {
    let right = Array(right)
    var row = Array(0...right.count)
    for (index, character) in left.enumerated() {
      var previous = row[0]
      row[0] = index + 1
      for column in right.indices {
        let replaced = previous + (right[column] == character ? 0 : 1)
        previous = row[column + 1]
        row[column + 1] = min(replaced, row[column] + 1, previous + 1)
      }
    }
    return row[right.count]
  }
}
