import Approvals
import Console
import ControlPlane
import Identity
import Logging
import Policy
import Recorder
import SluiceConfiguration
import Synchronization

/// The console beside the gateway: listens once the workers do, and ends when they have ended.
///
/// A reload changes who may use the admin API and which groups see what, at once. The rest of its settings are those of the
/// start: the address is open and people are signed in under them.
final class ConsolePart: ServicePart {
  let name = "console"

  private let server: ConsoleServer
  private let running = RunningService()
  private let logger: Logger

  /// - Returns: nil when the configuration has no console.
  init?(
    _ configuration: Configuration, approvals: any ApprovalService, logger: Logger
  ) throws(CommandFailure) {
    guard let console = configuration.console else { return nil }
    var services = ConsoleServices(approvals: approvals)
    services.sessions = SessionCatalog(directory: configuration.audit.directory)
    services.keepsApprovals = configuration.store != nil
    services.status = { [running] in await running.service?.status() }
    do {
      server = try ConsoleServer(
        settings: ConsoleSettings(console, identity: configuration.identity), services: services,
        logger: logger)
    } catch {
      throw CommandFailure("The console cannot start: \(error).")
    }
    self.logger = logger
  }

  func adopt(_ loaded: LoadedConfiguration, _ service: GatewayService) async {
    running.set(service)
    if let console = loaded.configuration.console {
      server.adopt(ConsoleSettings(console, identity: loaded.configuration.identity))
    }
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

  func stop() async {
    // The service holds its parts, and they must not hold it in turn.
    running.set(nil)
    await server.stop()
  }
}

/// The service whose status the console shows, from its start to its stop.
private final class RunningService: Sendable {
  private let held = Mutex<GatewayService?>(nil)

  var service: GatewayService? { held.withLock { $0 } }

  func set(_ service: GatewayService?) { held.withLock { $0 = service } }
}

extension ConsoleSettings {
  init(_ console: ConsoleConfiguration, identity: IdentityConfiguration) {
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
      settings.provider =
        identity.oidc.first { $0.provider.issuer == provider.issuer }?.provider.name
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
