import Policy

/// The policy's semantics said as plainly as possible, over plain values: slow, obvious, and written without a look at
/// the compiled form. What `decide` answers has to agree with it.
struct ReferenceEvaluator {
  let definition: PolicyDefinition

  enum Truth { case yes, no, unknown }

  /// A JSON value, as far as the tests make them.
  indirect enum Value {
    case string(String)
    case integer(Int)
    case boolean(Bool)
    case null
    case object([(key: String, value: Value)])
    case array([Value])
  }

  func decide(
    _ principal: PrincipalDefinition, server: String, tool: String, arguments: Value?
  ) -> Outcome {
    let profiles = definition.profiles.filter { profile in
      profile.principals.contains { $0.text == principal.name }
        || profile.groups.contains { principal.groups.contains($0) }
    }
    let patterns = profiles.flatMap(\.allow)
      .filter { $0.server.text == server || $0.server.text == "*" }
      .flatMap(\.tools).map(\.text)
    if patterns.isEmpty { return .refused(.noProfile) }
    let known = knownNames(server)
    if !known.contains(tool), known.contains(where: { fold($0) == fold(tool) }) {
      return .refused(.toolNameFolds)
    }
    guard patterns.contains(where: { glob($0, tool) }) else { return .refused(.toolNotAllowed) }
    return applyRules(principal, server: server, tool: tool, arguments: arguments)
  }

  private func applyRules(
    _ principal: PrincipalDefinition, server: String, tool: String, arguments: Value?
  ) -> Outcome {
    var decision: Outcome?
    var masks: [Int] = []
    var mask = -1
    for rule in definition.rules {
      if !rule.masks.isEmpty { mask += 1 }
      let truth = matches(rule, principal, server, tool, arguments)
      if truth == .no { continue }
      if !rule.masks.isEmpty { masks.append(mask) }
      // A hold stands, unless a later rule blocks.
      if case .held = decision, rule.effect == .block {
        return .refused(truth == .yes ? .rule : .ruleUndecided, rule: rule.name)
      }
      guard decision == nil else { continue }
      switch rule.effect {
      case .requireApproval:
        decision = .held(rule: rule.name, isUndecided: truth == .unknown)
      case .allow where truth == .yes: decision = .allowed(rule: rule.name, masks: [])
      case .block where truth == .yes: decision = .refused(.rule, rule: rule.name)
      case .block: decision = .refused(.ruleUndecided, rule: rule.name)
      default: break
      }
    }
    switch decision {
    case .held(let rule, let isUndecided): return .held(rule: rule, isUndecided: isUndecided)
    case .refused(let reason, let rule): return .refused(reason, rule: rule)
    case .allowed(let rule, _): return .allowed(rule: rule, masks: masks)
    case nil: return .allowed(rule: nil, masks: masks)
    }
  }

  private func matches(
    _ rule: RuleDefinition, _ principal: PrincipalDefinition, _ server: String, _ tool: String,
    _ arguments: Value?
  ) -> Truth {
    let match = rule.match
    if let servers = match.servers, !servers.contains(where: { [server, "*"].contains($0.text) }) {
      return .no
    }
    if let names = match.principals, !names.contains(where: { $0.text == principal.name }) {
      return .no
    }
    if let groups = match.groups, !groups.contains(where: principal.groups.contains) { return .no }
    let isTool = match.tools.map { self.isTool(tool, $0.map(\.text)) } ?? .yes
    return and(
      [isTool]
        + match.arguments.flatMap { argument in
          argument.conditions.map { truth($0.condition, argument.path.text, arguments) }
        })
  }

  private func and(_ truths: [Truth]) -> Truth {
    truths.contains(.no) ? .no : truths.contains(.unknown) ? .unknown : .yes
  }

  private func or(_ truths: [Truth]) -> Truth {
    truths.contains(.yes) ? .yes : truths.contains(.unknown) ? .unknown : .no
  }

  // MARK: Tools

  private func knownNames(_ server: String) -> Set<String> {
    var names = definition.profiles.flatMap(\.allow)
      .filter { [server, "*"].contains($0.server.text) }
      .flatMap(\.tools).map(\.text)
    for rule in definition.rules {
      guard rule.match.servers?.contains(where: { [server, "*"].contains($0.text) }) != false
      else { continue }
      names += rule.match.tools?.map(\.text) ?? []
    }
    return Set(names.filter { !$0.contains("*") && !$0.contains("?") })
  }

