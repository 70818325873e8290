import Wire

/// Comparing a call's number with one of the policy's.
///
/// Both are compared exactly, as the decimals they were written as. Most servers, however, read numbers as IEEE
/// doubles, to which 9007199254740993 is 9007199254740992: where that reading would answer differently, the
/// answer is unknown, because nobody can say which of the two numbers the server will see.
///
///     9007199254740993 equals 9007199254740992      exactly: no      as doubles: yes      ->  unknown
///     9007199254740993 at_least 1000                exactly: yes     as doubles: yes      ->  yes
///     0.1 equals 0.10                               exactly: yes                          ->  yes
enum NumberComparison {
  /// Integers up to here are doubles exactly, so the two readings agree.
  static let exactIntegerMax: UInt64 = 1 << 53

  static func truth(
    of operation: CompiledCondition.Operation, _ state: ArgumentState, _ constant: NumberConstant,
    _ bytes: RawSpan, _ index: borrowing JSONIndex
  ) -> Truth {
    if state.isExactInteger && constant.isExactInteger {
      return holds(operation, order(state.integer, constant.integer)) ? .yes : .no
    }
    guard let token = state.token,
      let decimal = DecimalNumber(bytes.extracting(state.text.range))
    else { return .unknown }
    let exactly = holds(operation, decimal.compare(to: constant.decimal))
    let value = index.double(token, in: bytes)
    guard value.isFinite, constant.double.isFinite else { return .unknown }
    let asDoubles = holds(operation, order(value, constant.double))
    return exactly != asDoubles ? .unknown : exactly ? .yes : .no
  }

  private static func order<Value: Comparable>(_ left: Value, _ right: Value) -> Int {
    left < right ? -1 : left == right ? 0 : 1
  }

  /// Whether `order`, as `DecimalNumber.compare` gives it, is what `operation` asks for.
  private static func holds(_ operation: CompiledCondition.Operation, _ order: Int) -> Bool {
    switch operation {
    case .greaterThan: order > 0
    case .atLeast: order >= 0
    case .lessThan: order < 0
    case .atMost: order <= 0
    case .oneOf: order == 0
    case .prefix, .suffix, .regex: preconditionFailure("no comparison of numbers")
    }
  }
}
