/// What becomes of the fields of each name under one set of active rules, worked out once and kept while consecutive
/// messages ask for the same program and rules.
@safe
struct MaskVerdicts: ~Copyable {
  enum Verdict: UInt8 {
    /// No active rule has a field of this name.
    case keep
    case redact, partial
    /// It depends on the path: each key has to be asked.
    case path
  }

  private(set) var verdicts: UnsafeMutablePointer<UInt8>
  private var capacity = 16
  private var program: UInt64 = 0
  private var active = MaskRuleSet()

  init() { unsafe verdicts = .allocate(capacity: capacity) }

  deinit { unsafe verdicts.deallocate() }

  /// The verdict on an entry of the program last prepared.
  @inline(__always)
  subscript(entry: Int) -> Verdict {
    unsafe Verdict(rawValue: verdicts[entry]).unsafelyUnwrapped
  }

  @inline(__always)
  mutating func prepare(_ tables: MaskTables, _ rules: MaskRuleSet) {
    if unsafe tables.id == program, rules == active { return }
    unsafe work(tables, rules)
  }

  @inline(never)
  private mutating func work(_ tables: MaskTables, _ rules: MaskRuleSet) {
    let count = unsafe tables.entries.count
    if count > capacity {
      unsafe verdicts.deallocate()
      capacity = count
      unsafe verdicts = .allocate(capacity: capacity)
    }
    for number in 0..<count {
      let entry = unsafe tables.entries[number]
      var verdict = Verdict.keep
      for field in Int(entry.firstField)..<Int(entry.firstField + entry.fieldCount) {
        let compiled = unsafe tables.fields[field]
        guard rules.contains(Int(compiled.rule)) else { continue }
        if compiled.pathCount > 0 {
          if verdict != .redact { verdict = .path }
        } else if compiled.treatment == .redact {
          verdict = .redact
        } else if verdict == .keep {
          verdict = .partial
        }
      }
      unsafe verdicts[number] = verdict.rawValue
    }
    unsafe program = tables.id
    active = rules
  }
}
