import Approvals
import ConsoleSamples
import Foundation
import HTTPTypes
import Hummingbird
import RouterTestSupport
import Testing

@testable import Console

/// What another site can make a signed-in browser send, and must not decide anything.
@Suite struct ForgeryTests {
  private let page = "/approvals/\(Sample.update)"

  private func expectRefused(
    _ send: @Sendable (TestBrowser, _ token: String) async throws -> TestResponse
  ) async throws {
    let console = try TestConsole()
    try await console.test { browser in
      _ = try await browser.signIn()
      let token = try TestBrowser.token(try await browser.get("/approvals"))
      let answer = try await send(browser, token)
      #expect(answer.status == .forbidden)
      #expect(try await console.approvals.request(Sample.update).decisions.isEmpty)
      #expect(try await browser.get("/approvals").status == .ok, "and the session is still there")
    }
  }

  @Test func withoutAToken() async throws {
    try await expectRefused { browser, _ in
      try await browser.post(page, ["decision": "approve"])
    }
  }

  @Test func withAWrongToken() async throws {
    try await expectRefused { browser, token in
      try await browser.post(page, ["decision": "approve", "csrf": token + "x"])
    }
  }

  @Test func withTheTokenOfAnotherSession() async throws {
    try await expectRefused { browser, _ in
      let other = TestBrowser(client: browser.client)
      _ = try await other.signIn()
      let token = try TestBrowser.token(try await other.get("/approvals"))
      return try await browser.post(page, ["decision": "approve", "csrf": token])
    }
  }

  @Test(arguments: [
    "https://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1:8081", "",
  ])
  func fromAnotherOrigin(origin: String) async throws {
    try await expectRefused { browser, token in
      try await browser.post(page, ["decision": "approve", "csrf": token], origin: origin)
    }
  }

  @Test func fromNowhere() async throws {
    try await expectRefused { browser, token in
      try await browser.post(page, ["decision": "approve", "csrf": token], origin: nil)
    }
  }

  @Test func fromASiteOfTheSameDomain() async throws {
    try await expectRefused { browser, token in
      var headers: HTTPFields = [HTTPField.Name("Sec-Fetch-Site")!: "same-site"]
      headers[.contentType] = "application/x-www-form-urlencoded"
      return try await browser.send(
        .post, page, headers: headers, body: "decision=approve&csrf=\(token)")
    }
  }

  @Test func theAPIWithACookieAsksForTheTokenToo() async throws {
    let path = "/api/v1/approvals/\(Sample.update)/decision"
    try await expectRefused { browser, _ in
      try await browser.send(
        .post, path, headers: [.origin: TestConsole.origin], body: #"{"decision":"approve"}"#)
    }
    let console = try TestConsole()
    try await console.test { browser in
      _ = try await browser.signIn()
      let token = try TestBrowser.token(try await browser.get("/approvals"))
      let answer = try await browser.send(
        .post, path,
        headers: [.origin: TestConsole.origin, ForgeryGuard.headerField: token],
        body: #"{"decision":"approve"}"#)
      #expect(answer.status == .ok)
    }
  }

  @Test func aSignInFromAnotherSite() async throws {
    try await TestConsole().test { browser in
      let attacker = TestBrowser(client: browser.client)
      let token = try TestBrowser.token(try await attacker.get("/login"))
      let fields = ["name": "admin", "password": TestConsole.password, "csrf": token]
      #expect(try await browser.post("/login", fields).status == .forbidden)
      _ = try await browser.get("/login")
      #expect(try await browser.post("/login", fields).status == .forbidden)
      #expect(browser.cookies["sluice_session"] == nil)
    }
  }

  @Test func signingSomebodyOut() async throws {
    try await expectRefused { browser, _ in try await browser.post("/logout", [:]) }
  }
}
