import Logging
import Outbound
import Synchronization
import Testing

@testable import ControlPlane
@testable import Identity

@Suite struct FetchScheduleTests {
  @Test func theFirstFetchIsDueAtOnce() {
    var schedule = FetchSchedule(refresh: 600)
    #expect(schedule.isDue(now: 0))
    schedule.begin(now: 0)
    #expect(!schedule.isDue(now: 1000))
    schedule.succeeded(now: 1, spread: 0)
    #expect(!schedule.isDue(now: 600.9))
    #expect(schedule.isDue(now: 601))
  }

  @Test func replicasSpreadOverTheLastTenth() {
    var schedule = FetchSchedule(refresh: 600)
    schedule.begin(now: 0)
    schedule.succeeded(now: 0, spread: 1)
    #expect(schedule.nextDue == 540)
  }

  @Test func whatTokensAskForWaitsForTheInterval() {
    var schedule = FetchSchedule(refresh: 600)
    schedule.begin(now: 10)
    schedule.succeeded(now: 10.5, spread: 0)
    schedule.want()
    #expect(!schedule.isDue(now: 14.9))
    #expect(schedule.isDue(now: 15))
    schedule.begin(now: 15)
    schedule.succeeded(now: 15, spread: 0)
    #expect(!schedule.isDue(now: 30))
  }

  @Test func failuresAreTriedAgainLessAndLessOften() {
    var schedule = FetchSchedule(refresh: 600)
    var waits: [Double] = []
    var now = 0.0
    for _ in 0..<9 {
      schedule.begin(now: now)
      schedule.failed(now: now)
      waits.append(schedule.nextDue - now)
      now = schedule.nextDue
    }
    #expect(waits == [1, 2, 4, 8, 16, 32, 60, 60, 60])
    schedule.begin(now: now)
    schedule.succeeded(now: now, spread: 0)
    schedule.begin(now: now + 600)
    schedule.failed(now: now + 600)
    #expect(schedule.nextDue == now + 601)
  }
}

/// A provider that answers what a test says.
private final class FakeProvider: Sendable {
  let answers = Mutex<[String: Result<OutboundAnswer, OutboundError>]>([:])
  let asked = Mutex<[String]>([])

  static let issuer = "https://idp.example/realm"
  static let discovery = issuer + "/.well-known/openid-configuration"
  static let other = "https://idp.example/.well-known/oauth-authorization-server/realm"
  static let keys = "https://idp.example/keys"

  func answer(
    _ url: String, _ body: String, status: Int = 200, type: String? = "application/json"
  ) {
    answers.withLock {
      $0[url] = .success(
        OutboundAnswer(
          status: status, fields: type.map { [("content-type", $0)] } ?? [], body: Array(body.utf8))
      )
    }
  }

  func fail(_ url: String) { answers.withLock { $0[url] = .failure(OutboundError("refused")) } }

  var get: ProviderDiscovery.Get {
    { [self] url, _ throws(OutboundError) in
      asked.withLock { $0.append(url) }
      guard let answer = answers.withLock({ $0[url] }) else { return OutboundAnswer(status: 404) }
      return try answer.get()
    }
  }

  func publishDiscovery() {
    answer(
      Self.discovery, #"{"issuer":"\#(Self.issuer)","jwks_uri":"\#(Self.keys)","more":[1]}"#,
      type: "Application/JSON; charset=utf-8")
  }

  func publish(_ identifiers: String...) {
    let keys = identifiers.map { kid in
      #"{"kty":"OKP","crv":"Ed25519","kid":"\#(kid)","x":"\#(Self.point)"}"#
    }
    answer(Self.keys, #"{"keys":[\#(keys.joined(separator: ","))]}"#)
  }

  /// The public key of RFC 8037, appendix A.2.
  private static let point = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
}

@Suite struct ProviderDiscoveryTests {
  private func find(
    _ provider: FakeProvider, issuer: String = FakeProvider.issuer
  ) async throws -> String {
    try await ProviderDiscovery(issuer: issuer, authorities: nil, get: provider.get).keysURL()
  }

