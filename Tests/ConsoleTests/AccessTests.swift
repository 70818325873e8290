import Approvals
import ConsoleSamples
import Foundation
import HTTPTypes
import Hummingbird
import RouterTestSupport
import Testing

@testable import Console

@Suite struct AccessTests {
  private static let pages = ["/approvals", "/history", "/approvals/\(Sample.update)"]

  @Test(arguments: pages)
  func pagesLeadToTheSignIn(page: String) async throws {
    try await TestConsole().test { browser in
      let answer = try await browser.get(page)
      #expect(answer.status == .seeOther)
      #expect(answer.headers[.location]?.hasPrefix("/login") == true)
      #expect(answer.body.readableBytes == 0)
    }
  }

  @Test func everyOperationOfTheAPIButItsDescriptionAsksForACredential() async throws {
    let console = try TestConsole()
    try await console.test { browser in
      for operation in AdminAPI(core: console.core).operations {
        let path = operation.path.replacing("{id}", with: Sample.update)
        let answer = try await browser.send(
          operation.method, path,
          headers: [.origin: TestConsole.origin])
        if operation.path.hasSuffix("openapi.json") {
          #expect(answer.status == .ok)
        } else if operation.method == .get {
          #expect(answer.status == .unauthorized, "\(operation.path)")
          #expect(answer.headers[.wwwAuthenticate] == "Bearer")
          #expect(try answer.json(Problem.self).type == "urn:sluice:problem:not-signed-in")
        } else {
          #expect(answer.status == .forbidden, "\(operation.path)")
        }
      }
    }
  }

  @Test func aWrongKeyIsRefusedEvenBesideASession() async throws {
    try await TestConsole().test { browser in
      _ = try await browser.signIn()
      let answer = try await browser.api(.get, "/approvals", key: "wrong")
      #expect(answer.status == .unauthorized)
      #expect(try answer.json(Problem.self).type == "urn:sluice:problem:bad-token")
    }
  }

  @Test func aKeyThatWasTakenAwayOpensNothingAnyMore() async throws {
    let console = try TestConsole()
    try await console.test { browser in
      #expect(try await browser.api(.get, "/viewer", key: "dba").status == .ok)
      var settings = console.core.settings
      settings.keys.removeAll { $0.name == "dba-bot" }
      settings.adminGroups = []
      console.core.adopt(settings)
      #expect(try await browser.api(.get, "/viewer", key: "dba").status == .unauthorized)
      let platform = try await browser.api(.get, "/approvals?state=pending", key: "platform")
      #expect(try platform.json(ApprovalList.self).approvals.isEmpty)
    }
  }

  @Test func aKeyOpensNoPage() async throws {
    try await TestConsole().test { browser in
      let answer = try await browser.send(
        .get, "/approvals", headers: [.authorization: "Bearer key-dba"])
      #expect(answer.status == .unauthorized)
    }
  }

  @Test func aHeadRequestTellsNoMoreThanAGet() async throws {
    try await TestConsole().test { browser in
      let answer = try await browser.send(.head, "/approvals")
      #expect(answer.status == .seeOther)
    }
  }

  @Test func otherNamesOfThisMachineAreTurnedAway() async throws {
    try await TestConsole().test { browser in
      for host in [
        "evil.example", "evil.example:8081", "127.0.0.1:9999", "127.0.0.1.evil.example:8081",
      ] {
        let answer = try await browser.send(.get, "/login", host: host)
        #expect(answer.status == .misdirectedRequest, "\(host)")
      }
      for host in ["localhost:8081", "127.0.0.1:8081", "[::1]:8081", "LOCALHOST:8081"] {
        #expect(try await browser.send(.get, "/login", host: host).status == .ok, "\(host)")
      }
    }
  }

  @Test func aMethodThatAnAddressDoesNotHaveIsSaidToBeMissing() async throws {
    let console = try TestConsole()
    try await console.test { browser in
      for operation in AdminAPI(core: console.core).operations {
        let path = operation.path.dropFirst(7).replacing("{id}", with: Sample.update)
        let answer = try await browser.api(.delete, String(path), key: "platform")
        #expect(answer.status == .methodNotAllowed, "\(path)")
        #expect(
          answer.headers[.allow] == (operation.method == .get ? "GET, HEAD" : "POST"), "\(path)")
        #expect(try answer.json(Problem.self).type == "urn:sluice:problem:method")
      }
      _ = try await browser.signIn()
      let token = try TestBrowser.token(try await browser.get("/approvals"))
      let answer = try await browser.send(
        .put, "/approvals/\(Sample.update)",
        headers: [.origin: TestConsole.origin, ForgeryGuard.headerField: token])
      #expect(answer.status == .methodNotAllowed)
      #expect(answer.headers[.allow] == "GET, HEAD, POST")
      #expect(try await browser.api(.get, "/nowhere", key: "platform").status == .notFound)
    }
  }

  @Test func everyAnswerCarriesTheHeadersThatKeepABrowserSafe() async throws {
    let console = try TestConsole()
    try await console.test { browser in
      var answers = [
        try await browser.get("/"), try await browser.get("/login"),
        try await browser.get("/nowhere"), try await browser.get("/approvals"),
        try await browser.api(.get, "/approvals", key: nil),
        try await browser.api(.get, "/approvals", key: "dba"),
        try await browser.send(.get, "/login", host: "evil.example"),
        try await browser.send(.delete, "/approvals"),
        try await browser.post("/login", ["name": "x"], origin: nil),
      ]
      answers.append(try await browser.signIn())
      answers.append(try await browser.get("/approvals"))
      for answer in answers {
        let policy = try #require(answer.headers[.contentSecurityPolicy])
        #expect(policy.hasPrefix("default-src 'none'"))
        #expect(policy.contains("frame-ancestors 'none'"))
        #expect(!policy.contains("unsafe"))
        #expect(answer.headers[.xContentTypeOptions] == "nosniff")
        #expect(answer.headers[.cacheControl] == "no-store")
        #expect(answer.headers[HTTPField.Name("Referrer-Policy")!] == "same-origin")
        #expect(answer.headers[.strictTransportSecurity] == nil)
      }
      let style = try await browser.get(Asset.style.path)
      #expect(style.headers[.cacheControl]?.contains("immutable") == true)
      #expect(style.headers[.contentSecurityPolicy] != nil)
    }
  }

  @Test func pagesHoldNoInlineScriptStyleOrHandler() async throws {
    try await TestConsole().test { browser in
      _ = try await browser.signIn()
      for page in ["/approvals", "/history", "/approvals/\(Sample.update)"] {
        let text = try await browser.get(page).text
        #expect(text.contains("<h1>"))
        #expect(text.firstMatch(of: /<script(?! src="\/assets\/)/) == nil)
        #expect(text.firstMatch(of: /<style|\sstyle=|\son[a-z]+="/) == nil)
      }
    }
  }

  @Test func overTLSCookiesAreBoundToThisHost() async throws {
    let console = try TestConsole { settings, _ in
      settings.publicURL = "https://console.example"
    }
    try await console.test { browser in
      let answer = try await browser.send(.get, "/login", host: "console.example")
      let cookie = try #require(answer.headers[.setCookie])
      #expect(cookie.hasPrefix("__Host-sluice_login="))
      for property in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        #expect(cookie.contains(property))
      }
      #expect(!cookie.contains("Domain"))
      #expect(answer.headers[.strictTransportSecurity] == "max-age=31536000")
    }
  }
}
