public import Identity
public import Policy

/// Everything `sluice.yaml` says, as plain values: read, checked, with every default in place.
public struct Configuration: Sendable {
  public var listeners: [ListenerConfiguration] = []
  /// Where agents reach the gateway; nil when that makes no difference.
  public var publicURL: ResourceIdentifier?
  public var identity = IdentityConfiguration()
  /// In the order of the file; a server's place is its `ServerID`.
  public var servers: [ServerConfiguration] = []
  public var profiles: [ProfileDefinition] = []
  public var rules: [RuleConfiguration] = []
  public var approvals = ApprovalsConfiguration()
  /// Nil when nothing has to be remembered.
  public var store: StoreConfiguration?
  public var audit = AuditConfiguration()
  /// Off when absent.
  public var console: ConsoleConfiguration?
  public var sinks: [SinkConfiguration] = []
  public var limits = LimitsConfiguration()
  public var workers = WorkersConfiguration()
  public var log = LogConfiguration()
  /// Where metrics and health are served; nil for nowhere.
  public var admin: AdminConfiguration?

  public init() {}
}

extension Configuration: SchemaObject {
  static var keys: KeyTable<Configuration> {
    KeyTable(
      keys: [
        .required(
          "listeners", \.listeners, .list(.object, atLeast: 1, atMost: 64),
          "the addresses at which agents reach the gateway"),
        .optional(
          "public_url", \.publicURL, Shape<ResourceIdentifier>.publicURL.optional,
          "where agents reach the gateway (https://mcp.example); with a server's path it is the audience of tokens"
        ),
        .required("identity", \.identity, .object, "who may call: how callers prove who they are"),
        .required(
          "servers", \.servers, ServerConfiguration.all,
          "the MCP servers behind the gateway, by name"),
        .required(
          "profiles", \.profiles, ProfileSection.all,
          "permission profiles, by name: who may use what; everything else is refused"),
        .optional(
          "policies", \.rules, .list(.object),
          "ordered rules on what the profiles allow; the first rule that allows, blocks or holds a call decides it"
        ),
        .required("audit", \.audit, .object, "where and how every call is recorded"),
        .optional(
          "approvals", \.approvals, .object,
          "what holds for all calls that wait for a human's approval"),
        .optional(
          "store", \.store, Shape<StoreConfiguration>.store.optional,
          "where approvals are kept: sqlite:./sluice.db; a relative path starts at this file's folder"
        ),
        .optional(
          "console", \.console, Shape<ConsoleConfiguration>.object.optional,
          "the web console, where people decide approvals, and the admin API; off when left out"),
        .optional(
          "sinks", \.sinks, SinkConfiguration.all,
          "where audit events go besides the record: syslog, files, webhooks"),
        .optional("limits", \.limits, .object, "the bounds of everything: sizes, counts and waits"),
        .optional("workers", \.workers, .object, "threads and their input and output"),
        .optional("log", \.log, .object, "what the process says about itself on standard error"),
        .optional(
          "admin", \.admin, Shape<AdminConfiguration>.object.optional,
          "where metrics, health and status are served; nowhere when left out"),
      ],
      later: [
        ("guardrails", "use rules with arguments in \"policies\""),
        (
          "metrics", "metrics are served at admin.address; write admin: { address: 127.0.0.1:9901 }"
        ),
        ("include", "write everything into one file"),
      ],
      finish: { configuration, _, reading in configuration.check(&reading) })
  }
}
