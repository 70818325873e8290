import Approvals
import Console
import ControlPlane
import Logging
import Recorder
import SluiceConfiguration
import Synchronization

/// The console beside the gateway: listens once the workers do, and ends when they have ended.
///
/// A reload starts it, ends it, and changes who may use the admin API, which groups see what, and the certificates, at once.
/// What else changes has it end and start anew: people then sign in again.
final class ConsolePart: ServicePart {
  let name = "console"

  private struct State {
    var server: ConsoleServer?
    /// What `server` was started with.
    var beginning: ConsoleBeginning?
    /// What the next reload puts in its place.
    var prepared: (server: ConsoleServer, beginning: ConsoleBeginning)?
  }

  private let state = Mutex(State())
  private let running: RunningService
  private let services: ConsoleServices
  private let logger: Logger

  init(_ configuration: Configuration, approvals: any ApprovalService, logger: Logger) {
    let running = RunningService()
    var services = ConsoleServices(approvals: approvals)
    services.sessions = SessionCatalog(directory: configuration.audit.directory)
    services.keepsApprovals = configuration.store != nil
    services.status = { await running.service?.status() }
    self.running = running
    self.services = services
    self.logger = logger
  }

  func prepare(_ loaded: LoadedConfiguration) async throws(ServiceFailure) {
    state.withLock { $0.prepared = nil }
    guard let console = loaded.configuration.console else { return }
    let beginning = ConsoleBeginning(console, identity: loaded.configuration.identity)
    guard beginning != state.withLock({ $0.beginning }) else { return }
    do {
      let server = try ConsoleServer(
        settings: ConsoleSettings(console, identity: loaded.configuration.identity),
        services: services, logger: logger)
      state.withLock { $0.prepared = (server, beginning) }
    } catch {
      throw ServiceFailure(
        loaded.source.error(at: "console", "the console cannot start: \(error)"))
    }
  }

  func adopt(_ loaded: LoadedConfiguration, _ service: GatewayService) async {
    running.set(service)
    let console = loaded.configuration.console
    let (server, prepared) = state.withLock { state in
      defer { state.prepared = nil }
      return (state.server, state.prepared)
    }
    if let server {
      if let console, prepared == nil {
        return server.adopt(ConsoleSettings(console, identity: loaded.configuration.identity))
      }
      state.withLock { ($0.server, $0.beginning) = (nil, nil) }
      await server.stop()
      logger.info(
        prepared == nil ? "the console has ended" : "the console begins anew: people sign in again",
        metadata: ["url": "\(server.url)"])
    }
    if let console, let prepared { await start(prepared.server, prepared.beginning, console) }
  }

  private func start(
    _ server: ConsoleServer, _ beginning: ConsoleBeginning, _ console: ConsoleConfiguration
  ) async {
    do {
      _ = try await server.start()
    } catch {
      // The gateway serves all the same; whoever waits for a decision would wait in vain, so this is no warning.
      logger.error(
        "the console cannot listen",
        metadata: ["url": "\(server.url)", "problem": "\(ListenFailure.text(of: error))"])
      return
    }
    state.withLock { ($0.server, $0.beginning) = (server, beginning) }
    logger.info("console", metadata: ["url": "\(server.url)"])
    if let password = server.oneTimePassword {
      // To the terminal and not to the log, where it would be kept.
      let name = console.login.localAdmin?.name ?? "admin"
      Terminal.writeError(
        "Sign in to the console at \(server.url) as \(name) with the password \(password) (good for one sign-in)."
      )
    }
  }

  func stop() async {
    // The service holds its parts, and they must not hold it in turn.
    running.set(nil)
    let server = state.withLock { state in
      defer { state.server = nil }
      return state.server
    }
    await server?.stop()
  }
}

/// The service whose status the console shows, from its start to its stop.
private final class RunningService: Sendable {
  private let held = Mutex<GatewayService?>(nil)

  var service: GatewayService? { held.withLock { $0 } }

  func set(_ service: GatewayService?) { held.withLock { $0 = service } }
}
