import Wire

extension PolicyScratch {
  /// Whether the sieve of a rule says that the rule certainly does not match.
  @inline(__always)
  mutating func isRuledOut(
    by sieve: RuleSieve, foldedName: UInt64, _ tables: borrowing PolicyTables,
    _ call: borrowing CallView, _ index: borrowing JSONIndex
  ) -> Bool {
    switch sieve.kind {
    case .none: return false
    case .name: return foldedName & sieve.mask != sieve.word
    case .text, .integer, .regex: break
    }
    let state = argument(Int(sieve.path), tables, call, index)
    switch (sieve.kind, state.kind) {
    case (_, .absent):
      return true
    case (.text, .string):
      return state.firstWord & sieve.mask != sieve.word
    case (.integer, .number):
      return state.isExactInteger
        && (state.integer < Int64(bitPattern: sieve.word)
          || state.integer > Int64(bitPattern: sieve.mask))
    case (.regex, .string):
      guard searched(state, Int(sieve.path), tables, call.bytes).scan == .done else { return false }
      return unsafe regexWords[Int(sieve.word)] & sieve.mask == 0
    default:
      return false
    }
  }
}
