import Audit
import EventLoop
import Logging
import Policy
import Proxy
import SluiceConfiguration

/// The gateway and its audit log, made of one loaded configuration.
final class GatewayService: Sendable {
  private let loaded: LoadedConfiguration
  private let logger: Logger
  private let audit: AuditLog
  private let gateway: Gateway

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

  init(_ loaded: LoadedConfiguration, logger: Logger) throws(CommandFailure) {
    self.loaded = loaded
    self.logger = logger
    let settings = try GatewaySettings(loaded.configuration)
    let snapshot = try GatewaySnapshot(loaded)
    do {
      audit = try AuditLog(
        settings: AuditSettings(loaded.configuration.audit), workers: settings.workers)
    } catch {
      throw CommandFailure("The record cannot be kept: \(error).")
    }
    do {
      gateway = try Gateway(settings: settings, snapshot: snapshot, audit: audit)
    } catch {
      audit.close()
      throw CommandFailure("The gateway cannot start: \(error)")
    }
  }

  func start() throws(CommandFailure) {
    if let repair = audit.repair {
      logger.warning(
        "the record had a torn end, which was cut off", metadata: ["repair": "\(repair)"])
    }
    for server in loaded.configuration.servers {
      logger.info(
        "serving",
        metadata: ["server": "\(server.name)", "path": "\(server.path)", "url": "\(server.url)"])
    }
    do {
      for address in try gateway.start() {
        logger.info("listening", metadata: ["address": "\(address)"])
      }
    } catch {
      audit.close()
      throw CommandFailure("The gateway cannot start: \(error)")
    }
  }

  /// Stops accepting, lets calls under way finish within the drain timeout, and completes the record.
  func stop() throws(CommandFailure) {
    gateway.stop()
    gateway.waitUntilStopped()
    let lost = audit.close()
    if lost > 0 {
      throw CommandFailure(
        "\(lost) bytes of records could not be written when the gateway stopped.")
    }
  }
}
