extension PolicyChecker {
  mutating func resolveConditions(
    _ rule: RuleDefinition, _ subject: String
  ) -> [ResolvedCondition] {
    var conditions: [ResolvedCondition] = []
    for argument in rule.match.arguments {
      guard let path = checkPath(argument.path, subject) else { continue }
      if argument.conditions.isEmpty {
        report(
          .emptyList, subject, argument.path.position,
          "nothing is asked of the argument \"\(argument.path.text)\". Give it a condition.")
      }
      for condition in argument.conditions where checkCondition(condition, argument.path, subject) {
        conditions.append(
          ResolvedCondition(
            path: path, condition: condition.condition,
            position: condition.position ?? argument.path.position))
      }
    }
    if conditions.count > limits.conditionsPerRuleMax {
      report(
        .tooMany, subject, rule.position,
        "\(conditions.count) conditions are more than conditionsPerRuleMax = "
          + "\(limits.conditionsPerRuleMax). Split the rule.")
    }
    for (path, ofPath) in Dictionary(grouping: conditions, by: \.path)
    where !Satisfiability.isPossible(ofPath.map(\.condition)) {
      report(
        .contradictoryConditions, subject, ofPath[0].position,
        "no value of \"\(path.joined(separator: "."))\" meets all of its conditions, "
          + "so the rule can never apply.")
    }
    return conditions
  }

  private mutating func checkCondition(
    _ definition: ConditionDefinition, _ path: PositionedText, _ subject: String
  ) -> Bool {
    let position = definition.position ?? path.position
    switch definition.condition {
    case .equals(let value):
      return checkScalar(value, position, subject)
    case .oneOf(let values):
      if values.isEmpty {
        report(.emptyList, subject, position, "one_of is empty, so the rule can never apply.")
      } else if values.count > limits.valuesPerConditionMax {
        report(
          .tooMany, subject, position,
          "one_of has \(values.count) values, more than valuesPerConditionMax = "
            + "\(limits.valuesPerConditionMax).")
      }
      var good = !values.isEmpty
      for value in values where !checkScalar(value, position, subject) { good = false }
      return good
    case .prefix(let text), .suffix(let text):
      if text.isEmpty {
        report(.emptyList, subject, position, "an empty text begins and ends every text.")
        return false
      }
      return checkText(text, position, subject)
    case .regex(let pattern):
      return checkText(pattern, position, subject) && checkRegex(pattern, position, subject)
    case .greaterThan(let number), .atLeast(let number), .lessThan(let number),
      .atMost(let number):
      return checkNumber(number, position, subject)
    }
  }

  private mutating func checkScalar(
    _ value: ScalarDefinition, _ position: SourcePosition?, _ subject: String
  ) -> Bool {
    switch value {
    case .string(let text): checkText(text, position, subject)
    case .number(let number): checkNumber(number, position, subject)
    case .boolean, .null: true
    }
  }

  private mutating func checkText(
    _ text: String, _ position: SourcePosition?, _ subject: String
  ) -> Bool {
    guard text.utf8.count > limits.textBytesMax else { return true }
    report(
      .tooLong, subject, position,
      "a text is longer than textBytesMax = \(limits.textBytesMax) bytes.")
    return false
  }

  private mutating func checkNumber(
    _ number: NumberLiteral, _ position: SourcePosition?, _ subject: String
  ) -> Bool {
    if DecimalNumber(number) != nil { return true }
    report(
      .invalidNumber, subject, position,
      "\"\(number.text)\" is no number this can compare with: write it as in JSON, in at most 64 characters."
    )
    return false
  }

  private mutating func checkRegex(
    _ pattern: String, _ position: SourcePosition?, _ subject: String
  ) -> Bool {
    guard !pattern.utf8.contains(0) else {
      report(.invalidRegex, subject, position, "a regular expression cannot hold a zero byte.")
      return false
    }
    do throws(RegexSet.Failure) {
      try RegexSet([pattern]).free()
      return true
    } catch {
      report(
        .invalidRegex, subject, position,
        "the regular expression \"\(pattern)\" cannot be used: \(error.message). Patterns run in linear "
          + "time, so look-around and back-references do not exist, and one that matches the empty text "
          + "would match always.")
      return false
    }
  }
}

extension DecimalNumber {
  /// Reads a literal of the configuration.
  init?(_ literal: NumberLiteral) {
    let bytes = Array(literal.text.utf8)
    unsafe self.init(bytes.span.bytes)
  }
}
