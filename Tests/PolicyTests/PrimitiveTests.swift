import Testing
import Wire

@testable import Policy

/// Prompts and resources are granted, matched and refused like tools, each among its own.
struct PrimitiveTests {
  private static func definition(_ rules: [RuleDefinition] = []) -> PolicyDefinition {
    PolicyDefinition(
      servers: [ServerDefinition(name: "orders"), ServerDefinition(name: "other")],
      principals: [PrincipalDefinition(name: "bot", groups: ["bots"])],
      profiles: [
        ProfileDefinition(
          name: "reader", groups: ["bots"],
          allow: [
            GrantDefinition(
              server: "orders", tools: ["query"],
              resources: ["orders://open/*", "orders://today", "orders://{id}/lines"],
              prompts: ["summary", "draft_*"])
          ])
      ],
      rules: rules)
  }

  @Test(
    arguments: [
      (.promptsGet, "summary", nil), (.promptsGet, "draft_mail", nil),
      (.promptsGet, "query", .promptNotAllowed), (.promptsGet, "Summary", .nameFolds),
      (.completionOfPrompt, "draft_mail", nil), (.completionOfPrompt, "x", .promptNotAllowed),
      (.resourcesRead, "orders://today", nil), (.resourcesRead, "orders://open/7", nil),
      (.resourcesRead, "orders://closed/7", .resourceNotAllowed),
      (.resourcesRead, "orders://Today", .nameFolds),
      (.resourcesRead, "orders://open/../closed/7", .unreadableName),
      (.resourcesRead, "orders://open/%2e%2e/closed/7", .unreadableName),
      (.resourcesRead, "orders://open/%2E./closed", .unreadableName),
      (.resourcesRead, "orders://open%2f..%2fclosed", .unreadableName),
      (.resourcesRead, "orders://%6fpen/7", .unreadableName), (.resourcesRead, "", .unreadableName),
      (.resourcesSubscribe, "orders://today", nil),
      (.resourcesSubscribe, "orders://secret", .resourceNotAllowed),
      (.resourcesUnsubscribe, "orders://secret", .resourceNotAllowed),
      (.completionOfResource, "orders://{id}/lines", nil),
      (.completionOfResource, "orders://{id}/pay", .resourceNotAllowed),
      (.toolsCall, "summary", .toolNotAllowed),
    ] as [(CallMethod, String, RefusalReason?)])
  func profiles(method: CallMethod, name: String, refusal: RefusalReason?) throws {
    var harness = try Harness(Self.definition())
    let outcome = harness.decide(name: "\"\(name)\"", method: method)
    #expect(outcome == refusal.map { .refused($0) } ?? .allowed)
  }

  @Test func aNotificationOfACallIsRefused() throws {
    var harness = try Harness(Self.definition())
    let outcome = harness.decide(name: "\"summary\"", method: .promptsGet, hasID: false)
    #expect(outcome == .refused(.callWithoutID))
  }

  @Test(arguments: [CallMethod.promptsList, .resourcesList, .resourcesTemplatesList, .clientAnswer])
  func whatNamesNothingNeedsAProfile(method: CallMethod) throws {
    var harness = try Harness(Self.definition())
    #expect(harness.decide(name: "\"\"", method: method).isAllowed)
    #expect(harness.decide(server: 1, name: "\"\"", method: method) == .refused(.noProfile))
  }

