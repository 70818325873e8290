import Approvals
import Foundation
import Synchronization

/// Whoever follows changes.
final class Watchers: Sendable {
  private let feeds = Mutex<[UUID: AsyncStream<ApprovalRequest>.Continuation]>([:])

  func watch() -> AsyncStream<ApprovalRequest> {
    let id = UUID()
    let (stream, feed) = AsyncStream<ApprovalRequest>.makeStream(
      bufferingPolicy: .bufferingNewest(64))
    feed.onTermination = { [weak self] _ in
      _ = self?.feeds.withLock { $0.removeValue(forKey: id) }
    }
    feeds.withLock { $0[id] = feed }
    return stream
  }

  func tell(_ request: ApprovalRequest) {
    for feed in feeds.withLock({ Array($0.values) }) { feed.yield(request) }
  }
}
