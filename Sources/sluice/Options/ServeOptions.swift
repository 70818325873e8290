import ArgumentParser
import SluiceConfiguration

/// Which file the gateway reads, and where it listens.
struct ConfigurationOptions: ParsableArguments {
  @Option(
    name: [.short, .long], help: "The configuration to serve.",
    completion: .file(extensions: ["yaml"]))
  var config = "sluice.yaml"

  @Option(
    help: ArgumentHelp(
      "Listen here instead of where the file says, as in 127.0.0.1:8080 or [::1]:8080. May be repeated.",
      valueName: "address:port"))
  var listen: [String] = []

  var overrides: [ConfigurationOverride] { listen.isEmpty ? [] : [.listen(listen)] }
}

/// How the gateway spends cores, connections and memory.
///
/// The values stay texts here: they are read by the same rules as the file's, so that a limit and its message are
/// written in one place.
struct TuningOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Worker threads, or auto for one per core.", valueName: "n"))
  var workers: String?

  @Option(help: "How to talk to the kernel; auto is io_uring where it is allowed, else epoll.")
  var io: IOFlag?

  @Flag(
    name: .customLong("pin-cpus"), inversion: .prefixedNo, help: "Keep each worker on one core.")
  var pinCPUs: Bool?

  @Option(
    help: ArgumentHelp(
      "Connections that may wait to be accepted, per listener and worker.", valueName: "n"))
  var backlog: String?

  @Option(
    help: ArgumentHelp(
      "Agents' connections at once, over all workers; more are turned away.", valueName: "n"))
  var maxConnections: String?

  @Option(
    help: ArgumentHelp(
      "One receive buffer, a power of two as in 16KiB; larger ones suit large messages.",
      valueName: "size"))
  var bufferSize: String?

  @Option(
    help: ArgumentHelp(
      "Entries of a worker's io_uring submission queue, a power of two.", valueName: "n"))
  var ringEntries: String?

  @Option(
    help: ArgumentHelp(
      "A worker's memory for records not written yet, a power of two as in 8MiB.",
      valueName: "size"))
  var auditRingSize: String?

  var overrides: [ConfigurationOverride] {
    [
      workers.map(ConfigurationOverride.workers),
      (io?.rawValue).map(ConfigurationOverride.inputOutput),
      pinCPUs.map(ConfigurationOverride.pinCPUs),
      backlog.map(ConfigurationOverride.backlog),
      maxConnections.map(ConfigurationOverride.maxConnections),
      bufferSize.map(ConfigurationOverride.bufferSize),
      ringEntries.map(ConfigurationOverride.ringEntries),
      auditRingSize.map(ConfigurationOverride.auditRingSize),
    ].compactMap { $0 }
  }
}

/// The values of `--io`.
enum IOFlag: String, CaseIterable, Sendable, ExpressibleByArgument {
  case auto
  case ioUring = "io_uring"
  case epoll
}

/// What the gateway tells about itself, and how.
struct LogOptions: ParsableArguments {
  @Option(help: "The least important events to log.")
  var logLevel: LogLevel?

  @Option(help: "Lines for people or for machines.")
  var logFormat: LogFormat?

  var overrides: [ConfigurationOverride] {
    [
      (logLevel?.rawValue).map(ConfigurationOverride.logLevel),
      (logFormat?.rawValue).map(ConfigurationOverride.logFormat),
    ].compactMap { $0 }
  }
}
