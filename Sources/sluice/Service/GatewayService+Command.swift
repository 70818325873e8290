import Approvals
import Bridge
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

  /// The same for a gateway that is to be reloaded from it.
  static func load(_ file: ConfigurationFile) throws(CommandFailure) -> LoadedConfiguration {
    do {
      return try file.load()
    } catch {
      throw CommandFailure(error)
    }
  }

  /// What parts of the file say of where things are. The rest may be wrong, and secrets need not be there.
  static func outline(
    _ path: String, _ parts: ConfigurationPart...
  ) throws(CommandFailure) -> Configuration {
    do {
      return try ConfigurationLoader.outline(path: path, of: parts)
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
      return try await start(
        loaded, file: file, parts: parts, version: SluiceVersion.text, logger: logger)
    } catch {
      throw CommandFailure(error)
    }
  }

  /// What of the command's own runs beside the workers.
  private static func parts(
    _ loaded: LoadedConfiguration, logger: Logger
  ) throws(CommandFailure) -> [any ServicePart] {
    var parts: [any ServicePart] = [
      RecordSinks(logger: logger),
      BridgedServers(
        helpers: ProcessHelpers(
          guardCommand: ["/proc/self/exe", StdioGuardCommand.name],
          keeperCommand: ["/proc/self/exe", StdioKeeperCommand.name]), logger: logger),
    ]
    var service: any ApprovalService = NoApprovals()
    do throws(ServiceFailure) {
      if let approvals = try ApprovalPart(loaded.configuration, logger: logger) {
        // One store for reviewers and for the calls that wait: a decision is heard of at once.
        service = approvals.service
        parts.append(approvals)
      }
    } catch {
      throw CommandFailure(error)
    }
    parts.append(ConsolePart(loaded.configuration, approvals: service, logger: logger))
    return parts
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
