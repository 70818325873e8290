import Approvals
import ConsoleSamples
import Foundation
import Hummingbird
import RouterTestSupport
import Testing

@testable import Console

@Suite struct DecisionTests {
  @Test func aReviewerApprovesOnAPage() async throws {
    let console = try TestConsole()
    try await console.test { browser in
      _ = try await browser.signIn()
      let page = "/approvals/\(Sample.update)"
      let answer = try await browser.post(
        page, ["decision": "approve", "reason": " fine by me \n"], from: page)
      #expect(answer.status == .seeOther)
      #expect(answer.headers[.location] == page)
      let after = try await console.approvals.request(Sample.update)
      #expect(after.state == .approved)
      #expect(after.decisions.map(\.reviewer) == ["admin"])
      #expect(after.decisions.map(\.reason) == ["fine by me"])
      let shown = try await browser.get(page).text
      #expect(shown.contains("You approved. The call may run once, exactly as shown."))
      #expect(!shown.contains("class=\"decide\""))
      #expect(!(try await browser.get(page).text.contains("You approved.")), "said once")
    }
  }

  @Test func denyingTakesAReason() async throws {
    let console = try TestConsole()
    try await console.test { browser in
      _ = try await browser.signIn()
      let page = "/approvals/\(Sample.update)"
      let without = try await browser.post(page, ["decision": "deny", "reason": " "], from: page)
      #expect(without.status == .unprocessableContent)
      #expect(without.text.contains("Say why"))
      #expect(try await console.approvals.request(Sample.update).state == .pending)
      let with = try await browser.post(
        page, ["decision": "deny", "reason": "too broad"], from: page)
      #expect(with.status == .seeOther)
      #expect(try await console.approvals.request(Sample.update).state == .denied)
    }
  }

