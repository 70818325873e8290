/// Why a call was refused. The name and message of a rule are in the program (`ruleName`, `ruleMessage`).
public struct Refusal: BitwiseCopyable, Equatable, Sendable {
  public let reason: RefusalReason
  /// The rule that blocked the call; nil when no rule did.
  public let rule: RuleID?

  internal init(_ reason: RefusalReason, rule: RuleID? = nil) {
    self.reason = reason
    self.rule = rule
  }
}

/// The kinds of refusal.
public enum RefusalReason: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  /// None of the principal's profiles says anything about this server.
  case noProfile
  /// The MCP method is not one this version lets through.
  case methodNotAllowed
  /// A call without an id: servers run it and nobody hears the answer.
  case callWithoutID
  /// The tool's name is missing, no string, empty or too long.
  case unreadableToolName
  /// The name differs from a known tool only by case, blanks, width or invisible characters.
  case toolNameFolds
  /// No profile of the principal allows this tool on this server.
  case toolNotAllowed
  /// A rule with effect `block` matched.
  case rule
  /// A rule with effect `block` could not be evaluated on this call's arguments, which counts as a match.
  case ruleUndecided
  /// The prompt's name or resource's URI is missing, no string, empty, too long, or a URI in a form that may mean another.
  case unreadableName
  /// The name or URI differs from a known one only by case, blanks, width or invisible characters.
  case nameFolds
  /// No profile of the principal allows this prompt on this server.
  case promptNotAllowed
  /// No profile of the principal allows this resource on this server.
  case resourceNotAllowed

  /// What the caller is told, as one English sentence.
  public var text: StaticString {
    switch self {
    case .noProfile: "You have no profile for this server."
    case .methodNotAllowed: "This method is not allowed through the gateway."
    case .callWithoutID: "A call needs an id."
    case .unreadableToolName: "The tool's name is missing or unusable."
    case .toolNameFolds: "The tool's name is not written exactly as it is known."
    case .toolNotAllowed: "None of your profiles allows this tool."
    case .rule: "Blocked by policy."
    case .ruleUndecided: "Blocked by policy: an argument could not be checked."
    case .unreadableName: "The prompt's name or the resource's URI is missing or unusable."
    case .nameFolds: "The name or URI is not written exactly as it is known."
    case .promptNotAllowed: "None of your profiles allows this prompt."
    case .resourceNotAllowed: "None of your profiles allows this resource."
    }
  }

  /// A short stable word for records and metrics.
  public var code: StaticString {
    switch self {
    case .noProfile: "no_profile"
    case .methodNotAllowed: "method_not_allowed"
    case .callWithoutID: "call_without_id"
    case .unreadableToolName: "unreadable_tool_name"
    case .toolNameFolds: "tool_name_folds"
    case .toolNotAllowed: "tool_not_allowed"
    case .rule: "rule"
    case .ruleUndecided: "rule_undecided"
    case .unreadableName: "unreadable_name"
    case .nameFolds: "name_folds"
    case .promptNotAllowed: "prompt_not_allowed"
    case .resourceNotAllowed: "resource_not_allowed"
    }
  }
}

extension RefusalReason {
  /// No profile allows it.
  static func notAllowed(_ primitive: Primitive) -> RefusalReason {
    switch primitive {
    case .tool: .toolNotAllowed
    case .prompt: .promptNotAllowed
    case .resource: .resourceNotAllowed
    }
  }
}
