extension PolicyEmitter {
  /// Everything that concerns one primitive of one server.
  private struct Scope {
    var primitive: Primitive
    /// Profiles with patterns for it, each with all of them.
    var profiles: [(number: Int, patterns: NamePatterns)]
    /// Rules about some of them, or (nil) about all.
    var rules: [(rule: ResolvedRule, patterns: NamePatterns?)]
  }

  /// A server has one row for each primitive, in the order of `Primitive`.
  mutating func emitServer(_ server: Int) {
    var profiles = BoundedSet()
    for (number, profile) in policy.profiles.enumerated()
    where profile.grants.contains(where: { $0.server == server }) {
      profiles.insert(number)
    }
    let masks = emitMaskEntries(server)
    for primitive in Primitive.allCases {
      let scope = scope(server, primitive)
      let names = exactNames(scope)
      let nameRange = emitNames(names, scope)
      let foldedRange = emitFolded(names)
      servers.append(
        ServerRow(
          profiles: profiles, names: nameRange, foldedNames: foldedRange,
          others: emitOthers(scope), maskEntries: masks))
      checkLimit(server, primitive, names.count)
    }
  }

  private func scope(_ server: Int, _ primitive: Primitive) -> Scope {
    Scope(
      primitive: primitive,
      profiles: policy.profiles.enumerated().compactMap { number, profile in
        let patterns = profile.grants.filter { $0.server == server }.flatMap { $0[primitive] }
        return patterns.isEmpty ? nil : (number, NamePatterns(patterns))
      },
      rules: policy.rules.filter { $0.servers.contains(server) }.compactMap { rule in
        switch rule.reach(primitive) {
        case .none: nil
        case .all: (rule, nil)
        case .those(let list): (rule, NamePatterns(list))
        }
      })
  }

  /// Each name that some profile or rule gives exactly, once.
  private func exactNames(_ scope: Scope) -> [[UInt8]] {
    var names: Set<[UInt8]> = []
    for profile in scope.profiles { names.formUnion(profile.patterns.exact) }
    for rule in scope.rules { names.formUnion(rule.patterns?.exact ?? []) }
    return names.sorted { $0.lexicographicallyPrecedes($1) }
  }

  private var tableEntries: Int { entries.count + grants.count }

  /// Reports, once, a policy whose tables have grown past their limit; no row is added after that.
  private mutating func checkLimit(_ server: Int, _ primitive: Primitive, _ names: Int) {
    guard tableEntries > limits.tableEntriesMax, !problems.contains(where: { $0.kind == .tooMany })
    else { return }
    problems.append(
      PolicyProblem(
        kind: .tooMany, subject: "server \"\(policy.servers[server])\"", position: nil,
        message:
          "\(names) \(primitive.key) times the rules and profiles that concern them need more than "
          + "tableEntriesMax = \(limits.tableEntriesMax) entries. Use globs, or narrow rules to servers."
      ))
  }

  /// The row of every name that is given exactly, behind a hash table of their names.
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
    for profile in scope.profiles where profile.patterns.matches(name) {
      grants.append(NameGrant(profile: UInt32(profile.number), pattern: NameGrant.matched))
    }
    let firstEntry = UInt32(entries.count)
    let folded = NameFold.fold(name)
    for (rule, patterns) in scope.rules {
      if patterns?.matches(name) != false {
        append(rule, scope.primitive, .matches)
      } else if patterns?.matchesFolded(folded) == true {
        // Another exact name that folds to the same is another tool, both being known; a glob is about all names of
        // a shape, and one that has it but for its case may be one that its author meant.
        append(rule, scope.primitive, .undecided)
      }
    }
    return appendRow(firstGrant, firstEntry)
  }

  private mutating func emitOthers(_ scope: Scope) -> UInt32 {
    let firstGrant = UInt32(grants.count)
    for profile in scope.profiles {
      if profile.patterns.isOpen {
        grants.append(NameGrant(profile: UInt32(profile.number), pattern: NameGrant.matched))
        continue
      }
      for glob in profile.patterns.globs {
        grants.append(
          NameGrant(profile: UInt32(profile.number), pattern: patternNumber(glob.text)))
      }
    }
    let firstEntry = UInt32(entries.count)
    for (rule, patterns) in scope.rules {
      if patterns?.isOpen != false {
        append(rule, scope.primitive, .matches)
      } else if rules[rule.number].patterns[Int(scope.primitive.rawValue)].count > 0 {
        append(rule, scope.primitive, .patterns)
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

  private mutating func emitMaskEntries(_ server: Int) -> TableRange {
    let first = UInt32(entries.count)
    for rule in policy.rules where !rule.masks.isEmpty && rule.servers.contains(server) {
      entries.append(RuleEntry(rule: UInt32(rule.number), target: .matches))
    }
    return TableRange(first: first, count: UInt32(entries.count) - first)
  }

  private mutating func append(
    _ rule: ResolvedRule, _ primitive: Primitive, _ target: RuleEntry.Target
  ) {
    entries.append(
      RuleEntry(
        rule: UInt32(rule.number), target: target,
        sieve: sieve(of: rule, primitive, target: target)))
  }

  private mutating func appendRow(_ firstGrant: UInt32, _ firstEntry: UInt32) -> UInt32 {
    rows.append(
      NameRow(
        grants: TableRange(first: firstGrant, count: UInt32(grants.count) - firstGrant),
        entries: TableRange(first: firstEntry, count: UInt32(entries.count) - firstEntry)))
    return UInt32(rows.count - 1)
  }
}
