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
/// A name that no rule and no profile mentions has no slot: the server's `otherTools` row serves it, whose
/// grants and entries still have their globs to match.
struct PolicyTables: Sendable {
  var text: FlatTable<UInt8>
  var servers: FlatTable<ServerRow>
  var nameSlots: FlatTable<NameSlot>
  var foldSlots: FlatTable<NameSlot>
  var rows: FlatTable<ToolRow>
  var grants: FlatTable<ToolGrant>
  var entries: FlatTable<RuleEntry>
  var rules: FlatTable<CompiledRule>
  var ruleNames: FlatTable<TextRange>
  var ruleMessages: FlatTable<TextRange>
  var patterns: FlatTable<CompiledPattern>
  var numbers: FlatTable<UInt32>
  var conditions: FlatTable<CompiledCondition>
  var scalars: FlatTable<CompiledScalar>
  var constants: FlatTable<NumberConstant>
  var paths: FlatTable<CompiledPath>
  var components: FlatTable<PathComponent>
  var principals: FlatTable<Principal>
  var regexSets: FlatTable<RegexSet>

  /// Gives the memory of all tables back, and that of the pattern sets.
  func free() {
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
    patterns.free()
    numbers.free()
    conditions.free()
    scalars.free()
    constants.free()
    paths.free()
    components.free()
    principals.free()
  }
}

/// `count` entries of some table, from `first` on.
struct TableRange: BitwiseCopyable {
  var first: UInt32
  var count: UInt32

  static var none: TableRange { TableRange(first: 0, count: 0) }

  var range: Range<Int> { Int(first)..<Int(first) + Int(count) }
}

/// What the policy says about one server.
struct ServerRow: BitwiseCopyable {
  /// The profiles that say anything about it.
  var profiles: BoundedSet
  /// A hash table of the tools that some rule or profile names exactly: open addressing, a power of two.
  var names: TableRange
  /// The same names folded, to catch those that are almost known.
  var foldedNames: TableRange
  /// Row of the tools that nobody names exactly.
  var otherTools: UInt32
  /// Entries of all rules that mask anything here; those with the flag `serverWide` also outside calls.
  var maskEntries: TableRange
}

struct NameSlot: BitwiseCopyable {
  var hash: UInt64
  var name: TextRange
  /// Number of the tool's row, or `NameSlot.free`.
  var row: UInt32

  static let free = UInt32.max
}

struct ToolRow: BitwiseCopyable {
  var grants: TableRange
  var entries: TableRange
}

/// A profile that allows the tool, or would if its pattern matched.
struct ToolGrant: BitwiseCopyable {
  var profile: UInt32
  /// Number of the pattern that still has to match, or `ToolGrant.matched`.
  var pattern: UInt32

  static let matched = UInt32.max
}

/// A rule that concerns the tool, or would if one of its patterns matched.
struct RuleEntry: BitwiseCopyable {
  enum Tool: UInt8, BitwiseCopyable {
    /// The tool is one of the rule's.
    case matches
    /// It is by its folded name only: see `Truth.unknown`.
    case undecided
    /// The rule's globs have to be tried.
    case patterns
  }
  var rule: UInt32
  var tool: Tool
}

struct CompiledRule: BitwiseCopyable {
  enum Effect: UInt8, BitwiseCopyable {
    case allow
    case block
    case mask
  }
  var effect: Effect
  /// Whether it could apply outside calls: no tools, no arguments.
  var serverWide: Bool
  /// Its place in a `MaskRuleSet`, or `CompiledRule.noMask`.
  var mask: UInt16
  /// Globs among its tools, in `patterns`.
  var patterns: TableRange
  /// Numbers of principals' names, in `numbers`; count 0 for anybody.
  var principals: TableRange
  /// Numbers of groups, in `numbers`; count 0 for anybody.
  var groups: TableRange
  var conditions: TableRange

  static let noMask = UInt16.max
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
  /// The value, when it is an integer of 64 bits.
  var integer: Int64
  var isInteger: Bool
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
