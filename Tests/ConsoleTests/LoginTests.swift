import Foundation
import Hummingbird
import RouterTestSupport
import Testing

@testable import Console

@Suite struct LoginTests {
  @Test func theRightPasswordOpensASession() async throws {
    try await TestConsole().test { browser in
      let answer = try await browser.signIn()
      #expect(answer.status == .seeOther)
      #expect(answer.headers[.location] == "/approvals")
      let cookie = try #require(
        answer.headers[values: .setCookie].first { $0.hasPrefix("sluice_session=") })
      #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"))
      // 256 bits in base64url.
      #expect(browser.cookies["sluice_session"]?.count == 43)
      let page = try await browser.get("/approvals")
      #expect(page.status == .ok)
      #expect(page.text.contains("administrator"))
    }
  }

  @Test func aWrongNameOrPasswordIsToldTheSame() async throws {
    try await TestConsole().test { browser in
      let password = try await browser.signIn(password: "wrong")
      let name = try await browser.signIn(name: "root")
      for answer in [password, name] {
        #expect(answer.status == .forbidden)
        #expect(answer.text.contains("The name or the password is wrong."))
        #expect(browser.cookies["sluice_session"] == nil)
      }
    }
  }

  @Test func guessesRunOutAndComeBackWithTime() async throws {
    let console = try TestConsole { settings, _ in settings.limits.loginFailuresMax = 2 }
    try await console.test { browser in
      for _ in 0..<2 { #expect(try await browser.signIn(password: "wrong").status == .forbidden) }
      let answer = try await browser.signIn()
      #expect(answer.status == .tooManyRequests, "even with the right password")
      #expect(answer.headers[.retryAfter].flatMap { Int($0) } ?? 0 > 0)
      console.clock.advance(console.core.settings.limits.loginWindowSeconds)
      #expect(try await browser.signIn().status == .seeOther)
    }
  }

  @Test func guessesFromManyAddressesRunOutToo() {
    let clock = TestClock()
    var limits = ConsoleLimits()
    limits.loginFailuresAllMax = 10
    let throttle = LoginThrottle(limits: limits, now: { clock.now })
    for index in 0..<10 { #expect(throttle.begin(from: "192.0.2.\(index)") == nil) }
    #expect(throttle.begin(from: "192.0.2.200") != nil)
    clock.advance(limits.loginWindowSeconds)
    #expect(throttle.begin(from: "192.0.2.200") == nil)
  }

  @Test func aOneTimePasswordIsGoodOnce() async throws {
    let console = try TestConsole { settings, _ in settings.localAdmin?.passwordHash = nil }
    try await console.test { browser in
      let first = try await browser.signIn(password: "one-time")
      #expect(first.status == .seeOther)
      browser.set(cookie: "sluice_session", to: nil)
      let second = try await browser.signIn(password: "one-time")
      #expect(second.status == .forbidden)
    }
  }

  @Test func signingOutEndsTheSessionOnTheServer() async throws {
    try await TestConsole().test { browser in
      _ = try await browser.signIn()
      let session = browser.cookies["sluice_session"]
      #expect(try await browser.post("/logout", [:], from: "/approvals").status == .seeOther)
      #expect(browser.cookies["sluice_session"] == nil)
      browser.set(cookie: "sluice_session", to: session)
      #expect(try await browser.get("/approvals").status == .seeOther)
    }
  }

  @Test func signingInAgainEndsTheEarlierSession() throws {
    let clock = TestClock()
    let table = SessionTable(limits: ConsoleLimits(), now: { clock.now })
    let viewer = Viewer(name: "alice", groups: [])
    let first = table.start(viewer)
    let second = table.start(viewer)
    #expect(first != second)
    #expect(
      table.session(first, isUse: true)?.forgeryToken
        != table.session(second, isUse: true)?.forgeryToken)
    table.end(first)
    #expect(table.session(first, isUse: true) == nil)
    #expect(table.session(second, isUse: true) != nil)
  }

  @Test func sessionsEndWhenIdleAndWhenOld() {
    let clock = TestClock()
    let limits = ConsoleLimits()
    let table = SessionTable(limits: limits, now: { clock.now })
    let viewer = Viewer(name: "alice", groups: [])
    let idle = table.start(viewer)
    clock.advance(limits.sessionIdleSeconds - 1)
    #expect(table.session(idle, isUse: false) != nil, "a page that refreshes itself is no use…")
    clock.advance(1)
    #expect(table.session(idle, isUse: true) == nil, "…and does not keep the session")
    let busy = table.start(viewer)
    var used = 0.0
    while used + 600 < limits.sessionSeconds {
      clock.advance(600)
      used += 600
      #expect(table.session(busy, isUse: true) != nil)
    }
    clock.advance(600)
    #expect(table.session(busy, isUse: true) == nil)
  }

  @Test func theTableOfSessionsIsBoundedAndForgetsTheOneUsedLongestAgo() {
    let clock = TestClock()
    var limits = ConsoleLimits()
    limits.sessionsMax = 3
    let table = SessionTable(limits: limits, now: { clock.now })
    let ids = (0..<3).map { index in
      clock.advance(1)
      return table.start(Viewer(name: "person\(index)", groups: []))
    }
    clock.advance(1)
    #expect(table.session(ids[0], isUse: true) != nil)
    let next = table.start(Viewer(name: "one more", groups: []))
    #expect(table.session(ids[0], isUse: false) != nil)
    #expect(table.session(ids[1], isUse: false) == nil)
    #expect(table.session(next, isUse: false) != nil)
  }

  @Test func afterSigningInOneGoesOnlyToPagesOfThisConsole() {
    for target in [
      "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil", "javascript:x",
      "/login?next=/login", "/a b", "/\u{1}", "", String(repeating: "/a", count: 400),
    ] {
      #expect(LoginTarget(target).path == "/approvals", "\(target)")
    }
    #expect(LoginTarget(nil).path == "/approvals")
    #expect(LoginTarget("/approvals/apr_1?x=1").path == "/approvals/apr_1?x=1")
  }

  @Test func passwordsAreHashedWithASaltAndComparedExactly() throws {
    let one = PasswordHash(password: "a")
    let two = PasswordHash(password: "a")
    #expect(one.text != two.text)
    let read = try #require(PasswordHash(text: one.text))
    #expect(read.matches("a"))
    #expect(!read.matches("b") && !read.matches("") && !read.matches("a\u{0}"))
    #expect(!read.matches(String(repeating: "a", count: 2000)))
    for text in ["", "a", "scrypt$15$8$1$00$00", "scrypt$1$8$1$" + one.text.dropFirst(13)] {
      #expect(PasswordHash(text: text) == nil)
    }
    #expect(!"\(one)".contains("$"))
  }

  /// Computed with Python's hashlib.scrypt.
  @Test func scryptIsTheOneEverybodyComputes() throws {
    let hash = try #require(
      PasswordHash(
        text: "scrypt$15$8$1$000102030405060708090a0b0c0d0e0f$"
          + "2c62a0d40b4a1af94aaa09cc06acc84dcc1375d068ed91a5285f6db9d98fbfcc"))
    #expect(hash.matches("sluice"))
  }
}
