import Wire

/// The compiled policy as flat tables. Everything refers to everything else by number.
///
/// How a `tools/call` finds its way through them, for `query` on the server `orders`:
///
///     servers[orders] --hash of "query"--> nameSlots --> rows[7]
///     rows[7].grants  --> (profile analyst), (profile admin)        one the principal has? else refused
///     rows[7].entries --> (rule no-drop), (rule pii) ...            in order; the first to decide, decides
///     rules[no-drop]  --> conditions 12..<14 --> paths[sql] --> the argument's value, looked up once a call
///
/// A name that no rule and no profile mentions has no slot: the server's `others` row serves it, whose
/// grants and entries still have their globs to match. Prompts and resources find their way in the same manner, from
/// rows of `servers` of their own: a server has one for each `Primitive`.
struct PolicyTables: ~Copyable, Sendable {
  let text: FlatTable<UInt8>
  let servers: FlatTable<ServerRow>
  let nameSlots: FlatTable<NameSlot>
  let foldSlots: FlatTable<NameSlot>
  let rows: FlatTable<NameRow>
  let grants: FlatTable<NameGrant>
  let entries: FlatTable<RuleEntry>
  let rules: FlatTable<CompiledRule>
  let ruleNames: FlatTable<TextRange>
  let ruleMessages: FlatTable<TextRange>
  let approvals: FlatTable<ApprovalTerms>
  let patterns: FlatTable<CompiledPattern>
  let numbers: FlatTable<UInt32>
  let conditions: FlatTable<CompiledCondition>
  let scalars: FlatTable<CompiledScalar>
  let constants: FlatTable<NumberConstant>
  let paths: FlatTable<CompiledPath>
  let components: FlatTable<PathComponent>
  let principals: FlatTable<Principal>
  /// By the bits of `Principal.groups`.
  let groupNames: FlatTable<TextRange>
  let regexSets: FlatTable<RegexSet>

  deinit {
    for number in 0..<regexSets.count { regexSets[number].free() }
    regexSets.free()
    text.free()
    servers.free()
    nameSlots.free()
    foldSlots.free()
    rows.free()
    grants.free()
    entries.free()
    rules.free()
    ruleNames.free()
    ruleMessages.free()
    approvals.free()
    patterns.free()
    numbers.free()
    conditions.free()
    scalars.free()
    constants.free()
    paths.free()
    components.free()
    principals.free()
    groupNames.free()
  }
}

/// `count` entries of some table, from `first` on.
struct TableRange: BitwiseCopyable {
  var first: UInt32
  var count: UInt32

  static var none: TableRange { TableRange(first: 0, count: 0) }

  var range: Range<Int> { Int(first)..<Int(first) + Int(count) }
}

/// What the policy says about one server's tools, prompts or resources.
struct ServerRow: BitwiseCopyable {
  /// The profiles that say anything about the server.
  var profiles: BoundedSet
  /// A hash table of the names that some rule or profile gives exactly: open addressing, a power of two.
  var names: TableRange
  /// The same names folded, to catch those that are almost known.
  var foldedNames: TableRange
  /// Row of those that nobody names exactly.
  var others: UInt32
  /// Entries of all rules that mask anything here; those with the flag `serverWide` also outside calls.
  var maskEntries: TableRange
}

struct NameSlot: BitwiseCopyable {
  var hash: UInt64
  var name: TextRange
  /// Number of the name's row, or `NameSlot.free`.
  var row: UInt32

  static let free = UInt32.max
}

struct NameRow: BitwiseCopyable {
  var grants: TableRange
  var entries: TableRange
}

/// A profile that allows what has the name, or would if its pattern matched.
struct NameGrant: BitwiseCopyable {
  var profile: UInt32
  /// Number of the pattern that still has to match, or `NameGrant.matched`.
  var pattern: UInt32

  static let matched = UInt32.max
}

/// A rule that concerns what has the name, or would if one of its patterns matched, and the quickest way to tell that it does
/// not match after all.
struct RuleEntry: BitwiseCopyable {
  enum Target: UInt8, BitwiseCopyable {
    /// It is one of the rule's.
    case matches
    /// It is by its folded name only: see `Truth.unknown`.
    case undecided
    /// The rule's globs have to be tried.
    case patterns
  }
  var rule: UInt32
  var target: Target
  var sieve = RuleSieve.none
}

