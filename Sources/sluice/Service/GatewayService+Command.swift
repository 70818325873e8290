import Approvals
import ControlPlane
import Logging
import SluiceConfiguration

extension GatewayService {
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

  /// Starts the gateway with everything this command puts beside it.
  static func launch(
    _ loaded: LoadedConfiguration, file: ConfigurationFile? = nil, logger: Logger
  ) async throws(CommandFailure) -> GatewayService {
    let parts = try parts(loaded, logger: logger)
    do {
      return try await start(loaded, file: file, parts: parts, logger: logger)
    } catch {
      throw CommandFailure(error)
    }
  }

  /// What of the command's own runs beside the workers.
  private static func parts(
    _ loaded: LoadedConfiguration, logger: Logger
  ) throws(CommandFailure) -> [any ServicePart] {
    let console = try ConsolePart(
      loaded.configuration, approvals: approvals(loaded.configuration), logger: logger)
    let stdio = StdioServers(
      guardCommand: ["/proc/self/exe", StdioGuardCommand.name], logger: logger)
    return [stdio] + (console.map { [$0] } ?? [])
  }

  private static func approvals(
    _ configuration: Configuration
  ) throws(CommandFailure) -> any ApprovalService {
    guard case .sqlite(let path) = configuration.store else { return NoApprovals() }
    do {
      return try ApprovalStore(path: path)
    } catch {
      throw CommandFailure("The approvals' store cannot be opened: \(error).")
    }
  }

  /// Stops it. - Throws: what of the record could not be kept.
  func end() async throws(CommandFailure) {
    do {
      try await stop()
    } catch {
      throw CommandFailure(error)
    }
  }
}
