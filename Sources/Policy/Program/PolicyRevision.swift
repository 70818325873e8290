/// A digest of a definition's meaning: the first eight bytes of the SHA-256 of a canonical form, as sixteen
/// hexadecimal digits.
///
/// The canonical form writes every text with its length in front, so that no two definitions share one, leaves out
/// positions, and sorts what has no order: servers, principals, profiles, names in lists. Rules keep theirs.
struct PolicyRevision {
  private var bytes: [UInt8] = []

  static func digits(of definition: PolicyDefinition) -> [UInt8] {
    var revision = PolicyRevision()
    revision.add(definition)
    return revision.digits()
  }

  private func digits() -> [UInt8] {
    let hexadecimal = Array("0123456789abcdef".utf8)
    return SHA256.digest(of: bytes).prefix(8).flatMap {
      [hexadecimal[Int($0 >> 4)], hexadecimal[Int($0 & 15)]]
    }
  }

  private mutating func add(_ text: String) {
    add(count: text.utf8.count)
    bytes += text.utf8
  }

  private mutating func add(count: Int) {
    for shift in stride(from: 0, to: 64, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: Int64(count) >> Int64(shift)))
    }
  }

  private mutating func add<Element>(
    _ list: [Element], _ write: (inout PolicyRevision, Element) -> Void
  ) {
    add(count: list.count)
    for element in list { write(&self, element) }
  }

  private mutating func add(sorted names: [PositionedText]?) {
    guard let names else { return add(count: -1) }
    add(Set(names.map(\.text)).sorted()) { $0.add($1) }
  }

  private mutating func add(_ key: String, sorted names: [PositionedText]) {
    add(key)
    add(sorted: names)
  }

  private mutating func add(_ definition: PolicyDefinition) {
    add("sluice policy 1")
    add(definition.servers.map(\.name).sorted()) { $0.add($1) }
    add(definition.principals.sorted { $0.name < $1.name }) { revision, principal in
      revision.add(principal.name)
      revision.add(count: Int(principal.kind.rawValue))
      revision.add(sorted: principal.groups)
    }
    add(definition.profiles.sorted { $0.name < $1.name }) { revision, profile in
      revision.add(profile.name)
      revision.add(sorted: profile.groups)
      revision.add(sorted: profile.principals)
      revision.add(profile.allow.sorted { $0.server.text < $1.server.text }) { revision, grant in
        revision.add(grant.server.text)
        revision.add(sorted: grant.tools)
        // Only there when the definition says so: the revisions of policies about tools alone stay what they were.
        if !grant.resources.isEmpty { revision.add("resources", sorted: grant.resources) }
        if !grant.prompts.isEmpty { revision.add("prompts", sorted: grant.prompts) }
      }
    }
    add(definition.rules) { $0.add($1) }
    add(count: definition.hasIdentityProvider ? 1 : 0)
    add(limitsOfCalls: definition.limits)
  }

  /// The limits that change what a call is answered.
  private mutating func add(limitsOfCalls limits: PolicyLimits) {
    add(count: limits.toolNameBytesMax)
    let usual = PolicyLimits().resourceURIBytesMax
    if limits.resourceURIBytesMax != usual { add(count: limits.resourceURIBytesMax) }
    add(count: limits.valueBytesMax)
    add(count: limits.membersMax)
  }

  private mutating func add(_ rule: RuleDefinition) {
    add(rule.name)
    add(rule.effect.rawValue)
    add(rule.message.map { [$0] } ?? []) { $0.add($1) }
    add(sorted: rule.match.servers)
    add(sorted: rule.match.tools)
    if let resources = rule.match.resources { add("resources", sorted: resources) }
    if let prompts = rule.match.prompts { add("prompts", sorted: prompts) }
    add(sorted: rule.match.principals)
    add(sorted: rule.match.groups)
    add(rule.match.arguments.sorted { $0.path.text < $1.path.text }) { revision, argument in
      revision.add(argument.path.text)
      revision.add(argument.conditions) { $0.add($1.condition) }
    }
    // Only there when the effect says so: the revisions of policies without approvals stay what they were.
    if let approval = rule.approval {
      add(sorted: approval.reviewers)
      add(count: approval.quorum)
      add(count: approval.expiresMilliseconds)
      add(approval.message.map { [$0] } ?? []) { $0.add($1) }
    }
    add(rule.masks) { revision, mask in
      revision.add(sorted: mask.fields)
      revision.add(count: Int(mask.treatment.rawValue))
    }
  }

  private mutating func add(_ condition: ArgumentCondition) {
    switch condition {
    case .equals(let value): add("one_of", [value])
    case .oneOf(let values): add("one_of", values)
    case .prefix(let text): add("prefix", [.string(text)])
    case .suffix(let text): add("suffix", [.string(text)])
    case .regex(let text): add("regex", [.string(text)])
    case .greaterThan(let number): add("greater_than", [.number(number)])
    case .atLeast(let number): add("at_least", [.number(number)])
    case .lessThan(let number): add("less_than", [.number(number)])
    case .atMost(let number): add("at_most", [.number(number)])
    }
  }

  private mutating func add(_ name: String, _ values: [ScalarDefinition]) {
    add(name)
    add(values) { revision, value in
      switch value {
      case .string(let text): revision.add("s" + text)
      case .number(let number): revision.add("n" + number.text)
      case .boolean(let flag): revision.add(flag ? "true" : "false")
      case .null: revision.add("null")
      }
    }
  }
}
