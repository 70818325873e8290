public import Approvals
public import Recorder
public import Status

/// What the console shows and acts on. It knows the gateway only through this.
public struct ConsoleServices: Sendable {
  public var approvals: any ApprovalService
  /// Whether the gateway has a store at all: without one no rule can ask for an approval, and the pages say so.
  public var keepsApprovals = true
  /// The sessions in the record; nil shows none.
  public var sessions: SessionCatalog?
  /// How the gateway is (nil while it starts or stops); without it, no servers, policies and status are shown.
  public var status: (@Sendable () async -> GatewayStatus?)?

  public init(approvals: any ApprovalService) {
    self.approvals = approvals
  }
}