  @Test func approvingTakesAReasonWhereTheConfigurationSaysSo() async throws {
    let console = try TestConsole { settings, _ in settings.approvalNeedsReason = true }
    try await console.test { browser in
      let path = "/approvals/\(Sample.update)/decision"
      let without = try await browser.api(
        .post, path, key: "dba", body: #"{"decision":"approve"}"#)
      #expect(without.status == .unprocessableContent)
      let with = try await browser.api(
        .post, path, key: "dba", body: #"{"decision":"approve","reason":"OPS-1"}"#)
      #expect(with.status == .ok)
    }
  }

  @Test func nobodyDecidesForThemselves() async throws {
    let console = try TestConsole()
    try await console.test { browser in
      _ = try await browser.signIn()
      let page = "/approvals/\(Sample.shell)"
      let shown = try await browser.get(page).text
      #expect(shown.contains("You asked for this call yourself"))
      #expect(!shown.contains("class=\"decide\""))
      let answer = try await browser.post(page, ["decision": "approve"], from: page)
      #expect(answer.status == .forbidden)
      #expect(answer.text.contains("Somebody else must decide it."))
      #expect(try await console.approvals.request(Sample.shell).decisions.isEmpty)
    }
  }

  @Test func anAdministratorWhoIsNoReviewerSeesAndDoesNotDecide() async throws {
    let console = try TestConsole()
    try await console.test { browser in
      let list = try await browser.api(.get, "/approvals?state=pending", key: "platform")
        .json(ApprovalList.self)
      #expect(list.approvals.count == 4)
      #expect(list.approvals.allSatisfy { !$0.canDecide })
      let answer = try await browser.api(
        .post, "/approvals/\(Sample.update)/decision", key: "platform",
        body: #"{"decision":"approve","reason":"I can"}"#)
      #expect(answer.status == .forbidden)
      #expect(try answer.json(Problem.self).type == "urn:sluice:problem:not-a-reviewer")
    }
  }

  @Test func whoMaySeeAnApprovalIsWhoReviewsItAndWhoWatches() async throws {
    try await TestConsole().test { browser in
      func seen(_ key: String) async throws -> Set<String> {
        let list = try await browser.api(.get, "/approvals?state=pending", key: key)
        return Set(try list.json(ApprovalList.self).approvals.map(\.server))
      }
      #expect(try await seen("dba") == ["orders", "bank", "ops-shell"])
      #expect(try await seen("finance") == ["bank"])
      #expect(try await seen("security") == ["orders", "bank", "ops-shell"])
      #expect(try await seen("nobody").isEmpty)
      for (method, path) in [
        (HTTPRequest.Method.get, "/approvals/\(Sample.update)"),
        (.post, "/approvals/\(Sample.update)/decision"),
      ] {
        let answer = try await browser.api(
          method, path, key: "finance", body: #"{"decision":"deny","reason":"x"}"#)
        #expect(answer.status == .notFound, "what may not be seen is not there")
      }
    }
  }

  @Test func aQuorumCountsPeople() async throws {
    let console = try TestConsole()
    try await console.test { browser in
      let path = "/approvals/\(Sample.transfer)/decision"
      let body = #"{"decision":"approve","reason":"ok"}"#
      let document = try await browser.api(.post, path, key: "finance", body: body)
        .json(ApprovalDocument.self)
      #expect(document.state == .approved && document.approvals == 2)
      let late = try await browser.api(.post, path, key: "dba", body: body)
      #expect(late.status == .conflict)
      #expect(try late.json(Problem.self).type == "urn:sluice:problem:not-pending")
    }
  }

  @Test func oneReviewerCountsOnce() async throws {
    let console = try TestConsole([SampleApprovals.request("two", quorum: 3, now: TestClock().now)])
    try await console.test { browser in
      let id = try await console.approvals.requests(states: [], limit: 1)[0].id
      let body = #"{"decision":"approve"}"#
      #expect(
        try await browser.api(.post, "/approvals/\(id)/decision", key: "dba", body: body).status
          == .ok)
      let again = try await browser.api(.post, "/approvals/\(id)/decision", key: "dba", body: body)
      #expect(again.status == .conflict)
      #expect(try again.json(Problem.self).type == "urn:sluice:problem:already-decided")
    }
  }

  @Test func whatExpiredCannotBeDecided() async throws {
    let console = try TestConsole()
    try await console.test { browser in
      console.clock.advance(3600)
      _ = try await browser.signIn()
      let page = "/approvals/\(Sample.update)"
      #expect(try await browser.get("/approvals").text.contains("Nothing waits for a decision."))
      let answer = try await browser.post(page, ["decision": "approve"], from: page)
      #expect(answer.status == .conflict)
      #expect(answer.text.contains("It expired before anybody decided."))
    }
  }

  @Test(arguments: [
    "", "{}", "[]", "not json", #"{"decision":"maybe"}"#, #"{"decision":1}"#,
    #"{"decision":"deny"}"#, #"{"decision":"approve","reason":5}"#,
  ])
  func malformedDecisionsDecideNothing(body: String) async throws {
    let console = try TestConsole()
    try await console.test { browser in
      let answer = try await browser.api(
        .post, "/approvals/\(Sample.update)/decision", key: "dba", body: body)
      #expect(answer.status == .unprocessableContent)
      #expect(answer.headers[.contentType] == "application/problem+json")
      #expect(try await console.approvals.request(Sample.update).decisions.isEmpty)
    }
  }

  @Test func boundsHold() async throws {
    let console = try TestConsole()
    try await console.test { browser in
      let path = "/approvals/\(Sample.update)/decision"
      let long = String(repeating: "r", count: 2001)
      let reason = try await browser.api(
        .post, path, key: "dba", body: #"{"decision":"deny","reason":"\#(long)"}"#)
      #expect(reason.status == .unprocessableContent)
      let huge = String(repeating: "r", count: 70_000)
      let body = try await browser.api(
        .post, path, key: "dba", body: #"{"decision":"deny","reason":"\#(huge)"}"#)
      #expect(body.status == .contentTooLarge)
      for query in [
        "limit=0", "limit=201", "limit=x", "state=penidng", "stat=pending", "limit=1&limit=2",
      ] {
        let answer = try await browser.api(.get, "/approvals?\(query)", key: "dba")
        #expect(answer.status == .unprocessableContent, "\(query)")
      }
    }
  }

  @Test func aFailingStoreIsSaidInWords() async throws {
    let console = try TestConsole()
    try await console.test { browser in
      await console.approvals.fail(.store("disk full"))
      let answer = try await browser.api(.get, "/approvals", key: "dba")
      #expect(answer.status == .serviceUnavailable)
      #expect(answer.headers[.retryAfter] == "5")
      #expect(try answer.json(Problem.self).detail.contains("disk full"))
    }
  }
}
