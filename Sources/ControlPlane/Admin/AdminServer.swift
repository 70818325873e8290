import Hummingbird
import Logging
import NIOCore
import SluiceConfiguration
import Synchronization

/// The part that answers on `admin.address`: metrics, health and status.
final class AdminServer: ServicePart {
  let name = "admin"

  private struct State {
    var task: Task<Void, Never>?
    weak var service: GatewayService?
  }

  private let state = Mutex(State())
  private let logger: Logger

  init(logger: Logger) {
    self.logger = logger
  }

  /// Listens before the workers do: a supervisor may ask from the first moment on, and a port in use keeps the gateway from
  /// starting.
  func prepare(_ loaded: LoadedConfiguration) async throws(ServiceFailure) {
    guard let admin = loaded.configuration.admin, state.withLock({ $0.task == nil }) else { return }
    let router = Router(options: [.autoGenerateHeadEndpoints])
    AdminRoutes { [weak self] in self?.state.withLock { $0.service } }.add(to: router)
    var quiet = Logger(label: "sluice.admin")
    // Below that, Hummingbird reports each connection that `stop` closes as an error.
    quiet.logLevel = .critical
    let (ports, portFeed) = AsyncStream<Int>.makeStream()
    let application = Application(
      router: router,
      configuration: .init(
        address: .hostname(admin.address.host, port: Int(admin.address.port))),
      onServerRunning: { channel in portFeed.yield(channel.localAddress?.port ?? 0) },
      logger: quiet)
    let failure = Failure()
    let task = Task {
      do {
        try await application.run()
      } catch {
        failure.text.withLock { $0 = ListenFailure.text(of: error) }
      }
      portFeed.finish()
    }
    for await _ in ports {
      state.withLock { $0.task = task }
      logger.info("metrics and health", metadata: ["address": "\(admin.address)"])
      return
    }
    throw ServiceFailure(
      loaded.source.error(
        at: "admin.address",
        "cannot listen on \(admin.address): \(failure.text.withLock { $0 } ?? "it ended at once")"))
  }

  private final class Failure: Sendable {
    let text = Mutex<String?>(nil)
  }

  func adopt(_ loaded: LoadedConfiguration, _ service: GatewayService) async {
    state.withLock { $0.service = service }
  }

  func stop() async {
    let task = state.withLock { state in
      defer { state.task = nil }
      return state.task
    }
    task?.cancel()
    await task?.value
  }
}
