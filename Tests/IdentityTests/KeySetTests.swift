import IdentityTestSupport
import Testing

@testable import Identity

@Suite struct KeySetTests {
  private func read(
    _ json: String, _ algorithms: Set<SignatureAlgorithm> = SignatureAlgorithm.usual
  ) async throws -> KeySet {
    try await KeySet(json: Array(json.utf8), algorithms: algorithms)
  }

  @Test func keysThatAreNotForSignaturesAreSkipped() async throws {
    let good = try await TestKey.elliptic("good")
    let rsa = #""kty":"RSA","n":"\#(RSAParts.first.n)","e":"AQAB""#
    let set = try await read(
      """
      {"keys":[{\(rsa),"kid":"enc","use":"enc"},{\(rsa),"kid":"wrap","key_ops":["wrapKey"]},
       {\(rsa),"kid":"oaep","alg":"RSA-OAEP-256"},{"kty":"oct","k":"AAAA","kid":"secret"},
       {"kty":"EC","crv":"secp256k1","x":"AA","y":"AA","kid":"odd"},{"kid":7},"x",null,
       {"kty":"RSA","n":"AQAB","e":"AQAB","kid":"weak"},\(good.published)],"more":1}
      """)
    #expect(Set(set.keys.map { String(decoding: $0.identifier!, as: UTF8.self) }) == ["good"])
    #expect(set.skipped.count == 9)
  }

  @Test func aKeyWithoutAnAlgorithmServesThoseThatAreAccepted() async throws {
    let key = try await TestKey.rsa("a")
    let json = #"{"keys":[\#(key.published)]}"#
    #expect(Set(try await read(json).keys.map(\.algorithm)) == [.rs256, .ps256])
    #expect(try await read(json, [.rs512]).keys.map(\.algorithm) == [.rs512])
    let named = json.replacing("\"use\"", with: #""alg":"RS256","use""#)
    #expect(try await read(named).keys.map(\.algorithm) == [.rs256])
  }

  @Test(arguments: ["", "[]", "{}", #"{"keys":{}}"#, "<html>", #"{"keys":"x"}"#])
  func otherDocumentsAreNone(json: String) async {
    await #expect(throws: KeySetError.notAKeySet) { try await read(json) }
  }

  @Test func anEmptySetIsAnError() async {
    await #expect(throws: KeySetError.noUsableKey([])) { try await read(#"{"keys":[]}"#) }
  }

  @Test func setsAreBounded() async {
    let many = Array(repeating: "{}", count: KeySet.keysMax + 1).joined(separator: ",")
    await #expect(throws: KeySetError.tooManyKeys(KeySet.keysMax + 1)) {
      try await read(#"{"keys":[\#(many)]}"#)
    }
  }

  @Test func theFingerprintIsOfTheKeysAlone() async throws {
    let first = try await TestKey.rsa("a")
    let second = try await TestKey.elliptic("b")
    let set = try await read(#"{"keys":[\#(first.published),\#(second.published)]}"#)
    let same = try await read(
      #"{"x":1,"keys":[\#(second.published),{"kty":"oct"},\#(first.published)]}"#)
    #expect(set.fingerprint == same.fingerprint)
    let other = try await read(#"{"keys":[\#(first.published)]}"#)
    #expect(set.fingerprint != other.fingerprint)
    let renamed = try await read(
      #"{"keys":[\#(first.published.replacing("\"a\"", with: "\"c\""))]}"#)
    #expect(other.fingerprint != renamed.fingerprint)
  }
}

@Suite struct ResourceIdentifierTests {
  @Test(
    arguments: [
      ("https://MCP.Example/Orders", "https://mcp.example/Orders"),
      ("HTTPS://mcp.example:443/", "https://mcp.example"),
      ("http://127.0.0.1:80/a/", "http://127.0.0.1/a"),
      ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
      ("https://[::1]:443/a?b=C", "https://[::1]/a?b=C"),
      ("https://mcp.example:80", "https://mcp.example:80"),
    ])
  func oneFormOfEach(text: String, form: String) {
    #expect(ResourceIdentifier(text)?.description == form)
  }

  @Test(arguments: [
    "", "mcp.example", "ftp://a", "https://", "https:///a", "https://a#b", "https://u@a",
    "https://a b", "urn:a:b", "https://a\"", "https://ä.example", "https://:443",
  ])
  func otherTextsAreNone(text: String) {
    #expect(ResourceIdentifier(text) == nil)
  }

  @Test func pathsAreAppended() throws {
    let base = try #require(ResourceIdentifier("https://a.example/base/"))
    #expect(base.appending(path: "/orders/mcp").description == "https://a.example/base/orders/mcp")
    #expect(base.parts == ("https://a.example", "/base"))
    #expect(ResourceIdentifier("https://a.example")!.parts == ("https://a.example", ""))
  }
}
