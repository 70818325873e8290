import Policy

/// How often each rule had a say, also before the policy was last replaced: a program counts its own hits only.
struct RuleHits {
  /// Programs whose last calls may not be over; beyond, what they counted is added up.
  static let earlierMax = 4

  private var earlier: [PolicyProgram] = []
  private var carried: [String: UInt64] = [:]

  /// A program was replaced.
  mutating func retire(_ program: PolicyProgram) {
    earlier.append(program)
    while earlier.count > Self.earlierMax {
      for (name, hits) in Self.hits(earlier.removeFirst()) { carried[name, default: 0] &+= hits }
    }
  }

  /// Forgets rules that no longer exist.
  mutating func keep(_ names: Set<String>) {
    carried = carried.filter { names.contains($0.key) }
  }

  /// The rules of a program in their order.
  func counts(of program: PolicyProgram) -> [(name: String, hits: UInt64)] {
    var before = carried
    for program in earlier {
      for (name, hits) in Self.hits(program) { before[name, default: 0] &+= hits }
    }
    return Self.hits(program).map { ($0.name, $0.hits &+ before[$0.name, default: 0]) }
  }

  private static func hits(_ program: PolicyProgram) -> [(name: String, hits: UInt64)] {
    (0..<program.ruleCount).map { index in
      let rule = RuleID(index: UInt32(index))
      let span = program.ruleName(rule)
      let name = String(
        decoding: (0..<span.byteCount).map {
          unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self)
        }, as: UTF8.self)
      return (name, program.hits(rule))
    }
  }
}
