import IdentityTestSupport
import Testing

@testable import Identity

/// The moment at which all tokens of these tests are looked at.
let testTime = 1_800_000_000.0
let testResource = "https://mcp.example/orders/mcp"

/// A provider with an RSA key, an elliptic and an Edwards one, and a second provider with another RSA key.
struct TestProviders {
  let rsa: TestKey
  let elliptic: TestKey
  let edwards: TestKey
  let foreign: TestKey
  var snapshot: IdentitySnapshot

  init(change: (inout IdentityProvider) -> Void = { _ in }) async throws {
    rsa = try await TestKey.rsa("r/1 =")
    elliptic = try await TestKey.elliptic("e1")
    edwards = try await TestKey.edwards("d1")
    foreign = try await TestKey.rsa("f1", .second)
    var first = IdentityProvider(name: "corp", issuer: "https://idp.example")
    change(&first)
    let second = IdentityProvider(name: "other", issuer: "https://other.example/realm")
    snapshot = try IdentitySnapshot(accounts: [], anonymous: nil, providers: [first, second])
      .with(keySets: [
        try await TestProviders.keys([rsa, elliptic, edwards]),
        try await TestProviders.keys([foreign]),
      ])
  }

  static func keys(_ keys: [TestKey]) async throws -> KeySet {
    try await KeySet(json: TestKey.document(keys), algorithms: SignatureAlgorithm.usual)
  }

