import ArgumentParser
import ControlPlane
import Logging
import SluiceConfiguration

/// `sluice serve`
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Run the gateway.",
    discussion: """
      Serves what sluice.yaml says until SIGINT or SIGTERM, then lets calls under way finish. A flag takes the \
      place of the value in the file; what neither of them says has a default, shown by 'sluice check --schema'. \
      Changes of the file, and of the files its secrets are in, are put in force while the gateway runs (at once on \
      SIGHUP); a file with a mistake leaves everything as it was, and the log says why.

      EXAMPLES:
        sluice serve
        sluice serve --config gateway/sluice.yaml --workers 4 --pin-cpus
        sluice serve --listen 127.0.0.1:9090 --log-format json
      """)

  @OptionGroup(title: "Configuration") var source: ConfigurationOptions
  @OptionGroup(title: "Tuning") var tuning: TuningOptions
  @OptionGroup(title: "Logging") var log: LogOptions

  var overrides: [ConfigurationOverride] {
    source.overrides + tuning.overrides + log.overrides
  }

  func run() async throws {
    let file = ConfigurationFile(path: source.config, overrides: overrides)
    let loaded = try GatewayService.load(file)
    LogFormat(loaded.configuration.log.format).bootstrap(
      level: LogLevel(loaded.configuration.log.level))
    let logger = Logger(label: "sluice")
    for warning in loaded.warnings { logger.warning("\(warning)") }
    let signals = try ProcessSignals()
    let service = try await GatewayService.launch(loaded, file: file, logger: logger)
    ProgramMemory.releaseStartUpPages()
    let reloads = signals.reloads
    let reloading = Task {
      for await _ in reloads { await service.reload(because: "SIGHUP") }
    }
    let name = await signals.stop()
    reloading.cancel()
    logger.info("stopping", metadata: ["signal": "\(name)"])
    try await service.end()
    logger.info("stopped")
  }
}
