import Identity
import Policy

/// What `sluice check` says about a file that is well: the gateway's shape at a glance.
public struct ConfigurationSummary: Sendable, CustomStringConvertible {
  public let description: String
  /// What works but deserves a second look. Also part of `description`.
  public let warnings: [String]

  init(_ loaded: LoadedConfiguration, name: String) {
    let configuration = loaded.configuration
    var lines = ["\(name): OK"]
    lines += Self.section("listeners", configuration.listeners.map(\.description))
    lines += Self.section("callers", Self.callers(configuration.identity))
    lines += Self.section("servers", configuration.servers.map(Self.server))
    lines += Self.section("profiles", configuration.profiles.flatMap(Self.profile))
    lines += Self.section(
      "rules, in order", configuration.rules.enumerated().flatMap { Self.rule($1, number: $0 + 1) })
    lines += Self.section("approvals", Self.approvals(configuration))
    lines += Self.section("audit", [Self.audit(configuration.audit)])
    lines += Self.section("sinks", configuration.sinks.map(Self.sink))
    lines += Self.section("console", configuration.console.map(Self.console) ?? [])
    lines += Self.section(
      "admin",
      configuration.admin.map { ["http://\($0.address): /metrics, /healthz, /readyz"] } ?? [])
    lines += Self.section("warnings", loaded.warnings)
    description = lines.joined(separator: "\n")
    warnings = loaded.warnings
  }

  private static func section(_ title: String, _ lines: [String]) -> [String] {
    lines.isEmpty ? ["\(title): none"] : ["\(title):"] + lines.map { "  \($0)" }
  }

  private static func callers(_ identity: IdentityConfiguration) -> [String] {
    var lines = identity.serviceAccounts.map { "service account \($0.name)\(groups($0.groups))" }
    lines += identity.oidc.map { oidc in
      let audiences = oidc.provider.audiences
      let audience = audiences.isEmpty ? "" : ", audience \(audiences.joined(separator: " or "))"
      return "\(oidc.provider.name)/…: tokens of \(oidc.provider.issuer)\(audience), "
        + "groups from \(oidc.provider.groupsClaim)"
    }
    if let anonymous = identity.anonymous {
      lines.append("anonymous: anybody on this machine\(groups(anonymous.groups))")
    }
    return lines
  }

  private static func groups(_ groups: [PositionedText]) -> String {
    groups.isEmpty ? "" : ", groups " + texts(groups)
  }

  private static func texts(_ texts: [PositionedText]) -> String {
    texts.map(\.text).joined(separator: ", ")
  }

  private static func server(_ server: ServerConfiguration) -> String {
    guard !server.isCommand else { return "\(server.name): \(server.path) -> \(command(server))" }
    let credential = server.credential.map { ", sends \($0.header) from \($0.origin)" } ?? ""
    return "\(server.name): \(server.path) -> \(server.url)\(credential)"
  }

  /// The program without its arguments and the environment's names without its values: secrets stand in both.
  private static func command(_ server: ServerConfiguration) -> String {
    let words = server.command.count == 1 ? "" : " (\(server.command.count - 1) arguments)"
    let variables = server.environment.map { variable in
      variable.isReference ? "\(variable.name) from \(variable.written)" : variable.name
    }
    let environment = variables.isEmpty ? "" : ", with \(variables.joined(separator: ", "))"
    let sharing = server.sharing == .shared ? "one process for all" : "a process per session"
    return "process \(server.command[0])\(words)\(environment); \(sharing), at most "
      + "\(server.processLimits.processesMax)"
  }

  private static func profile(_ profile: ProfileDefinition) -> [String] {
    let members =
      profile.groups.map { "group \($0.text)" }
      + profile.principals.map {
        "\($0.text.contains("/") ? "user" : "service account") \($0.text)"
      }
    return ["\(profile.name) (\(members.joined(separator: ", ")))"]
      + profile.allow.map { "  \($0.server.text): \(grant($0))" }
  }

  /// Tools alone need no heading: `query, list_*; resources orders://*`.
  private static func grant(_ grant: GrantDefinition) -> String {
    var parts: [String] = []
    if !grant.tools.isEmpty { parts.append(texts(grant.tools)) }
    if !grant.resources.isEmpty { parts.append("resources \(texts(grant.resources))") }
    if !grant.prompts.isEmpty { parts.append("prompts \(texts(grant.prompts))") }
    return parts.joined(separator: "; ")
  }

  private static func rule(_ rule: RuleConfiguration, number: Int) -> [String] {
    let definition = rule.definition
    let match = definition.match
    var conditions: [String] = []
    for (name, list) in [
      ("servers", match.servers), ("tools", match.tools), ("resources", match.resources),
      ("prompts", match.prompts), ("principals", match.principals), ("groups", match.groups),
    ] {
      if let list { conditions.append("\(name) \(texts(list))") }
    }
    conditions += match.arguments.map { "argument \($0.path.text)" }
    let masks = definition.masks.flatMap(\.fields)
    let fields = masks.isEmpty ? "" : " (\(texts(masks)))"
    let effect = "\(definition.effect.rawValue)\(fields)\(definition.approval.map(terms) ?? "")"
    return ["\(number). \(definition.name): \(effect) when \(conditions.joined(separator: "; "))"]
      + (rule.note.map { ["   \($0.replacing("\n", with: " "))"] } ?? [])
  }

  private static func terms(_ approval: ApprovalDefinition) -> String {
    " of \(approval.quorum) of \(texts(approval.reviewers)) within "
      + TimeLength.text(approval.expiresMilliseconds)
  }

  private static func approvals(_ configuration: Configuration) -> [String] {
    guard case .sqlite(let path) = configuration.store else { return [] }
    let place = configuration.approvals.url.map { ", decided at \($0)" } ?? ""
    return ["kept in \(path)\(place)"]
  }

  private static func sink(_ sink: SinkConfiguration) -> String {
    var target = ""
    if let syslog = sink.syslog {
      target = "syslog over \(syslog.tls == nil ? "TCP" : "TLS") to \(syslog.address)"
    } else if let file = sink.jsonl {
      target = "JSON lines to \(file.path)"
    } else if let webhook = sink.webhook {
      target = "webhook \(webhook.url)"
    }
    return "\(sink.name): \(target)"
  }

  private static func console(_ console: ConsoleConfiguration) -> [String] {
    var ways: [String] = []
    if let provider = console.login.openID { ways.append("through \(provider.issuer)") }
    if let admin = console.login.localAdmin { ways.append("as \(admin.name) with a password") }
    let scheme = console.tls == nil ? "http" : "https"
    return [
      "\(console.publicURL ?? "\(scheme)://\(console.address)"), sign-in \(ways.joined(separator: " or "))",
      "admins: \(console.admins.isEmpty ? "none by group" : texts(console.admins)); "
        + "auditors: \(console.auditors.isEmpty ? "none" : texts(console.auditors))",
    ]
  }

  private static func audit(_ audit: AuditConfiguration) -> String {
    let durability =
      audit.durability == .synced
      ? "synced before each answer" : "synced every \(TimeLength.text(audit.intervalMilliseconds))"
    let failure =
      audit.onFailure == .failClosed
      ? "calls that cannot be recorded are refused"
      : "calls that cannot be recorded are counted and let through"
    let contents = audit.contents == .facts ? ", facts only" : ""
    return "\(audit.directory), \(durability); \(failure)\(contents)"
  }
}
