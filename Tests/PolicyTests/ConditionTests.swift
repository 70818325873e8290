import Policy
import Testing

/// Every condition against every kind of value, in three-valued logic.
struct ConditionTests {
  enum Truth { case yes, no, unknown }

  /// The truth of one condition on the argument `a`, told from what a blocking and an allowing rule make of it.
  private func truth(_ conditions: [ArgumentCondition], _ arguments: String, path: String = "a")
    throws -> Truth
  {
    var blocking = try Harness(.simple(rules: [.on(path, conditions)]))
    var allowing = try Harness(.simple(rules: [.on(path, conditions, effect: .allow)]))
    let blocked = blocking.decide(arguments: arguments)
    let allowed = allowing.decide(arguments: arguments)
    switch (blocked, allowed) {
    case (.refused(.rule, rule: "r"), .allowed(rule: "r", masks: [])): return .yes
    case (.refused(.ruleUndecided, rule: "r"), .allowed(rule: nil, masks: [])): return .unknown
    case (.allowed(rule: nil, masks: []), .allowed(rule: nil, masks: [])): return .no
    default:
      Issue.record("\(blocked) and \(allowed) do not go together")
      return .unknown
    }
  }

  @Test(arguments: [
    (ArgumentCondition.equals(.string("é")), #""é""#, Truth.yes),
    (.equals(.string("é")), #""\u00e9""#, .yes),
    (.equals(.string("é")), #""e\u0301""#, .no),
    (.equals(.string("a/b")), #""a\/b""#, .yes),
    (.equals(.string("a")), #""A""#, .no),
    (.equals(.string("a")), "1", .unknown),
    (.equals(.string("a")), "null", .unknown),
    (.equals(.string("a")), "[\"a\"]", .unknown),
    (.equals(.string("")), "\"\"", .yes),
    (.equals(.boolean(true)), "true", .yes),
    (.equals(.boolean(true)), "false", .no),
    (.equals(.boolean(true)), "\"true\"", .unknown),
    (.equals(.boolean(false)), "0", .unknown),
    (.equals(.null), "null", .yes),
    (.equals(.null), "\"null\"", .no),
    (.equals(.null), "{}", .no),
    (.equals(.number(5)), "5", .yes),
    (.equals(.number(5)), "5.0", .yes),
    (.equals(.number(5)), "0.5e1", .yes),
    (.equals(.number(5)), "6", .no),
    (.equals(.number(5)), "\"5\"", .unknown),
    (.equals(.number(0)), "-0", .yes),
    (.equals(.number("0.1")), "0.10", .yes),
    (.equals(.number("0.1")), "0.1000000000000000000001", .unknown),
    (.equals(.number("9007199254740993")), "9007199254740993", .yes),
    (.equals(.number("9007199254740992")), "9007199254740993", .unknown),
    (.equals(.number("9007199254740993")), "9007199254740992", .unknown),
    (.equals(.number("9007199254740992")), "9007199254740994", .no),
    (.equals(.number(5)), "1e400", .unknown),
    (.oneOf([.string("a"), .string("b")]), "\"b\"", .yes),
    (.oneOf([.string("a"), .string("b")]), "\"c\"", .no),
    (.oneOf([.string("a"), .number(1)]), "1", .yes),
    (.oneOf([.string("a"), .number(1)]), "2", .unknown),
    (.prefix("DROP"), "\"DROP TABLE\"", .yes),
    (.prefix("DROP"), "\"D\\u0052OP\"", .yes),
    (.prefix("DROP"), "\"drop\"", .no),
    (.prefix("DROP"), "\"DRO\"", .no),
    (.prefix("DROP"), "12", .unknown),
    (.suffix("_prod"), "\"db_prod\"", .yes),
    (.suffix("_prod"), "\"db_prod2\"", .no),
    (.suffix("_prod"), "true", .unknown),
    (.regex("(?i)\\bdrop\\b"), "\"please DrOp it\"", .yes),
    (.regex("(?i)\\bdrop\\b"), "\"dropped\"", .no),
    (.regex("(?i)\\bdrop\\b"), "\"d\\u0072op\"", .yes),
    (.regex("^.é$"), "\"éé\"", .yes),
    (.regex("x"), "\"\"", .no),
    (.regex("x"), "{\"x\":1}", .unknown),
    (.greaterThan(10), "10", .no),
    (.greaterThan(10), "10.000000000000000000001", .unknown),
    (.greaterThan(10), "11", .yes),
    (.atLeast(10), "10", .yes),
    (.atLeast(10), "9.99", .no),
    (.lessThan("-1.5"), "-1.5", .no),
    (.lessThan("-1.5"), "-1.51", .yes),
    (.atMost("1e3"), "1000", .yes),
    (.atMost("1e3"), "1001", .no),
    (.atMost("1e3"), "\"1\"", .unknown),
    (.atMost("1e3"), "123456789012345678901234567890", .no),
    (.greaterThan("9007199254740992"), "9007199254740993", .unknown),
    (.greaterThan("9007199254740992"), "9007199254741993", .yes),
  ])
  func conditionsOnOneValue(condition: ArgumentCondition, value: String, expected: Truth) throws {
    #expect(try truth([condition], "{\"a\":\(value)}") == expected)
  }

  @Test(arguments: [
    ("a", "{}", Truth.no), ("a", "null", .no), ("a", "[]", .unknown), ("a", "\"x\"", .unknown),
    ("a", #"{"b":"x"}"#, .no),
    ("a", #"{"A":"x"}"#, .unknown),
    ("a", #"{"a":"x","A":"y"}"#, .unknown),
    ("a", #"{"A":"y","a":"x"}"#, .unknown),
    ("a", #"{"\u0061":"x"}"#, .yes),
    ("a", #"{"\u0041":"x"}"#, .unknown),
    ("a", #"{"a\u0007":"x"}"#, .unknown),
    ("a", #"{" a":"x"}"#, .unknown),
    ("a", #"{"ａ":"x"}"#, .unknown),
    ("sk", #"{"ſ\u212a":"x"}"#, .unknown),
    ("a.b", #"{"a":{"b":"x"}}"#, .yes),
    ("a.b", #"{"a":{"c":"x"}}"#, .no),
    ("a.b", #"{"a":{"b":"y"},"b":"x"}"#, .no),
    ("a.b", #"{"a":"x"}"#, .unknown),
    ("a.b", #"{"a":[{"b":"x"}]}"#, .unknown),
    ("a.b", #"{"a":null}"#, .unknown),
    ("a.b", #"{"a.b":"x"}"#, .no),
    (#"a\.b"#, #"{"a.b":"x"}"#, .yes),
    (#"a\\b"#, #"{"a\\b":"x"}"#, .yes),
  ])
  func paths(path: String, arguments: String, expected: Truth) throws {
    #expect(try truth([.equals(.string("x"))], arguments, path: path) == expected)
  }

  @Test func allConditionsHaveToHoldAndOneThatFailsIsEnough() throws {
    let between: [ArgumentCondition] = [.atLeast(10), .lessThan(20)]
    #expect(try truth(between, "{\"a\":10}") == .yes)
    #expect(try truth(between, "{\"a\":20}") == .no)
    #expect(try truth(between, "{\"a\":\"x\"}") == .unknown)
    let text: [ArgumentCondition] = [.prefix("a"), .suffix("z"), .regex("m")]
    #expect(try truth(text, "{\"a\":\"a m z\"}") == .yes)
    #expect(try truth(text, "{\"a\":\"a m\"}") == .no)
  }

  @Test func anUnknownDoesNotOutweighACertainNo() throws {
    let rule = RuleDefinition(
      name: "r",
      match: MatchDefinition(arguments: [
        ArgumentDefinition(path: "a", conditions: [ConditionDefinition(.prefix("x"))]),
        ArgumentDefinition(path: "b", conditions: [ConditionDefinition(.equals(.number(1)))]),
      ]), effect: .block)
    var harness = try Harness(.simple(rules: [rule]))
    #expect(harness.decide(arguments: #"{"a":7,"b":2}"#) == .allowed)
    #expect(harness.decide(arguments: #"{"a":7,"b":1}"#) == .refused(.ruleUndecided, rule: "r"))
    #expect(harness.decide(arguments: #"{"a":7}"#) == .allowed)
  }

  @Test func unknownCountsAsAMatchForMasks() throws {
    var rule = RuleDefinition.on("a", [.prefix("x")], effect: .mask)
    rule.masks = [MaskDefinition(fields: ["email"], treatment: .redact)]
    var allowing = RuleDefinition.on("a", [.prefix("x")], effect: .allow, name: "s")
    allowing.masks = rule.masks
    var harness = try Harness(.simple(rules: [rule, allowing]))
    #expect(harness.decide(arguments: #"{"a":7}"#) == .allowed(rule: nil, masks: [0, 1]))
    #expect(harness.decide(arguments: #"{"a":"y"}"#) == .allowed)
    #expect(harness.decide(arguments: #"{"a":"x"}"#) == .allowed(rule: "s", masks: [0, 1]))
  }

  @Test func valuesBeyondTheLimitsAreUnknown() throws {
    var definition = PolicyDefinition.simple(rules: [.on("a", [.regex("needle")])])
    definition.limits.valueBytesMax = 100
    definition.limits.membersMax = 3
    var harness = try Harness(definition)
    let hay = { (count: Int) in String(repeating: "x", count: count) }
    #expect(harness.decide(arguments: "{\"a\":\"\(hay(100))\"}") == .allowed)
    let undecided = Outcome.refused(.ruleUndecided, rule: "r")
    #expect(harness.decide(arguments: "{\"a\":\"\(hay(101))\"}") == undecided)
    #expect(harness.decide(arguments: #"{"a":"x","b":1,"c":2}"#) == .allowed)
    #expect(harness.decide(arguments: #"{"a":"x","b":1,"c":2,"d":3}"#) == undecided)
    let keys = String(repeating: "é", count: 5000)
    #expect(harness.decide(arguments: "{\"\(keys)\":1}") == undecided)
    #expect(harness.decide(arguments: "{\"\(hay(5000))\":1}") == .allowed)
  }

  @Test func escapedValuesOfOneDecisionShareTheBuffer() throws {
    let rule = RuleDefinition(
      name: "r",
      match: MatchDefinition(
        arguments: ["a", "b"].map {
          ArgumentDefinition(
            path: PositionedText($0), conditions: [ConditionDefinition(.prefix("\n"))])
        }), effect: .block)
    var definition = PolicyDefinition.simple(rules: [rule])
    definition.limits.valueBytesMax = 60
    var harness = try Harness(definition)
    let long = "\\n" + String(repeating: "x", count: 40)
    #expect(
      harness.decide(arguments: "{\"a\":\"\(long)\",\"b\":\"\\n\"}") == .refused(.rule, rule: "r"))
    #expect(
      harness.decide(arguments: "{\"a\":\"\(long)\",\"b\":\"\(long)\"}")
        == .refused(.ruleUndecided, rule: "r"))
    // A new decision starts with all of it.
    #expect(
      harness.decide(arguments: "{\"a\":\"\(long)\",\"b\":\"\\n\"}") == .refused(.rule, rule: "r"))
  }

  @Test func severalPatternsOverOneArgumentAreTheirOwn() throws {
    let rules = (0..<130).map { number in
      RuleDefinition.on("a", [.regex("needle\(number)\\b")], name: "r\(number)")
    }
    var harness = try Harness(.simple(rules: rules))
    for number in [0, 63, 64, 127, 128, 129] {
      #expect(
        harness.decide(arguments: "{\"a\":\"a needle\(number) b\"}")
          == .refused(.rule, rule: "r\(number)"))
    }
    #expect(harness.decide(arguments: "{\"a\":\"a needle130 b\"}") == .allowed)
  }

  @Test func theFirstBytesOfATextAreNotMistakenForAllOfIt() throws {
    // Around the eight bytes that a sieve compares.
    for count in 1...12 {
      let text = String("abcdefghijkl".prefix(count))
      let longer = text + "x"
      let other = text.dropLast() + "X"
      for (condition, expected) in [
        (ArgumentCondition.equals(.string(text)), [Truth.yes, .no, .no]),
        (.prefix(text), [.yes, .yes, .no]),
        (.oneOf([.string("zz"), .string(text)]), [.yes, .no, .no]),
      ] {
        for (value, truth) in zip([text, longer, String(other)], expected) {
          #expect(
            try self.truth([condition], "{\"a\":\"\(value)\"}") == truth, "\(condition) \(value)")
        }
      }
    }
  }
}
