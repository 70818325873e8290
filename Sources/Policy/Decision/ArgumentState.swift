import Wire

/// What one decision has found out about one argument: looked up when a condition first asks for it, and kept for the
/// other conditions on the same path.
struct ArgumentState: BitwiseCopyable {
  /// How far the path's regular expressions have been searched for.
  enum Scan: UInt8, BitwiseCopyable {
    case notYet
    case done
    case failed
  }

  /// Number of the decision it belongs to.
  var epoch: UInt32 = 0
  var kind: ArgumentKind
  var scan = Scan.notYet
  /// Whether the text is in the scratch, unescaped, and not in the message.
  var isInScratch = false
  /// Whether `integer` holds the number, which is then a double exactly.
  var isExactInteger = false
  /// The text of a string without its quotes, or the literal of a number.
  var text = ByteRange.empty
  var integer: Int64 = 0
  /// The first eight bytes of a string, unescaped, for `RuleSieve`.
  var firstWord: UInt64 = 0
  /// The value itself; nil only when it could not be read.
  var token: JSONToken?

  init(_ kind: ArgumentKind) {
    self.kind = kind
  }
}

/// The message a decision is about, to pass on in one piece.
struct CallView: ~Copyable, ~Escapable {
  let arguments: JSONToken?
  let bytes: RawSpan

  @_lifetime(copy bytes)
  init(arguments: JSONToken?, bytes: RawSpan) {
    self.arguments = arguments
    self.bytes = bytes
  }
}

// MARK: - Looking an argument up

extension PolicyScratch {
  /// What the argument at `path` is.
  mutating func argument(
    _ path: Int, _ tables: borrowing PolicyTables, _ call: borrowing CallView,
    _ index: borrowing JSONIndex
  ) -> ArgumentState {
    if let known = knownState(path) { return known }
    let state = lookUp(path, tables, call, index)
    remember(state, path)
    return state
  }

  private mutating func lookUp(
    _ path: Int, _ tables: borrowing PolicyTables, _ call: borrowing CallView,
    _ index: borrowing JSONIndex
  ) -> ArgumentState {
    // Arguments that are missing or null are an empty object to every SDK.
    guard var place = call.arguments, index.kind(of: place, in: call.bytes) != .null else {
      return ArgumentState(.absent)
    }
    for number in tables.paths[path].components.range {
      let component = tables.components[number]
      switch member(component, of: place, tables, call.bytes, index) {
      case .absent: return ArgumentState(.absent)
      case .unreadable: return ArgumentState(.unreadable)
      case .value(let value): place = value
      }
    }
    return read(place, call.bytes, index)
  }

  private enum Member {
    case absent
    case unreadable
    case value(JSONToken)
  }

  /// The member of `object` that `component` names. All keys are looked at: one that only folds to the name makes
  /// the argument unreadable, because a server may take either for it.
  private func member(
    _ component: PathComponent, of object: JSONToken, _ tables: borrowing PolicyTables,
    _ bytes: RawSpan, _ index: borrowing JSONIndex
  ) -> Member {
    guard index.kind(of: object, in: bytes) == .object else { return .unreadable }
    var found: JSONToken?
    var count = 0
    var next = index.firstMember(of: object, in: bytes)
    while let key = next {
      count &+= 1
      guard count <= program.limits.membersMax else { return .unreadable }
      switch compare(key, with: component, tables, bytes, index) {
      case .yes: found = index.value(ofKey: key)
      case .unknown: return .unreadable
      case .no: break
      }
      next = index.nextMember(after: key, in: bytes)
    }
    return found.map { .value($0) } ?? .absent
  }

  /// Whether `key` is the component's: yes, no, or unknown when it only folds to it or cannot be told.
  private func compare(
    _ key: JSONToken, with component: PathComponent, _ tables: borrowing PolicyTables,
    _ bytes: RawSpan, _ index: borrowing JSONIndex
  ) -> Truth {
    let raw = bytes.extracting(index.contents(of: key).range)
    guard index.hasEscapes(key, in: bytes) else { return compare(raw, with: component, tables) }
    var buffer = keyBuffer()
    index.decode(key, in: bytes, into: &buffer)
    return buffer.overflowed ? .unknown : compare(buffer.written, with: component, tables)
  }

  private func compare(
    _ key: RawSpan, with component: PathComponent, _ tables: borrowing PolicyTables
  ) -> Truth {
    let exact = tables.text.bytes(component.key)
    if key.sameBytes(as: exact) { return .yes }
    var buffer = foldedKeyBuffer()
    let folds = NameFold.differsOnlyByFolding(
      key, exact: exact, folded: tables.text.bytes(component.folded), buffer: &buffer)
    return folds == false ? .no : .unknown
  }

  /// Reads the value itself.
  private mutating func read(
    _ value: JSONToken, _ bytes: RawSpan, _ index: borrowing JSONIndex
  ) -> ArgumentState {
    var state: ArgumentState
    switch index.kind(of: value, in: bytes) {
    case .object, .array: state = ArgumentState(.composite)
    case .true: state = ArgumentState(.true)
    case .false: state = ArgumentState(.false)
    case .null: state = ArgumentState(.null)
    case .number:
      state = ArgumentState(.number)
      state.text = index.range(of: value)
      if let integer = index.integer(value, in: bytes),
        integer.magnitude <= NumberComparison.exactIntegerMax
      {
        state.integer = integer
        state.isExactInteger = true
      }
    case .string:
      state = ArgumentState(.string)
      state.text = index.contents(of: value)
      guard Int(state.text.count) <= program.limits.valueBytesMax else {
        return ArgumentState(.unreadable)
      }
      if index.hasEscapes(value, in: bytes) {
        guard let text = unescape(value, index, bytes) else { return ArgumentState(.unreadable) }
        state.text = text
        state.isInScratch = true
      }
      state.firstWord = text(state, bytes).firstWord
    }
    state.token = value
    return state
  }
}
