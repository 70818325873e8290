import Foundation
import GRDB
import Testing

@testable import Approvals

@Suite struct SchemaTests {
  /// A store of the first version knew who asked by name alone.
  @Test func whatWaitedInAnOlderStoreIsVoidAndWhatIsOverStaysReadable() async throws {
    let folder = try TemporaryFolder()
    do {
      let queue = try DatabaseQueue(path: folder.database)
      try ApprovalSchema.migrator.migrate(queue, upTo: "1 approvals")
      try await queue.write { database in
        for (id, state) in [("apr_1", "pending"), ("apr_2", "approved"), ("apr_3", "denied")] {
          try database.execute(
            sql: """
              INSERT INTO approval VALUES (?, ?, 'corp/ada', 'orders', 'query', '{}', 'writes', '',
                '0123456789abcdef', 'ref', 'dba', 1, 1790000000000, 1890000000000, ?, 1790000000000)
              """, arguments: [id, "digest of \(id)", state])
        }
        try database.execute(
          sql: "INSERT INTO decision VALUES ('apr_3', 'bob', 'Bob', 'deny', 'no', 1790000001000)")
      }
      try queue.close()
    }
    let clock = ManualClock()
    let store = try ApprovalStore(path: folder.database, clock: { clock.now })
    #expect(try await store.request("apr_1").state == .cancelled)
    #expect(try await store.request("apr_2").state == .cancelled)
    #expect(try await store.consume("apr_2", digest: "digest of apr_2") == nil)
    let denied = try await store.request("apr_3")
    #expect(denied.state == .denied && denied.person == "" && denied.groups.isEmpty)
    #expect(denied.decisions.map(\.reviewer) == ["Bob"])
  }
}
