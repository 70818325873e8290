import Identity
import Testing

/// Three accounts with known keys, and the digests computed by another implementation (Python's
/// hashlib).
private let alpha = ServiceAccount(
  name: "alpha",
  keyDigest: APIKey.bytes(
    hexadecimal: "62af8704764faf8ea82fc61ce9c4c3908b6cb97d463a634e9e587d7c885db0ef")!,
  groups: ["a"])

private func account(_ name: String, key: String, groups: [String] = []) -> ServiceAccount {
  ServiceAccount(name: name, keyDigest: APIKey.sha256(of: Array(key.utf8)), groups: groups)
}

private func result(
  _ value: String, _ snapshot: IdentitySnapshot
) throws -> AuthenticationResult {
  var authenticator = Authenticator()
  return authenticate(Array(value.utf8), with: &authenticator, against: snapshot)
}

@Suite struct AuthenticatorTests {
  let snapshot: IdentitySnapshot

  init() throws {
    snapshot = try IdentitySnapshot(
      accounts: [alpha, account("beta", key: "b"), account("gamma", key: "sluice_xyz-._~+/==")],
      anonymous: nil)
  }

  @Test func knownKeysGiveTheirAccount() throws {
    #expect(try result("Bearer test-key", snapshot) == .principal(0))
    #expect(try result("Bearer b", snapshot) == .principal(1))
    #expect(try result("Bearer sluice_xyz-._~+/==", snapshot) == .principal(2))
  }

  @Test(arguments: ["bearer b", "BEARER b", "bEaReR b"])
  func schemeHasNoCase(value: String) throws {
    #expect(try result(value, snapshot) == .principal(1))
  }

  @Test(arguments: ["Bearer a", "Bearer bb", "Bearer B", "Bearer b=", "Bearer TEST-KEY"])
  func otherTokensAreUnknown(value: String) throws {
    #expect(try result(value, snapshot) == .unknown)
  }

  @Test(arguments: [
    "b", "Bearer", "Bearer ", "Bearer  b", "Bearer\tb", " Bearer b", "Bearer b ", "Bearerb",
    "Bearer=b",
    "Basic b", "Bearer b,c", "Bearer b c", "Bearer =", "Bearer =b", "Bearer b=c", "Bearer \"b\"",
    "Bearer é",
    "Bearer b\0", "\u{2}earer b", "Bearer b\u{7f}", "Bearer b:", "Bearer b@", "Bearer b[",
    "Bearer b`", "Bearer b{",
    "Bearer b,", "Bearer b*", "\"earer b", "Rearer b",
  ])
  func otherValuesAreMalformed(value: String) throws {
    #expect(try result(value, snapshot) == .malformed)
  }

  @Test func everyByteOfTheTokenIsClassifiedAsTheGrammarSays() throws {
    let allowed = Set(
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=".utf8)
    var authenticator = Authenticator()
    for byte in UInt8.min...UInt8.max {
      let value = Array("Bearer a".utf8) + [byte]
      let result = authenticate(value, with: &authenticator, against: snapshot)
      #expect(result == (allowed.contains(byte) ? .unknown : .malformed), "byte \(byte)")
    }
  }

  @Test func absentIsMissing() throws {
    #expect(try result("", snapshot) == .missing)
  }

  @Test func lengthIsBounded() throws {
    let longest = String(repeating: "k", count: Authenticator.valueBytesMax - 7)
    #expect(try result("Bearer " + longest, snapshot) == .unknown)
    #expect(try result("Bearer " + longest + "k", snapshot) == .tooLong)
  }

  @Test func signedTokensAreToldFromKeysWhereProvidersAreTrusted() throws {
    let dotted = account("dotted", key: "a.b.c")
    let trusting = try IdentitySnapshot(
      accounts: [alpha, dotted], anonymous: nil,
      providers: [IdentityProvider(name: "corp", issuer: "https://idp.example")])
    #expect(try result("Bearer eyJ.e30.AA", trusting) == .token)
    #expect(try result("Bearer eyJ.e30.", trusting) == .token)
    #expect(try result("Bearer eyJ.e30.AA", snapshot) == .unknown)
    for text in ["eyJ.e30", "eyJ.e30.A.A", ".e30.A", "eyJ..A", "eyJ.e3+.A", "sluice_x"] {
      #expect(try result("Bearer " + text, trusting) == .unknown)
    }
    // A key that somebody made up with dots in it is still that account's.
    #expect(try result("Bearer a.b.c", trusting) == .principal(1))
  }

  @Test func anonymousOnlyWithoutACredential() throws {
    let open = try IdentitySnapshot(
      accounts: [alpha], anonymous: AnonymousPrincipal(groups: ["everyone"]))
    #expect(try result("", open) == .principal(1))
    #expect(try result("Bearer nobody", open) == .unknown)
    #expect(try result("Basic nobody", open) == .malformed)
    #expect(try result("Bearer test-key", open) == .principal(0))
    #expect(open.name(of: 1) == "anonymous")
    #expect(open.groups(of: 1) == ["everyone"])
    #expect(open.principalCount == 2)
  }

  @Test func oneAuthenticatorServesManyCalls() throws {
    var authenticator = Authenticator()
    let good = Array("Bearer b".utf8)
    let bad = Array("Bearer c".utf8)
    for _ in 0..<1000 {
      #expect(
        authenticate(good, with: &authenticator, against: snapshot)
          == .principal(1))
      #expect(
        authenticate(bad, with: &authenticator, against: snapshot) == .unknown)
    }
  }

  @Test func everyOneOfManyAccountsIsFoundAndNobodyElse() throws {
    let accounts = (0..<5000).map { account("account-\($0)", key: "key-\($0)") }
    let many = try IdentitySnapshot(accounts: accounts, anonymous: nil)
    var authenticator = Authenticator()
    for index in 0..<5000 {
      let known = Array("Bearer key-\(index)".utf8)
      let unknown = Array("Bearer key_\(index)".utf8)
      #expect(
        authenticate(known, with: &authenticator, against: many)
          == .principal(UInt32(index)))
      #expect(
        authenticate(unknown, with: &authenticator, against: many) == .unknown)
    }
  }

  @Test func noAccountsLetNobodyIn() throws {
    let empty = try IdentitySnapshot(accounts: [], anonymous: nil)
    #expect(try result("Bearer b", empty) == .unknown)
    #expect(try result("", empty) == .missing)
  }
}
