import Wire

/// What the policy knows about the tool of a call.
struct ToolView: BitwiseCopyable {
  /// Number of its row.
  var row: Int
  /// Bytes of its folded name in the scratch's buffer, when it has no row of its own.
  var foldedBytes: Int
  /// The first eight of them, for `RuleSieve`.
  var foldedWord: UInt64
}

enum ToolSearch {
  case found(ToolView)
  case refused(RefusalReason)
}

extension PolicyProgram {
  /// Whether the principal may call a tool with this unescaped name with some arguments at least: the question
  /// that decides whether a list of tools shows it.
  public func mayList(
    tool name: RawSpan, principal: borrowing Principal, server: ServerID,
    scratch: inout PolicyScratch
  ) -> Bool {
    precondition(scratch.program === self, "scratch of another program")
    let row = tables.servers[Int(server.index)]
    guard case .found(let tool) = findTool(name, row, scratch),
      grant(tool, name, principal) != nil
    else { return false }
    var isHeld = false
    for number in tables.rows[tool.row].entries.range {
      let entry = tables.entries[number]
      let rule = tables.rules[Int(entry.rule)]
      guard rule.effect != .mask, concerns(rule, principal) else { continue }
      let shape = truth(of: entry, rule, tool, name, scratch)
      let isOpen = rule.conditions.count > 0
      switch (rule.effect, shape) {
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

  /// Finds the row of the tool called `name`. A name that only folds to a known one is refused.
  func findTool(
    _ name: RawSpan, _ row: ServerRow, _ scratch: borrowing PolicyScratch
  ) -> ToolSearch {
    guard name.byteCount > 0, name.byteCount <= limits.toolNameBytesMax else {
      return .refused(.unreadableToolName)
    }
    if let known = find(name, in: tables.nameSlots, row.names) {
      return .found(ToolView(row: Int(known), foldedBytes: 0, foldedWord: 0))
    }
    var buffer = scratch.foldedNameBuffer()
    NameFold.fold(name, into: &buffer)
    guard !buffer.overflowed else { return .refused(.unreadableToolName) }
    if find(buffer.written, in: tables.foldSlots, row.foldedNames) != nil {
      return .refused(.toolNameFolds)
    }
    return .found(
      ToolView(
        row: Int(row.otherTools), foldedBytes: buffer.count,
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

  /// Number of the first profile of the principal that allows the tool, or nil.
  func grant(_ tool: ToolView, _ name: RawSpan, _ principal: borrowing Principal) -> UInt32? {
    let text = tables.text
    for number in tables.rows[tool.row].grants.range {
      let grant = tables.grants[number]
      guard principal.profiles.contains(Int(grant.profile)) else { continue }
      if grant.pattern == ToolGrant.matched { return grant.profile }
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

  /// Whether the tool is one of a rule's. A name that matches a glob only once both are folded is neither in nor out.
  func truth(
    of entry: RuleEntry, _ rule: CompiledRule, _ tool: ToolView, _ name: RawSpan,
    _ scratch: borrowing PolicyScratch
  ) -> Truth {
    switch entry.tool {
    case .matches: return .yes
    case .undecided: return .unknown
    case .patterns: break
    }
    var any = Truth.no
    let text = tables.text
    let folded = scratch.foldedName(tool.foldedBytes)
    for number in rule.patterns.range {
      let pattern = tables.patterns[number]
      if Glob.matches(text.bytes(pattern.text), name) { return .yes }
      if Glob.matches(text.bytes(pattern.folded), folded) { any = .unknown }
    }
    return any
  }
}
