import Foundation
import Identity
import Outbound
import Synchronization
import Testing

@testable import Console

@Suite struct OpenIDTests {
  private let clock = TestClock()
  private let provider: FakeProvider
  private let binding = RandomText.make()
  private static let redirect = "https://console.example/login/callback"

  init() { provider = FakeProvider(clock: clock) }

  /// The nonce that the browser was sent away with: what an honest provider repeats.
  private final class Nonce: Sendable {
    let value = Mutex("")
  }

  private func login(
    secret: String? = "s3cret", change: (inout OpenIDSettings) -> Void = { _ in }
  ) -> (OpenIDLogin, Nonce) {
    var settings = OpenIDSettings(
      issuer: FakeProvider.issuer, clientID: "sluice",
      clientSecret: secret.map { Secret(Array($0.utf8)) })
    change(&settings)
    let nonce = Nonce()
    let clock = clock
    let provider = provider
    let send: OpenIDTransport = { request throws(OutboundError) in
      await provider.answer(request, nonce: nonce.value.withLock { $0 })
    }
    let login = OpenIDLogin(
      settings, limits: ConsoleLimits(), now: { clock.now }, send: send)
    return (login, nonce)
  }

  private func parameters(of url: String) -> [String: String] {
    var found: [String: String] = [:]
    for item in URLComponents(string: url)?.queryItems ?? [] { found[item.name] = item.value }
    return found
  }

  /// Goes through the whole sign-in.
  private func signIn(
    _ login: (OpenIDLogin, Nonce), binding other: String? = nil,
    callback change: (inout OpenIDCallback) -> Void = { _ in }
  ) async throws -> Viewer {
    let url = try await login.0.begin(
      binding: binding, redirect: Self.redirect, next: LoginTarget("/history"))
    let sent = parameters(of: url)
    login.1.value.withLock { $0 = sent["nonce"] ?? "" }
    var callback = OpenIDCallback(code: "code-1", state: sent["state"])
    change(&callback)
    let (viewer, next) = try await login.0.finish(
      callback, binding: other ?? binding, redirect: Self.redirect)
    #expect(next.path == "/history")
    return viewer
  }

  private func expectFailure(
    _ words: String, login: (OpenIDLogin, Nonce)? = nil, binding: String? = nil,
    sourceLocation: SourceLocation = #_sourceLocation,
    callback: (inout OpenIDCallback) -> Void = { _ in }
  ) async {
    do {
      _ = try await signIn(login ?? self.login(), binding: binding, callback: callback)
      Issue.record("signed in", sourceLocation: sourceLocation)
    } catch {
      #expect("\(error)".contains(words), "\(error)", sourceLocation: sourceLocation)
    }
  }

  @Test func aPersonSignsIn() async throws {
    let viewer = try await signIn(login())
    #expect(viewer.name == "alice" && viewer.groups == ["dba", "staff"])
    #expect(viewer.principal == nil, "agents bring no tokens of this provider")
    // What the data path computes for an access token of the same person.
    let digest = SubjectDigest.of(issuer: "https://idp.example", subject: "u-1")
    #expect(viewer.person == "subject/" + APIKey.hexadecimal(digest))
    #expect(try await signIn(self.login { $0.provider = "corp" }).principal == "corp/alice")
    let token = try #require(provider.requests.first { $0.path == "/token" }?.request)
    let body = String(decoding: token.body ?? [], as: UTF8.self)
    #expect(body.contains("grant_type=authorization_code&code=code-1"))
    #expect(body.contains("redirect_uri=https%3A%2F%2Fconsole.example%2Flogin%2Fcallback"))
    #expect(!body.contains("s3cret"))
    let basic = Data("sluice:s3cret".utf8).base64EncodedString()
    #expect(token.fields.contains { $0.name == "Authorization" && $0.value == "Basic \(basic)" })
    #expect(!provider.requests.contains { $0.path == "/userinfo" })
  }

  @Test func theVerifierIsTheOneThatTheChallengeWasMadeOf() async throws {
    let login = login()
    let url = try await login.0.begin(
      binding: binding, redirect: Self.redirect, next: LoginTarget(nil))
    let sent = parameters(of: url)
    #expect(url.hasPrefix("https://idp.example/authorize?response_type=code&"))
    #expect(sent["code_challenge_method"] == "S256")
    #expect(sent["scope"] == "openid profile email")
    login.1.value.withLock { $0 = sent["nonce"] ?? "" }
    _ = try await login.0.finish(
      OpenIDCallback(code: "c", state: sent["state"]), binding: binding, redirect: Self.redirect)
    let token = try #require(provider.requests.first { $0.path == "/token" }?.request)
    let fields = FormFields(String(decoding: token.body ?? [], as: UTF8.self))
    let verifier = try #require(fields["code_verifier"])
    let digest = APIKey.sha256(of: Array(verifier.utf8))
    #expect(sent["code_challenge"] == APIKey.base64URL(digest))
    #expect(sent["code_challenge"] != verifier)
  }

  @Test func anotherBrowserCannotFinishIt() async {
    await expectFailure("not begun in this browser", binding: RandomText.make())
  }

