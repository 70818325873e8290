public import SluiceConfiguration
public import Status

/// Something that runs beside the workers for as long as the gateway does: names, credentials, keys of identity providers,
/// approvals, sinks, the bridge.
///
/// `GatewayService` calls its parts in their order, and in the opposite order to stop them:
///
///     start    prepare ─▶ contribute ─▶ [workers start]      ─▶ adopt
///     reload   prepare ─▶ contribute ─▶ [snapshot published] ─▶ adopt
///     news     contribute ─▶ [snapshot published]             (a part called `republish`)
///     stop     stopping ─▶ [workers finish, the record is completed] ─▶ stop
///
/// Calls never overlap: the service makes them one after the other.
public protocol ServicePart: AnyObject, Sendable {
  /// One word, for log lines.
  var name: String { get }

  /// Gets ready for a configuration without touching what is in force: another part may yet refuse it, and then `adopt`
  /// is not called. A part that throws here keeps the gateway from starting, or the earlier configuration in force.
  func prepare(_ loaded: LoadedConfiguration) async throws(ServiceFailure)

  /// Says what the next snapshot is to hold. Also called between reloads, for the configuration in force.
  func contribute(to plan: inout ServingPlan, _ loaded: LoadedConfiguration) async

  /// The configuration that was prepared is in force: the workers judge by it. `service` is for `republish` later.
  func adopt(_ loaded: LoadedConfiguration, _ service: GatewayService) async

  /// How the part is: what it adds to `sluice status`, the console's status and the metrics.
  func report(in status: inout GatewayStatus) async

  /// The gateway is about to stop: nothing new, and what calls under way wait for is to come to its end.
  func stopping() async

  /// The workers have ended and the record is complete.
  func stop() async
}

extension ServicePart {
  public func prepare(_ loaded: LoadedConfiguration) async throws(ServiceFailure) {}
  public func contribute(to plan: inout ServingPlan, _ loaded: LoadedConfiguration) async {}
  public func adopt(_ loaded: LoadedConfiguration, _ service: GatewayService) async {}
  public func report(in status: inout GatewayStatus) async {}
  public func stopping() async {}
  public func stop() async {}
}
