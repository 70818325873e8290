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
    do {
      return try await start(loaded, file: file, logger: logger)
    } catch {
      throw CommandFailure(error)
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