/// A necessary condition of a rule that one comparison answers: most rules do not match most calls, and this is how
/// little it takes to say so. A rule it does not rule out is still evaluated in full.
struct RuleSieve: BitwiseCopyable {
  enum Kind: UInt8, BitwiseCopyable {
    case none
    /// The first eight bytes of the folded name, masked, are `word`.
    case name
    /// The same for a text argument.
    case text
    /// An integer argument is at least `word` and at most `mask`, both signed.
    case integer
    /// Bit `mask` of regex word `word` is set.
    case regex
  }
  var kind: Kind
  /// The argument's path.
  var path: UInt32
  var word: UInt64
  var mask: UInt64

  static var none: RuleSieve { RuleSieve(kind: .none, path: 0, word: 0, mask: 0) }
}

struct CompiledRule: BitwiseCopyable {
  enum Effect: UInt8, BitwiseCopyable {
    case allow
    case block
    case hold
    case mask
  }
  var effect: Effect
  /// Whether it could apply outside calls: about nothing in particular, no arguments.
  var serverWide: Bool
  /// Its place in a `MaskRuleSet`, or `CompiledRule.noMask`.
  var mask: UInt16
  /// Its place in `approvals`, or `CompiledRule.noApproval`.
  var approval: UInt16
  /// Globs among its tools, its prompts and its resources, in `patterns`.
  var patterns: InlineArray<3, TableRange>
  /// Numbers of principals' names, in `numbers`; count 0 for anybody.
  var principals: TableRange
  /// Numbers of groups, in `numbers`; count 0 for anybody.
  var groups: TableRange
  var conditions: TableRange

  static let noMask = UInt16.max
  static let noApproval = UInt16.max
}

struct CompiledPattern: BitwiseCopyable {
  var text: TextRange
  var folded: TextRange
}

struct CompiledCondition: BitwiseCopyable {
  enum Operation: UInt8, BitwiseCopyable {
    /// One of `operands`, in `scalars`.
    case oneOf
    /// `text`.
    case prefix
    case suffix
    /// Number `operands.first` of the path's patterns.
    case regex
    /// Number `operands.first` of `constants`.
    case greaterThan
    case atLeast
    case lessThan
    case atMost
  }
  var operation: Operation
  var path: UInt32
  var operands: TableRange
  var text: TextRange
}

struct CompiledScalar: BitwiseCopyable {
  var kind: ArgumentKind
  var text: TextRange
  /// Number in `constants`, for a number.
  var constant: UInt32
}

/// What an argument turned out to be.
enum ArgumentKind: UInt8, BitwiseCopyable {
  case absent
  /// There, or perhaps there, and not to be read.
  case unreadable
  case string
  case number
  case `true`
  case `false`
  case null
  /// An object or an array.
  case composite
}

/// A number to compare with, in the three readings that comparing needs.
struct NumberConstant: BitwiseCopyable {
  var decimal: DecimalNumber
  var double: Double
  /// The value, when it is written as an integer that is a double exactly.
  var integer: Int64
  var isExactInteger: Bool
}

struct CompiledPath: BitwiseCopyable {
  var components: TableRange
  /// Number of the path's pattern set, or `CompiledPath.noRegex`.
  var regexSet: UInt32
  /// Where its answers are among the scratch's words.
  var regexWords: TableRange

  static let noRegex = UInt32.max
}

struct PathComponent: BitwiseCopyable {
  var key: TextRange
  var folded: TextRange
}

/// The answer of a condition: yes, no, or that it cannot be told.
///
/// A condition on a value that cannot be read as the condition needs it is neither true nor false. Conditions
/// that all must hold combine as in Kleene's logic: one `no` is a `no` whatever the others are, otherwise one
/// `unknown` makes the whole unknown. Effects then resolve an unknown toward refusal: it counts as a match for
/// a rule that blocks or masks, and as no match for one that allows.
enum Truth: UInt8, BitwiseCopyable {
  case no
  case yes
  case unknown
}
