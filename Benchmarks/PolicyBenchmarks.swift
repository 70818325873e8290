import Policy
import Wire

/// What a decision costs with 1, 10 and 100 rules of several kinds, none of which matches: the common case.
func benchmarkPolicy(_ harness: Harness) throws {
  for kind in ["tools", "arguments", "regex", "mix"] {
    for rules in [1, 10, 100] { try benchmarkDecision(harness, kind, rules) }
  }
}

private func benchmarkDecision(_ harness: Harness, _ kind: String, _ rules: Int) throws {
  let name = "policy/decide \(kind), \(rules) rules"
  guard name.contains(harness.filter) else { return }
  let program = try PolicyProgram(definition: definition(kind, rules))
  var scratch = PolicyScratch(for: program)
  var index = JSONIndex(limits: JSONLimits())
  let text = Array(
    (#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"query","arguments":"#
      + #"{"sql":"SELECT id, total FROM orders WHERE customer = 42","limit":100}}}"#).utf8)
  let bytes = unsafe text.span.bytes
  precondition(index.read(bytes, watch: .none) == nil)
  let params = index.member("params", of: index.root, in: bytes)!
  let call = PolicyCall(
    method: .toolsCall, hasID: true, target: index.member("name", of: params, in: bytes),
    arguments: index.member("arguments", of: params, in: bytes))
  let principal = program.principal(at: 0)
  harness.measure(name, repeats: 256) {
    switch program.decide(
      principal: principal, server: ServerID(index: 0), call: call, index: index, bytes: bytes,
      scratch: &scratch)
    {
    case .allow(let permit): _ = permit.redeem()
    case .block: preconditionFailure("no rule matches")
    case .hold: preconditionFailure("no rule matches")
    }
  }
}

private func definition(_ kind: String, _ count: Int) -> PolicyDefinition {
  var rules = (0..<count).map { number in
    RuleDefinition(name: "rule-\(number)", match: match(kind, number), effect: .block)
  }
  rules.append(
    RuleDefinition(
      name: "personal-data", effect: .mask,
      masks: [MaskDefinition(fields: ["email", "ssn"], treatment: .redact)]))
  return PolicyDefinition(
    servers: [ServerDefinition(name: "orders")],
    principals: [PrincipalDefinition(name: "agent", kind: .serviceAccount, groups: ["analysts"])],
    profiles: [
      ProfileDefinition(
        name: "analyst", groups: ["analysts"],
        allow: [GrantDefinition(server: "orders", tools: ["query", "*"])])
    ],
    rules: rules)
}

private func match(_ kind: String, _ number: Int) -> MatchDefinition {
  func sql(_ condition: ArgumentCondition) -> MatchDefinition {
    MatchDefinition(
      tools: ["query"],
      arguments: [ArgumentDefinition(path: "sql", conditions: [ConditionDefinition(condition)])])
  }
  return switch kind {
  case "tools": MatchDefinition(tools: [PositionedText("tool\(number)")])
  case "arguments": sql(.equals(.string("DROP TABLE number\(number)")))
  case "regex": sql(.regex("(?i)\\bdrop\\s+table\\s+t\(number)\\b"))
  default:
    switch number % 3 {
    case 0: match("tools", number)
    case 1: match("arguments", number)
    default: MatchDefinition(tools: [PositionedText("tool\(number)_*")])
    }
  }
}
