internal import Approvals
internal import Foundation
internal import Logging
internal import Outbound
internal import SluiceConfiguration
internal import Synchronization

/// Tells people that somebody waits for them: a line in the log, and a webhook where there is one.
///
/// The webhook gets what identifies a request, not its arguments: those are for reviewers, where they log in.
final class ApprovalNotifier: Sendable {
  typealias Send = @Sendable (OutboundRequest) async throws(OutboundError) -> OutboundAnswer

  /// Requests that wait to be told of; the oldest are left out beyond, and the log has them all.
  private static let backlogMax = 256
  /// Attempts for one request.
  private static let attempts = 3

  private let address: String?
  private let logger: Logger
  private let feed: AsyncStream<ApprovalRequest>.Continuation?
  private let sender: Task<Void, Never>?
  private let state: NotifierState

  /// Why the webhook was not told of the last request; nil when it was, or there is none.
  var problem: String? { state.problem.withLock { $0 } }

  /// - Parameters:
  ///   - pause: what passes between two attempts for one request.
  ///   - send: how a request is sent; tests bring their own.
  init(
    _ configuration: ApprovalsConfiguration, logger: Logger, pause: Duration = .seconds(2),
    send: @escaping Send = { request throws(OutboundError) in try await request.exchange() }
  ) {
    address = configuration.url
    self.logger = logger
    let state = NotifierState()
    self.state = state
    guard let webhook = configuration.webhook else {
      feed = nil
      sender = nil
      return
    }
    let (requests, feed) = AsyncStream<ApprovalRequest>.makeStream(
      bufferingPolicy: .bufferingNewest(Self.backlogMax))
    self.feed = feed
    let address = address
    sender = Task {
      for await request in requests {
        var message = OutboundRequest("POST", url: webhook)
        message.fields = [("Content-Type", "application/json")]
        message.body = Self.body(request, address: address)
        let problem = await Self.deliver(message, pause, send)
        state.problem.withLock { $0 = problem }
        if let problem {
          logger.error(
            "the webhook for approvals was not told of a request",
            metadata: ["approval": "\(request.id)", "problem": "\(problem)"])
        }
      }
    }
  }

  func stop() {
    feed?.finish()
    sender?.cancel()
  }

  func notify(_ request: ApprovalRequest) {
    var metadata: Logger.Metadata = [
      "approval": "\(request.id)", "principal": "\(request.principal)",
      "server": "\(request.server)", "tool": "\(request.tool)", "rule": "\(request.rule)",
      "reviewers": "\(request.reviewerGroups.joined(separator: ", "))",
      "ref": "\(request.reference)",
    ]
    if let address { metadata["url"] = "\(address)/\(request.id)" }
    logger.notice("a call waits for approval", metadata: metadata)
    if let feed, case .dropped = feed.yield(request) {
      logger.warning("the webhook for approvals is behind; a request was not told of")
    }
  }

  private struct Message: Encodable {
    var event = "approval.requested"
    var id: String
    var principal: String
    var server: String
    var tool: String
    var rule: String
    var message: String
    var reviewers: [String]
    var quorum: Int
    var created: Date
    var expires: Date
    var reference: String
    var url: String?
  }

  static func body(_ request: ApprovalRequest, address: String?) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let message = Message(
      id: request.id, principal: request.principal, server: request.server, tool: request.tool,
      rule: request.rule, message: request.message, reviewers: request.reviewerGroups,
      quorum: request.quorum, created: request.created, expires: request.expires,
      reference: request.reference, url: address.map { "\($0)/\(request.id)" })
    // Texts, numbers and dates of this century: encoding them cannot fail.
    guard let data = try? encoder.encode(message) else {
      preconditionFailure("a request does not encode")
    }
    return Array(data)
  }

  /// Sends a message, again when that fails. Returns why it was not taken; nil when it was.
  private static func deliver(
    _ message: OutboundRequest, _ pause: Duration, _ send: Send
  ) async -> String? {
    var problem = "the gateway is stopping"
    for attempt in 1...attempts where !Task.isCancelled {
      do {
        let answer = try await send(message)
        if (200..<300).contains(answer.status) { return nil }
        problem = "HTTP \(answer.status)"
      } catch {
        problem = "\(error)"
      }
      if attempt < attempts { try? await Task.sleep(for: pause) }
    }
    return problem
  }
}

/// What became of the last message.
private final class NotifierState: Sendable {
  let problem = Mutex<String?>(nil)
}
