import Approvals
import Foundation
import Testing

@Suite struct ApprovalRequestTests {
  @Test func survivesEncoding() throws {
    let request = ApprovalRequest(
      id: "apr_1", digest: "00", principal: "agent", server: "orders", tool: "query",
      arguments: #"{"sql":"DELETE FROM orders"}"#, rule: "writes", message: "Why?",
      policyRevision: "0123456789abcdef", reference: "r1", reviewerGroups: ["dba"], quorum: 2,
      created: Date(timeIntervalSince1970: 1), expires: Date(timeIntervalSince1970: 901),
      state: .denied,
      decisions: [
        ApprovalDecision(
          reviewer: "ada", word: .deny, reason: "no backup", time: Date(timeIntervalSince1970: 2))
      ])
    let encoded = try JSONEncoder().encode(request)
    #expect(try JSONDecoder().decode(ApprovalRequest.self, from: encoded) == request)
  }
}
