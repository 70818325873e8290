import Policy
import Testing

/// What start-up refuses, and what it says.
struct DefinitionErrorTests {
  private func problems(_ definition: PolicyDefinition) -> [PolicyProblem] {
    do throws(PolicyError) {
      _ = try PolicyProgram(definition: definition)
      return []
    } catch {
      return error.problems
    }
  }

  private func kinds(_ definition: PolicyDefinition) -> [PolicyProblem.Kind] {
    problems(definition).map(\.kind)
  }

  private func kinds(rules: RuleDefinition...) -> [PolicyProblem.Kind] {
    kinds(.simple(tools: ["query", "list_*"], rules: rules))
  }

  private func rule(
    _ match: MatchDefinition, effect: RuleEffect = .block, name: String = "r"
  ) -> RuleDefinition {
    RuleDefinition(name: name, match: match, effect: effect)
  }

  @Test func anErrorNamesTheRuleThePlaceAndTheWayOut() {
    var rule = rule(
      MatchDefinition(servers: [
        PositionedText("order", position: SourcePosition(line: 7, column: 9))
      ]))
    rule.position = SourcePosition(line: 5, column: 3)
    let problem = problems(.simple(rules: [rule]))[0]
    #expect(
      problem.description
        == #"7:9: rule "r": there is no server "order". Did you mean "orders"?"#)
  }

