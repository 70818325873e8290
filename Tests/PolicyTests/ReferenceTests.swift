import Policy
import Testing

/// Random policies and random calls: the compiled program and the reference evaluator have to agree on every one.
struct ReferenceTests {
  private typealias Value = ReferenceEvaluator.Value

  /// A source of definitions and calls over a small vocabulary, so that they meet often.
  private struct Source {
    var random: SplitMix

    mutating func pick<Element>(_ list: [Element]) -> Element {
      list[Int(random.next() % UInt64(list.count))]
    }

    mutating func chance(_ percent: UInt64) -> Bool { random.next() % 100 < percent }

    mutating func some<Element>(_ list: [Element], _ most: Int) -> [Element] {
      var picked: [Element] = []
      for _ in 0...Int(random.next() % UInt64(most)) { picked.append(pick(list)) }
      return picked
    }

    static let servers = ["s1", "s2", "s3"]
    static let groups: [PositionedText] = ["g1", "g2", "g3"]
    static let names = ["p1", "p2", "p3", "p4"]
    static let patterns: [PositionedText] = [
      "get", "list", "set", "Get", "get_*", "*", "l?st", "*_x", "*e*", "set_a",
    ]
    static let tools = [
      "get", "Get", "GET", "list", "lost", "set", "set_a", "get_x", "GET_x", " get", "e", "zzz",
    ]
    static let keys = ["a", "b", "A", "B", "c"]
    static let words = ["x", "xy", "yx", "y", "xyz", ""]

    mutating func definition() -> PolicyDefinition {
      var definition = PolicyDefinition(
        servers: Source.servers.map { ServerDefinition(name: $0) },
        principals: [])
      for name in Source.names {
        definition.principals.append(
          PrincipalDefinition(name: name, groups: chance(80) ? some(Source.groups, 2) : []))
      }
      for number in 0..<3 {
        var profile = ProfileDefinition(name: "f\(number)", groups: some(Source.groups, 2))
        if chance(30) { profile.principals = [PositionedText(pick(Source.names))] }
        for _ in 0...Int(random.next() % 3) {
          profile.allow.append(
            GrantDefinition(
              server: PositionedText(pick(Source.servers + ["*"])), tools: some(Source.patterns, 3))
          )
        }
        definition.profiles.append(profile)
      }
      for number in 0..<Int(random.next() % 7) { definition.rules.append(rule(number)) }
      return definition
    }

    private mutating func rule(_ number: Int) -> RuleDefinition {
      var match = MatchDefinition()
      if chance(40) { match.servers = some(Source.servers + ["*"], 2).map { PositionedText($0) } }
      if chance(60) { match.tools = some(Source.patterns, 3) }
      if chance(25) { match.principals = some(Source.names, 2).map { PositionedText($0) } }
      if chance(25) { match.groups = some(Source.groups, 2) }
      if chance(80) {
        for path in some(["a", "b", "c.a", "c.b"], 2) {
          var conditions: [ConditionDefinition] = []
          for _ in 0...Int(random.next() % 2) {
            conditions.append(ConditionDefinition(condition()))
          }
          match.arguments.append(
            ArgumentDefinition(path: PositionedText(path), conditions: conditions))
        }
      }
      let effect = pick([RuleEffect.allow, .block, .mask, .requireApproval])
      var rule = RuleDefinition(name: "r\(number)", match: match, effect: effect)
      if effect == .requireApproval { rule.approval = ApprovalDefinition(reviewers: ["g1"]) }
      if effect == .mask || (effect == .allow && chance(30)) {
        rule.masks = [MaskDefinition(fields: ["email"], treatment: .redact)]
      }
      return rule
    }

