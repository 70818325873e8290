public import Approvals
public import Recorder

/// What the console shows and acts on. It knows the gateway only through this.
public struct ConsoleServices: Sendable {
  public var approvals: any ApprovalService
  /// The groups of a principal, where the gateway knows them without its token: for showing who asks.
  public var groups: @Sendable (_ principal: String) -> [String]
  /// Whether the gateway has a store at all: without one no rule can ask for an approval, and the pages say so.
  public var keepsApprovals = true
  /// The sessions in the record; nil shows none.
  public var sessions: SessionCatalog?
  /// How the gateway is; nil shows no servers, policies and status.
  public var status: (@Sendable () async -> ConsoleStatus?)?
  /// Pages for machines (metrics, health) that answer without signing in.
  public var openRoutes: [ConsoleRoute] = []

  public init(
    approvals: any ApprovalService,
    groups: @escaping @Sendable (_ principal: String) -> [String] = { _ in [] }
  ) {
    self.approvals = approvals
    self.groups = groups
  }
}

/// A page that is the same for everybody: `/metrics`, `/healthz`.
public struct ConsoleRoute: Sendable {
  public var path: String
  public var answer: @Sendable () async -> ConsoleAnswer

  public init(_ path: String, _ answer: @escaping @Sendable () async -> ConsoleAnswer) {
    self.path = path
    self.answer = answer
  }
}

/// What such a page says.
public struct ConsoleAnswer: Sendable {
  public var status: Int
  public var contentType: String
  public var body: String

  public init(status: Int = 200, contentType: String, body: String) {
    self.status = status
    self.contentType = contentType
    self.body = body
  }
}
