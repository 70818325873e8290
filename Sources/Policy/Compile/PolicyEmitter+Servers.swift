extension PolicyEmitter {
  /// A tool that some profile or rule names exactly on a server, and everything it needs to be judged.
  private struct Scope {
    var server: Int
    /// Profiles with patterns for the server, each with all of them.
    var profiles: [(number: Int, tools: [String])]
    var rules: [ResolvedRule]
  }

  mutating func emitServer(_ server: Int) {
    let scope = Scope(
      server: server,
      profiles: policy.profiles.enumerated().compactMap { number, profile in
        let tools = profile.grants.filter { $0.server == server }.flatMap(\.tools)
        return tools.isEmpty ? nil : (number, tools)
      },
      rules: policy.rules.filter { $0.servers.contains(server) })
    let names = exactNames(scope)
    guard fitsLimit(names.count, scope) else { return }
    var profiles = BoundedSet()
    for profile in scope.profiles { profiles.insert(profile.number) }
    let nameRange = emitNames(names, scope)
    let foldedRange = emitFolded(names)
    let otherTools = emitOtherTools(scope)
    servers.append(
      ServerRow(
        profiles: profiles, names: nameRange, foldedNames: foldedRange, otherTools: otherTools,
        maskEntries: emitMaskEntries(scope)))
  }

  /// Each tool that is named exactly, once. By its bytes: Swift's strings are equal when only their composition
  /// differs (é as one scalar or two), tools' names are not.
  private func exactNames(_ scope: Scope) -> [String] {
    let named = scope.profiles.flatMap(\.tools) + scope.rules.flatMap { $0.tools ?? [] }
    return Set(named.filter { !Glob.isGlob($0) }.map { Array($0.utf8) })
      .map { String(decoding: $0, as: UTF8.self) }
      .sorted()
  }

  /// Reports a policy whose tables would grow past their limit, before they do.
  private mutating func fitsLimit(_ names: Int, _ scope: Scope) -> Bool {
    let most = (names + 2) * (scope.profiles.count + scope.rules.count)
    guard entries.count + grants.count + most > limits.tableEntriesMax else { return true }
    problems.append(
      PolicyProblem(
        kind: .tooMany, subject: "server \"\(policy.servers[scope.server])\"", position: nil,
        message: "\(names) tools times the rules and profiles that concern them need more than "
          + "tableEntriesMax = \(limits.tableEntriesMax) entries. Use globs, or narrow rules to servers."
      ))
    return false
  }

  /// The row of every tool that is named exactly, behind a hash table of their names.
  private mutating func emitNames(_ names: [String], _ scope: Scope) -> TableRange {
    var slots = emptySlots(for: names.count)
    for name in names {
      insert(name: Array(name.utf8), row: emitRow(name, scope), into: &slots)
    }
    nameSlots += slots
    return TableRange(first: UInt32(nameSlots.count - slots.count), count: UInt32(slots.count))
  }

  private mutating func emitFolded(_ names: [String]) -> TableRange {
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

  private mutating func emitRow(_ name: String, _ scope: Scope) -> UInt32 {
    let firstGrant = UInt32(grants.count)
    for profile in scope.profiles where profile.tools.contains(where: { matches($0, name) }) {
      grants.append(ToolGrant(profile: UInt32(profile.number), pattern: ToolGrant.matched))
    }
    let firstEntry = UInt32(entries.count)
    let folded = String(decoding: NameFold.fold(name), as: UTF8.self)
    for rule in scope.rules {
      guard let tool = relation(of: rule, to: name, folded: folded) else { continue }
      append(rule, tool)
    }
    return appendRow(firstGrant, firstEntry)
  }

  private func matches(_ pattern: String, _ name: String) -> Bool {
    Glob.isGlob(pattern) ? Glob.matches(pattern, name) : pattern.utf8.elementsEqual(name.utf8)
  }

  private func relation(
    of rule: ResolvedRule, to name: String, folded: String
  ) -> RuleEntry.Tool? {
    guard let tools = rule.tools else { return .matches }
    if tools.contains(where: { matches($0, name) }) { return .matches }
    // Another exact name that folds to the same is another tool, both being known; a glob is about all names of
    // a shape, and one that has it but for its case may be one that its author meant.
    let folds = tools.contains { tool in
      Glob.isGlob(tool)
        && Glob.matches(String(decoding: NameFold.fold(tool), as: UTF8.self), folded)
    }
    return folds ? .undecided : nil
  }

  private mutating func emitOtherTools(_ scope: Scope) -> UInt32 {
    let firstGrant = UInt32(grants.count)
    for profile in scope.profiles {
      if profile.tools.contains("*") {
        grants.append(ToolGrant(profile: UInt32(profile.number), pattern: ToolGrant.matched))
        continue
      }
      for tool in Set(profile.tools).sorted() where Glob.isGlob(tool) {
        grants.append(ToolGrant(profile: UInt32(profile.number), pattern: patternNumber(tool)))
      }
    }
    let firstEntry = UInt32(entries.count)
    for rule in scope.rules {
      if rule.tools?.contains("*") != false {
        append(rule, .matches)
      } else if rules[rule.number].patterns.count > 0 {
        append(rule, .patterns)
      }
    }
    return appendRow(firstGrant, firstEntry)
  }

  private mutating func patternNumber(_ pattern: String) -> UInt32 {
    let bytes = Array(pattern.utf8)
    if let number = patternNumbers[bytes] { return number }
    patterns.append(compilePattern(pattern))
    patternNumbers[bytes] = UInt32(patterns.count - 1)
    return UInt32(patterns.count - 1)
  }

  private mutating func emitMaskEntries(_ scope: Scope) -> TableRange {
    let first = UInt32(entries.count)
    for rule in scope.rules where !rule.masks.isEmpty {
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