  private func isTool(_ tool: String, _ patterns: [String]) -> Truth {
    or(
      patterns.map { pattern in
        if glob(pattern, tool) { return .yes }
        let isGlob = pattern.contains("*") || pattern.contains("?")
        return isGlob && glob(fold(pattern), fold(tool)) ? .unknown : .no
      })
  }

  private func glob(_ pattern: String, _ name: String) -> Bool {
    guard let first = pattern.first else { return name.isEmpty }
    let rest = String(pattern.dropFirst())
    if first == "*" {
      return glob(rest, name) || (!name.isEmpty && glob(pattern, String(name.dropFirst())))
    }
    guard let head = name.first, first == "?" || first == head else { return false }
    return glob(rest, String(name.dropFirst()))
  }

  /// The tests' names are ASCII: case and blanks around are all there is to fold.
  private func fold(_ name: String) -> String {
    var name = Substring(name.lowercased())
    while name.first == " " { name.removeFirst() }
    while name.last == " " { name.removeLast() }
    return String(name)
  }

  // MARK: Conditions

  private enum Argument {
    case absent
    case unreadable
    case value(Value)
  }

  private func argument(_ path: String, _ arguments: Value?) -> Argument {
    var here = arguments ?? .object([])
    if case .null = here { here = .object([]) }
    for key in path.split(separator: ".").map(String.init) {
      guard case .object(let members) = here else { return .unreadable }
      if members.contains(where: { $0.key != key && fold($0.key) == fold(key) }) {
        return .unreadable
      }
      guard let member = members.first(where: { $0.key == key }) else { return .absent }
      here = member.value
    }
    return .value(here)
  }

  private func truth(_ condition: ArgumentCondition, _ path: String, _ arguments: Value?) -> Truth {
    let value: Value
    switch argument(path, arguments) {
    case .absent: return .no
    case .unreadable: return .unknown
    case .value(let found): value = found
    }
    switch condition {
    case .equals(let scalar): return equals(scalar, value)
    case .oneOf(let scalars): return or(scalars.map { equals($0, value) })
    case .prefix(let text): return onText(value) { $0.hasPrefix(text) }
    case .suffix(let text): return onText(value) { $0.hasSuffix(text) }
    // The tests' patterns are words: found when contained.
    case .regex(let word): return onText(value) { $0.contains(word) }
    case .greaterThan(let bound): return onNumber(value) { $0 > integer(bound) }
    case .atLeast(let bound): return onNumber(value) { $0 >= integer(bound) }
    case .lessThan(let bound): return onNumber(value) { $0 < integer(bound) }
    case .atMost(let bound): return onNumber(value) { $0 <= integer(bound) }
    }
  }

  private func integer(_ literal: NumberLiteral) -> Int { Int(literal.text) ?? 0 }

  private func onText(_ value: Value, _ holds: (String) -> Bool) -> Truth {
    guard case .string(let text) = value else { return .unknown }
    return holds(text) ? .yes : .no
  }

  private func onNumber(_ value: Value, _ holds: (Int) -> Bool) -> Truth {
    guard case .integer(let number) = value else { return .unknown }
    return holds(number) ? .yes : .no
  }

  private func equals(_ scalar: ScalarDefinition, _ value: Value) -> Truth {
    switch (scalar, value) {
    case (.string(let left), .string(let right)): left == right ? .yes : .no
    case (.number(let left), .integer(let right)): integer(left) == right ? .yes : .no
    case (.boolean(let left), .boolean(let right)): left == right ? .yes : .no
    case (.null, .null): .yes
    case (.null, _): .no
    default: .unknown
    }
  }
}

// MARK: - Values as JSON, with escapes where they make no difference

extension ReferenceEvaluator.Value {
  func json(_ random: inout SplitMix) -> String {
    switch self {
    case .string(let text): return Self.quote(text, &random)
    case .integer(let number): return "\(number)"
    case .boolean(let flag): return "\(flag)"
    case .null: return "null"
    case .object(let members):
      var parts: [String] = []
      for member in members {
        parts.append(Self.quote(member.key, &random) + ":" + member.value.json(&random))
      }
      return "{" + parts.joined(separator: ", ") + "}"
    case .array(let elements):
      var parts: [String] = []
      for element in elements { parts.append(element.json(&random)) }
      return "[" + parts.joined(separator: ",") + "]"
    }
  }

  static func quote(_ text: String, _ random: inout SplitMix) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      if random.next() % 8 == 0 {
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      } else {
        quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
