extension PolicyEmitter {
  /// The conditions of one rule, cheap ones first: what all must hold has no order of its own.
  mutating func emitConditions(_ list: [ResolvedCondition]) -> TableRange {
    let first = UInt32(conditions.count)
    let cheapFirst =
      list.filter { !$0.isRegex } + list.filter(\.isRegex)
    for condition in cheapFirst {
      let path = pathNumber(condition.path)
      conditions.append(compile(condition.condition, path))
    }
    return TableRange(first: first, count: UInt32(list.count))
  }

  private mutating func pathNumber(_ keys: [String]) -> Int {
    let bytes = keys.map { Array($0.utf8) }
    if let number = pathNumbers[bytes] { return number }
    let first = UInt32(components.count)
    for key in keys {
      components.append(
        PathComponent(key: text.insert(key), folded: text.insert(NameFold.fold(key))))
    }
    paths.append(
      CompiledPath(
        components: TableRange(first: first, count: UInt32(keys.count)),
        regexSet: CompiledPath.noRegex, regexWords: .none))
    regexes.append([])
    pathNumbers[bytes] = paths.count - 1
    return paths.count - 1
  }

  private mutating func compile(_ condition: ArgumentCondition, _ path: Int) -> CompiledCondition {
    func make(
      _ operation: CompiledCondition.Operation, operands: TableRange = .none,
      text: TextRange = .empty
    ) -> CompiledCondition {
      CompiledCondition(
        operation: operation, path: UInt32(path), operands: operands, text: text)
    }
    switch condition {
    case .equals(let value): return make(.oneOf, operands: emit([value]))
    case .oneOf(let values): return make(.oneOf, operands: emit(values))
    case .prefix(let prefix): return make(.prefix, text: text.insert(prefix))
    case .suffix(let suffix): return make(.suffix, text: text.insert(suffix))
    case .regex(let pattern): return make(.regex, operands: emit(pattern, path))
    case .greaterThan(let number): return make(.greaterThan, operands: emit(number))
    case .atLeast(let number): return make(.atLeast, operands: emit(number))
    case .lessThan(let number): return make(.lessThan, operands: emit(number))
    case .atMost(let number): return make(.atMost, operands: emit(number))
    }
  }

  private mutating func emit(_ values: [ScalarDefinition]) -> TableRange {
    let first = UInt32(scalars.count)
    for value in values {
      var scalar = CompiledScalar(kind: .null, text: .empty, constant: 0)
      switch value {
      case .string(let string):
        scalar.kind = .string
        scalar.text = text.insert(string)
      case .number(let number):
        scalar.kind = .number
        scalar.constant = emit(number).first
      case .boolean(let flag):
        scalar.kind = flag ? .true : .false
      case .null:
        break
      }
      scalars.append(scalar)
    }
    return TableRange(first: first, count: UInt32(values.count))
  }

  private mutating func emit(_ number: NumberLiteral) -> TableRange {
    guard let decimal = DecimalNumber(number) else {
      preconditionFailure("the checker lets no other number through")
    }
    let integer = Int64(number.text) ?? .min
    constants.append(
      NumberConstant(
        decimal: decimal, double: Double(number.text) ?? .nan, integer: integer,
        isExactInteger: integer.magnitude <= NumberComparison.exactIntegerMax))
    return TableRange(first: UInt32(constants.count - 1), count: 1)
  }

  /// The bit of `pattern` among the patterns of its path.
  private mutating func emit(_ pattern: String, _ path: Int) -> TableRange {
    let bit =
      regexes[path].firstIndex { $0.utf8.elementsEqual(pattern.utf8) } ?? regexes[path].count
    if bit == regexes[path].count { regexes[path].append(pattern) }
    return TableRange(first: UInt32(bit), count: 1)
  }

  /// Compiles the patterns of each path into one set.
  mutating func compileRegexes() {
    let count = regexes.reduce(0) { $0 + $1.count }
    if count > limits.regexesMax {
      problems.append(
        PolicyProblem(
          kind: .tooMany, subject: "policy", position: nil,
          message: "\(count) regular expressions are more than regexesMax = \(limits.regexesMax)."))
      return
    }
    for path in paths.indices where !regexes[path].isEmpty {
      do throws(RegexSet.Failure) {
        let set = try RegexSet(regexes[path])
        paths[path].regexSet = UInt32(regexSets.count)
        regexSets.append(set)
        let words = (regexes[path].count + 63) / 64
        paths[path].regexWords = TableRange(
          first: UInt32(regexWordCount), count: UInt32(words))
        regexWordCount += words
      } catch {
        reportSet(path, error)
      }
    }
  }

  /// A set whose patterns compile one by one, but not together.
  private mutating func reportSet(_ path: Int, _ failure: RegexSet.Failure) {
    let keys = (pathNumbers.first { $0.value == path }?.key ?? [])
      .map { String(decoding: $0, as: UTF8.self) }
    let pattern = failure.pattern.map { " at \"\(regexes[path][$0])\"" } ?? ""
    let users = policy.rules.filter { rule in
      rule.conditions.contains { $0.path == keys && $0.isRegex }
    }
    problems.append(
      PolicyProblem(
        kind: .invalidRegex, subject: users.map(\.subject).joined(separator: ", "), position: nil,
        message:
          "the regular expressions over \"\(keys.joined(separator: "."))\" cannot be compiled "
          + "together\(pattern): \(failure.message). Make them simpler, or fewer."))
  }
}

extension ResolvedCondition {
  var isRegex: Bool {
    if case .regex = condition { return true }
    return false
  }
}