  @Test func aStateIsGoodOnceAndNotForEver() async throws {
    let (login, nonce) = login()
    func begin() async throws -> String {
      let url = try await login.begin(
        binding: binding, redirect: Self.redirect, next: LoginTarget(nil))
      nonce.value.withLock { $0 = parameters(of: url)["nonce"] ?? "" }
      return parameters(of: url)["state"] ?? ""
    }
    let state = try await begin()
    let callback = OpenIDCallback(code: "c", state: state)
    _ = try await login.finish(callback, binding: binding, redirect: Self.redirect)
    await #expect(throws: OpenIDFailure.self) {
      try await login.finish(callback, binding: binding, redirect: Self.redirect)
    }
    let old = try await begin()
    clock.advance(ConsoleLimits().pendingLoginSeconds)
    await #expect(throws: OpenIDFailure.self) {
      try await login.finish(
        OpenIDCallback(code: "c", state: old), binding: binding, redirect: Self.redirect)
    }
  }

  @Test func whatTheProviderRefusesIsSaid() async {
    await expectFailure("access_denied") { callback in
      callback.code = nil
      callback.error = "access_denied"
    }
  }

  @Test func anAnswerOfAnotherProviderIsRefused() async {
    await expectFailure("another identity provider") { $0.issuer = "https://evil.example" }
  }

  /// One wrong claim each.
  static let wrong: [(String, String, ClaimValue?)] = [
    ("another issuer", "iss", .text("https://evil.example")),
    ("another application", "aud", .text("other")),
    ("another application", "aud", .list([.text("a"), .text("b")])),
    ("another application", "aud", nil),
    ("issued to another", "azp", .text("other")),
    ("has expired", "exp", .number(1_799_999_000)), ("has expired", "exp", nil),
    ("has expired", "exp", .text("never")),
    ("from the future", "iat", .number(1_900_000_000)),
    ("not valid yet", "nbf", .number(1_900_000_000)),
    ("another sign-in", "nonce", .text("other")), ("another sign-in", "nonce", nil),
    ("names nobody", "sub", nil),
  ]

  @Test(arguments: 0..<wrong.count)
  func aWrongClaimIsRefused(index: Int) async {
    let (words, name, value) = Self.wrong[index]
    provider.set { state in
      if let value { state.claims[name] = value } else { state.removes = [name] }
    }
    await expectFailure(words)
  }

  @Test func anAudienceMayBeAList() async throws {
    provider.set { $0.claims["aud"] = .list([.text("other"), .text("sluice")]) }
    #expect(try await signIn(login()).name == "alice")
  }

  private func token(header: String) -> String {
    func part(_ text: String) -> String { APIKey.base64URL(Array(text.utf8)) }
    let payload = #"{"iss":"https://idp.example","aud":"sluice","sub":"u","exp":1900000000}"#
    return "\(part(header)).\(part(payload)).\(part("signature"))"
  }

  @Test func unsignedAndForeignTokensAreRefused() async {
    for (header, words) in [
      (#"{"alg":"none"}"#, "none is not accepted"),
      (#"{"alg":"HS256","kid":"key-1"}"#, "HS256 is not accepted"),
      (#"{"alg":"ES256","kid":"key-1"}"#, "signature is wrong"),
      (#"{"alg":"RS256","kid":"key-1"}"#, "signature is wrong"),
      (#"{"alg":"ES256","kid":"key-1","crit":["x"]}"#, "cannot be read"),
      (#"{"alg":"ES256","kid":"other"}"#, "does not publish"), ("{}", "cannot be read"),
    ] {
      provider.set { $0.replacement = token(header: header) }
      await expectFailure(words)
    }
    for text in ["", "a", "a.b", "a.b.c", String(repeating: "a", count: 40_000)] {
      provider.set { $0.replacement = text }
      await expectFailure("cannot be read")
    }
  }

  @Test func aNewKeyIsFetchedOnceInAWhile() async throws {
    let login = login()
    _ = try await signIn(login)
    provider.set {
      $0.keyID = "key-2"
      $0.publishedKeyID = "key-2"
    }
    await expectFailure("does not publish", login: login)
    clock.advance(OpenIDProvider.refetchSeconds)
    #expect(try await signIn(login).name == "alice")
    #expect(provider.requests.count { $0.path == "/keys" } == 2)
  }

  @Test func groupsComeFromWhereverTheyAre() async throws {
    provider.set {
      $0.claims["groups"] = .text("a, b;c")
      $0.claims["realm"] = .object(["roles": .list([.text("x"), .number(1)])])
    }
    #expect(try await signIn(login()).groups == ["a", "b", "c"])
    #expect(try await signIn(login { $0.groupsClaim = "realm.roles" }).groups == ["x"])
    provider.set {
      $0.removes = ["groups", "preferred_username"]
      $0.person = ["sub": .text("u-1"), "groups": .list([.text("u")]), "email": .text("a@b")]
    }
    let viewer = try await signIn(login())
    #expect(viewer.name == "a@b" && viewer.groups == ["u"])
    #expect(try await signIn(login { $0.nameClaim = "sub" }).name == "u-1")
    provider.set { $0.person?["sub"] = .text("u-2") }
    await expectFailure("about two people")
  }

  @Test func aProviderThatIsNotItselfIsRefused() async {
    provider.set { $0.discovery = ["issuer": "https://evil.example"] }
    await expectFailure("describes the issuer")
    provider.set { $0.discovery = ["token_endpoint": "http://idp.example/token"] }
    await expectFailure("without TLS")
    provider.set {
      $0.discovery = [:]
      $0.contentType = "text/html"
    }
    await expectFailure("answered 200")
    provider.set { $0.status = 500 }
    await expectFailure("answered 500")
  }

  @Test func signInsUnderWayAreBounded() {
    var limits = ConsoleLimits()
    limits.pendingLoginsMax = 2
    let clock = clock
    let logins = PendingLogins(limits: limits, now: { clock.now })
    let states = (0..<3).map { index in
      clock.advance(1)
      return logins.add(
        .init(
          binding: "b", nonce: "\(index)", verifier: "v", next: LoginTarget(nil), begun: clock.now))
    }
    #expect(logins.take(states[0]) == nil)
    #expect(logins.take(states[1])?.nonce == "1")
    #expect(logins.take(states[2])?.nonce == "2")
  }
}
