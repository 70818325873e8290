public import Audit

/// Which calls to show. Every condition that is set must hold.
public struct CallFilter: Sendable, Equatable {
  /// Exact names.
  public var principal: String?
  public var server: String?
  public var tool: String?
  public var rule: String?
  public var decision: RecordedDecision?
  /// Only calls that did not succeed.
  public var problemsOnly = false

  public init() {}

  public func matches(_ call: RecordedCall) -> Bool {
    if let principal, call.principal != principal { return false }
    if let server, call.server != server { return false }
    if let tool, call.tool != tool { return false }
    if let rule, call.rule != rule { return false }
    if let decision, call.decision != decision { return false }
    if problemsOnly, call.outcome?.result == .success { return false }
    return true
  }

  /// Whether notices (gaps, repairs) belong between the calls: only when no particular calls are asked for.
  var showsNotices: Bool { self == CallFilter() || self == Self.problems }

  private static let problems: CallFilter = {
    var filter = CallFilter()
    filter.problemsOnly = true
    return filter
  }()
}
