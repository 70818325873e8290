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

extension ApprovalQuestion {
  static func sample(
    digest: String = "aa", principal: String = "agent", person: String? = nil, quorum: Int = 1,
    lifetime: TimeInterval = 900, revision: String = "0123456789abcdef"
  ) -> ApprovalQuestion {
    let call = ApprovalCall(
      digest: digest, principal: principal, person: person ?? Person.account(principal),
      groups: ["etl"], server: "orders", tool: "query",
      arguments: #"{"sql":"DELETE FROM orders"}"#, rule: "writes", message: "Ticket?",
      policyRevision: revision, reference: "015zbk8080r00", reviewerGroups: ["dba", "ops"],
      quorum: quorum)
    return ApprovalQuestion(call, lifetime: lifetime)
  }
}

extension Reviewer {
  static let ada = Reviewer(corp: "ada", groups: ["dba"])
  static let bob = Reviewer(corp: "bob", groups: ["ops", "staff"])
  static let eve = Reviewer(corp: "eve", groups: ["staff"])

  /// Somebody who signed in at the provider `corp`, whose subject is a number.
  init(corp name: String, groups: Set<String>, subject: String? = nil) {
    self.init(
      name: name, groups: groups, person: Person.subject(subject ?? "digest of \(name)"),
      principal: "corp/\(name)")
  }
}
