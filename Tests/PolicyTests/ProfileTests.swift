import Policy
import Testing

/// What profiles allow, before any rule.
struct ProfileTests {
  static let definition = PolicyDefinition(
    servers: [
      ServerDefinition(name: "orders"), ServerDefinition(name: "wiki"),
      ServerDefinition(name: "payroll"),
    ],
    principals: [
      PrincipalDefinition(name: "analyst-bot", groups: ["analysts"]),
      PrincipalDefinition(name: "nightly", groups: []),
      PrincipalDefinition(name: "stranger", groups: ["unmentioned"]),
      PrincipalDefinition(name: "both", groups: ["analysts", "writers"]),
    ],
    profiles: [
      ProfileDefinition(
        name: "analyst", groups: ["analysts"],
        allow: [GrantDefinition(server: "orders", tools: ["query", "list_*", "get_?"])]),
      ProfileDefinition(
        name: "writer", groups: ["writers"],
        allow: [GrantDefinition(server: "wiki", tools: ["*"])]),
      ProfileDefinition(
        name: "nightly", principals: ["nightly"],
        allow: [GrantDefinition(server: "*", tools: ["report"])]),
    ])

  @Test(arguments: [
    (0, "query", true), (0, "list_orders", true), (0, "list_", true), (0, "get_a", true),
    (0, "get_é", true), (0, "get_", false), (0, "get_ab", false), (0, "mylist_x", false),
    (0, "drop", false), (0, "report", false), (1, "report", true), (1, "query", false),
    (2, "query", false), (3, "query", true),
  ])
  func toolsOfOrders(principal: Int, tool: String, allowed: Bool) throws {
    var harness = try Harness(Self.definition)
    #expect(harness.decide(principal: principal, name: "\"\(tool)\"").isAllowed == allowed)
    #expect(harness.lists(tool, principal: principal) == allowed)
  }

  @Test func aPrincipalWithoutAProfileGetsNothingNotEvenInitialize() throws {
    var harness = try Harness(Self.definition)
    for method in CallMethod.allCases {
      #expect(harness.decide(principal: 2, method: method) == .refused(.noProfile))
      #expect(harness.decide(principal: 0, server: 1, method: method) == .refused(.noProfile))
    }
    #expect(harness.decide(principal: 3, server: 1, name: "\"anything\"") == .allowed)
    #expect(harness.decide(principal: 1, server: 2, name: "\"report\"") == .allowed)
  }

  @Test func methods() throws {
    var harness = try Harness(Self.definition)
    let named: Set<CallMethod> = [
      .toolsCall, .promptsGet, .completionOfPrompt, .resourcesRead, .resourcesSubscribe,
      .resourcesUnsubscribe, .completionOfResource, .subscriptionsListen,
    ]
    for method in CallMethod.allCases where !named.contains(method) {
      let expected: Outcome = method == .other ? .refused(.methodNotAllowed) : .allowed
      #expect(harness.decide(method: method) == expected)
    }
  }

  @Test func aToolCallWithoutAnIDIsNeverForwarded() throws {
    var harness = try Harness(Self.definition)
    #expect(harness.decide(hasID: false) == .refused(.callWithoutID))
  }

  @Test(arguments: [
    ("\"q\\u0075ery\"", Outcome.allowed),
    ("\"Query\"", .refused(.toolNameFolds)),
    ("\"QUERY\"", .refused(.toolNameFolds)),
    ("\"query \"", .refused(.toolNameFolds)),
    ("\"\\u0020query\"", .refused(.toolNameFolds)),
    ("\"query\\u0000\"", .refused(.toolNameFolds)),
    ("\"ｑｕｅｒｙ\"", .refused(.toolNameFolds)),
    ("\"que\\u200bry\"", .refused(.toolNameFolds)),
    ("\"List_orders\"", .refused(.toolNotAllowed)),
    ("\"\"", .refused(.unreadableToolName)),
    ("7", .refused(.unreadableToolName)),
    ("null", .refused(.unreadableToolName)),
  ])
  func namesMatchExactly(name: String, expected: Outcome) throws {
    var harness = try Harness(Self.definition)
    #expect(harness.decide(name: name) == expected)
  }

  @Test func aMissingOrOverlongNameIsRefused() throws {
    var definition = Self.definition
    definition.limits.toolNameBytesMax = 16
    var harness = try Harness(definition)
    #expect(harness.decide(name: "\"list_\(String(repeating: "a", count: 11))\"") == .allowed)
    #expect(
      harness.decide(name: "\"list_\(String(repeating: "a", count: 12))\"")
        == .refused(.unreadableToolName))
    let escaped = String(repeating: "\\u0061", count: 12)
    #expect(harness.decide(name: "\"list_\(escaped)\"") == .refused(.unreadableToolName))
  }

  @Test func usersGetProfilesByTheirGroups() throws {
    var definition = Self.definition
    definition.hasIdentityProvider = true
    var harness = try Harness(definition)
    let ada = harness.program.makePrincipal(
      kind: .user, name: "ada", groups: ["unheard-of", "analysts"])
    #expect(harness.decide(ada) == .allowed)
    let eve = harness.program.makePrincipal(kind: .user, name: "eve", groups: ["unheard-of"])
    #expect(harness.decide(eve) == .refused(.noProfile))
  }

  @Test func nobodyBecomesAServiceAccountByItsName() throws {
    var harness = try Harness(Self.definition)
    let impostor = harness.program.makePrincipal(kind: .user, name: "nightly", groups: [])
    #expect(harness.decide(impostor, name: "\"report\"") == .refused(.noProfile))
    #expect(harness.decide(principal: 1, name: "\"report\"") == .allowed)
  }

  @Test func compositionOfCharactersMakesDifferentTools() throws {
    let composed = "caf\u{E9}"
    let decomposed = "cafe\u{301}"
    var harness = try Harness(
      .simple(
        tools: ["*"],
        rules: [
          RuleDefinition(
            name: "both", match: MatchDefinition(tools: ["\(composed)", "\(decomposed)"]),
            effect: .block)
        ]))
    #expect(harness.decide(name: "\"\(composed)\"") == .refused(.rule, rule: "both"))
    #expect(harness.decide(name: "\"\(decomposed)\"") == .refused(.rule, rule: "both"))
    #expect(harness.decide(name: "\"cafe\"") == .allowed)
    var exact = try Harness(.simple(tools: ["\(composed)"]))
    #expect(exact.decide(name: "\"\(composed)\"") == .allowed)
    #expect(exact.decide(name: "\"\(decomposed)\"") == .refused(.toolNotAllowed))
  }
}
