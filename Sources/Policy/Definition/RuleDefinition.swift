/// One rule of the ordered policy: when it matches a call, its effect applies.
public struct RuleDefinition: Sendable {
  /// Unique; appears in errors, answers and records.
  public var name: String
  public var match: MatchDefinition
  public var effect: RuleEffect
  /// What is masked in the answers of the calls it matches. Goes with `.mask` (where it is required), `.allow` and
  /// `.requireApproval`.
  public var masks: [MaskDefinition]
  /// What the caller is told when the rule blocks; nil for a text that names the rule.
  public var message: String?
  /// Who approves, for `.requireApproval`; nil for other effects.
  public var approval: ApprovalDefinition?
  public var position: SourcePosition?

  public init(
    name: String,
    match: MatchDefinition = MatchDefinition(),
    effect: RuleEffect,
    masks: [MaskDefinition] = [],
    message: String? = nil,
    approval: ApprovalDefinition? = nil,
    position: SourcePosition? = nil
  ) {
    self.name = name
    self.match = match
    self.effect = effect
    self.masks = masks
    self.message = message
    self.approval = approval
    self.position = position
  }
}

/// Who has to approve a held call, and until when.
public struct ApprovalDefinition: Equatable, Sendable {
  /// Groups: everybody in one of them may decide, except whoever made the call.
  public var reviewers: [PositionedText]
  /// How many different reviewers must approve. One who denies is enough.
  public var quorum: Int
  /// How long the request, and the approval once given, is worth something, from the first identical call.
  public var expiresMilliseconds: Int
  /// What reviewers are told; nil for nothing.
  public var message: String?
  public var position: SourcePosition?

  public init(
    reviewers: [PositionedText], quorum: Int = 1, expiresMilliseconds: Int = 900_000,
    message: String? = nil, position: SourcePosition? = nil
  ) {
    self.reviewers = reviewers
    self.quorum = quorum
    self.expiresMilliseconds = expiresMilliseconds
    self.message = message
    self.position = position
  }
}

/// What a rule does with the calls it matches.
public enum RuleEffect: String, Sendable, CaseIterable {
  /// Ends the search: the call goes through. A rule never allows what no profile allows.
  case allow
  /// Ends the search: the call is refused.
  case block
  /// Holds the call until humans have approved exactly it. A rule further down that blocks still does; one that allows
  /// does not undo it.
  case requireApproval = "require_approval"
  /// Masks the answer and leaves the decision to the other rules.
  case mask
}

/// What a rule applies to. A list that is nil leaves its question open; every list that is there must hold, and
/// a list holds when one of its members does. An empty list could never hold, and is an error.
///
/// `tools`, `resources` and `prompts` answer one question together, what is called for: a rule with none of them is about
/// all three, one with some of them about what those list.
public struct MatchDefinition: Sendable {
  /// Names of servers, or `*`.
  public var servers: [PositionedText]?
  /// Exact names of tools, or globs (see `GrantDefinition.tools`).
  public var tools: [PositionedText]?
  /// URIs of resources and texts of their templates, or globs.
  public var resources: [PositionedText]?
  /// Names of prompts, or globs.
  public var prompts: [PositionedText]?
  /// Names of service accounts or users.
  public var principals: [PositionedText]?
  public var groups: [PositionedText]?
  /// Conditions on the call's arguments; all must hold. Empty for none.
  public var arguments: [ArgumentDefinition]

  public init(
    servers: [PositionedText]? = nil,
    tools: [PositionedText]? = nil,
    resources: [PositionedText]? = nil,
    prompts: [PositionedText]? = nil,
    principals: [PositionedText]? = nil,
    groups: [PositionedText]? = nil,
    arguments: [ArgumentDefinition] = []
  ) {
    self.servers = servers
    self.tools = tools
    self.resources = resources
    self.prompts = prompts
    self.principals = principals
    self.groups = groups
    self.arguments = arguments
  }
}

extension MatchDefinition {
  /// The list for one primitive.
  subscript(primitive: Primitive) -> [PositionedText]? {
    switch primitive {
    case .tool: tools
    case .prompt: prompts
    case .resource: resources
    }
  }
}

/// The conditions a rule puts on one argument; all must hold.
public struct ArgumentDefinition: Sendable {
  /// Where the value is: keys from the arguments object inward, joined by dots (`customer.address.city`).
  /// A dot or backslash inside a key is written `\.` or `\\`.
  public var path: PositionedText
  public var conditions: [ConditionDefinition]

  public init(path: PositionedText, conditions: [ConditionDefinition]) {
    self.path = path
    self.conditions = conditions
  }
}

/// One condition on an argument's value, with where it was written.
public struct ConditionDefinition: Sendable {
  public var condition: ArgumentCondition
  public var position: SourcePosition?

  public init(_ condition: ArgumentCondition, position: SourcePosition? = nil) {
    self.condition = condition
    self.position = position
  }
}

/// What a condition asks of an argument's value. Texts compare by their unescaped UTF-8 bytes; numbers compare
/// exactly, as decimals, whatever their size.
public enum ArgumentCondition: Equatable, Sendable {
  case equals(ScalarDefinition)
  case oneOf([ScalarDefinition])
  case prefix(String)
  case suffix(String)
  /// A pattern searched for anywhere in the text, in linear time (Hyperscan's dialect of PCRE: no
  /// back-references, no look-around). `(?i)` ignores case, `(?s)` lets a dot match a line break.
  case regex(String)
  case greaterThan(NumberLiteral)
  case atLeast(NumberLiteral)
  case lessThan(NumberLiteral)
  case atMost(NumberLiteral)
}

/// A value to compare an argument with.
public enum ScalarDefinition: Equatable, Sendable {
  case string(String)
  case number(NumberLiteral)
  case boolean(Bool)
  case null
}

/// A number as it was written, so that no digit of it is lost on the way: `-12`, `0.1`, `1e6`,
/// `9007199254740993`. JSON's grammar (RFC 8259 §6); compilation refuses any other text.
public struct NumberLiteral: Equatable, Sendable, ExpressibleByStringLiteral,
  ExpressibleByIntegerLiteral
{
  public var text: String

  public init(_ text: String) {
    self.text = text
  }

  public init(stringLiteral value: String) {
    self.init(value)
  }

  public init(integerLiteral value: Int64) {
    self.init(String(value))
  }
}

/// Fields to mask, and how.
public struct MaskDefinition: Sendable {
  /// A field's name (masked at any depth), or consecutive keys joined by dots. Dots and backslashes inside a
  /// key are escaped as in `ArgumentDefinition.path`.
  public var fields: [PositionedText]
  public var treatment: MaskTreatment
  public var position: SourcePosition?

  public init(
    fields: [PositionedText],
    treatment: MaskTreatment,
    position: SourcePosition? = nil
  ) {
    self.fields = fields
    self.treatment = treatment
    self.position = position
  }
}
