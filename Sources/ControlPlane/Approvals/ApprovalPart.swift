public import Approvals
internal import Foundation
public import Logging
internal import Policy
internal import Proxy
public import SluiceConfiguration
public import Status
internal import Synchronization

/// The approvals of a gateway: the store, and the desk between it and the workers.
///
/// Its settings are those of the start: the store takes effect again after a restart.
public final class ApprovalPart: ServicePart {
  private struct State {
    var desk: ApprovalDesk?
    /// Of the policy that was put into the plan last, sixteen hexadecimal digits.
    var policyRevision = ""
    var calls: HeldCalls?
    var heldCallsMax = 0
  }

  public let name = "approvals"
  private let store: ApprovalStore
  private let logger: Logger
  private let state = Mutex(State())

  /// Opens the store. Nil where the configuration names none.
  public init?(_ configuration: Configuration, logger: Logger) throws(ServiceFailure) {
    guard case .sqlite(let path) = configuration.store else { return nil }
    self.logger = logger
    var limits = ApprovalLimits()
    limits.pendingMax = configuration.approvals.pendingMax
    limits.pendingPerPrincipalMax = configuration.approvals.pendingPerPrincipalMax
    limits.retention = Double(configuration.approvals.retentionMilliseconds) / 1000
    do throws(ApprovalError) {
      store = try ApprovalStore(path: path, limits: limits)
    } catch {
      guard case .store(let problem) = error else {
        throw ServiceFailure("The store for approvals cannot be opened: \(error).")
      }
      throw ServiceFailure("The store for approvals cannot be opened: \(problem).")
    }
  }

  /// What reviewers use.
  public var service: any ApprovalService { store }

  public func contribute(to plan: inout ServingPlan, _ loaded: LoadedConfiguration) async {
    let revision = plan.policy.revision
    let text = unsafe revision.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    state.withLock { $0.policyRevision = text }
  }

  public func adopt(_ loaded: LoadedConfiguration, _ service: GatewayService) async {
    let (known, revision) = state.withLock { ($0.desk, $0.policyRevision) }
    guard let calls = service.gateway.heldCalls else { return }
    if known == nil {
      let desk = ApprovalDesk(
        store: store, calls: calls,
        notifier: ApprovalNotifier(loaded.configuration.approvals, logger: logger), logger: logger)
      state.withLock { state in
        state.desk = desk
        state.calls = calls
        state.heldCallsMax = loaded.configuration.limits.heldCallsMax
      }
      await desk.start()
    }
    do {
      try await store.cancel(allBut: revision)
    } catch {
      // They can no longer be consumed all the same: their digests hold the old revision.
      logger.error(
        "requests of the former policy could not be ended", metadata: ["problem": "\(error)"])
    }
  }

  public func report(in status: inout GatewayStatus) async {
    let state = state.withLock { $0 }
    var approvals = await state.desk?.tally ?? GatewayStatus.Approvals()
    approvals.heldCalls = state.calls?.waitingCount ?? 0
    approvals.heldCallsMax = state.heldCallsMax
    do {
      let tally = try await store.tally()
      for (state, count) in tally.counts { approvals.counts[state.rawValue] = count }
      if let oldest = tally.oldestPending {
        approvals.oldestPendingSeconds = max(0, Date.now.timeIntervalSince(oldest))
      }
    } catch {
      approvals.problem = "\(error)"
    }
    status.approvals = approvals
  }

  /// Before the process ends; calls that still wait are answered by their workers.
  public func stop() async {
    await state.withLock { $0.desk }?.stop()
  }
}
