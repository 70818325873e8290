import Approvals
import Console
import ControlPlane
import Logging
import Policy
import Recorder
import SluiceConfiguration

/// The console beside the gateway: listens once the workers do, and ends when they have ended.
///
/// Its settings are those of the start. They take effect again after a restart: people are signed in under them.
final class ConsolePart: ServicePart {
  let name = "console"

  private let server: ConsoleServer
  private let logger: Logger

  /// - Returns: nil when the configuration has no console.
  init?(
    _ configuration: Configuration, approvals: any ApprovalService, logger: Logger
  ) throws(CommandFailure) {
    guard let console = configuration.console else { return nil }
    let accounts = configuration.identity.serviceAccounts
    var services = ConsoleServices(
      approvals: approvals,
      groups: { name in
        accounts.first { $0.name == name }?.groups.map(\.text) ?? []
      })
    services.sessions = SessionCatalog(directory: configuration.audit.directory)
    services.keepsApprovals = configuration.store != nil
    do {
      server = try ConsoleServer(
        settings: ConsoleSettings(console, serviceAccounts: accounts), services: services,
        logger: logger)
    } catch {
      throw CommandFailure("The console cannot start: \(error).")
    }
    self.logger = logger
  }

  func adopt(_ loaded: LoadedConfiguration, _ service: GatewayService) async {
    guard !server.isRunning else { return }
    do {
      _ = try await server.start()
    } catch {
      // The gateway serves all the same; whoever waits for a decision would wait in vain, so this is no warning.
      logger.error("the console cannot listen", metadata: ["problem": "\(error)"])
      return
    }
    logger.info("console", metadata: ["url": "\(server.url)"])
    if let password = server.oneTimePassword {
      // To the terminal and not to the log, where it would be kept.
      let name = loaded.configuration.console?.login.localAdmin?.name ?? "admin"
      Terminal.writeError(
        "Sign in to the console at \(server.url) as \(name) with the password \(password) (good for one sign-in)."
      )
    }
  }

  func stop() async { await server.stop() }
}

extension ConsoleSettings {
  init(_ console: ConsoleConfiguration, serviceAccounts: [ServiceAccountConfiguration]) {
    self.init()
    let address = console.address.description
    let colon = address.lastIndex(of: ":")!
    host = String(address[..<colon].filter { $0 != "[" && $0 != "]" })
    port = Int(console.address.port)
    publicURL = console.publicURL
    openID = console.login.openID.map { provider in
      var settings = OpenIDSettings(
        issuer: provider.issuer, clientID: provider.clientID, clientSecret: provider.clientSecret)
      settings.scopes = provider.scopes
      settings.groupsClaim = provider.groupsClaim
      settings.nameClaim = provider.nameClaim
      settings.authorities = provider.authorities
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
    keys = (console.keys + serviceAccounts).map { account in
      ConsoleKey(
        name: account.name, digest: account.keyDigest, groups: Set(account.groups.map(\.text)))
    }
    approvalNeedsReason = console.approvalNeedsReason
    limits.sessionIdleSeconds = Double(console.sessionIdleMilliseconds) / 1000
    limits.sessionSeconds = Double(console.sessionMilliseconds) / 1000
  }
}
