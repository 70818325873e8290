import Audit
import Logging
import Proxy
import SluiceConfiguration

/// The gateway and its audit log, running with one loaded configuration.
final class GatewayService: Sendable {
  private let gateway: Gateway
  private let audit: AuditLog
  private let graceNanoseconds: UInt64

  /// Reads and checks the file. - Throws: `CommandFailure` that lists every mistake.
  static func load(
    _ path: String, overrides: [ConfigurationOverride] = []
  ) throws(CommandFailure) -> LoadedConfiguration {
    do {
      return try ConfigurationLoader.load(path: path, overrides: overrides)
    } catch {
      throw CommandFailure(error)
    }
  }

  /// Starts everything; when it returns, the gateway is listening.
  init(_ loaded: LoadedConfiguration, logger: Logger) throws(CommandFailure) {
    let configuration = loaded.configuration
    let settings = try GatewaySettings(configuration)
    let snapshot = try GatewaySnapshot(loaded)
    graceNanoseconds = UInt64(configuration.limits.drainMilliseconds) * 1_000_000
    do {
      audit = try AuditLog(
        settings: AuditSettings(configuration.audit), workers: settings.workers)
    } catch {
      throw CommandFailure("The record cannot be kept: \(error).")
    }
    if let repair = audit.repair {
      logger.warning(
        "the end of the record was torn and has been cut off", metadata: ["repair": "\(repair)"])
    }
    do {
      gateway = try Gateway(settings: settings, snapshot: snapshot, audit: audit)
    } catch {
      audit.close()
      throw CommandFailure("The gateway cannot start: \(error)")
    }
    report(configuration, logger)
  }

  private func report(_ configuration: Configuration, _ logger: Logger) {
    if let reason = gateway.fallbackReason {
      logger.notice("io_uring is not to be had, using epoll", metadata: ["reason": "\(reason)"])
    }
    for server in configuration.servers {
      logger.info(
        "serving",
        metadata: ["server": "\(server.name)", "path": "\(server.path)", "url": "\(server.url)"])
    }
    for address in gateway.addresses {
      logger.info(
        "listening",
        metadata: [
          "address": "\(address)", "io": "\(gateway.backend)", "workers": "\(gateway.workerCount)",
        ])
    }
  }

  /// Stops accepting, gives calls under way the drain timeout to finish, and completes the record.
  func stop() throws(CommandFailure) {
    gateway.stop(graceNanoseconds: graceNanoseconds)
    gateway.waitUntilStopped()
    let lost = audit.close()
    guard lost == 0 else {
      throw CommandFailure(
        "\(lost) bytes of records could not be written when the gateway stopped.")
    }
  }
}
