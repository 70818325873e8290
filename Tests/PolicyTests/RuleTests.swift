import Policy
import Testing

/// Which rules apply, in which order, and what they do.
struct RuleTests {
  @Test func theFirstRuleThatMatchesDecides() throws {
    var harness = try Harness(
      .simple(rules: [
        .on("mode", [.equals(.string("safe"))], effect: .allow, name: "safe"),
        .on("sql", [.prefix("DROP")], name: "no-drop"),
        .on("sql", [.prefix("DROP TABLE")], effect: .allow, name: "never"),
      ]))
    #expect(
      harness.decide(arguments: #"{"mode":"safe","sql":"DROP"}"#)
        == .allowed(rule: "safe", masks: []))
    #expect(
      harness.decide(arguments: #"{"sql":"DROP TABLE x"}"#) == .refused(.rule, rule: "no-drop"))
    #expect(harness.decide(arguments: #"{"sql":"SELECT 1"}"#) == .allowed)
    #expect(harness.decide() == .allowed)
    #expect(harness.program.hits(RuleID(index: 0)) == 1)
    #expect(harness.program.hits(RuleID(index: 1)) == 1)
    #expect(harness.program.hits(RuleID(index: 2)) == 0)
  }

  @Test func aRuleNeverAllowsWhatNoProfileAllows() throws {
    var harness = try Harness(
      .simple(
        tools: ["query"],
        rules: [RuleDefinition(name: "open", match: MatchDefinition(tools: ["*"]), effect: .allow)])
    )
    #expect(harness.decide(name: "\"drop\"") == .refused(.toolNotAllowed))
    #expect(harness.decide() == .allowed(rule: "open", masks: []))
  }

  @Test func masksAddUpWhateverTheOrder() throws {
    var harness = try Harness(
      .simple(rules: [
        .masking(name: "first"),
        .on("ok", [.equals(.boolean(true))], effect: .allow, name: "ok"),
        .masking(["ssn"], name: "after", match: MatchDefinition(tools: ["query"])),
        .masking(["phone"], name: "other", match: MatchDefinition(tools: ["list"])),
        .masking(["x"], name: "allowing", match: MatchDefinition(tools: ["que*"]), effect: .allow),
      ]))
    #expect(
      harness.decide(arguments: #"{"ok":true}"#) == .allowed(rule: "ok", masks: [0, 1, 3]))
    #expect(harness.decide() == .allowed(rule: "allowing", masks: [0, 1, 3]))
    #expect(harness.decide(name: "\"list\"") == .allowed(rule: nil, masks: [0, 2]))
    #expect(harness.decide(name: "\"else\"") == .allowed(rule: nil, masks: [0]))
    #expect(harness.program.maskRule(3) == RuleID(index: 4))
  }

  @Test func masksOutsideToolCalls() throws {
    var harness = try Harness(
      .simple(rules: [
        .masking(name: "wide"),
        .masking(["a"], name: "tool", match: MatchDefinition(tools: ["query"])),
        .masking(
          ["b"], name: "argument",
          match: MatchDefinition(arguments: [
            ArgumentDefinition(path: "x", conditions: [ConditionDefinition(.prefix("y"))])
          ])),
      ]))
    #expect(harness.decide(method: .ping) == .allowed(rule: nil, masks: [0]))
    // What a list describes may be any call's.
    #expect(harness.decide(method: .toolsList) == .allowed(rule: nil, masks: [0, 1, 2]))
    #expect(harness.decide(method: .session) == .allowed(rule: nil, masks: [0, 1, 2]))
    let masks = harness.program.masksOutsideCalls(
      principal: harness.program.principal(at: 0), server: ServerID(index: 0))
    #expect((0..<256).filter { masks.contains($0) } == [0, 1, 2])
  }

  @Test func principalsAndGroupsBothHaveToHold() throws {
    var definition = PolicyDefinition.simple(rules: [
      RuleDefinition(
        name: "p", match: MatchDefinition(tools: ["a"], principals: ["bot"]), effect: .block),
      RuleDefinition(
        name: "g", match: MatchDefinition(tools: ["b"], groups: ["night", "bots"]), effect: .block),
      RuleDefinition(
        name: "pg",
        match: MatchDefinition(tools: ["c"], principals: ["bot", "owl"], groups: ["night"]),
        effect: .block),
    ])
    definition.principals += [PrincipalDefinition(name: "owl", groups: ["night"])]
    definition.principals += [PrincipalDefinition(name: "cat", groups: ["cats"])]
    definition.profiles[0].groups += ["night", "cats"]
    var harness = try Harness(definition)
    let expected = [
      "a": ["p", nil, nil], "b": ["g", "g", nil], "c": [nil, "pg", nil],
    ]
    for (tool, rules) in expected {
      for (principal, rule) in rules.enumerated() {
        let outcome = harness.decide(principal: principal, name: "\"\(tool)\"")
        #expect(outcome == (rule.map { .refused(.rule, rule: $0) } ?? .allowed))
      }
    }
  }

  @Test func aNameThatFoldsIntoAGlobIsUndecided() throws {
    var harness = try Harness(
      .simple(
        tools: ["*", "Delete_exact"],
        rules: [
          .masking(name: "mask", match: MatchDefinition(tools: ["*_secret"])),
          RuleDefinition(name: "ok", match: MatchDefinition(tools: ["get_*"]), effect: .allow),
          RuleDefinition(name: "no", match: MatchDefinition(tools: ["delete_*"]), effect: .block),
        ]))
    #expect(harness.decide(name: "\"delete_x\"") == .refused(.rule, rule: "no"))
    #expect(harness.decide(name: "\"DELETE_x\"") == .refused(.ruleUndecided, rule: "no"))
    #expect(harness.decide(name: "\"Delete_exact\"") == .refused(.ruleUndecided, rule: "no"))
    #expect(harness.decide(name: "\"my_SECRET\"") == .allowed(rule: nil, masks: [0]))
    #expect(harness.decide(name: "\"get_a\"") == .allowed(rule: "ok", masks: []))
    #expect(harness.decide(name: "\"Get_a\"") == .allowed(rule: nil, masks: []))
  }

  @Test func listsShowWhatMayBeCalledWithSomeArguments() throws {
    var harness = try Harness(
      .simple(rules: [
        RuleDefinition(name: "never", match: MatchDefinition(tools: ["drop*"]), effect: .block),
        RuleDefinition(
          name: "sometimes",
          match: MatchDefinition(
            tools: ["query"],
            arguments: [
              ArgumentDefinition(path: "sql", conditions: [ConditionDefinition(.prefix("DROP"))])
            ]), effect: .block),
        RuleDefinition(
          name: "if",
          match: MatchDefinition(
            tools: ["report"],
            arguments: [
              ArgumentDefinition(
                path: "to", conditions: [ConditionDefinition(.equals(.string("me")))])
            ]), effect: .allow),
        RuleDefinition(
          name: "else-not", match: MatchDefinition(tools: ["report", "export"]), effect: .block),
      ]))
    let expected = [
      "drop_all": false, "DROP_all": false, "query": true, "Query": false, "report": true,
      "export": false, "other": true, "": false,
    ]
    for (tool, listed) in expected { #expect(harness.lists(tool) == listed, "\(tool)") }
  }

  @Test func messagesAndNamesAreInTheProgram() throws {
    var rule = RuleDefinition.on("a", [.equals(.null)], name: "règle")
    rule.message = "Ask #dba."
    let harness = try Harness(.simple(rules: [rule, .on("a", [.prefix("x")], name: "b")]))
    #expect(harness.ruleName(RuleID(index: 0)) == "règle")
    #expect(harness.message(0) == "Ask #dba.")
    #expect(harness.message(1) == nil)
  }

  @Test func countersAddUpOverWorkersAndOutliveThem() throws {
    var harness = try Harness(
      .simple(rules: [
        RuleDefinition(name: "no", match: MatchDefinition(tools: ["a"]), effect: .block)
      ]))
    for _ in 0..<3 { _ = harness.decide(name: "\"a\"") }
    for _ in 0..<2 {
      harness.scratch = PolicyScratch(for: harness.program)
      _ = harness.decide(name: "\"a\"")
    }
    #expect(harness.program.hits(RuleID(index: 0)) == 5)
  }
}