  @Test func allProblemsAreReportedAtOnce() {
    let problems = problems(
      .simple(rules: [
        rule(MatchDefinition(servers: ["nowhere"])),
        rule(MatchDefinition(), effect: .requireApproval),
        rule(MatchDefinition(groups: ["nobody"]), name: "g"),
        rule(MatchDefinition(), effect: .mask, name: "m"),
      ]))
    #expect(
      problems.map(\.kind)
        == [.unknownServer, .duplicateName, .approvalMissing, .unknownGroup, .maskWithoutFields])
    #expect(problems[2].message.contains("effect: block"))
  }

  @Test func unknownNames() {
    #expect(kinds(rules: rule(MatchDefinition(principals: ["bott"]))) == [.unknownPrincipal])
    #expect(kinds(rules: rule(MatchDefinition(groups: ["botz"]))) == [.unknownGroup])
    var open = PolicyDefinition.simple(rules: [
      rule(MatchDefinition(principals: ["ada"])), rule(MatchDefinition(groups: ["dba"]), name: "s"),
    ])
    open.hasIdentityProvider = true
    #expect(kinds(open) == [])
    var profile = PolicyDefinition.simple()
    profile.profiles[0].allow[0].server = "ordres"
    #expect(kinds(profile) == [.unknownServer])
  }

  @Test func profilesThatGiveNothing() {
    var definition = PolicyDefinition.simple()
    definition.profiles[0].groups = []
    #expect(kinds(definition) == [.uselessProfile])
    definition = .simple()
    definition.profiles[0].allow = []
    #expect(kinds(definition) == [.uselessProfile])
    #expect(kinds(.simple(tools: [])) == [.emptyList])
    #expect(kinds(.simple(tools: [""])) == [.invalidPattern])
  }

  @Test func aProfileForAGroupWithoutMembersIsAWarning() throws {
    var definition = PolicyDefinition.simple()
    definition.profiles[0].groups.append("botz")
    let warnings = try PolicyProgram(definition: definition).warnings
    #expect(warnings.map(\.kind) == [.unknownGroup])
    #expect(warnings[0].message.contains("Did you mean \"bots\"?"))
  }

  @Test func emptyListsCouldNeverHold() {
    #expect(kinds(rules: rule(MatchDefinition(servers: []))) == [.emptyList])
    #expect(kinds(rules: rule(MatchDefinition(tools: []))) == [.emptyList])
    #expect(kinds(rules: rule(MatchDefinition(principals: []))) == [.emptyList])
    #expect(kinds(rules: rule(MatchDefinition(groups: []))) == [.emptyList])
    #expect(kinds(rules: .on("a", [])) == [.emptyList])
    #expect(kinds(rules: .on("a", [.oneOf([])])) == [.emptyList])
    #expect(kinds(rules: .on("a", [.prefix("")])) == [.emptyList])
  }

  @Test(arguments: ["", ".", "a.", ".a", "a..b", "a\\", "a\\b"])
  func pathsThatAreNone(path: String) {
    #expect(kinds(rules: .on(path, [.prefix("x")])) == [.invalidPath])
    #expect(kinds(rules: .masking([PositionedText(path)])) == [.invalidPath])
  }

  @Test(arguments: ["", "01", "1.", ".5", "+1", "0x10", "1e", "NaN", "1 ", "1e9999999", "1_000"])
  func numbersThatAreNone(number: String) {
    #expect(kinds(rules: .on("a", [.atLeast(NumberLiteral(number))])) == [.invalidNumber])
  }

  @Test(arguments: ["(", "(?=a)", "(a)\\1", "a*", "", "[z-a]", "a\0b"])
  func patternsThatCannotRun(pattern: String) {
    #expect(kinds(rules: .on("a", [.regex(pattern)])) == [.invalidRegex])
  }

  @Test func masks() {
    #expect(kinds(rules: .masking([])) == [.maskWithoutFields])
    #expect(kinds(rules: .masking(effect: .block)) == [.maskOnBlock])
    #expect(kinds(rules: .masking(effect: .allow)) == [])
  }

  @Test func moreFieldsThanTheMaskerTakesAreAnError() {
    let fields = (0...MaskProgram.fieldsMax).map { PositionedText("field\($0)") }
    #expect(kinds(rules: .masking(fields)) == [.invalidMask])
  }

  @Test(arguments: [
    [ArgumentCondition.atLeast(10), .lessThan(10)], [.greaterThan(5), .atMost("4.9")],
    [.prefix("a"), .prefix("b")], [.prefix("a"), .atLeast(1)],
    [.equals(.string("a")), .equals(.string("b"))], [.equals(.number(1)), .regex("x")],
    [.oneOf([.number(1), .number(2)]), .greaterThan(2)],
    [.oneOf([.string("abc")]), .suffix("d")], [.equals(.null), .prefix("n")],
  ])
  func conditionsThatContradictEachOther(conditions: [ArgumentCondition]) {
    #expect(kinds(rules: .on("a", conditions)) == [.contradictoryConditions])
  }

  @Test(arguments: [
    [ArgumentCondition.atLeast(10), .atMost("10.0")], [.prefix("a"), .prefix("ab"), .suffix("b")],
    [.oneOf([.number(1), .number(3)]), .greaterThan(2)], [.equals(.string("ab")), .regex("b")],
    [.equals(.number(1)), .equals(.number("1.0"))],
  ])
  func conditionsThatDoNot(conditions: [ArgumentCondition]) {
    #expect(kinds(rules: .on("a", conditions)) == [])
  }

  @Test func toolsThatNoProfileAllows() {
    #expect(kinds(rules: rule(MatchDefinition(tools: ["querry"]))) == [.neverMatches])
    #expect(kinds(rules: rule(MatchDefinition(tools: ["drop_*"]))) == [.neverMatches])
    #expect(kinds(rules: rule(MatchDefinition(tools: ["Query"]))) == [.neverMatches])
    #expect(kinds(rules: rule(MatchDefinition(tools: ["*_orders", "list_a", "q?ery"]))) == [])
    #expect(kinds(rules: rule(MatchDefinition(tools: ["query", "nothing"]))) == [.neverMatches])
    var definition = PolicyDefinition.simple(rules: [rule(MatchDefinition(servers: ["wiki"]))])
    definition.servers.append(ServerDefinition(name: "wiki"))
    #expect(kinds(definition) == [.neverMatches])
  }

  @Test func callersThatCannotGetThere() {
    var definition = PolicyDefinition.simple(rules: [
      rule(MatchDefinition(principals: ["owl"])),
      rule(MatchDefinition(principals: ["bot"], groups: ["night"]), name: "s"),
    ])
    definition.principals.append(PrincipalDefinition(name: "owl", groups: ["night"]))
    #expect(kinds(definition) == [.neverMatches, .neverMatches])
    definition.profiles[0].principals = ["owl"]
    #expect(kinds(definition) == [.neverMatches])
  }

  @Test func shadows() {
    let open = { (effect: RuleEffect) in self.rule(MatchDefinition(), effect: effect, name: "open")
    }
    #expect(kinds(rules: open(.block), .on("a", [.prefix("x")])) == [.shadowedRule])
    #expect(kinds(rules: open(.allow), .on("a", [.prefix("x")])) == [.shadowedRule])
    #expect(kinds(rules: .on("a", [.prefix("x")]), open(.block)) == [])
    // What an allow rule lets through is still masked; what a block rule stops is not.
    #expect(kinds(rules: open(.allow), .masking()) == [])
    #expect(kinds(rules: open(.block), .masking()) == [.shadowedRule])
    #expect(kinds(rules: .on("a", [.prefix("x")], effect: .allow), open(.block), .masking()) == [])
    #expect(kinds(rules: .masking(), .masking(name: "n")) == [])
    let narrow = { (tools: [PositionedText]) in self.rule(MatchDefinition(tools: tools), name: "n")
    }
    let wide = { (tools: [PositionedText]) in self.rule(MatchDefinition(tools: tools), name: "w") }
    #expect(kinds(rules: wide(["list_*"]), narrow(["list_a", "list_b*"])) == [.shadowedRule])
    #expect(kinds(rules: wide(["list_?"]), narrow(["list_*"])) == [])
    // A rule about tools leaves prompts and resources to others.
    #expect(kinds(rules: wide(["*"]), rule(MatchDefinition())) == [])
    #expect(kinds(rules: open(.block), narrow(["query"])) == [.shadowedRule])
    #expect(kinds(rules: wide(["query"]), narrow(["query", "list_a"])) == [])
    let forGroup = rule(MatchDefinition(groups: ["bots"]), name: "g")
    #expect(kinds(rules: forGroup, narrow(["query"])) == [])
    #expect(kinds(rules: open(.block), forGroup) == [.shadowedRule])
  }

  @Test func duplicates() {
    var definition = PolicyDefinition.simple()
    definition.servers.append(ServerDefinition(name: "orders"))
    definition.principals.append(PrincipalDefinition(name: "bot"))
    definition.profiles.append(definition.profiles[0])
    #expect(kinds(definition) == [.duplicateName, .duplicateName, .duplicateName])
  }

  @Test func limits() {
    var definition = PolicyDefinition.simple(rules: [
      .masking(name: "a"), .masking(name: "b"), .masking(name: "c"),
    ])
    definition.limits.maskRulesMax = 2
    #expect(
      problems(definition).map(\.message) == [
        "3 rules that mask are more than maskRulesMax = 2. Merge some, or raise the limit."
      ])
    definition.limits.rulesMax = 2
    #expect(kinds(definition) == [.tooMany, .tooMany])
    definition = .simple(rules: [.on("a.b.c", [.prefix("xyz")])])
    definition.limits.pathDepthMax = 2
    #expect(kinds(definition) == [.tooMany])
    definition = .simple(rules: [.on("a", [.prefix("xyz")])])
    definition.limits.textBytesMax = 2
    #expect(kinds(definition) == [.tooLong])
    definition = .simple(rules: [.on("a", [.regex("x")]), .on("b", [.regex("y")], name: "s")])
    definition.limits.regexesMax = 1
    #expect(kinds(definition) == [.tooMany])
    definition = .simple(rules: [.on("a", [.prefix("x")])])
    definition.limits.tableEntriesMax = 1
    #expect(kinds(definition) == [.tooMany])
    definition = .simple(tools: [PositionedText(String(repeating: "a", count: 257))])
    #expect(kinds(definition) == [.tooLong])
  }
}
