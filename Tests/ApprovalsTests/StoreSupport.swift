import Approvals
import Foundation
import Synchronization

/// A clock that stands until it is moved.
final class ManualClock: Sendable {
  private let time: Mutex<Date>

  init(_ time: Date = Date(timeIntervalSince1970: 1_790_000_000)) { self.time = Mutex(time) }

  var now: Date { time.withLock { $0 } }

  func advance(_ seconds: TimeInterval) { time.withLock { $0 += seconds } }
}

/// A folder that is gone after the test.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory
      .appendingPathComponent("approvals-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  var database: String { url.appendingPathComponent("sluice.db").path }
}

extension ApprovalCall {
  static func sample(
    digest: String = "aa", principal: String = "agent", quorum: Int = 1,
    lifetime: TimeInterval = 900, revision: String = "0123456789abcdef"
  ) -> ApprovalCall {
    ApprovalCall(
      digest: digest, principal: principal, server: "orders", tool: "query",
      arguments: #"{"sql":"DELETE FROM orders"}"#, rule: "writes", message: "Ticket?",
      policyRevision: revision, reference: "015zbk8080r00", reviewerGroups: ["dba", "ops"],
      quorum: quorum, lifetime: lifetime)
  }
}

extension Reviewer {
  static let ada = Reviewer(name: "ada", groups: ["dba"])
  static let bob = Reviewer(name: "bob", groups: ["ops", "staff"])
  static let eve = Reviewer(name: "eve", groups: ["staff"])
}