  @Test func documentsAreWhereTheStandardsSay() {
    #expect(
      ProviderDiscovery.documents(of: FakeProvider.issuer) == [
        FakeProvider.discovery, FakeProvider.other,
      ])
    #expect(
      ProviderDiscovery.documents(of: "https://idp.example/") == [
        "https://idp.example/.well-known/openid-configuration",
        "https://idp.example/.well-known/oauth-authorization-server",
      ])
  }

  @Test func theFirstDocumentIsTaken() async throws {
    let provider = FakeProvider()
    provider.publishDiscovery()
    #expect(try await find(provider) == FakeProvider.keys)
    #expect(provider.asked.withLock { $0 } == [FakeProvider.discovery])
  }

  @Test func aLoginPageIsNoDocument() async throws {
    let provider = FakeProvider()
    provider.answer(FakeProvider.discovery, "<html>log in</html>", type: "text/html; charset=utf-8")
    provider.answer(
      FakeProvider.other,
      #"{"issuer":"\#(FakeProvider.issuer)","jwks_uri":"\#(FakeProvider.keys)"}"#)
    #expect(try await find(provider) == FakeProvider.keys)
  }

  @Test(
    arguments: [
      (
        #"{"issuer":"https://evil.example","jwks_uri":"https://idp.example/keys"}"#,
        "it is of the issuer"
      ),
      (
        #"{"issuer":"https://idp.example/realm/","jwks_uri":"https://idp.example/keys"}"#,
        "it is of the issuer"
      ),
      (
        #"{"issuer":"https://idp.example/realm","jwks_uri":"http://idp.example/keys"}"#,
        "no https URL"
      ),
      (#"{"issuer":"https://idp.example/realm","jwks_uri":"file:///etc/passwd"}"#, "no https URL"),
      (#"{"issuer":"https://idp.example/realm"}"#, "no issuer and jwks_uri"),
      ("[]", "no issuer and jwks_uri"),
    ])
  func otherDocumentsAreRefused(body: String, reason: String) async {
    let provider = FakeProvider()
    provider.answer(FakeProvider.discovery, body)
    await #expect {
      _ = try await find(provider)
    } throws: { "\($0)".contains(reason) && "\($0)".contains("it answers 404") }
  }
}

@Suite struct ProviderKeysTests {
  private func keep(_ provider: FakeProvider) async -> (ProviderKeys, Counter) {
    let settings = ProviderSettings(
      provider: IdentityProvider(name: "corp", issuer: FakeProvider.issuer), refreshSeconds: 600)
    let keys = ProviderKeys([settings], logger: Logger(label: "test"), get: provider.get)
    let news = Counter()
    await keys.deliver { news.add() }
    return (keys, news)
  }

  private func identifiers(_ keys: ProviderKeys) async -> [String]? {
    await keys.keySets[0]?.identifiers
  }

  @Test func itTellsWhenKeysChange() async throws {
    let provider = FakeProvider()
    provider.publishDiscovery()
    provider.publish("a")
    let (keys, news) = await keep(provider)
    await keys.fetch(0)
    await keys.fetch(0)
    #expect(news.value == 1)
    #expect(await identifiers(keys) == ["a"])
    provider.publish("b/1", "a")
    await keys.fetch(0)
    #expect(news.value == 2)
    #expect(await identifiers(keys) == ["b/1", "a"])
    // Rotation without overlap.
    provider.publish("c")
    await keys.fetch(0)
    #expect(await identifiers(keys) == ["c"])
    #expect(provider.asked.withLock { $0.filter { $0 == FakeProvider.discovery }.count } == 1)
  }

  @Test func whoComesLaterIsToldOfWhatWasNotReadYet() async {
    let provider = FakeProvider()
    provider.publishDiscovery()
    provider.publish("a")
    let (keys, _) = await keep(provider)
    await keys.fetch(0)
    let later = Counter()
    await keys.deliver { later.add() }
    #expect(later.value == 1)
    _ = await keys.keySets
    let latest = Counter()
    await keys.deliver { latest.add() }
    #expect(latest.value == 0)
  }

  @Test func aProviderThatFailsKeepsItsKeys() async {
    let provider = FakeProvider()
    provider.publishDiscovery()
    provider.publish("a")
    let (keys, news) = await keep(provider)
    await keys.fetch(0)
    provider.fail(FakeProvider.keys)
    await keys.fetch(0)
    var status = await keys.status[0]
    #expect(status.keyIdentifiers == ["a"])
    #expect(status.problem == "https://idp.example/keys: refused")
    provider.answer(FakeProvider.keys, #"{"keys":[]}"#)
    await keys.fetch(0)
    #expect(await keys.status[0].problem == "https://idp.example/keys: no key in it")
    provider.answer(FakeProvider.keys, "<html>", type: "text/html")
    await keys.fetch(0)
    #expect(await keys.status[0].problem?.contains("text/html") == true)
    provider.publish("a")
    await keys.fetch(0)
    status = await keys.status[0]
    #expect(status.problem == nil && status.fetches == 5)
    #expect(news.value == 1)
  }

  @Test func anUnreachableProviderIsNoReasonNotToStart() async {
    let provider = FakeProvider()
    provider.fail(FakeProvider.discovery)
    let (keys, _) = await keep(provider)
    await keys.start()
    #expect(await keys.keySets.count == 1)
    #expect(await keys.keySets[0] == nil)
    let status = await keys.status[0]
    #expect(status.problem?.contains("refused") == true)
    await keys.stop()
  }
}

private final class Counter: Sendable {
  private let count = Atomic<Int>(0)
  func add() { count.add(1, ordering: .relaxed) }
  var value: Int { count.load(ordering: .relaxed) }
}
