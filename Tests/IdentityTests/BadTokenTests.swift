import IdentityTestSupport
import Testing

@testable import Identity

/// Tokens that must not be accepted, and what is said about each.
@Suite struct BadTokenTests {
  /// Headers, over good claims, signed with the right key.
  @Test(
    arguments: [
      (#"{"alg":"none","kid":"r/1 ="}"#, .algorithm),
      (#"{"alg":"None","kid":"r/1 ="}"#, .algorithm),
      (#"{"alg":"HS256","kid":"r/1 ="}"#, .algorithm),
      (#"{"alg":"RS512","kid":"r/1 ="}"#, .algorithm),
      (#"{"alg":"rs256","kid":"r/1 ="}"#, .algorithm), (#"{"kid":"r/1 ="}"#, .algorithm),
      (#"{"alg":["RS256"],"kid":"r/1 ="}"#, .algorithm),
      // The key decides: one for RSA is none for ES256, and none for PS256 when it is not signed that way.
      (#"{"alg":"ES256","kid":"r/1 ="}"#, .keyUnknown),
      (#"{"alg":"EdDSA","kid":"r/1 ="}"#, .keyUnknown),
      (#"{"alg":"PS256","kid":"r/1 ="}"#, .signature),
      (#"{"alg":"RS256","kid":"r/1"}"#, .keyUnknown), (#"{"alg":"RS256","kid":"f1"}"#, .keyUnknown),
      (#"{"alg":"RS256","kid":"e1"}"#, .keyUnknown), (#"{"alg":"RS256","kid":1}"#, .notReadable),
      (#"{"alg":"RS256","kid":"r/1 =","typ":"id+jwt"}"#, .type),
      (#"{"alg":"RS256","kid":"r/1 =","typ":"logout+jwt"}"#, .type),
      (#"{"alg":"RS256","kid":"r/1 =","typ":"oauth-id-jag+jwt"}"#, .type),
      (#"{"alg":"RS256","kid":"r/1 =","typ":null}"#, .type),
      (#"{"alg":"RS256","kid":"r/1 =","crit":["exp"],"exp":1}"#, .critical),
      (#"{"alg":"RS256","kid":"r/1 =","crit":[]}"#, .critical),
      (#"{"alg":"RS256","kid":"r/1 =","b64":false}"#, .critical),
      (#"{"alg":"RS256","alg":"RS256","kid":"r/1 ="}"#, .notReadable),
      (#"{"alg":"none","\u0061lg":"RS256","kid":"r/1 ="}"#, .notReadable),
      (#"["RS256"]"#, .notReadable), (#"{"alg":"RS256"} "#, .keyUnknown), ("", .notReadable),
      (#"{"alg":"RS256"}{}"#, .notReadable), (#"{"alg":"RS256""#, .notReadable),
      ("{\"alg\":\"RS256\",\"kid\":\"\u{1}\"}", .notReadable),
    ] as [(String, TokenRefusal)])
  func headers(header: String, refusal: TokenRefusal) async throws {
    var providers = try await TestProviders()
    if header.hasSuffix(" ") {
      // White space is JSON; with two keys of a kind, a token without a name for its key is signed by none.
      let two = try await TestProviders.keys([providers.rsa, TestKey.rsa("r2", .second)])
      providers.snapshot = providers.snapshot.with(keySets: [two, nil])
    }
    let token = try providers.rsa.token(header: header, claims: TestProviders.claims())
    #expect(providers.verify(token) == .failure(refusal))
  }

  /// Claims, signed with the right key.
  @Test(
    arguments: [
      ("iss", #""https://idp.example/""#, .issuer), ("iss", #""https://IDP.example""#, .issuer),
      ("iss", nil, .issuer), ("iss", #"["https://idp.example"]"#, .issuer),
      // Signed by one issuer in the name of another.
      ("iss", #""https://other.example/realm""#, .keyUnknown),
      ("aud", nil, .audience), ("aud", #""https://elsewhere.example""#, .audience),
      ("exp", nil, .expired), ("exp", "1799999940", .expired), ("exp", #""1800000300""#, .expired),
      ("exp", "-1", .expired), ("exp", "0", .expired), ("exp", "null", .expired),
      ("exp", "1e999", .expired), ("exp", "true", .expired),
      ("nbf", "1800000061", .notYetValid), ("nbf", #""0""#, .notYetValid),
      ("nbf", "null", .notYetValid),
      ("iat", "1800000061", .issuedInFuture), ("iat", "[]", .issuedInFuture),
      ("at_hash", #""x""#, .notForAccess), ("c_hash", #""x""#, .notForAccess),
      ("events", "{}", .notForAccess), ("typ", #""ID""#, .notForAccess),
      ("typ", #""Refresh""#, .notForAccess), ("token_use", #""id""#, .notForAccess),
      ("type", #""refresh_token""#, .notForAccess), ("type", "1", .notForAccess),
      ("cnf", #"{"jkt":"x"}"#, .boundToKey), ("cnf", #"{"x5t#S256":"x"}"#, .boundToKey),
      ("groups", "7", .groups), ("groups", #"{"a":"b"}"#, .groups),
      ("groups", #"["a",1]"#, .groups),
      ("groups", "[[\"a\"]]", .groups), ("groups", "true", .groups),
      ("preferred_username", #""client/web""#, .name), ("preferred_username", #""a\nb""#, .name),
      ("preferred_username", #""a\u0085b""#, .name),
      ("preferred_username", "\"" + String(repeating: "x", count: 252) + "\"", .name),
    ] as [(String, String?, TokenRefusal)])
  func claims(name: String, value: String?, refusal: TokenRefusal) async throws {
    let providers = try await TestProviders()
    let token = try providers.rsa.token(claims: TestProviders.claims([name: value]))
    #expect(providers.verify(token) == .failure(refusal))
  }

  @Test(
    arguments: [
      #"{"iss":"https://idp.example","iss":"https://idp.example"}"#, "[]", "null", "", "{}x",
      #"{"iss":"https://idp.example""#, #"{"a":{"b":1,"b":2}}"#, #"{"a":"\ud800"}"#,
    ])
  func claimsThatCanBeReadInTwoWaysOrNone(claims: String) async throws {
    let providers = try await TestProviders()
    #expect(
      providers.verify(try providers.rsa.token(claims: claims)) == .failure(.notReadable))
  }

  @Test func anIDTokenIsNoAccessToken() async throws {
    let providers = try await TestProviders()
    let claims = TestProviders.claims(["client_id": nil, "nonce": #""n""#, "azp": #""web""#])
    #expect(
      providers.verify(try providers.rsa.token(claims: claims)) == .failure(.notForAccess))
  }

  @Test func aTokenNamesSomebody() async throws {
    let providers = try await TestProviders()
    let claims = TestProviders.claims(["client_id": nil, "sub": nil])
    #expect(providers.verify(try providers.rsa.token(claims: claims)) == .failure(.name))
  }

  @Test func timesHaveTheSkewAndNoMore() async throws {
    let providers = try await TestProviders()
    let token = try providers.rsa.token(
      claims: TestProviders.claims(["nbf": "1800000060", "iat": "1800000060"]))
    #expect((try? providers.verify(token).get()) != nil)
    #expect(providers.verify(token, now: testTime - 1) == .failure(.notYetValid))
    #expect((try? providers.verify(token, now: 1_800_000_359.9).get()) != nil)
    #expect(providers.verify(token, now: 1_800_000_360) == .failure(.expired))
  }

  @Test func thePublicKeyIsNoSharedSecret() async throws {
    let providers = try await TestProviders()
    let secret = providers.rsa.published
    for header in [#"{"alg":"HS256","kid":"r/1 ="}"#, #"{"alg":"RS256","kid":"r/1 ="}"#] {
      let attacker = try await TestKey.shared("r/1 =", secret: secret)
      let token = try attacker.token(header: header, claims: TestProviders.claims())
      let expected: TokenRefusal = header.contains("HS") ? .algorithm : .signature
      #expect(providers.verify(token) == .failure(expected))
    }
  }

  @Test func anotherKeysSignatureIsWrong() async throws {
    let providers = try await TestProviders()
    let header = #"{"alg":"RS256","kid":"r/1 ="}"#
    let token = try providers.foreign.token(header: header, claims: TestProviders.claims())
    #expect(providers.verify(token) == .failure(.signature))
  }

  @Test func everyChangedByteIsNoticed() async throws {
    let providers = try await TestProviders()
    for key in [providers.rsa, providers.elliptic, providers.edwards] {
      let good = Array(try key.token(claims: TestProviders.claims()).utf8)
      for place in stride(from: 0, to: good.count, by: 7) {
        var bad = good
        bad[place] = bad[place] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
        if bad == good { continue }
        let result = providers.verify(String(decoding: bad, as: UTF8.self))
        #expect((try? result.get()) == nil, "byte \(place)")
      }
    }
  }

  @Test(arguments: ["", "A", "AA", "====", String(repeating: "A", count: 2000)])
  func signaturesOfOddLengthsAreWrong(signature: String) async throws {
    let providers = try await TestProviders()
    for key in [providers.rsa, providers.elliptic, providers.edwards] {
      let token = try key.token(claims: TestProviders.claims())
      let signed = token[..<token.lastIndex(of: ".")!]
      let refusal: TokenRefusal = signature.contains("=") ? .notReadable : .signature
      #expect(providers.verify("\(signed).\(signature)") == .failure(refusal))
    }
  }

  @Test(arguments: ["", "a", "a.b", "a.b.c.d", ".b.c", "a..c", "..", "a.b!.c", "a.b=.c", "é.b.c"])
  func otherShapesAreNoTokens(text: String) async throws {
    let providers = try await TestProviders()
    #expect(providers.verify(text) == .failure(.notReadable))
  }

  @Test func base64WithLeftOverBitsIsRefused() async throws {
    let providers = try await TestProviders()
    let token = try providers.rsa.token(claims: TestProviders.claims())
    // 256 bytes end in a character of which four bits mean nothing: lax readers see the same signature in both.
    var bytes = Array(token.utf8)
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    let last = try #require(alphabet.firstIndex(of: bytes[bytes.count - 1]))
    bytes[bytes.count - 1] = alphabet[last + 1]
    #expect(providers.verify(String(decoding: bytes, as: UTF8.self)) == .failure(.signature))
  }

  @Test func withoutKeysATokenIsAskedForAgainLater() async throws {
    var providers = try await TestProviders()
    providers.snapshot = providers.snapshot.with(keySets: [nil, providers.snapshot.keySets[1]])
    let token = try providers.rsa.token(claims: TestProviders.claims())
    #expect(providers.verify(token) == .failure(.keysMissing))
    #expect(TokenRefusal.keysMissing.isTemporary)
    #expect(providers.snapshot.demand.take() == [0])
  }

  @Test func onlyAnUnknownKeyOfAnOtherwiseGoodTokenIsAskedFor() async throws {
    let providers = try await TestProviders()
    let header = #"{"alg":"RS256","kid":"new"}"#
    for claims in [
      TestProviders.claims(["exp": "1"]), TestProviders.claims(["aud": #""x""#]),
      TestProviders.claims(["iss": #""x""#]),
    ] {
      _ = providers.verify(try providers.rsa.token(header: header, claims: claims))
    }
    #expect(providers.snapshot.demand.take() == [])
    let token = try providers.rsa.token(header: header, claims: TestProviders.claims())
    #expect(providers.verify(token) == .failure(.keyUnknown))
    #expect(providers.snapshot.demand.take() == [0])
    #expect(providers.snapshot.demand.take() == [])
  }

  @Test func textsCanStandInFieldsAndInJSON() {
    for refusal in TokenRefusal.allCases {
      let text = "\(refusal.text)"
      #expect(!text.isEmpty && text.utf8.allSatisfy { (0x20...0x7E).contains($0) })
      #expect(!text.contains("\"") && !text.contains("\\"))
    }
  }
}
