/// Why a policy was not compiled: every problem found, in the order of the definition.
public struct PolicyError: Error, Sendable, CustomStringConvertible {
  public var problems: [PolicyProblem]

  public init(problems: [PolicyProblem]) {
    self.problems = problems
  }

  public var description: String {
    problems.map(\.description).joined(separator: "\n")
  }
}

/// One thing wrong with a policy: where, what, and the way out.
public struct PolicyProblem: Equatable, Sendable, CustomStringConvertible {
  /// What kind of thing is wrong; for tests and for tools that explain.
  public enum Kind: String, Sendable {
    case duplicateName
    case invalidName
    case unknownServer
    case unknownPrincipal
    case unknownGroup
    case emptyList
    case invalidPattern
    case invalidPath
    case invalidNumber
    case invalidRegex
    case contradictoryConditions
    case shadowedRule
    case neverMatches
    case maskWithoutFields
    case maskOnBlock
    case invalidMask
    case approvalMissing
    case approvalWithoutHold
    case invalidApproval
    case uselessProfile
    case tooMany
    case tooLong
  }

  public var kind: Kind
  /// What it is about, as a person would say it: `rule "no-drop"`, `profile "analyst"`.
  public var subject: String
  public var position: SourcePosition?
  /// What is wrong and what to do about it, in one or two sentences, without the subject.
  public var message: String

  public init(kind: Kind, subject: String, position: SourcePosition?, message: String) {
    self.kind = kind
    self.subject = subject
    self.position = position
    self.message = message
  }

  public var description: String {
    guard let position else { return "\(subject): \(message)" }
    return "\(position.line):\(position.column): \(subject): \(message)"
  }
}