  /// The claims of a good token, with some replaced or left out (nil).
  static func claims(_ changes: KeyValuePairs<String, String?> = [:]) -> String {
    var claims: [(String, String)] = [
      ("iss", #""https://idp.example""#), ("aud", "\"\(testResource)\""), ("sub", #""u-17""#),
      ("client_id", #""web""#), ("exp", "1800000300"), ("iat", "1799999990"),
      ("preferred_username", #""alice""#), ("groups", #"["staff","dba"]"#),
    ]
    for (name, value) in changes {
      let place = claims.firstIndex { $0.0 == name }
      switch (value, place) {
      case (nil, let place?): claims.remove(at: place)
      case (let value?, let place?): claims[place].1 = value
      case (let value?, nil): claims.append((name, value))
      case (nil, nil): break
      }
    }
    return "{" + claims.map { #""\#($0.0)":\#($0.1)"# }.joined(separator: ",") + "}"
  }

  func verify(
    _ token: String, resource: String? = testResource, gateway: String? = "https://mcp.example",
    now: Double = testTime
  ) -> Result<VerifiedToken, TokenRefusal> {
    var verifier = TokenVerifier()
    let bytes = Array(token.utf8)
    return unsafe verifier.verify(
      bytes.span.bytes, snapshot: snapshot, resource: resource.flatMap(ResourceIdentifier.init),
      gateway: gateway.flatMap(ResourceIdentifier.init), now: now)
  }
}

/// Good tokens: who they say their holder is.
@Suite struct TokenTests {
  @Test func everyKindOfKeyWorks() async throws {
    let providers = try await TestProviders()
    for key in [providers.rsa, providers.elliptic, providers.edwards] {
      let verified = try providers.verify(key.token(claims: TestProviders.claims())).get()
      #expect(verified.name == "corp/alice")
      #expect(verified.groups == ["staff", "dba"])
      #expect(!verified.isClient)
      #expect(verified.provider == 0)
      #expect(verified.expires == 1_800_000_360)
      #expect(!verified.isForEveryServer)
    }
  }

  @Test func theSecondProvidersPeopleHaveItsName() async throws {
    let providers = try await TestProviders()
    let token = try providers.foreign.token(
      claims: TestProviders.claims(["iss": #""https://other.example/realm""#]))
    #expect(try providers.verify(token).get().name == "other/alice")
  }

  @Test(arguments: [
    #"{"alg":"RS256","kid":"r\/1 ="}"#, #"{"alg":"RS256","kid":"r/1 =","typ":"JWT"}"#,
    #"{"alg":"RS256","kid":"r/1 =","typ":"application/AT+JWT"}"#,
    #"{"kid":"r/1 =","\u0061lg":"RS256"}"#,
    // Keys that come with the token are not looked at.
    #"{"alg":"RS256","kid":"r/1 =","jku":"https://evil.example/keys","x5u":"https://evil.example"}"#,
    #"{"alg":"RS256","kid":"r/1 =","jwk":{"kty":"RSA","n":"AAAA","e":"AQAB"}}"#,
    #"{"alg":"PS256","kid":"r/1 ="}"#,
  ])
  func headersThatAreAccepted(header: String) async throws {
    let providers = try await TestProviders()
    let key =
      header.contains("PS256") ? try await TestKey.rsa("r/1 =", .first, .ps256) : providers.rsa
    let token = try key.token(header: header, claims: TestProviders.claims())
    #expect(try providers.verify(token).get().name == "corp/alice")
  }

  @Test func withoutAKeyIdentifierTheOnlySuitingKeyIsTaken() async throws {
    var providers = try await TestProviders()
    let header = #"{"alg":"RS256"}"#
    let token = try providers.rsa.token(header: header, claims: TestProviders.claims())
    #expect(try providers.verify(token).get().name == "corp/alice")
    let two = try await TestProviders.keys([providers.rsa, TestKey.rsa("r2", .second)])
    providers.snapshot = providers.snapshot.with(keySets: [two, nil])
    #expect(providers.verify(token) == .failure(.keyUnknown))
  }

  @Test(
    arguments: [
      (#""https://mcp.example/orders/mcp""#, true),
      (#""HTTPS://MCP.example:443/orders/mcp/""#, true),
      (#"["web","https://mcp.example/orders/mcp"]"#, true),
      (#""https://mcp.example/orders""#, false), (#""https://mcp.example/orders/mcp//""#, false),
      (#""https://mcp.example/vault/mcp""#, false), (#""http://mcp.example/orders/mcp""#, false),
      (#""https://mcp.example:8443/orders/mcp""#, false), (#""web""#, false), ("[]", false),
      (#"{"a":"https://mcp.example/orders/mcp"}"#, false), ("1", false), ("null", false),
      (#"["https://mcp.example/orders/mcp",1]"#, false),
    ] as [(String, Bool)])
  func theAudienceIsTheServer(audience: String, isAccepted: Bool) async throws {
    let providers = try await TestProviders()
    let token = try providers.rsa.token(claims: TestProviders.claims(["aud": audience]))
    let result = providers.verify(token)
    #expect((try? result.get().isForEveryServer) == (isAccepted ? false : nil))
    if !isAccepted { #expect(result == .failure(.audience)) }
  }

  @Test func theWholeGatewayIsAnAudienceForEveryServer() async throws {
    let providers = try await TestProviders()
    let token = try providers.rsa.token(
      claims: TestProviders.claims(["aud": #""https://mcp.example/""#]))
    #expect(try providers.verify(token).get().isForEveryServer)
  }

  @Test func aConfiguredAudienceReplacesTheResource() async throws {
    let providers = try await TestProviders {
      $0.audiences = ["api://sluice", "https://a.example"]
    }
    func verify(_ audience: String) throws -> Result<VerifiedToken, TokenRefusal> {
      providers.verify(
        try providers.rsa.token(claims: TestProviders.claims(["aud": "\"\(audience)\""])))
    }
    #expect(try verify("api://sluice").get().isForEveryServer)
    #expect(try verify("https://A.example:443/").get().isForEveryServer)
    #expect(try verify("api://sluice/") == .failure(.audience))
    #expect(try verify(testResource) == .failure(.audience))
  }

  @Test(
    arguments: [
      (["groups": #""a,b , c""#], ["a", "b", "c"]), (["groups": #""a b  c""#], ["a", "b", "c"]),
      (["groups": #""one""#], ["one"]), (["groups": "[]"], []), (["groups": "null"], []),
      (["groups": #""""#], []), (["groups": nil], ["fallback"]),
      (["groups": nil, "client_id": #""etl""#], ["loaders"]),
      (["groups": "[]", "client_id": #""etl""#], []),
    ] as [([String: String?], [String])])
  func groupsComeInManyShapes(changes: [String: String?], groups: [String]) async throws {
    let providers = try await TestProviders {
      $0.groups = ["fallback"]
      $0.clientGroups = ["etl": ["loaders"]]
    }
    var claims = TestProviders.claims(["groups": changes["groups"]!])
    if let client = changes["client_id"] {
      claims = TestProviders.claims(["groups": changes["groups"]!, "client_id": client])
    }
    #expect(try providers.verify(providers.rsa.token(claims: claims)).get().groups == groups)
  }

  @Test(
    arguments: [
      ("realm_access.roles", #"{"roles":["x"]}"#, "realm_access"),
      ("https://example.com/groups", #"["x"]"#, "https://example.com/groups"),
    ])
  func theGroupsClaimMayBeNestedOrHaveDots(
    path: String, value: String, claim: String
  ) async throws {
    let providers = try await TestProviders { $0.groupsClaim = path }
    // The flat claim is a distraction that must not count.
    let token = try providers.rsa.token(
      claims: "{\"\(claim)\":\(value)," + TestProviders.claims().dropFirst())
    #expect(try providers.verify(token).get().groups == ["x"])
  }

  @Test(
    arguments: [
      (["preferred_username": nil, "email": #""a@b.example""#], "corp/a@b.example"),
      (
        ["preferred_username": nil, "email": #""a@b.example""#, "email_verified": "false"],
        "corp/u-17"
      ),
      (["preferred_username": nil], "corp/u-17"), (["preferred_username": #""""#], "corp/u-17"),
      (["sub": #""web""#], "corp/client/web"), (["sub": nil], "corp/client/web"),
      (["sub": nil, "client_id": nil, "azp": #""cron""#], "corp/client/cron"),
      (["preferred_username": #""z\u00fcrich/x""#], "corp/zürich/x"),
    ] as [([String: String?], String)])
  func namesComeFromTheClaims(changes: [String: String?], name: String) async throws {
    let providers = try await TestProviders()
    var text = TestProviders.claims()
    for (claim, value) in changes.sorted(by: { $0.key < $1.key }) {
      text = replacing(claim, with: value, in: text)
    }
    let verified = try providers.verify(providers.rsa.token(claims: text)).get()
    #expect(verified.name == name)
    #expect(verified.isClient == name.contains("client/"))
  }

  /// Replaces one of the members of a claims text that `TestProviders.claims` made.
  private func replacing(_ claim: String, with value: String?, in text: String) -> String {
    let present = [
      "preferred_username": #","preferred_username":"alice""#, "sub": #","sub":"u-17""#,
      "client_id": #","client_id":"web""#,
    ]
    let old = present[claim] ?? ""
    let new = value.map { #","\#(claim)":\#($0)"# } ?? ""
    return old.isEmpty
      ? text.dropLast() + new + "}" : text.replacing(old, with: new)
  }

  @Test func aConfiguredNameClaimHasNoSubstitute() async throws {
    let providers = try await TestProviders { $0.nameClaim = "person.login" }
    let good = try providers.rsa.token(
      claims: TestProviders.claims(["person": #"{"login":"al"}"#]))
    #expect(try providers.verify(good).get().name == "corp/al")
    let bad = try providers.rsa.token(claims: TestProviders.claims())
    #expect(providers.verify(bad) == .failure(.name))
  }

  @Test func sessionsAreBoundToIssuerSubjectAndClient() async throws {
    let providers = try await TestProviders()
    func identity(_ changes: KeyValuePairs<String, String?>) throws -> [UInt8] {
      try providers.verify(providers.rsa.token(claims: TestProviders.claims(changes))).get()
        .identity
    }
    let mine = try identity([:])
    #expect(mine.count == 32)
    #expect(try identity(["iat": "1799999991", "groups": "[]"]) == mine)
    #expect(try identity(["sub": #""u-18""#]) != mine)
    #expect(try identity(["client_id": #""cli""#]) != mine)
    // The parts do not run together.
    #expect(
      try identity(["sub": #""u-1""#, "client_id": #""7web""#]) != mine)
  }
}
