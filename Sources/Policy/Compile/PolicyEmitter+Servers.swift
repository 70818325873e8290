extension PolicyEmitter {
  /// Everything that concerns one server.
  private struct Scope {
    var server: Int
    /// Profiles with patterns for the server, each with all of them.
    var profiles: [(number: Int, tools: ToolPatterns)]
    var rules: [(rule: ResolvedRule, tools: ToolPatterns?)]
  }

  mutating func emitServer(_ server: Int) {
    let scope = Scope(
      server: server,
      profiles: policy.profiles.enumerated().compactMap { number, profile in
        let tools = profile.grants.filter { $0.server == server }.flatMap(\.tools)
        return tools.isEmpty ? nil : (number, ToolPatterns(tools))
      },
      rules: policy.rules.filter { $0.servers.contains(server) }
        .map { ($0, $0.tools.map { ToolPatterns($0) }) })
    let names = exactNames(scope)
    var profiles = BoundedSet()
    for profile in scope.profiles { profiles.insert(profile.number) }
    let nameRange = emitNames(names, scope)
    let foldedRange = emitFolded(names)
    let otherTools = emitOtherTools(scope)
    servers.append(
      ServerRow(
        profiles: profiles, names: nameRange, foldedNames: foldedRange, otherTools: otherTools,
        maskEntries: emitMaskEntries(scope)))
    checkLimit(server, names.count)
  }

  /// Each tool that some profile or rule names exactly, once.
  private func exactNames(_ scope: Scope) -> [[UInt8]] {
    var names: Set<[UInt8]> = []
    for profile in scope.profiles { names.formUnion(profile.tools.exact) }
    for rule in scope.rules { names.formUnion(rule.tools?.exact ?? []) }
    return names.sorted { $0.lexicographicallyPrecedes($1) }
  }

  private var tableEntries: Int { entries.count + grants.count }

  /// Reports, once, a policy whose tables have grown past their limit; no row is added after that.
  private mutating func checkLimit(_ server: Int, _ names: Int) {
    guard tableEntries > limits.tableEntriesMax, !problems.contains(where: { $0.kind == .tooMany })
    else { return }
    problems.append(
      PolicyProblem(
        kind: .tooMany, subject: "server \"\(policy.servers[server])\"", position: nil,
        message: "\(names) tools times the rules and profiles that concern them need more than "
          + "tableEntriesMax = \(limits.tableEntriesMax) entries. Use globs, or narrow rules to servers."
      ))
  }

  /// The row of every tool that is named exactly, behind a hash table of their names.
  private mutating func emitNames(_ names: [[UInt8]], _ scope: Scope) -> TableRange {
    var slots = emptySlots(for: names.count)
    for name in names where tableEntries <= limits.tableEntriesMax {
      insert(name: name, row: emitRow(name, scope), into: &slots)
    }
    nameSlots += slots
    return TableRange(first: UInt32(nameSlots.count - slots.count), count: UInt32(slots.count))
  }

  private mutating func emitFolded(_ names: [[UInt8]]) -> TableRange {
    let folded = Set(names.map { NameFold.fold($0) })
    var slots = emptySlots(for: folded.count)
    for name in folded { insert(name: name, row: 0, into: &slots) }
    foldSlots += slots
    return TableRange(first: UInt32(foldSlots.count - slots.count), count: UInt32(slots.count))
  }

  /// At most half full, so that a search always ends at a free slot; a power of two, so that a mask is enough.
  private func emptySlots(for count: Int) -> [NameSlot] {
    guard count > 0 else { return [] }
    var size = 2
    while size < count * 2 { size *= 2 }
    return Array(repeating: NameSlot(hash: 0, name: .empty, row: NameSlot.free), count: size)
  }

  private mutating func insert(name: [UInt8], row: UInt32, into slots: inout [NameSlot]) {
    let hash = unsafe TextHash.of(name.span.bytes)
    var place = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[place].row != NameSlot.free { place = (place + 1) & (slots.count - 1) }
    slots[place] = NameSlot(hash: hash, name: text.insert(name), row: row)
  }

  private mutating func emitRow(_ name: [UInt8], _ scope: Scope) -> UInt32 {
    let firstGrant = UInt32(grants.count)
    for profile in scope.profiles where profile.tools.matches(name) {
      grants.append(ToolGrant(profile: UInt32(profile.number), pattern: ToolGrant.matched))
    }
    let firstEntry = UInt32(entries.count)
    let folded = NameFold.fold(name)
    for (rule, tools) in scope.rules {
      if tools?.matches(name) != false {
        append(rule, .matches)
      } else if tools?.matchesFolded(folded) == true {
        // Another exact name that folds to the same is another tool, both being known; a glob is about all names of
        // a shape, and one that has it but for its case may be one that its author meant.
        append(rule, .undecided)
      }
    }
    return appendRow(firstGrant, firstEntry)
  }

  private mutating func emitOtherTools(_ scope: Scope) -> UInt32 {
    let firstGrant = UInt32(grants.count)
    for profile in scope.profiles {
      if profile.tools.isOpen {
        grants.append(ToolGrant(profile: UInt32(profile.number), pattern: ToolGrant.matched))
        continue
      }
      for glob in profile.tools.globs {
        grants.append(
          ToolGrant(profile: UInt32(profile.number), pattern: patternNumber(glob.text)))
      }
    }
    let firstEntry = UInt32(entries.count)
    for (rule, tools) in scope.rules {
      if tools?.isOpen != false {
        append(rule, .matches)
      } else if rules[rule.number].patterns.count > 0 {
        append(rule, .patterns)
      }
    }
    return appendRow(firstGrant, firstEntry)
  }

  private mutating func patternNumber(_ pattern: [UInt8]) -> UInt32 {
    if let number = patternNumbers[pattern] { return number }
    patterns.append(compilePattern(String(decoding: pattern, as: UTF8.self)))
    patternNumbers[pattern] = UInt32(patterns.count - 1)
    return UInt32(patterns.count - 1)
  }

  private mutating func emitMaskEntries(_ scope: Scope) -> TableRange {
    let first = UInt32(entries.count)
    for (rule, _) in scope.rules where !rule.masks.isEmpty {
      entries.append(RuleEntry(rule: UInt32(rule.number), tool: .matches))
    }
    return TableRange(first: first, count: UInt32(entries.count) - first)
  }

  private mutating func append(_ rule: ResolvedRule, _ tool: RuleEntry.Tool) {
    entries.append(
      RuleEntry(rule: UInt32(rule.number), tool: tool, sieve: sieve(of: rule, tool: tool)))
  }

  private mutating func appendRow(_ firstGrant: UInt32, _ firstEntry: UInt32) -> UInt32 {
    rows.append(
      ToolRow(
        grants: TableRange(first: firstGrant, count: UInt32(grants.count) - firstGrant),
        entries: TableRange(first: firstEntry, count: UInt32(entries.count) - firstEntry)))
    return UInt32(rows.count - 1)
  }
}
