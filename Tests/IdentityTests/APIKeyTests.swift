import Testing

@testable import Identity

@Suite struct APIKeyTests {
  @Test func hasTheDocumentedForm() throws {
    for _ in 0..<200 {
      let key = try APIKey.generate()
      #expect(key.text.hasPrefix("sluice_"))
      let random = key.text.dropFirst(7)
      #expect(random.utf8.count == 43)
      let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
      #expect(random.allSatisfy { alphabet.contains($0) })
      #expect(key.sha256.utf8.count == 64)
      #expect(key.sha256 == APIKey.hexadecimal(APIKey.sha256(of: Array(key.text.utf8))))
    }
  }

  @Test func noTwoAreAlike() throws {
    var seen: Set<String> = []
    for _ in 0..<1000 {
      #expect(seen.insert(try APIKey.generate().text).inserted)
    }
  }

  @Test func aGeneratedKeyAuthenticates() throws {
    let key = try APIKey.generate()
    let digest = try #require(APIKey.bytes(hexadecimal: key.sha256))
    let snapshot = try IdentitySnapshot(
      accounts: [ServiceAccount(name: "a", keyDigest: digest, groups: [])], anonymous: nil)
    var authenticator = Authenticator()
    let value = Array("Bearer \(key.text)".utf8)
    #expect(
      authenticate(value, with: &authenticator, against: snapshot)
        == .principal(0))
  }

  @Test func printingShowsOnlyTheHash() throws {
    let key = try APIKey.generate()
    var dumped = ""
    dump(key, to: &dumped)
    for shown in ["\(key)", String(reflecting: key), dumped] {
      #expect(!shown.contains(key.text))
      #expect(shown.contains(key.sha256))
    }
  }

  /// FIPS 180-2, appendix B.1.
  @Test func sha256MatchesTheStandard() {
    #expect(
      APIKey.hexadecimal(APIKey.sha256(of: Array("abc".utf8)))
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }

  @Test func hexadecimalIsReadStrictly() {
    #expect(APIKey.bytes(hexadecimal: "00fFaB") == [0, 255, 171])
    #expect(APIKey.bytes(hexadecimal: "") == [])
    for bad in ["0", "0g", "0x", "é0", " 00", "00 ", "-1"] {
      #expect(APIKey.bytes(hexadecimal: bad) == nil, "\(bad)")
    }
  }
}

@Suite struct SecretTests {
  @Test func isNeverShown() {
    let secret = Secret(Array("hunter2".utf8))
    var dumped = ""
    dump(secret, to: &dumped)
    let optional: Secret? = secret
    for shown in [
      "\(secret)", String(reflecting: secret), dumped, "\(String(describing: optional))",
      "\([secret])",
    ] {
      #expect(!shown.contains("hunter2"))
      #expect(shown.contains("[secret]"))
    }
  }

  @Test func revealsWhatItWasMadeFrom() {
    let secret = Secret(Array("hunter2".utf8))
    let bytes = secret.reveal { span in
      (0..<span.byteCount).map { unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
    }
    #expect(bytes == Array("hunter2".utf8))
    #expect(secret.count == 7)
    #expect(Secret([UInt8]()).reveal { $0.byteCount } == 0)
  }
}
