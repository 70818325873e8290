import Foundation
import Logging
import Policy
import Proxy
import SluiceConfiguration
import Status

/// What became of a reload.
public enum ReloadOutcome: Sendable {
  /// In force now; `needsRestart` names what of it is not, because it cannot change while the process runs.
  case reloaded(needsRestart: [String])
  /// The file and the secrets it refers to say what they said before.
  case unchanged
  /// The earlier configuration stays in force.
  case refused(ServiceFailure)
}

extension GatewayService {
  /// Looks, two milliseconds apart, whether the workers have taken what was published.
  private static var adoptionLooks: Int { 500 }
  /// Most mistakes of one file that are logged.
  private static var issuesLoggedMax: Int { 20 }

  /// Reads the file again and puts it in force as a whole, or not at all. Calls under way end as they began.
  /// - Parameter reason: for the log: a signal, or the file that changed.
  @discardableResult
  public func reload(because reason: String) async -> ReloadOutcome {
    guard let file else {
      return .refused(ServiceFailure("This gateway was not started from a file."))
    }
    return await afterEarlierChanges { service in await service.load(file, reason) }
  }

  /// Asks the parts again and publishes what they say now, with the configuration in force: for a part that has news.
  public func republish(because reason: String) async {
    await afterEarlierChanges { service in
      do {
        let (snapshot, plan) = try await GatewayService.snapshot(
          service.loaded, service.parts, service.tallies)
        await service.publish(snapshot, plan, reason)
      } catch {
        service.logger.error(
          "news could not be published; what was in force stays",
          metadata: ["reason": "\(reason)", "problem": "\(error)"])
      }
    }
  }

  /// One change at a time, in the order in which they were asked for.
  private func afterEarlierChanges<Result: Sendable>(
    _ work: @escaping @Sendable (isolated GatewayService) async -> Result
  ) async -> Result {
    let earlier = change
    let task = Task {
      await earlier?.value
      return await work(self)
    }
    change = Task { _ = await task.value }
    return await task.value
  }

  private func load(_ file: ConfigurationFile, _ reason: String) async -> ReloadOutcome {
    guard !isStopping else { return .refused(ServiceFailure("The gateway is stopping.")) }
    do throws(ServiceFailure) {
      var newer = try await read(file)
      if newer.contents == loaded.contents {
        logger.info("the configuration has not changed", metadata: ["reason": "\(reason)"])
        note(reason)
        return .unchanged
      }
      let fixed = newer.configuration.fixedKeys(differingFrom: loaded.configuration)
      try newer.keepFixedKeys(of: loaded)
      for part in parts { try await part.prepare(newer) }
      let (snapshot, plan) = try await GatewayService.snapshot(newer, parts, tallies)
      replace(with: newer)
      await publish(snapshot, plan, reason)
      for part in parts { await part.adopt(newer, self) }
      report(fixed)
      note(reason, needsRestart: fixed)
      return .reloaded(needsRestart: fixed)
    } catch {
      report(error, reason)
      note(reason, problem: "\(error)")
      return .refused(error)
    }
  }

  /// The file as it is now. The files it names are watched from then on, even when it is not well: one that is missing may
  /// appear.
  private func read(_ file: ConfigurationFile) async throws(ServiceFailure) -> LoadedConfiguration {
    do throws(ConfigurationErrors) {
      let newer = try await BlockingWork.run { () throws(ConfigurationErrors) in try file.load() }
      filesToWatch = newer.files
      return newer
    } catch {
      filesToWatch = loaded.files + error.files.filter { !loaded.files.contains($0) }
      throw ServiceFailure(error)
    }
  }

  private func replace(with newer: LoadedConfiguration) {
    ruleHits.retire(loaded.policy)
    ruleHits.keep(Set(newer.configuration.rules.map(\.definition.name)))
    let servers = Set(newer.configuration.servers.map(\.name))
    tallies.keep(servers)
    health = health.filter { servers.contains($0.key) }
    unreported = unreported.filter { servers.contains($0.key) }
    lastReport = lastReport.filter { $0.key.isEmpty || servers.contains($0.key) }
    loaded = newer
  }

  /// Returns when the workers judge by it.
  private func publish(
    _ snapshot: GatewaySnapshot, _ plan: ServingPlan, _ reason: String
  ) async {
    self.plan = plan
    gateway.publish(snapshot)
    generation += 1
    // A turn of a worker's loop takes no longer than a moment.
    for _ in 0..<Self.adoptionLooks where !gateway.isInForce {
      try? await Task.sleep(for: .milliseconds(2))
    }
    if !gateway.isInForce {
      logger.warning(
        "a worker goes on with an earlier snapshot until calls that hang have ended",
        metadata: ["revision": "\(loaded.revision)", "generation": "\(generation)"])
    }
    logger.info(
      "published",
      metadata: [
        "revision": "\(loaded.revision)", "generation": "\(generation)", "reason": "\(reason)",
      ])
  }

  private func note(_ reason: String, problem: String? = nil, needsRestart: [String] = []) {
    lastReload = GatewayStatus.Reload(
      at: .now, reason: reason, problem: problem, needsRestart: needsRestart)
  }

  private func report(_ fixed: [String]) {
    for warning in loaded.warnings { logger.warning("\(warning)") }
    guard !fixed.isEmpty else { return }
    logger.warning(
      "some of what changed takes effect after a restart",
      metadata: ["keys": "\(fixed.joined(separator: ", "))"])
  }

  private func report(_ failure: ServiceFailure, _ reason: String) {
    let issues = failure.errors?.issues ?? []
    var metadata: Logger.Metadata = [
      "reason": "\(reason)", "revision": "\(loaded.revision)",
    ]
    if issues.isEmpty { metadata["problem"] = "\(failure)" }
    logger.error(
      "the configuration was not reloaded; what was in force stays", metadata: metadata)
    for issue in issues.prefix(Self.issuesLoggedMax) {
      let place = issue.position.map { ":\($0.line):\($0.column)" } ?? ""
      logger.error(
        "\(issue.message)",
        metadata: ["place": "\(issue.flag ?? (file?.path ?? "") + place)", "key": "\(issue.path)"])
    }
    if issues.count > Self.issuesLoggedMax {
      logger.error("and \(issues.count - Self.issuesLoggedMax) more; `sluice check` shows all")
    }
  }

  /// Looks at the counters, and whether a file has changed; reloads if one did.
  func look(at files: FileWatch?) async {
    gateway.reclaim()
    monitor()
    guard let files, let changed = await files.changed() else { return }
    _ = await reload(because: "\(changed) changed")
    await files.watch(filesToWatch)
  }
}
