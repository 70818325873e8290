/// What becomes of a masked value. Types survive, so that clients' schema checks still pass: a string stays a string,
/// a number a number, a truth value one, null stays null; in an object or array every leaf is treated.
public enum MaskTreatment: UInt8, BitwiseCopyable, Sendable {
  /// `"[redacted]"`, `0`, `false`.
  case redact
  /// The last four characters of strings of at least eight stay readable (`"***6789"`); all else as `redact`.
  case partial
}

/// Which of the program's mask rules apply to one message: a set of rule numbers 0…255.
public struct MaskRuleSet: BitwiseCopyable, Equatable, Sendable {
  private var words: InlineArray<4, UInt64> = .init(repeating: 0)

  public init() {}

  /// Adds a rule.
  /// - Precondition: `rule` is in 0…255.
  public mutating func insert(_ rule: Int) {
    precondition((0..<256).contains(rule))
    words[rule >> 6] |= 1 << UInt64(rule & 63)
  }

  public mutating func formUnion(_ other: MaskRuleSet) {
    for word in 0..<4 { words[word] |= other.words[word] }
  }

  public func contains(_ rule: Int) -> Bool {
    rule >= 0 && rule < 256 && words[rule >> 6] >> UInt64(rule & 63) & 1 != 0
  }

  public static func == (left: MaskRuleSet, right: MaskRuleSet) -> Bool {
    (left.words[0] ^ right.words[0]) | (left.words[1] ^ right.words[1])
      | (left.words[2] ^ right.words[2]) | (left.words[3] ^ right.words[3]) == 0
  }

  public var isEmpty: Bool { words[0] | words[1] | words[2] | words[3] == 0 }

  public func intersects(_ other: MaskRuleSet) -> Bool {
    words[0] & other.words[0] | words[1] & other.words[1] | words[2] & other.words[2]
      | words[3] & other.words[3] != 0
  }
}

/// One field that a rule masks.
public struct MaskField: Sendable {
  /// One name: that key at any depth. Several: these keys one directly inside the other, at any depth, the last one's
  /// value being masked; arrays between them do not count. ASCII letters' case does not matter.
  public var path: [String]
  public var treatment: MaskTreatment
  /// Number of the rule, 0…255.
  public var rule: Int

  public init(path: [String], treatment: MaskTreatment, rule: Int) {
    self.path = path
    self.treatment = treatment
    self.rule = rule
  }
}

/// Why fields cannot be compiled.
public enum MaskError: Error, Equatable, Sendable, CustomStringConvertible {
  case emptyPath(rule: Int)
  case emptyName(rule: Int)
  case pathTooLong(rule: Int, limit: Int)
  case ruleOutOfRange(rule: Int)
  case tooManyFields(limit: Int)

  public var description: String {
    switch self {
    case .emptyPath(let rule): "mask rule \(rule): a field has no name"
    case .emptyName(let rule): "mask rule \(rule): a field's path has an empty name in it"
    case .pathTooLong(let rule, let limit):
      "mask rule \(rule): a field's path has more than \(limit) names"
    case .ruleOutOfRange(let rule): "mask rule \(rule): there can be 256 mask rules"
    case .tooManyFields(let limit): "more than \(limit) masked fields"
    }
  }
}

/// What masking a message came to.
public enum MaskOutcome: Equatable, Sendable {
  /// Nothing in it is masked: nothing was written, forward the bytes as they are.
  case untouched
  /// The masked message was written; so many values were replaced.
  case masked(values: Int)
  /// It could not be done. What was written is worth nothing; the message must not be forwarded.
  case failed(MaskFailure)
}

public enum MaskFailure: UInt8, Sendable, CustomStringConvertible {
  case outputTooLarge

  public var description: String {
    switch self {
    case .outputTooLarge: "the masked message does not fit in the buffer"
    }
  }
}
