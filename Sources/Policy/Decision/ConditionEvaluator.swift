import Wire

extension PolicyScratch {
  /// Whether all conditions of a rule hold: `Truth` says how they combine.
  mutating func truth(
    ofAll conditions: TableRange, _ tables: borrowing PolicyTables, _ call: borrowing CallView,
    _ index: borrowing JSONIndex
  ) -> Truth {
    var all = Truth.yes
    for number in conditions.range {
      switch truth(of: tables.conditions[number], tables, call, index) {
      case .no: return .no
      case .unknown: all = .unknown
      case .yes: break
      }
    }
    return all
  }

  private mutating func truth(
    of condition: CompiledCondition, _ tables: borrowing PolicyTables,
    _ call: borrowing CallView, _ index: borrowing JSONIndex
  ) -> Truth {
    let path = Int(condition.path)
    let state = argument(path, tables, call, index)
    if state.kind == .absent { return .no }
    if state.kind == .unreadable { return .unknown }
    switch condition.operation {
    case .oneOf:
      return isOne(of: condition.operands, state, tables, call.bytes, index)
    case .prefix:
      guard state.kind == .string else { return .unknown }
      return text(state, call.bytes).hasPrefix(tables.text.bytes(condition.text)) ? .yes : .no
    case .suffix:
      guard state.kind == .string else { return .unknown }
      return text(state, call.bytes).hasSuffix(tables.text.bytes(condition.text)) ? .yes : .no
    case .regex:
      guard state.kind == .string else { return .unknown }
      return isMatch(Int(condition.operands.first), path, state, tables, call.bytes)
    case .greaterThan, .atLeast, .lessThan, .atMost:
      guard state.kind == .number else { return .unknown }
      let constant = tables.constants[Int(condition.operands.first)]
      return NumberComparison.truth(of: condition.operation, state, constant, call.bytes, index)
    }
  }

  @_lifetime(borrow self, copy bytes)
  func text(_ state: ArgumentState, _ bytes: RawSpan) -> RawSpan {
    state.isInScratch ? unescaped(state.text) : bytes.extracting(state.text.range)
  }

  // MARK: Equality

  private func isOne(
    of operands: TableRange, _ state: ArgumentState, _ tables: borrowing PolicyTables,
    _ bytes: RawSpan, _ index: borrowing JSONIndex
  ) -> Truth {
    var any = Truth.no
    for number in operands.range {
      switch isEqual(tables.scalars[number], state, tables, bytes, index) {
      case .yes: return .yes
      case .unknown: any = .unknown
      case .no: break
      }
    }
    return any
  }

  /// Whether the value equals `scalar`. One of another type is unknown, since some servers convert between types;
  /// but nothing else is ever taken for null.
  private func isEqual(
    _ scalar: CompiledScalar, _ state: ArgumentState, _ tables: borrowing PolicyTables,
    _ bytes: RawSpan, _ index: borrowing JSONIndex
  ) -> Truth {
    switch (scalar.kind, state.kind) {
    case (.string, .string):
      text(state, bytes).sameBytes(as: tables.text.bytes(scalar.text)) ? .yes : .no
    case (.number, .number):
      NumberComparison.truth(
        of: .oneOf, state, tables.constants[Int(scalar.constant)], bytes, index)
    case (.true, .true), (.false, .false), (.null, .null): .yes
    case (.true, .false), (.false, .true), (.null, _): .no
    default: .unknown
    }
  }

  // MARK: Regular expressions

  /// Whether pattern `bit` of the path's set is found in the text. The first question searches for all of them.
  private mutating func isMatch(
    _ bit: Int, _ path: Int, _ state: ArgumentState, _ tables: borrowing PolicyTables,
    _ bytes: RawSpan
  ) -> Truth {
    let compiled = tables.paths[path]
    guard searched(state, path, tables, bytes).scan == .done else { return .unknown }
    let word = unsafe regexWords[Int(compiled.regexWords.first) &+ bit >> 6]
    return word & (1 << UInt64(bit & 63)) != 0 ? .yes : .no
  }

  /// The state of a text after its path's patterns have been searched for in it, now or before.
  mutating func searched(
    _ state: ArgumentState, _ path: Int, _ tables: borrowing PolicyTables, _ bytes: RawSpan
  ) -> ArgumentState {
    guard state.scan == .notYet else { return state }
    var searched = state
    searched.scan = search(state, tables.paths[path], tables, bytes) ? .done : .failed
    remember(searched, path)
    return searched
  }

  private func search(
    _ state: ArgumentState, _ path: CompiledPath, _ tables: borrowing PolicyTables,
    _ bytes: RawSpan
  ) -> Bool {
    let words = unsafe regexWords + Int(path.regexWords.first)
    for word in 0..<Int(path.regexWords.count) { unsafe words[word] = 0 }
    return unsafe regexScratch.scan(
      text(state, bytes), with: tables.regexSets[Int(path.regexSet)], into: words)
  }
}
