import Testing
import Wire

@testable import Policy

/// What goes on of a call that was judged: by the tool alone.
struct TaskDecisionTests {
  private func decide(_ tool: String, _ rules: [RuleDefinition]) throws -> (String, [Int]) {
    let definition = PolicyDefinition(
      servers: [ServerDefinition(name: "shop")],
      principals: [PrincipalDefinition(name: "ada", kind: .user, groups: ["g"])],
      profiles: [
        ProfileDefinition(
          name: "p", groups: ["g"],
          allow: [GrantDefinition(server: "shop", tools: ["query", "list_*"])])
      ], rules: rules)
    let program = try PolicyProgram(definition: definition)
    var scratch = PolicyScratch(for: program)
    let name = Array(tool.utf8)
    let verdict = unsafe program.decideTask(
      ofTool: name.span.bytes, principal: program.principal(at: 0), server: ServerID(index: 0),
      scratch: &scratch)
    switch consume verdict {
    case .allow(let permit):
      let call = permit.redeem()
      return ("allowed", (0..<256).filter { call.masks.contains($0) })
    case .hold: return ("held", [])
    case .block(let refusal): return ("\(refusal.reason)", [])
    }
  }

  private func rule(
    _ name: PositionedText, _ tools: [PositionedText], _ effect: RuleEffect, asks: Bool = false
  ) -> RuleDefinition {
    RuleDefinition(
      name: name.text,
      match: MatchDefinition(
        servers: ["shop"], tools: tools,
        arguments: asks
          ? [ArgumentDefinition(path: "a", conditions: [ConditionDefinition(.prefix("x"))])] : []),
      effect: effect,
      masks: effect == .mask ? [MaskDefinition(fields: [name], treatment: .redact)] : [])
  }

  @Test func masksAreAllThatACallCouldHaveHad() throws {
    let rules = [
      rule("one", ["query"], .mask, asks: true), rule("two", ["list_*"], .mask),
      rule("three", ["q*"], .mask), rule("four", ["*"], .mask, asks: true),
    ]
    #expect(try decide("query", rules) == ("allowed", [0, 2, 3]))
    #expect(try decide("list_x", rules) == ("allowed", [1, 3]))
  }

  @Test func whatMayNotBeCalledIsRefused() throws {
    #expect(try decide("drop", []).0 == "toolNotAllowed")
    #expect(try decide("Query", [rule("b", ["query"], .block, asks: true)]).0 == "toolNameFolds")
    #expect(try decide("query", [rule("b", ["query"], .block)]).0 == "toolNotAllowed")
    #expect(try decide("query", [rule("b", ["query"], .block, asks: true)]).0 == "allowed")
    #expect(try decide("", []).0 == "unreadableToolName")
  }
}
