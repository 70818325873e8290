/// How big a policy, and what it looks at, may become. Reaching a limit of the first kind is a start-up
/// error that names it; a value beyond a limit of the second kind is unknown to the conditions that need it.
public struct PolicyLimits: Sendable, Equatable {
  // MARK: Of the policy

  public var serversMax = 1024
  public var principalsMax = 65_536
  /// Profiles, at most 512: a principal holds its own as a set of bits.
  public var profilesMax = 512
  /// Groups that some profile or rule names, at most 512.
  public var groupsMax = 512
  public var rulesMax = 4096
  /// Rules that mask, at most 256: a permit holds those that apply as a set of bits.
  public var maskRulesMax = 256
  /// Patterns in one list of tools, resources or prompts.
  public var toolsPerListMax = 4096
  /// Conditions of one rule, over all of its arguments.
  public var conditionsPerRuleMax = 64
  /// Values of one `one_of`.
  public var valuesPerConditionMax = 4096
  public var regexesMax = 1024
  /// Groups of reviewers of one rule.
  public var reviewersMax = 64
  /// Reviewers that one rule may ask for.
  public var quorumMax = 16
  /// How long an approval may be worth something: thirty days, in milliseconds.
  public var approvalMillisecondsMax = 30 * 86_400_000
  /// Keys in one path to an argument.
  public var pathDepthMax = 16
  /// UTF-8 bytes of a name, a pattern, or a key in a path.
  public var nameBytesMax = 256
  /// UTF-8 bytes of a text, a regular expression or a message.
  public var textBytesMax = 4096
  /// Entries in the table that says, for each tool named on each server, which rules and profiles concern it.
  public var tableEntriesMax = 4_194_304

  // MARK: Of a call

  /// Bytes of a tool's or prompt's name in a call. A longer one is refused.
  public var toolNameBytesMax = 256
  /// Bytes of a resource's URI in a call. A longer one is refused.
  public var resourceURIBytesMax = 2048
  /// Bytes of a text argument as it was sent that a condition still looks at, and all that one decision unescapes.
  public var valueBytesMax = 65_536
  /// Members of an object on the path to an argument.
  public var membersMax = 1024

  public init() {}
}
