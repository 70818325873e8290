import Approvals
import Foundation
import Outbound
import SluiceConfiguration
import Synchronization
import Testing

@testable import ControlPlane

/// A webhook that answers what a test says, and tells what it was sent.
private final class FakeHook: Sendable {
  private let answers: Mutex<[Result<Int, OutboundError>]>
  private let feed: AsyncStream<OutboundRequest>.Continuation
  let requests: AsyncStream<OutboundRequest>

  init(_ answers: [Result<Int, OutboundError>]) {
    self.answers = Mutex(answers)
    (requests, feed) = AsyncStream.makeStream()
  }

  func notifier(url: String? = "https://sluice.example/approvals") -> ApprovalNotifier {
    var configuration = ApprovalsConfiguration()
    configuration.url = url
    configuration.webhook = "https://chat.example/hook"
    return ApprovalNotifier(configuration, logger: .silent, pause: .zero) {
      [self] request throws(OutboundError) in
      let answer = answers.withLock { $0.isEmpty ? .success(200) : $0.removeFirst() }
      feed.yield(request)
      return OutboundAnswer(status: try answer.get())
    }
  }
}

@Suite struct ApprovalNotifierTests {
  private func request(_ id: String) -> ApprovalRequest {
    ApprovalRequest(
      id: id,
      call: ApprovalCall(
        digest: "d1", principal: "corp/ada", person: "p1", server: "orders", tool: "query",
        arguments: #"{"sql":"SECRET"}"#, rule: "writes", message: "Ticket?",
        policyRevision: "0123456789abcdef", reference: "ref1", reviewerGroups: ["dba"], quorum: 2),
      created: Date(timeIntervalSince1970: 1_800_000_000),
      expires: Date(timeIntervalSince1970: 1_800_000_900))
  }

  /// Notifies, and waits until that is sent: everything before has been dealt with then.
  private func notify(
    _ id: String, _ notifier: ApprovalNotifier,
    _ sent: inout AsyncStream<OutboundRequest>.AsyncIterator
  ) async {
    notifier.notify(request(id))
    while let next = await sent.next() {
      if String(decoding: next.body ?? [], as: UTF8.self).contains(id) { return }
    }
  }

  @Test func aWebhookIsToldWhoWantsWhatAndNotTheArguments() async throws {
    let hook = FakeHook([])
    let notifier = hook.notifier()
    var sent = hook.requests.makeAsyncIterator()
    notifier.notify(request("apr_1"))
    let message = try #require(await sent.next())
    #expect(message.method == "POST" && message.url == "https://chat.example/hook")
    #expect(message.fields.contains { $0.name == "Content-Type" && $0.value == "application/json" })
    let body = String(decoding: message.body ?? [], as: UTF8.self)
    #expect(
      body == #"{"created":"2027-01-15T08:00:00Z","event":"approval.requested","#
        + #""expires":"2027-01-15T08:15:00Z","id":"apr_1","message":"Ticket?","principal":"corp/ada","#
        + #""quorum":2,"reference":"ref1","reviewers":["dba"],"rule":"writes","server":"orders","#
        + #""tool":"query","url":"https://sluice.example/approvals/apr_1"}"#)
    notifier.stop()
  }

  @Test func aWebhookThatFailsIsTriedAgain() async throws {
    let hook = FakeHook([.success(503), .failure(OutboundError("refused")), .success(204)])
    let notifier = hook.notifier()
    var sent = hook.requests.makeAsyncIterator()
    notifier.notify(request("apr_1"))
    for _ in 0..<3 {
      let body = String(decoding: try #require(await sent.next()).body ?? [], as: UTF8.self)
      #expect(body.contains("apr_1"))
    }
    await notify("apr_2", notifier, &sent)
    #expect(notifier.problem == nil)
    notifier.stop()
  }

  @Test func whatItWasNotToldOfIsSaidUntilItWorksAgain() async throws {
    let hook = FakeHook(Array(repeating: .success(500), count: 6))
    let notifier = hook.notifier()
    var sent = hook.requests.makeAsyncIterator()
    notifier.notify(request("apr_1"))
    await notify("apr_2", notifier, &sent)
    #expect(notifier.problem == "HTTP 500")
    await notify("apr_3", notifier, &sent)
    await notify("apr_4", notifier, &sent)
    #expect(notifier.problem == nil)
    notifier.stop()
  }

  @Test func withoutAWebhookNothingIsSent() {
    let notifier = ApprovalNotifier(ApprovalsConfiguration(), logger: .silent)
    notifier.notify(request("apr_1"))
    #expect(notifier.problem == nil)
    notifier.stop()
  }
}
