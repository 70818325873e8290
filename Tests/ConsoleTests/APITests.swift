import Approvals
import ConsoleSamples
import Foundation
import Hummingbird
import RouterTestSupport
import Testing

@testable import Console

@Suite struct APITests {
  /// The document describes exactly the operations that are served.
  @Test func theDescriptionAndTheRoutesAgree() throws {
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(PackageResources.openapi_json)) as? [String: Any])
    let paths = try #require(document["paths"] as? [String: [String: Any]])
    var described: Set<String> = []
    for (path, item) in paths {
      for method in item.keys where ["get", "post", "put", "delete", "patch"].contains(method) {
        described.insert("\(method.uppercased()) \(path)")
      }
    }
    let served = try AdminAPI(core: TestConsole().core).operations
      .map { "\($0.method.rawValue) \($0.path)" }
    #expect(Set(served) == described)
    #expect(served.count == described.count)
  }

  @Test func theListIsNewestFirstAndCutAtItsLimit() async throws {
    try await TestConsole().test { browser in
      let all = try await browser.api(.get, "/approvals", key: "platform").json(ApprovalList.self)
      #expect(all.approvals.count == 8 && !all.isCut)
      #expect(all.approvals.map(\.created) == all.approvals.map(\.created).sorted(by: >))
      let two = try await browser.api(.get, "/approvals?limit=2", key: "platform")
        .json(ApprovalList.self)
      #expect(two.approvals == Array(all.approvals.prefix(2)) && two.isCut)
      let some = try await browser.api(.get, "/approvals?state=denied,expired", key: "platform")
        .json(ApprovalList.self)
      #expect(Set(some.approvals.map(\.state)) == [.denied, .expired])
    }
  }

  @Test func anApprovalHoldsTheTextThatTheDigestCovers() async throws {
    let console = try TestConsole()
    try await console.test { browser in
      let answer = try await browser.api(.get, "/approvals/\(Sample.update)", key: "dba")
      let document = try answer.json(ApprovalDocument.self)
      let kept = try await console.approvals.request(Sample.update)
      #expect(document.arguments == kept.arguments)
      #expect(document.digest == kept.digest)
      #expect(document.canDecide)
      #expect(answer.text.contains("\"policy_revision\":\"8c1f00d2a4b3e596\""))
    }
  }

  @Test func whatTheGatewayTellsIsForThoseWhoMaySeeIt() async throws {
    let console = try TestConsole { _, services in
      services.status = { SampleStatus.status(now: TestClock().now) }
    }
    try await console.test { browser in
      for (path, seers) in [
        ("/servers", ["platform"]), ("/policies", ["platform", "security"]),
        ("/status", ["platform"]),
      ] {
        for key in TestConsole.keys {
          let answer = try await browser.api(.get, path, key: key)
          #expect(answer.status == (seers.contains(key) ? .ok : .forbidden), "\(path) \(key)")
        }
      }
      let text = try await browser.api(.get, "/policies", key: "security").text
      #expect(
        text.hasPrefix(#"{"revision":"8c1f00d2a4b3e596","rules":[{"effect":"block","hits":4711,"#))
      _ = try await browser.signIn()
      #expect(try await browser.get("/servers").text.contains("connection refused, bank"))
      #expect(try await browser.get("/policies").text.contains("require approval"))
      #expect(
        try await browser.get("/status").text.contains("The latest configuration is not in force"))
    }
  }

  @Test func aGatewayThatTellsNothingHasNoSuchPages() async throws {
    try await TestConsole().test { browser in
      _ = try await browser.signIn()
      #expect(try await browser.get("/status").status == .serviceUnavailable)
      #expect(!(try await browser.get("/approvals").text.contains("/status")))
    }
  }

  @Test func whoAsksIsToldWhoTheyAre() async throws {
    try await TestConsole().test { browser in
      let text = try await browser.api(.get, "/viewer", key: "security").text
      #expect(
        text
          == #"{"groups":["security"],"name":"security-bot","permissions":["approvals","sessions","policies"]}"#
      )
    }
  }

  @Test(arguments: [
    "/nowhere", "/approvals/apr_unknown", "/approvals/%00",
    "/approvals/" + String(repeating: "a", count: 100),
  ])
  func whatIsNotThereIsAProblemDocument(path: String) async throws {
    try await TestConsole().test { browser in
      let answer = try await browser.api(.get, path, key: "platform")
      #expect(answer.status == .notFound)
      #expect(answer.headers[.contentType] == "application/problem+json")
      #expect(try answer.json(Problem.self).status == 404)
    }
  }

  @Test func aStreamTellsChangesToWhoMaySeeThem() async throws {
    let console = try TestConsole()
    let stream = ApprovalStream(
      core: console.core, viewer: Viewer(name: "f", groups: ["finance"]), access: .nobody)
    let (lines, feed) = AsyncStream<String>.makeStream()
    let task = Task { try await stream.write { feed.yield($0) } }
    var iterator = lines.makeAsyncIterator()
    #expect(await iterator.next()?.contains(": open") == true)
    await console.approvals.add(SampleApprovals.request("hidden", now: console.clock.now))
    await console.approvals.add(
      SampleApprovals.request("shown", reviewers: ["finance"], now: console.clock.now))
    let event = try #require(await iterator.next())
    #expect(event.hasPrefix("event: approval\ndata: {") && event.hasSuffix("}\n\n"))
    #expect(event.contains("apr_shown") && !event.contains("apr_hidden"))
    #expect(event.count { $0 == "\n" } == 3)
    task.cancel()
  }

  @Test func aStreamEndsWithItsSession() async throws {
    let console = try TestConsole()
    let viewer = Viewer(name: "f", groups: ["finance"])
    let id = console.core.sessions.start(viewer)
    let session = try #require(console.core.sessions.session(id, isUse: false))
    let stream = ApprovalStream(
      core: console.core, viewer: viewer, access: .session(id: id, session))
    let (lines, feed) = AsyncStream<String>.makeStream()
    let task = Task {
      try await stream.write { feed.yield($0) }
      feed.finish()
    }
    var iterator = lines.makeAsyncIterator()
    _ = await iterator.next()
    console.core.sessions.end(id)
    await console.approvals.add(
      SampleApprovals.request("late", reviewers: ["finance"], now: console.clock.now))
    #expect(await iterator.next() == nil)
    try await task.value
  }

  @Test func streamsAreBounded() throws {
    let console = try TestConsole { settings, _ in settings.limits.streamsMax = 1 }
    let stream = ApprovalStream(
      core: console.core, viewer: Viewer(name: "f", groups: []), access: .nobody)
    do {
      let first = try stream.response()
      #expect(throws: ConsoleFailure.self) { try stream.response() }
      _ = first
    }
    #expect((try? stream.response()) != nil, "the place is given back")
  }
}
