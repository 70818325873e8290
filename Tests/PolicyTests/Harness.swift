import Testing
import Wire

@testable import Policy

/// A program with what deciding needs around it, and calls written as JSON.
struct Harness: ~Copyable {
  let program: PolicyProgram
  var scratch: PolicyScratch
  var index = JSONIndex(limits: JSONLimits())

  init(_ definition: PolicyDefinition) throws {
    program = try PolicyProgram(definition: definition)
    scratch = PolicyScratch(for: program)
  }

  /// Decides `{"name": NAME, "arguments": ARGUMENTS}` and tells the outcome as a plain value.
  mutating func decide(
    principal: Int = 0, server: UInt32 = 0, name: String = "\"query\"",
    arguments: String? = nil, method: CallMethod = .toolsCall, hasID: Bool = true
  ) -> Outcome {
    decide(
      program.principal(at: principal), server: server, name: name, arguments: arguments,
      method: method, hasID: hasID)
  }

  mutating func decide(
    _ principal: Principal, server: UInt32 = 0, name: String = "\"query\"",
    arguments: String? = nil, method: CallMethod = .toolsCall, hasID: Bool = true
  ) -> Outcome {
    let verdict = judge(
      principal, server: server, name: name, arguments: arguments, method: method, hasID: hasID)
    switch consume verdict {
    case .allow(let permit):
      let call = permit.redeem()
      return .allowed(
        rule: optionalName(call.rule), masks: (0..<256).filter { call.masks.contains($0) })
    case .hold(let hold):
      return .held(rule: ruleName(hold.rule), isUndecided: hold.isUndecided)
    case .block(let refusal):
      return .refused(refusal.reason, rule: optionalName(refusal.rule))
    }
  }

  /// The rule of the permit that a held call of `query` gets from a grant; nil when it gets none.
  mutating func resume(held: CallDigest, granted: CallDigest) -> RuleID? {
    let verdict = judge(
      program.principal(at: 0), server: 0, name: "\"query\"", arguments: nil, method: .toolsCall,
      hasID: true)
    switch consume verdict {
    case .hold(let hold): return spend(hold, held, granted)
    case .allow: return nil
    case .block: return nil
    }
  }

  private func spend(
    _ hold: consuming Hold, _ held: CallDigest, _ granted: CallDigest
  ) -> RuleID? {
    let grant = ConsumedGrant(digest: granted)
    guard let permit = program.permit(for: hold, digest: held, grant: grant) else { return nil }
    return permit.redeem().rule
  }

  private mutating func judge(
    _ principal: Principal, server: UInt32, name: String, arguments: String?, method: CallMethod,
    hasID: Bool
  ) -> Verdict {
    let members = "\"name\":\(name)" + (arguments.map { ",\"arguments\":\($0)" } ?? "")
    let text = Array("{\(members)}".utf8)
    let bytes = unsafe text.span.bytes
    if let violation = index.read(bytes, watch: .none) {
      Issue.record("\(violation.reason) in \(String(decoding: text, as: UTF8.self))")
    }
    let call = PolicyCall(
      method: method, hasID: hasID,
      target: index.member("name", of: index.root, in: bytes),
      arguments: index.member("arguments", of: index.root, in: bytes))
    return program.decide(
      principal: principal, server: ServerID(index: server), call: call, index: index,
      bytes: bytes, scratch: &scratch)
  }

  var revision: String { program.revision.text }

  /// What a rule's approval needs, in one line; nil when it asks for none.
  func terms(_ rule: UInt32) -> String? {
    guard let terms = program.approvalTerms(RuleID(index: rule)) else { return nil }
    let reviewers = program.reviewers(terms).text.split(separator: "\n").joined(separator: " ")
    return "\(reviewers)|\(program.reviewMessage(terms).text)|\(terms.quorum)|"
      + "\(terms.expiresMilliseconds)"
  }

  func message(_ rule: UInt32) -> String? {
    guard let message = program.ruleMessage(RuleID(index: rule)) else { return nil }
    return message.text
  }

  private func optionalName(_ rule: RuleID?) -> String? {
    guard let rule else { return nil }
    return ruleName(rule)
  }

  func ruleName(_ rule: RuleID) -> String { program.ruleName(rule).text }

  mutating func lists(_ name: String, principal: Int = 0, server: UInt32 = 0) -> Bool {
    let name = Array(name.utf8)
    return unsafe program.mayList(
      .tool, name.span.bytes, principal: program.principal(at: principal),
      server: ServerID(index: server), scratch: &scratch)
  }
}

enum Outcome: Equatable {
  case allowed(rule: String?, masks: [Int])
  case refused(RefusalReason, rule: String?)
  case held(rule: String, isUndecided: Bool)

  static let allowed = Outcome.allowed(rule: nil, masks: [])

  static func refused(_ reason: RefusalReason) -> Outcome { .refused(reason, rule: nil) }

  var isHeld: Bool {
    if case .held = self { return true }
    return false
  }

  var isAllowed: Bool {
    if case .allowed = self { return true }
    return false
  }
}

extension RawSpan {
  var text: String {
    String(
      decoding: (0..<byteCount).map { unsafe unsafeLoad(fromByteOffset: $0, as: UInt8.self) },
      as: UTF8.self)
  }
}

extension PolicyDefinition {
  /// One server `orders`, one service account `bot` in `bots`, and a profile that allows it `tools`.
  static func simple(
    tools: [PositionedText] = ["*"], rules: [RuleDefinition] = []
  ) -> PolicyDefinition {
    PolicyDefinition(
      servers: [ServerDefinition(name: "orders")],
      principals: [PrincipalDefinition(name: "bot", groups: ["bots"])],
      profiles: [
        ProfileDefinition(
          name: "everything", groups: ["bots"],
          allow: [GrantDefinition(server: "orders", tools: tools)])
      ],
      rules: rules)
  }
}

extension RuleDefinition {
  /// A rule on the argument `path`.
  static func on(
    _ path: String, _ conditions: [ArgumentCondition], effect: RuleEffect = .block,
    name: String = "r"
  ) -> RuleDefinition {
    RuleDefinition(
      name: name,
      match: MatchDefinition(arguments: [
        ArgumentDefinition(
          path: PositionedText(path), conditions: conditions.map { ConditionDefinition($0) })
      ]),
      effect: effect)
  }

  /// A rule that holds calls for `dba`.
  static func holding(
    _ name: String = "h", match: MatchDefinition = MatchDefinition(),
    approval: ApprovalDefinition? = ApprovalDefinition(reviewers: ["dba"])
  ) -> RuleDefinition {
    RuleDefinition(name: name, match: match, effect: .requireApproval, approval: approval)
  }

  static func masking(
    _ fields: [PositionedText] = ["email"], name: String = "m",
    match: MatchDefinition = MatchDefinition(),
    effect: RuleEffect = .mask
  ) -> RuleDefinition {
    RuleDefinition(
      name: name, match: match, effect: effect,
      masks: [MaskDefinition(fields: fields, treatment: .redact)])
  }
}