    private mutating func condition() -> ArgumentCondition {
      let number = NumberLiteral("\(Int(random.next() % 5) - 2)")
      switch random.next() % 9 {
      case 0: return .equals(scalar())
      case 1: return .oneOf([scalar(), scalar(), scalar()])
      case 2: return .prefix(pick(["x", "y", "xy"]))
      case 3: return .suffix(pick(["x", "y", "xy"]))
      case 4: return .regex(pick(["x", "y", "xy", "yx", "z"]))
      case 5: return .greaterThan(number)
      case 6: return .atLeast(number)
      case 7: return .lessThan(number)
      default: return .atMost(number)
      }
    }

    private mutating func scalar() -> ScalarDefinition {
      switch random.next() % 6 {
      case 0...2: .string(pick(Source.words))
      case 3: .number(NumberLiteral("\(Int(random.next() % 5) - 2)"))
      case 4: .boolean(chance(50))
      default: .null
      }
    }

    mutating func arguments() -> Value? {
      switch random.next() % 12 {
      case 0: nil
      case 1: pick([Value.null, .array([]), .string("x"), .integer(1)])
      default: object(depth: 0)
      }
    }

    private mutating func object(depth: Int) -> Value {
      var members: [(key: String, value: Value)] = []
      for key in Source.keys where chance(key == key.lowercased() ? 60 : 8) {
        members.append((key, value(depth)))
      }
      return .object(members.shuffled(using: &random))
    }

    private mutating func value(_ depth: Int) -> Value {
      switch random.next() % 12 {
      case 0...3: return .string(pick(Source.words))
      case 4...6: return .integer(Int(random.next() % 5) - 2)
      case 7: return .boolean(chance(50))
      case 8: return .null
      case 9: return .array([.integer(1)])
      default: return depth < 2 ? object(depth: depth + 1) : .null
      }
    }
  }

  @Test(arguments: 0..<8)
  func theProgramAgreesWithTheReference(seed: Int) throws {
    var source = Source(random: SplitMix(seed: UInt64(seed)))
    var compiled = 0
    var outcomes: [String: Int] = [:]
    for _ in 0..<400 {
      let definition = source.definition()
      // Many random policies have rules that could never apply; those are for the other tests.
      guard var harness = try? Harness(definition) else { continue }
      compiled += 1
      let reference = ReferenceEvaluator(definition: definition)
      for _ in 0..<60 {
        let principal = Int(source.random.next() % 4)
        let server = Int(source.random.next() % 3)
        let tool = source.pick(Source.tools)
        let arguments = source.arguments()
        let expected = reference.decide(
          definition.principals[principal], server: Source.servers[server], tool: tool,
          arguments: arguments)
        let name = Value.quote(tool, &source.random)
        let json = arguments?.json(&source.random)
        let actual = harness.decide(
          principal: principal, server: UInt32(server), name: name, arguments: json)
        #expect(
          actual == expected, "seed \(seed): \(name) \(json ?? "-") under \(definition.rules)")
        outcomes["\(expected)".prefix { $0 != "," }.description, default: 0] += 1
        if actual != expected { return }
      }
    }
    // The test means something only while every kind of outcome comes up.
    #expect(compiled > 50)
    #expect(outcomes.count > 6, "\(outcomes)")
  }

  @Test(arguments: 100..<104)
  func whatIsNotListedCannotBeCalledAndTheOtherWayRound(seed: Int) throws {
    var source = Source(random: SplitMix(seed: UInt64(seed)))
    for _ in 0..<300 {
      let definition = source.definition()
      guard var harness = try? Harness(definition) else { continue }
      for _ in 0..<40 {
        let principal = Int(source.random.next() % 4)
        let server = UInt32(source.random.next() % 3)
        let tool = source.pick(Source.tools)
        let outcome = harness.decide(
          principal: principal, server: server, name: "\"\(tool)\"",
          arguments: source.arguments()?.json(&source.random))
        if outcome.isAllowed || outcome.isHeld {
          let isListed = harness.lists(tool, principal: principal, server: server)
          #expect(isListed, "\(tool) under \(definition.rules)")
        }
      }
    }
  }
}
