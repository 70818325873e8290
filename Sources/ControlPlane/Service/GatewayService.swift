import Audit
public import Foundation
public import Logging
public import Proxy
public import SluiceConfiguration
import Status

/// The gateway and everything beside it, running: started with one configuration, reloaded with others, stopped in order.
///
///     let file = ConfigurationFile(path: "sluice.yaml")
///     let service = try await GatewayService.start(file.load(), file: file, logger: logger)
///     _ = await service.reload(because: "SIGHUP")
///     try await service.stop()
public actor GatewayService {
  nonisolated public let gateway: Gateway
  nonisolated let audit: AuditLog
  nonisolated let logger: Logger
  let file: ConfigurationFile?
  let parts: [any ServicePart]

  /// The configuration in force. What cannot change while the process runs is as it was at the start.
  var loaded: LoadedConfiguration
  /// What the parts made of it.
  var plan: ServingPlan?
  nonisolated let tallies: ServerTallies
  var health: [String: ServerHealth] = [:]
  /// Failed calls by server that no log line has told of yet.
  var unreported: [String: UInt64] = [:]
  var lastReport: [String: ContinuousClock.Instant] = [:]
  var reportedRefusals: [String: UInt64] = [:]
  var ruleHits = RuleHits()
  var lastReload: GatewayStatus.Reload?
  nonisolated let version: String
  nonisolated public let startedAt = Date.now
  /// How often a snapshot was published, the first included.
  var generation = 1
  /// The change that is under way, for the next to wait for.
  var change: Task<Void, Never>?
  /// Files that are read again when one of them changes.
  var filesToWatch: [String]
  private var watch: Task<Void, Never>?
  private(set) var isStopping = false

  /// Starts everything; when it returns, the gateway is listening.
  /// - Parameters:
  ///   - file: where reloads come from; nil when there are to be none.
  ///   - parts: what runs beside the workers besides names, credentials and keys of identity providers, in the
  ///     order in which it starts.
  public static func start(
    _ loaded: LoadedConfiguration, file: ConfigurationFile? = nil,
    parts others: [any ServicePart] = [], version: String = "development", logger: Logger
  ) async throws(ServiceFailure) -> GatewayService {
    let tallies = ServerTallies()
    let parts: [any ServicePart] =
      [
        AdminServer(logger: logger), ServerNames(tallies, logger: logger),
        ServerCredentials(file?.programs ?? ProgramSecrets(), logger: logger),
        IdentityKeys(logger: logger), HandshakeWatch(logger: logger),
      ] + others
    let settings = try GatewaySettings(loaded.configuration)
    var started: [any ServicePart] = []
    do throws(ServiceFailure) {
      for part in parts {
        started.append(part)
        try await part.prepare(loaded)
      }
      let (snapshot, plan) = try await snapshot(loaded, parts, tallies)
      let (audit, gateway) = try start(settings, snapshot, loaded.configuration, logger)
      let service = GatewayService(
        loaded, gateway: gateway, audit: audit, file: file, parts: parts, tallies: tallies,
        version: version, logger: logger)
      await service.begin(plan)
      return service
    } catch {
      for part in started.reversed() { await part.stop() }
      throw error
    }
  }

  private init(
    _ loaded: LoadedConfiguration, gateway: Gateway, audit: AuditLog, file: ConfigurationFile?,
    parts: [any ServicePart], tallies: ServerTallies, version: String, logger: Logger
  ) {
    self.loaded = loaded
    filesToWatch = loaded.files
    self.gateway = gateway
    self.audit = audit
    self.file = file
    self.parts = parts
    self.tallies = tallies
    self.version = version
    self.logger = logger
  }

  private static func start(
    _ settings: GatewaySettings, _ snapshot: GatewaySnapshot, _ configuration: Configuration,
    _ logger: Logger
  ) throws(ServiceFailure) -> (AuditLog, Gateway) {
    let audit: AuditLog
    do {
      audit = try AuditLog(
        settings: AuditSettings(configuration.audit), workers: settings.workers)
    } catch {
      throw ServiceFailure("The record cannot be kept: \(error).")
    }
    if let repair = audit.repair {
      logger.warning(
        "the end of the record was torn and has been cut off", metadata: ["repair": "\(repair)"])
    }
    do {
      return (audit, try Gateway(settings: settings, snapshot: snapshot, audit: audit))
    } catch {
      audit.close()
      throw ServiceFailure("The gateway cannot start: \(error)")
    }
  }

  /// What the parts make of a configuration, ready for the workers.
  static func snapshot(
    _ loaded: LoadedConfiguration, _ parts: [any ServicePart], _ tallies: ServerTallies
  ) async throws(ServiceFailure) -> (GatewaySnapshot, ServingPlan) {
    var plan = ServingPlan(loaded)
    for part in parts { await part.contribute(to: &plan, loaded) }
    return (try GatewaySnapshot(loaded, plan, tallies), plan)
  }

  private func begin(_ plan: ServingPlan) async {
    self.plan = plan
    for part in parts { await part.adopt(loaded, self) }
    report()
    let files = file == nil ? nil : FileWatch(loaded.files, settled: loaded.stamps)
    watch = Task { [weak self] in
      while !Task.isCancelled {
        try? await Task.sleep(for: FileWatch.interval)
        guard let self, !Task.isCancelled else { return }
        await self.look(at: files)
      }
    }
  }

  private func report() {
    if let reason = gateway.fallbackReason {
      logger.notice("io_uring is not to be had, using epoll", metadata: ["reason": "\(reason)"])
    }
    if let reason = gateway.singleSendsReason {
      logger.notice(
        "epoll's sends leave one by one, which takes more processor time; io_setup, io_submit and io_getevents would let them leave together",
        metadata: ["reason": "\(reason)"])
    }
    for server in loaded.configuration.servers {
      logger.info(
        "serving",
        metadata: [
          "server": "\(server.name)", "path": "\(server.path)",
          server.isCommand ? "program" : "url":
            "\(server.isCommand ? server.command[0] : server.url.description)",
        ])
    }
    for address in gateway.addresses {
      logger.info(
        "listening",
        metadata: [
          "address": "\(address)", "io": "\(gateway.backend)", "workers": "\(gateway.workerCount)",
          "revision": "\(loaded.revision)",
        ])
    }
  }

  /// Stops accepting, gives calls under way the drain timeout to finish, completes the record, and ends the parts.
  /// A second call does nothing.
  public func stop() async throws(ServiceFailure) {
    guard !isStopping else { return }
    isStopping = true
    watch?.cancel()
    let delay = loaded.configuration.limits.preStopMilliseconds
    if delay > 0 {
      logger.info("no longer ready", metadata: ["pre_stop_delay": "\(delay)ms"])
      try? await Task.sleep(for: .milliseconds(delay))
    }
    await change?.value
    for part in parts.reversed() { await part.stopping() }
    let grace = UInt64(loaded.configuration.limits.drainMilliseconds) * 1_000_000
    let (gateway, audit) = (gateway, audit)
    let lost = await BlockingWork.run {
      gateway.stop(graceNanoseconds: grace)
      gateway.waitUntilStopped()
      return audit.close()
    }
    for part in parts.reversed() { await part.stop() }
    guard lost == 0 else {
      throw ServiceFailure(
        "\(lost) bytes of records could not be written when the gateway stopped.")
    }
  }
}
