import Console
import Identity
import Policy
import SluiceConfiguration

extension ConsoleSettings {
  init(_ console: ConsoleConfiguration, identity: IdentityConfiguration) {
    self.init()
    let address = console.address.description
    let colon = address.lastIndex(of: ":")!
    host = String(address[..<colon].filter { $0 != "[" && $0 != "]" })
    port = Int(console.address.port)
    tls = console.tls?.context
    publicURL = console.publicURL
    openID = console.login.openID.map { provider in
      var settings = OpenIDSettings(
        issuer: provider.issuer, clientID: provider.clientID, clientSecret: provider.clientSecret)
      settings.scopes = provider.scopes
      settings.groupsClaim = provider.groupsClaim
      settings.nameClaim = provider.nameClaim
      settings.authorities = provider.authorities?.pem
      settings.provider = identity.name(ofProvider: provider.issuer)
      return settings
    }
    localAdmin = console.login.localAdmin.map { admin in
      var settings = LocalAdminSettings()
      settings.name = admin.name
      settings.passwordHash = admin.passwordHash
      settings.groups = Set(admin.groups.map(\.text))
      return settings
    }
    adminGroups = Set(console.admins.map(\.text))
    auditorGroups = Set(console.auditors.map(\.text))
    keys = (console.keys + identity.serviceAccounts).map { account in
      ConsoleKey(
        name: account.name, digest: account.keyDigest, groups: Set(account.groups.map(\.text)))
    }
    approvalNeedsReason = console.approvalNeedsReason
    limits.sessionIdleSeconds = Double(console.sessionIdleMilliseconds) / 1000
    limits.sessionSeconds = Double(console.sessionMilliseconds) / 1000
  }
}

extension IdentityConfiguration {
  /// What the gateway calls a provider whose tokens it takes from agents.
  fileprivate func name(ofProvider issuer: String) -> String? {
    oidc.first { $0.provider.issuer == issuer }?.provider.name
  }
}

/// What a console is started with. A console for which any of it changes is started anew; everything else it takes over
/// while it runs.
struct ConsoleBeginning: Equatable {
  private let values: [String]
  private let secrets: [[UInt8]]

  init(_ console: ConsoleConfiguration, identity: IdentityConfiguration) {
    let provider = console.login.openID
    let admin = console.login.localAdmin
    values =
      [
        "\(console.address)", "\(console.tls != nil)", console.publicURL ?? "",
        "\(console.isBehindProxy)", "\(console.approvalNeedsReason)",
        "\(console.sessionIdleMilliseconds)", "\(console.sessionMilliseconds)",
        "\(provider != nil)", provider?.issuer ?? "", provider?.clientID ?? "",
        provider?.groupsClaim ?? "", provider?.nameClaim ?? "",
        provider.flatMap { identity.name(ofProvider: $0.issuer) } ?? "",
        "\(admin != nil)", admin?.name ?? "", "\(provider?.scopes ?? [])",
      ] + (admin?.groups.map(\.text) ?? [])
    secrets = [
      provider?.clientSecret?.bytes ?? [], provider?.authorities?.pem ?? [],
      Array((admin?.passwordHash ?? "").utf8),
    ]
  }
}