  @Test func rulesAreAboutWhatTheyList() throws {
    var harness = try Harness(
      Self.definition([
        RuleDefinition(
          name: "r", match: MatchDefinition(resources: ["orders://open/s*"]), effect: .block),
        RuleDefinition(name: "p", match: MatchDefinition(prompts: ["draft_*"]), effect: .block),
        .masking(["a"], name: "any"),
        .masking(["b"], name: "tools", match: .init(tools: ["query"])),
        .masking(["c"], name: "both", match: .init(resources: ["*"], prompts: ["summary"])),
      ]))
    #expect(
      harness.decide(name: #""orders://open/secret""#, method: .resourcesRead)
        == .refused(.rule, rule: "r"))
    // By its folded name it may be what the rule's author meant.
    #expect(
      harness.decide(name: #""orders://open/Secret""#, method: .resourcesRead)
        == .refused(.ruleUndecided, rule: "r"))
    #expect(
      harness.decide(name: #""orders://open/7""#, method: .resourcesRead)
        == .allowed(rule: nil, masks: [0, 2]))
    #expect(
      harness.decide(name: #""draft_mail""#, method: .promptsGet) == .refused(.rule, rule: "p"))
    #expect(
      harness.decide(name: #""summary""#, method: .promptsGet)
        == .allowed(rule: nil, masks: [0, 2]))
    #expect(harness.decide(method: .toolsCall) == .allowed(rule: nil, masks: [0, 1]))
    #expect(harness.decide(method: .ping) == .allowed(rule: nil, masks: [0]))
    // What a list describes may be any call's.
    #expect(harness.decide(method: .toolsList) == .allowed(rule: nil, masks: [0, 1, 2]))
  }

  @Test func argumentsOfPromptsAreLookedAt() throws {
    var harness = try Harness(
      Self.definition([
        .on("table", [.equals(.string("salaries"))])
      ]))
    func outcome(_ table: String, _ harness: inout Harness) -> Outcome {
      harness.decide(
        name: #""summary""#, arguments: "{\"table\":\"\(table)\"}", method: .promptsGet)
    }
    #expect(outcome("salaries", &harness) == .refused(.rule, rule: "r"))
    #expect(outcome("orders", &harness).isAllowed)
    #expect(harness.decide(name: #""orders://today""#, method: .resourcesRead).isAllowed)
  }

  @Test func onlyToolsAreHeld() throws {
    var harness = try Harness(Self.definition([.holding()]))
    #expect(harness.decide(method: .toolsCall).isHeld)
    #expect(
      harness.decide(name: #""summary""#, method: .promptsGet) == .refused(.rule, rule: "h"))
    let text = #""orders://today""#
    #expect(harness.decide(name: text, method: .resourcesRead) == .refused(.rule, rule: "h"))
  }

  @Test(
    arguments: [
      (#"{"toolsListChanged":true,"resourceSubscriptions":["orders://today"]}"#, nil),
      (#"{"resourceSubscriptions":["orders://today","orders://x"]}"#, .resourceNotAllowed),
      (#"{"resourceSubscriptions":[7]}"#, .unreadableName),
      (#"{"resourceSubscriptions":"orders://today"}"#, .unreadableName),
      (#"{"ResourceSubscriptions":["orders://x"]}"#, .methodNotAllowed),
      (#"{"taskIds":["a"]}"#, .methodNotAllowed), (#"[]"#, .unreadableName), ("{}", nil),
    ] as [(String, RefusalReason?)])
  func listening(wanted: String, refusal: RefusalReason?) throws {
    var harness = try Harness(Self.definition())
    let outcome = harness.decide(name: wanted, method: .subscriptionsListen)
    #expect(outcome == refusal.map { .refused($0) } ?? .allowed)
  }

  @Test(
    arguments: [
      (
        RuleDefinition(name: "r", match: .init(resources: ["orders://z"]), effect: .block),
        .neverMatches
      ),
      (RuleDefinition(name: "r", match: .init(prompts: ["query"]), effect: .block), .neverMatches),
      (
        RuleDefinition(name: "r", match: .init(resources: ["orders://a/../b"]), effect: .block),
        .invalidPattern
      ),
      (RuleDefinition(name: "r", match: .init(prompts: []), effect: .block), .emptyList),
      (.holding("r", match: .init(prompts: ["summary"])), .approvalWithoutHold),
      (
        RuleDefinition(
          name: "r",
          match: .init(
            resources: ["*"],
            arguments: [
              .init(path: "a", conditions: [.init(.equals(.null))])
            ]), effect: .block), .neverMatches
      ),
    ] as [(RuleDefinition, PolicyProblem.Kind)])
  func rulesThatCannotApply(rule: RuleDefinition, kind: PolicyProblem.Kind) {
    do throws(PolicyError) {
      _ = try PolicyProgram(definition: Self.definition([rule]))
      Issue.record("compiled")
    } catch {
      #expect(error.problems.map(\.kind) == [kind])
    }
  }

  @Test func aRuleForToolsDoesNotHideOneForPrompts() throws {
    _ = try PolicyProgram(
      definition: Self.definition([
        RuleDefinition(name: "t", match: .init(tools: ["*"]), effect: .block),
        RuleDefinition(name: "p", match: .init(prompts: ["*"]), effect: .block),
        RuleDefinition(name: "r", match: .init(), effect: .block),
      ]))
  }

  @Test func revisionsTellPromptsFromResources() throws {
    let plain = try Harness(Self.definition()).revision
    var other = Self.definition()
    other.profiles[0].allow[0].prompts = other.profiles[0].allow[0].resources
    other.profiles[0].allow[0].resources = Self.definition().profiles[0].allow[0].prompts
    #expect(try Harness(other).revision != plain)
  }
}
