import Testing
import Wire

@testable import Policy

/// Rules that hold calls: when they decide, and what their approval must say.
struct ApprovalRuleTests {
  private func problems(_ rules: [RuleDefinition]) -> [PolicyProblem.Kind] {
    do throws(PolicyError) {
      _ = try PolicyProgram(definition: .simple(rules: rules))
      return []
    } catch {
      return error.problems.map(\.kind)
    }
  }

  @Test func laterBlocksStillBlockAndLaterAllowsDoNotUndoTheHold() throws {
    var harness = try Harness(
      .simple(rules: [
        .on("mode", [.equals(.string("dry"))], effect: .allow, name: "dry"),
        .holding("ask", match: MatchDefinition(tools: ["query"])),
        .on("sql", [.prefix("DROP")], name: "no-drop"),
        .on("sql", [.prefix("SELECT")], effect: .allow, name: "reads"),
        .holding("ask-others", approval: ApprovalDefinition(reviewers: ["others"])),
      ]))
    #expect(
      harness.decide(arguments: #"{"mode":"dry","sql":"DROP"}"#) == .allowed(rule: "dry", masks: [])
    )
    #expect(harness.decide(arguments: #"{"sql":"DROP x"}"#) == .refused(.rule, rule: "no-drop"))
    #expect(
      harness.decide(arguments: #"{"sql":"SELECT 1"}"#) == .held(rule: "ask", isUndecided: false))
    #expect(harness.decide() == .held(rule: "ask", isUndecided: false))
    #expect(
      harness.decide(name: "\"list\"", arguments: #"{"sql":"SELECT 1"}"#)
        == .allowed(rule: "reads", masks: []))
    #expect(harness.decide(name: "\"list\"") == .held(rule: "ask-others", isUndecided: false))
    #expect(harness.program.hits(RuleID(index: 1)) == 2)
    #expect(harness.program.hits(RuleID(index: 4)) == 1)
  }

  @Test func whatCannotBeToldIsHeld() throws {
    var harness = try Harness(
      .simple(rules: [
        .holding(
          "ask",
          match: MatchDefinition(arguments: [
            ArgumentDefinition(path: "sql", conditions: [ConditionDefinition(.prefix("DELETE"))])
          ]))
      ]))
    #expect(harness.decide(arguments: #"{"sql":"SELECT 1"}"#) == .allowed)
    #expect(harness.decide(arguments: #"{"sql":7}"#) == .held(rule: "ask", isUndecided: true))
    #expect(
      harness.decide(arguments: #"{"sql":"SELECT 1","SQL":"DELETE"}"#)
        == .held(rule: "ask", isUndecided: true))
  }

  @Test func heldToolsAreListedUnlessTheyAreAlwaysBlocked() throws {
    var harness = try Harness(
      .simple(rules: [
        .holding("ask", match: MatchDefinition(tools: ["query", "drop", "list"])),
        RuleDefinition(
          name: "a", match: MatchDefinition(tools: ["list"], groups: ["bots"]), effect: .allow,
          masks: [MaskDefinition(fields: ["x"], treatment: .redact)]),
        RuleDefinition(
          name: "no", match: MatchDefinition(tools: ["drop", "list"]), effect: .block),
      ]))
    let listed = [harness.lists("query"), harness.lists("drop"), harness.lists("list")]
    #expect(listed == [true, false, false])
    #expect(harness.decide(name: "\"list\"") == .refused(.rule, rule: "no"))
  }

  @Test(arguments: [nil, 0, 70, 130, 255] as [Int?])
  func onlyAGrantForTheSameCallMakesAPermit(changedBit: Int?) throws {
    let held = CallDigest(words: (1, 2, 3, 4))
    var granted = held
    switch changedBit {
    case nil: break
    case 0: granted.words.0 ^= 1
    case 70: granted.words.1 ^= 1 << 6
    case 130: granted.words.2 ^= 4
    default: granted.words.3 ^= 1 << 63
    }
    var harness = try Harness(.simple(rules: [.holding()]))
    let rule = harness.resume(held: held, granted: granted)
    #expect(rule == (changedBit == nil ? RuleID(index: 0) : nil))
  }

  @Test func theTermsAreThoseOfTheRule() throws {
    let harness = try Harness(
      .simple(rules: [
        .on("x", [.prefix("y")], effect: .allow, name: "a"),
        .holding(
          approval: ApprovalDefinition(
            reviewers: ["ops", "dba", "ops"], quorum: 2, expiresMilliseconds: 60_000,
            message: "Really?")),
      ]))
    let none = harness.terms(0)
    #expect(none == nil)
    let terms = harness.terms(1)
    #expect(terms == "dba ops|Really?|2|60000")
  }

  @Test func approvalsThatNobodyCouldGiveAreErrors() {
    func kinds(_ approval: ApprovalDefinition?) -> [PolicyProblem.Kind] {
      problems([.holding(approval: approval)])
    }
    #expect(kinds(ApprovalDefinition(reviewers: ["dba"])) == [])
    #expect(kinds(nil) == [.approvalMissing])
    #expect(kinds(ApprovalDefinition(reviewers: [])) == [.invalidApproval])
    #expect(kinds(ApprovalDefinition(reviewers: ["a\nb"])) == [.invalidName])
    #expect(kinds(ApprovalDefinition(reviewers: ["dba"], quorum: 0)) == [.invalidApproval])
    #expect(kinds(ApprovalDefinition(reviewers: ["dba"], quorum: 17)) == [.invalidApproval])
    #expect(
      kinds(ApprovalDefinition(reviewers: ["dba"], expiresMilliseconds: 0)) == [.invalidApproval])
    let many = (0..<65).map { PositionedText("g\($0)") }
    #expect(kinds(ApprovalDefinition(reviewers: many)) == [.invalidApproval])
    let long = String(repeating: "x", count: 4097)
    #expect(kinds(ApprovalDefinition(reviewers: ["dba"], message: long)) == [.tooLong])
    var stray = RuleDefinition.on("x", [.prefix("y")])
    stray.approval = ApprovalDefinition(reviewers: ["dba"])
    #expect(problems([stray]) == [.approvalWithoutHold])
  }

  @Test func theRevisionCoversTheApproval() throws {
    func revision(_ approval: ApprovalDefinition) throws -> String {
      let harness = try Harness(.simple(rules: [.holding(approval: approval)]))
      return harness.revision
    }
    let base = try revision(ApprovalDefinition(reviewers: ["dba", "ops"]))
    #expect(try revision(ApprovalDefinition(reviewers: ["ops", "dba"])) == base)
    for other in [
      ApprovalDefinition(reviewers: ["dba"]),
      ApprovalDefinition(reviewers: ["dba", "ops"], quorum: 2),
      ApprovalDefinition(reviewers: ["dba", "ops"], expiresMilliseconds: 1),
      ApprovalDefinition(reviewers: ["dba", "ops"], message: ""),
    ] {
      #expect(try revision(other) != base)
    }
  }

  @Test func aHoldLeavesNothingToLaterRulesThatAreMilder() {
    let block = RuleDefinition(name: "b", match: MatchDefinition(tools: ["drop"]), effect: .block)
    let allow = RuleDefinition(name: "a", match: MatchDefinition(tools: ["drop"]), effect: .allow)
    #expect(problems([.holding(), block]) == [])
    #expect(problems([.holding(), allow]) == [.shadowedRule])
    #expect(problems([.holding(), .holding("again")]) == [.shadowedRule])
    #expect(problems([block, .holding()]) == [])
  }
}
