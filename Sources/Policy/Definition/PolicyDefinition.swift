/// Everything the policy is compiled from: plain values, as the configuration file says them.
///
/// `PolicyProgram.init(definition:)` checks it as a whole and compiles it. The order of `servers` and
/// `principals` is the meaning of `ServerID.index` and `Principal.index`; the order of `rules` is the order in
/// which they are tried, and the meaning of `RuleID.index`.
public struct PolicyDefinition: Sendable {
  public var servers: [ServerDefinition]
  /// The principals known at load: service accounts, and the anonymous principal where there is one.
  public var principals: [PrincipalDefinition]
  public var profiles: [ProfileDefinition]
  public var rules: [RuleDefinition]
  /// Whether an identity provider may vouch for users by any name and in any group. When it is false,
  /// `principals` and their groups are all there are, and a rule for anybody else is an error: it could never apply.
  public var hasIdentityProvider: Bool
  public var limits: PolicyLimits

  public init(
    servers: [ServerDefinition] = [],
    principals: [PrincipalDefinition] = [],
    profiles: [ProfileDefinition] = [],
    rules: [RuleDefinition] = [],
    hasIdentityProvider: Bool = false,
    limits: PolicyLimits = PolicyLimits()
  ) {
    self.servers = servers
    self.principals = principals
    self.profiles = profiles
    self.rules = rules
    self.hasIdentityProvider = hasIdentityProvider
    self.limits = limits
  }
}

/// An upstream MCP server, as far as the policy is concerned: a name that profiles and rules refer to.
public struct ServerDefinition: Sendable {
  public var name: String
  public var position: SourcePosition?

  public init(name: String, position: SourcePosition? = nil) {
    self.name = name
    self.position = position
  }
}

/// What a principal is.
public enum PrincipalKind: UInt8, BitwiseCopyable, Sendable {
  /// A person, vouched for by an identity provider.
  case user
  /// A program with a key of its own.
  case serviceAccount
  /// Whoever comes without a credential, where the configuration admits them.
  case anonymous
}

/// A principal known at load, with the groups it is in.
public struct PrincipalDefinition: Sendable {
  public var name: String
  public var kind: PrincipalKind
  public var groups: [PositionedText]
  public var position: SourcePosition?

  public init(
    name: String,
    kind: PrincipalKind = .serviceAccount,
    groups: [PositionedText] = [],
    position: SourcePosition? = nil
  ) {
    self.name = name
    self.kind = kind
    self.groups = groups
    self.position = position
  }
}

/// A permission profile: who may use what. Whatever no profile allows is refused.
public struct ProfileDefinition: Sendable {
  public var name: String
  /// Everybody in one of these groups has the profile.
  public var groups: [PositionedText]
  /// These principals (names of service accounts) have it, whatever their groups.
  public var principals: [PositionedText]
  public var allow: [GrantDefinition]
  public var position: SourcePosition?

  public init(
    name: String,
    groups: [PositionedText] = [],
    principals: [PositionedText] = [],
    allow: [GrantDefinition] = [],
    position: SourcePosition? = nil
  ) {
    self.name = name
    self.groups = groups
    self.principals = principals
    self.allow = allow
    self.position = position
  }
}

/// One line of a profile's allow list: tools, resources and prompts of one server.
public struct GrantDefinition: Sendable {
  /// The name of a server, or `*` for every server of the definition.
  public var server: PositionedText
  /// Exact names of tools, or globs: `*` stands for any text, `?` for one character. Case counts.
  public var tools: [PositionedText]
  /// URIs of resources and texts of their templates, or globs, in the same way.
  public var resources: [PositionedText]
  /// Names of prompts, or globs.
  public var prompts: [PositionedText]
  public var position: SourcePosition?

  public init(
    server: PositionedText,
    tools: [PositionedText] = [],
    resources: [PositionedText] = [],
    prompts: [PositionedText] = [],
    position: SourcePosition? = nil
  ) {
    self.server = server
    self.tools = tools
    self.resources = resources
    self.prompts = prompts
    self.position = position
  }
}

extension GrantDefinition {
  /// The list of what is allowed of one primitive.
  subscript(primitive: Primitive) -> [PositionedText] {
    switch primitive {
    case .tool: tools
    case .prompt: prompts
    case .resource: resources
    }
  }
}
