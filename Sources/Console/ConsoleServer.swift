internal import Foundation
internal import Hummingbird
internal import HummingbirdCore
public import Logging
internal import NIOCore
internal import Synchronization

/// The web console and the admin API, on a listener of their own.
///
///     let console = try ConsoleServer(settings: settings, services: services, logger: logger)
///     let port = try await console.start()
///     …
///     await console.stop()
public final class ConsoleServer: Sendable {
  /// The password of the local administrator when the settings hold none: to be shown once, to the person who started the
  /// gateway. It is good for one sign-in.
  public let oneTimePassword: String?

  private let core: ConsoleCore
  private let running = Mutex<Task<Void, Never>?>(nil)

  /// - Throws: `ConsoleError` when the settings cannot be served safely.
  public init(
    settings: ConsoleSettings, services: ConsoleServices, logger: Logger
  ) throws(ConsoleError) {
    guard settings.localAdmin != nil || settings.openID != nil || !settings.keys.isEmpty else {
      throw ConsoleError("nobody could sign in to the console")
    }
    let needsPassword = settings.localAdmin.map { $0.passwordHash == nil } ?? false
    oneTimePassword = needsPassword ? RandomText.make() : nil
    core = try ConsoleCore(
      settings: settings, services: services, oneTimePassword: oneTimePassword, now: { Date() },
      logger: logger)
  }

  /// Where browsers reach it.
  public var url: String { core.origin.text }

  /// Starts listening and returns the port. Call it once.
  public func start() async throws -> Int {
    let (ports, feed) = AsyncThrowingStream<Int, any Error>.makeStream()
    let application = ConsoleServer.application(core) { feed.yield($0) }
    let task = Task {
      do {
        try await application.run()
        feed.finish()
      } catch {
        feed.finish(throwing: error)
      }
    }
    for try await port in ports {
      core.listens(port: port)
      running.withLock { $0 = task }
      return port
    }
    throw ConsoleError("the console ended before it listened")
  }

  /// Puts other keys, groups and certificates in force, at once. Everything else of the settings stays as it was at the start.
  public func adopt(_ settings: ConsoleSettings) { core.adopt(settings) }

  public var isRunning: Bool { running.withLock { $0 != nil } }

  /// Stops listening, ends live streams, and returns when every connection is closed.
  public func stop() async {
    let task = running.withLock { task in
      defer { task = nil }
      return task
    }
    task?.cancel()
    await task?.value
  }

  static func application(
    _ core: ConsoleCore, onPort: @escaping @Sendable (Int) -> Void = { _ in }
  ) -> Application<RouterResponder<ConsoleContext>> {
    let limits = core.settings.limits
    var quiet = core.logger
    // Below that, Hummingbird reports every connection that ends early.
    quiet.logLevel = .critical
    let channel = HTTP1Channel.Configuration(
      idleTimeout: .seconds(Int64(limits.idleConnectionSeconds)),
      httpDecoderConfiguration: .init(
        maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100))
    return Application(
      router: ConsoleRouter.router(core),
      server: HTTPServerBuilder { responder in
        let plain = HTTP1Channel(responder: responder, configuration: channel)
        return core.tls == nil
          ? plain : TLSServerChannel(base: plain, seconds: limits.handshakeSeconds) { core.tls }
      },
      configuration: .init(
        address: .hostname(core.settings.host, port: core.settings.port),
        availableConnectionsDelegate: .maximum(limits.connectionsMax, logger: quiet)),
      onServerRunning: { channel in onPort(channel.localAddress?.port ?? 0) },
      logger: quiet)
  }
}
