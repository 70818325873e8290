import Approvals
import Audit
import AuditTestSupport
import ConsoleSamples
import Foundation
import Recorder
import Testing

@testable import Console

/// The page of a session.
@Suite struct TimelineTests {
  private struct Case {
    var review: RecordedApproval
    /// What the approval is when the page is looked at; nil when it is no longer kept.
    var now: ApprovalState?
    var outcome: String
    var since: String?
    var mark: String
  }

  private let cases = [
    Case(
      review: .pending, now: .pending, outcome: "waits for approval", since: "waits for a decision",
      mark: "waits"),
    Case(
      review: .pending, now: .approved, outcome: "told to wait for approval",
      since: "approved since, and waits for the agent to repeat the call", mark: "waits"),
    Case(
      review: .pending, now: .consumed, outcome: "told to wait for approval",
      since: "approved since, and used up by the call that ran", mark: "waits"),
    Case(
      review: .pending, now: .denied, outcome: "told to wait for approval", since: "denied since",
      mark: "waits"),
    Case(
      review: .pending, now: .expired, outcome: "told to wait for approval", since: "expired since",
      mark: "waits"),
    Case(
      review: .pending, now: .cancelled, outcome: "told to wait for approval",
      since: "void since: the policy has changed", mark: "waits"),
    Case(review: .pending, now: nil, outcome: "told to wait for approval", mark: "waits"),
    Case(review: .denied, now: .denied, outcome: "denied, has not run", mark: "unwell"),
    Case(review: .expired, now: .expired, outcome: "expired, has not run", mark: "unwell"),
    Case(review: .cancelled, now: .pending, outcome: "cancelled, has not run", mark: "unwell"),
    Case(review: .unavailable, now: nil, outcome: "refused", mark: "unwell"),
    Case(review: .approved, now: .consumed, outcome: "ok", mark: "well"),
  ]

  /// The page of one session with these calls, and its entries in order.
  private func page(
    _ calls: [Call], _ requests: [ApprovalRequest], group: String = "security"
  ) async throws -> (page: String, list: String, entries: [String]) {
    let directory = try TemporaryDirectory()
    var settings = AuditSettings(directory: directory.audit)
    settings.durability = .interval(milliseconds: 5)
    let log = try AuditLog(settings: settings, workers: 1)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    for call in calls { producer.record(call) }
    log.close()
    let catalog = SessionCatalog(directory: directory.audit)
    let id = try #require(try catalog.list().sessions.first).id
    let console = try TestConsole(requests) { settings, services in
      settings.auditorGroups = [group]
      settings.localAdmin?.groups = ["security"]
      services.sessions = catalog
    }
    let (page, list) = try await console.test { browser in
      _ = try await browser.signIn()
      return (
        try await browser.get("/sessions/\(id)").text,
        try await browser.get("/sessions?since=all&tool=").text
      )
    }
    return (page, list, page.components(separatedBy: "<li id=\"call-").dropFirst().map { $0 })
  }

  @Test func aHeldCallSaysWhatItIsAndLeadsToItsApproval() async throws {
    var requests: [ApprovalRequest] = []
    let calls = cases.enumerated().map { number, one in
      var call = Call(rule: "ask", decision: one.review == .approved ? .allow : .hold)
      call.second = 1_795_651_200 + UInt64(number)
      let request = SampleApprovals.request(
        "case\(number)", lasts: 1_000_000, state: one.now ?? .pending,
        now: Date(timeIntervalSince1970: 1_800_000_000))
      if one.now != nil { requests.append(request) }
      call.approval = one.review == .unavailable ? "" : request.id
      call.review = one.review
      call.reviewers = one.review == .approved || one.review == .denied ? "rtyler" : ""
      call.heldMicroseconds = 45_000_000
      let result: RecordedResult =
        switch one.review {
        case .approved: .success
        case .cancelled: .cancelled
        default: .refused
        }
      call.outcome = CallOutcome(result: result)
      return call
    }
    let (page, _, entries) = try await page(calls, requests)
    #expect(entries.count == cases.count)
    #expect(page.contains("3 refused, 1 failed, 7 told to wait for approval"))
    for (number, (one, entry)) in zip(cases, entries).enumerated() {
      let text = "case \(number): \(entry)"
      #expect(entry.contains("class=\"\(one.mark)\""), "\(text)")
      #expect(entry.contains("<span class=\"outcome\">\(one.outcome)</span>"), "\(text)")
      let link = "<a href=\"/approvals/\(calls[number].approval)\">"
      #expect(entry.contains(link) == (one.now != nil), "\(text)")
      if let since = one.since { #expect(entry.contains("</a> \(since)."), "\(text)") }
      #expect(!entry.contains("since") || one.since != nil, "\(text)")
    }
    #expect(entries.last?.contains("held by ask, approved<") == true)
    #expect(entries.last?.contains("held 45.0 s, approved by rtyler") == true)
  }

  @Test func anApprovalLeadsToItsCallInTheRecord() async throws {
    let directory = try TemporaryDirectory()
    for (group, sees) in [("security", true), ("dba", false)] {
      let console = try TestConsole { settings, services in
        settings.localAdmin = nil
        settings.openID = nil
        settings.auditorGroups = ["security"]
        services.sessions = SessionCatalog(directory: directory.audit)
      }
      let viewer = Viewer(name: "vic", groups: [group])
      let requests = try await console.approvals.requests(states: [], limit: 100)
      try await console.test { browser in
        let session = console.core.sessions.start(viewer)
        browser.set(cookie: "sluice_session", to: session)
        for request in requests where request.reviewerGroups.contains("dba") {
          let page = try await browser.get("/approvals/\(request.id)").text
          let link = "<a href=\"/sessions/01JDN3B9Q2S#call-01JDN3B9Q2S\">"
          #expect(page.contains("01JDN3B9Q2S"))
          #expect(page.contains(link) == (sees && request.state != .pending), "\(request.state)")
        }
      }
    }
  }

  /// Every text of a call comes from an agent, a server or a reviewer.
  @Test(arguments: SampleApprovals.hostileTexts)
  func hostileCallsStayText(text: String) async throws {
    var call = Call(principal: text, tool: text, rule: text, decision: .hold)
    call.server = text
    call.method = text
    call.client = text
    call.approval = text
    call.reviewers = text
    call.reviewReason = text
    call.review = .denied
    call.request = text
    call.answer = text
    call.outcome = CallOutcome(result: .refused)
    let (page, list, entries) = try await page([call], [])
    #expect(entries.count == 1)
    #expect(list.contains("/sessions/\(try #require(page.firstMatch(of: /call-(\w+)/)).1)"))
    for page in [page, list] {
      for element in page.matches(of: /<([a-zA-Z!\/][^\s>]*)/) {
        #expect(Self.elements.contains(String(element.1)), "\(element.1)")
      }
      #expect(page.firstMatch(of: /<[^>]*\son[a-z]+\s*=/) == nil)
      #expect(
        !page.unicodeScalars.contains { $0 == "\u{202E}" || $0 == "\u{200B}" || $0 == "\u{1B}" })
      #expect(!page.contains("=\"javascript:"), "no address is made of it")
    }
  }

  private static let elements = HostileTextTests.elements.union([
    "h3", "/h3", "ol", "/ol", "select", "/select", "option", "/option",
  ])
}
