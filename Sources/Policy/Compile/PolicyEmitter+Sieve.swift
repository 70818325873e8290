/// Finding the quickest necessary condition of each rule.
extension PolicyEmitter {
  /// The sieve of a rule that looks at its globs and arguments.
  func sieve(
    of rule: ResolvedRule, _ primitive: Primitive, target: RuleEntry.Target
  ) -> RuleSieve {
    if target == .patterns, let sieve = nameSieve(rule.reach(primitive).listed) { return sieve }
    for number in rules[rule.number].conditions.range {
      let sieve = sieve(of: conditions[number])
      if sieve.kind != .none { return sieve }
    }
    return .none
  }

  /// A name that matches the only glob, exactly or folded, begins, folded, with what stands before its first wildcard.
  /// True of visible ASCII, of which folding drops and trims nothing.
  private func nameSieve(_ listed: [String]) -> RuleSieve? {
    let globs = listed.filter(Glob.isGlob)
    guard globs.count == 1 else { return nil }
    let literal = globs[0].utf8.prefix { $0 != UInt8(ascii: "*") && $0 != UInt8(ascii: "?") }
    guard !literal.isEmpty, literal.allSatisfy({ 0x21...0x7E ~= $0 }) else { return nil }
    let folded = literal.map { 0x41...0x5A ~= $0 ? $0 | 0x20 : $0 }
    return textSieve(.name, path: 0, folded, isWhole: false)
  }

  private func sieve(of condition: CompiledCondition) -> RuleSieve {
    switch condition.operation {
    case .prefix:
      return textSieve(.text, path: condition.path, bytes(condition.text), isWhole: false)
    case .oneOf where condition.operands.count == 1:
      let scalar = scalars[Int(condition.operands.first)]
      if scalar.kind == .string {
        return textSieve(.text, path: condition.path, bytes(scalar.text), isWhole: true)
      }
      return scalar.kind == .number ? bounds(condition, Int(scalar.constant)) : .none
    case .greaterThan, .atLeast, .lessThan, .atMost:
      return bounds(condition, Int(condition.operands.first))
    case .regex:
      let words = paths[Int(condition.path)].regexWords
      let bit = condition.operands.first
      return RuleSieve(
        kind: .regex, path: condition.path, word: UInt64(words.first + bit / 64),
        mask: 1 << UInt64(bit % 64))
    case .oneOf, .suffix:
      return .none
    }
  }

  private func bytes(_ range: TextRange) -> [UInt8] {
    Array(text.bytes[Int(range.offset)..<Int(range.offset) + Int(range.count)])
  }

  /// Compares the first eight bytes of a text, or as many as are given; with `isWhole` also that no more follow.
  private func textSieve(
    _ kind: RuleSieve.Kind, path: UInt32, _ text: [UInt8], isWhole: Bool
  ) -> RuleSieve {
    let count = min(text.count, 8)
    let word = unsafe text.span.bytes.firstWord
    let isFull = isWhole || count == 8
    return RuleSieve(
      kind: kind, path: path, word: word, mask: isFull ? .max : (1 << UInt64(8 * count)) - 1)
  }

  /// The integers that meet a comparison with an integer; only where both are doubles exactly, and can therefore be
  /// compared in only one way.
  private func bounds(_ condition: CompiledCondition, _ number: Int) -> RuleSieve {
    let constant = constants[number]
    guard constant.isExactInteger else { return .none }
    let value = constant.integer
    let range: ClosedRange<Int64> =
      switch condition.operation {
      case .greaterThan: (value + 1)...Int64.max
      case .atLeast: value...Int64.max
      case .lessThan: Int64.min...(value - 1)
      case .atMost: Int64.min...value
      case .oneOf, .prefix, .suffix, .regex: value...value
      }
    return RuleSieve(
      kind: .integer, path: condition.path, word: UInt64(bitPattern: range.lowerBound),
      mask: UInt64(bitPattern: range.upperBound))
  }
}
