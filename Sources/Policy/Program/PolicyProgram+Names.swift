import Wire

/// What the policy knows about the tool, prompt or resource of a call.
struct NameView: BitwiseCopyable {
  let primitive: Primitive
  /// Number of its row.
  var row: Int
  /// Bytes of its folded name in the scratch's buffer, when it has no row of its own.
  var foldedBytes: Int
  /// The first eight of them, for `RuleSieve`.
  var foldedWord: UInt64
}

enum NameSearch {
  case found(NameView)
  case refused(RefusalReason)
}

extension PolicyProgram {
  /// The policy's row for one primitive of a server.
  func row(_ server: ServerID, _ primitive: Primitive) -> ServerRow {
    tables.servers[Int(server.index) &* Primitive.allCases.count &+ Int(primitive.rawValue)]
  }

  /// Whether the principal may use what has this unescaped name, or URI, with some arguments at least: the question
  /// that decides whether a list shows it.
  public func mayList(
    _ primitive: Primitive, _ name: RawSpan, principal: borrowing Principal, server: ServerID,
    scratch: inout PolicyScratch
  ) -> Bool {
    precondition(scratch.program === self, "scratch of another program")
    let row = row(server, primitive)
    guard case .found(let target) = find(name, primitive, row, scratch),
      grant(target, name, principal) != nil
    else { return false }
    var isHeld = false
    for number in tables.rows[target.row].entries.range {
      let entry = tables.entries[number]
      let rule = tables.rules[Int(entry.rule)]
      guard rule.effect != .mask, concerns(rule, principal) else { continue }
      let shape = truth(of: entry, rule, target, name, scratch)
      let isOpen = rule.conditions.count > 0
      switch (effect(of: rule, on: primitive), shape) {
      case (_, .no), (.allow, .unknown): continue
      case (.block, _): if !isOpen { return false }
      case (.allow, _): if !isHeld { return true }
      // Held calls may go through in the end, unless a rule further down blocks them.
      case (.hold, _): if !isOpen { isHeld = true }
      case (.mask, _): continue
      }
    }
    return true
  }

  /// Only calls of tools can wait for a human: what asks for that elsewhere blocks.
  @inline(__always)
  func effect(of rule: CompiledRule, on primitive: Primitive) -> CompiledRule.Effect {
    rule.effect == .hold && primitive != .tool ? .block : rule.effect
  }

  /// Finds the row of what is called `name`. A name that only folds to a known one is refused.
  func find(
    _ name: RawSpan, _ primitive: Primitive, _ row: ServerRow, _ scratch: borrowing PolicyScratch
  ) -> NameSearch {
    let unreadable: RefusalReason = primitive == .tool ? .unreadableToolName : .unreadableName
    let most = primitive == .resource ? limits.resourceURIBytesMax : limits.toolNameBytesMax
    guard name.byteCount > 0, name.byteCount <= most,
      primitive != .resource || ResourceURI.isPlain(name)
    else { return .refused(unreadable) }
    if let known = find(name, in: tables.nameSlots, row.names) {
      return .found(
        NameView(primitive: primitive, row: Int(known), foldedBytes: 0, foldedWord: 0))
    }
    var buffer = scratch.foldedNameBuffer()
    NameFold.fold(name, into: &buffer)
    guard !buffer.overflowed else { return .refused(unreadable) }
    if find(buffer.written, in: tables.foldSlots, row.foldedNames) != nil {
      return .refused(primitive == .tool ? .toolNameFolds : .nameFolds)
    }
    return .found(
      NameView(
        primitive: primitive, row: Int(row.others), foldedBytes: buffer.count,
        foldedWord: buffer.written.firstWord))
  }

  private func find(
    _ name: RawSpan, in slots: borrowing FlatTable<NameSlot>, _ range: TableRange
  ) -> UInt32? {
    guard range.count > 0 else { return nil }
    let text = tables.text
    let hash = TextHash.of(name)
    let mask = Int(range.count) &- 1
    var place = Int(truncatingIfNeeded: hash) & mask
    while true {
      let slot = slots[Int(range.first) &+ place]
      if slot.row == NameSlot.free { return nil }
      if slot.hash == hash, text.bytes(slot.name).sameBytes(as: name) { return slot.row }
      place = (place &+ 1) & mask
    }
  }

  /// Number of the first profile of the principal that allows it, or nil.
  func grant(_ target: NameView, _ name: RawSpan, _ principal: borrowing Principal) -> UInt32? {
    let text = tables.text
    for number in tables.rows[target.row].grants.range {
      let grant = tables.grants[number]
      guard principal.profiles.contains(Int(grant.profile)) else { continue }
      if grant.pattern == NameGrant.matched { return grant.profile }
      let pattern = tables.patterns[Int(grant.pattern)]
      if Glob.matches(text.bytes(pattern.text), name) { return grant.profile }
    }
    return nil
  }

  /// Whether a rule is for this principal.
  func concerns(_ rule: CompiledRule, _ principal: borrowing Principal) -> Bool {
    if rule.principals.count > 0 {
      var isNamed = false
      for number in rule.principals.range where tables.numbers[number] == principal.nameNumber {
        isNamed = true
      }
      if !isNamed { return false }
    }
    if rule.groups.count == 0 { return true }
    for number in rule.groups.range where principal.groups.contains(Int(tables.numbers[number])) {
      return true
    }
    return false
  }

  /// Whether it is one of a rule's. A name that matches a glob only once both are folded is neither in nor out.
  func truth(
    of entry: RuleEntry, _ rule: CompiledRule, _ target: NameView, _ name: RawSpan,
    _ scratch: borrowing PolicyScratch
  ) -> Truth {
    switch entry.target {
    case .matches: return .yes
    case .undecided: return .unknown
    case .patterns: break
    }
    var any = Truth.no
    let text = tables.text
    let folded = scratch.foldedName(target.foldedBytes)
    for number in rule.patterns[Int(target.primitive.rawValue)].range {
      let pattern = tables.patterns[number]
      if Glob.matches(text.bytes(pattern.text), name) { return .yes }
      if Glob.matches(text.bytes(pattern.folded), folded) { any = .unknown }
    }
    return any
  }
}
