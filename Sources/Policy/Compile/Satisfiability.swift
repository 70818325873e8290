/// Whether one value can meet several conditions at once. Says yes when in doubt.
enum Satisfiability {
  static func isPossible(_ conditions: [ArgumentCondition]) -> Bool {
    guard let candidates = candidates(of: conditions) else {
      return wantsOneType(conditions) && prefixesAgree(conditions) && boundsMeet(conditions)
    }
    return candidates.contains { candidate in
      conditions.allSatisfy { isMet($0, by: candidate) }
    }
  }

  /// The values that some condition lists; nil when none lists any.
  private static func candidates(of conditions: [ArgumentCondition]) -> [ScalarDefinition]? {
    for condition in conditions {
      switch condition {
      case .equals(let value): return [value]
      case .oneOf(let values): return values
      default: continue
      }
    }
    return nil
  }

  private static func isMet(_ condition: ArgumentCondition, by value: ScalarDefinition) -> Bool {
    switch (condition, value) {
    case (.equals(let expected), _): return same(expected, value)
    case (.oneOf(let expected), _): return expected.contains { same($0, value) }
    case (.prefix(let prefix), .string(let text)): return text.utf8.starts(with: prefix.utf8)
    case (.suffix(let suffix), .string(let text)):
      return text.utf8.reversed().starts(with: suffix.utf8.reversed())
    case (.regex, .string): return true
    case (.greaterThan(let bound), .number(let number)):
      return order(number, bound).map { $0 > 0 } ?? true
    case (.atLeast(let bound), .number(let number)):
      return order(number, bound).map { $0 >= 0 } ?? true
    case (.lessThan(let bound), .number(let number)):
      return order(number, bound).map { $0 < 0 } ?? true
    case (.atMost(let bound), .number(let number)):
      return order(number, bound).map { $0 <= 0 } ?? true
    default: return false
    }
  }

  private static func same(_ left: ScalarDefinition, _ right: ScalarDefinition) -> Bool {
    if case .number(let left) = left, case .number(let right) = right {
      return order(left, right).map { $0 == 0 } ?? true
    }
    return left == right
  }

  private static func order(_ left: NumberLiteral, _ right: NumberLiteral) -> Int? {
    guard let left = DecimalNumber(left), let right = DecimalNumber(right) else { return nil }
    return left.compare(to: right)
  }

  private static func wantsOneType(_ conditions: [ArgumentCondition]) -> Bool {
    let text = conditions.contains { condition in
      switch condition {
      case .prefix, .suffix, .regex: true
      default: false
      }
    }
    return !(text && conditions.contains { bound($0) != nil })
  }

  private static func prefixesAgree(_ conditions: [ArgumentCondition]) -> Bool {
    let prefixes = conditions.compactMap { condition -> [UInt8]? in
      guard case .prefix(let text) = condition else { return nil }
      return Array(text.utf8)
    }
    guard let longest = prefixes.max(by: { $0.count < $1.count }) else { return true }
    return prefixes.allSatisfy { longest.starts(with: $0) }
  }

  /// A numeric bound: which side, and whether the bound itself is allowed.
  private static func bound(
    _ condition: ArgumentCondition
  ) -> (number: NumberLiteral, isLower: Bool, isOpen: Bool)? {
    switch condition {
    case .greaterThan(let number): (number, true, true)
    case .atLeast(let number): (number, true, false)
    case .lessThan(let number): (number, false, true)
    case .atMost(let number): (number, false, false)
    default: nil
    }
  }

  private static func boundsMeet(_ conditions: [ArgumentCondition]) -> Bool {
    let bounds = conditions.compactMap(bound)
    for lower in bounds where lower.isLower {
      for upper in bounds where !upper.isLower {
        guard let order = order(lower.number, upper.number) else { continue }
        if order > 0 || (order == 0 && (lower.isOpen || upper.isOpen)) { return false }
      }
    }
    return true
  }
}
