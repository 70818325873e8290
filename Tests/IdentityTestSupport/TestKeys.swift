public import Identity
import JWTKit

/// The parts of an RSA key as a JWK writes them. These two were made for these tests and are known to everybody who reads
/// them: making keys of 2048 bits takes longer than all tests that use them.
public struct RSAParts: Sendable {
  public var n: String
  public var d: String
  public var p: String
  public var q: String
  public static let e = "AQAB"

  public static let first = RSAParts(
    n:
      "jYEeRrRvedYV8B7m3yfCbIjTONXHETX5-8JhwXBpTehWIYi8o4Jxq3dpRrAXgftUco1OQH1e6B6bM78r"
      + "VpUwez2-vZ06fXrUTpUVE9YBTqwhzAJJtjcDzoElkJivFO2nAOkj7nElQ0NKBwdTDbdOg_WW_mlgT96S"
      + "zQEBU_ZROI-bkojZe9Rey9HbcR-D7FIivtbl-t4zItoS2hi7coEArktkigcw77y9zq5WvwMoEL7l58kl"
      + "W70iAA7fmi-wVAYdv2qhHXKW4vc5SszLgW8AIdO3HGQYU4XMoqo8gkMjjXGT8DDRDbw8NhmRjG2pUC4_"
      + "CBX1POw7mbHGDjwzrOzd2Q",
    d:
      "DPxnWUUEEXXvkbeeR6a0EaaNXtMEl6xgzoVQWBKfQVxz8hQkvqsxEBOvdEKjB6VXYsNbxfCTegEcDGfL"
      + "_ABJQJgiJe_UzzDrZLJLCsTaHhyPJfQkTF34YhZJSp-ueqDUMZHTv7U_vpBhbetyyGiVAqhyRNMKGQ5T"
      + "oc9oripF2ic1xEPTR-mv0SSd8RQKp83n_epj-RhlVAJp3nqIVCur3xPhrsLWG-ZDmOb5ioer_WrwcoJG"
      + "6OWnMA7fWgZnb8kPk4vGKMVeSKpyqnjJu0qlgX-QTLti1dvdEJJ9LyQsros-5EJ_zCamteAThl7-Isry"
      + "Y5uqBpwKBNzkN_73z1icUQ",
    p:
      "xChCZVT1KtQWbZ321NhxOE5NaW1Bewtcgter5L6k5BmiBE41CF7dM2rGb97rYo1D-PK3y7hGwvbuZ2yD"
      + "Ffz26yXGee0yZKS6vQMUCMfBw9qcsnjzXOGRDNKJW5bILg__IhwPiZmbZ9Pbbwu8OUI0oU-eWDbHZGfd"
      + "sh3vQTCTPrE",
    q:
      "uKyB3Ia6m966a3hbxzaLfebjSsj2rXGop2BzDPl8KI1UaTmG5iOVSAOh0k5HSJUZguzwYyOVsfrcGo_O"
      + "j30Yqd4ATAFI51q6kbm9D8kIIrpWu2oik0OokobjZiGR8NX6t95cXfrbufdGrbZ3sBID40If3we6B5ml"
      + "w5eLlYbs66k")
  public static let second = RSAParts(
    n:
      "kQMrtelLsOvhtYIJX8yVqz08dXegDQhUVPip9us16Goz9QusfVPqVwxU_p3-8otKy91Tdom8cHSYJRE3"
      + "hlEZQN3OUkgpJfDE_awdH1QsKAvkf8P-LEf4qacmaBzTDRsG29qMZ4HxZWRe7w4ph1d08iA70o7BCsDD"
      + "1rVX5KBzR6BEfUTyFRvP7Dyr-5thRxZHuLqbLOreQ2EPfHwrUSMZIKV5XGGABgyTR5Yolc61aW6HaFLB"
      + "FfK3CN1GoTU0EKmlovTjszClp87H3hb6TuSt2CyyDgCLGIpLdmP2-M9eOuR8PJsJSQfSnVbkRPBLEzHA"
      + "b_1h9SVPCcR6tutqVfsSgQ",
    d:
      "Olzc1EeTa57cBinSbQiRekxYj2x4cZZXHqW__j1XQnWv-KFcqEpESAmSEbH0IJj4HwmyZER2H4qFi3Gc"
      + "98WfFNDQj6Q0T21SU0hYpjnB1dJHgjaXDypeRaWc2w0y0hT9EzIoDSaqyaR2Yt8_zpVf320itpE214WS"
      + "rFDrEXyUORCIKT_NthfWYUw0TjqZWiorUY3qMitjV_qAxV_ItyOMVPAjYalc_3btyCQk5dikbPjQ8KLd"
      + "m5d-7hbhb5nEWbgtLHXkQos59hDHCiXwjEKNkSITFglRxqPVL2tD8VHWytQu1cPdgm3hI_MGH6zm_OWS"
      + "Q7ldLbxizE2a-at3SD2uow",
    p:
      "xhlZn9cq9hYaqQAN7VUFD9D9bHxiK6oA1oJYvKZ4M0OCAtg1yrGRAgwX2DzzbIW3cxaPMHqfRM58Zlv3"
      + "j9rVS7t0IOL12g2Z1JhiTEEfDui2KlCd3_EXyWhZBrmOp4BCGiPwL8rmktCiDJogwqDvld_SWqyhgZKp"
      + "l0RsE9ZkAT8",
    q:
      "u2Wkbo8fd5wKA3a1PERMPkKeu8PAEWodqzVdyVFb3YvW_AiQBON4pfy2oVmm7Nhi6IhyfJgcxjg0yb-w"
      + "i-_J6LOcfhzk9_REiVYWy_5gvNEx1202kW9DTThNKoERkpLyxK-6d9T9xkg_XXPHlR-xOJvx0JiV44AA"
      + "TBhmm8PsPD8")

}

/// A key that signs test tokens, and what its issuer publishes of it.
public struct TestKey: Sendable {
  public let identifier: String
  public let algorithm: SignatureAlgorithm
  let signer: any JWTAlgorithm
  /// The public JWK.
  public let published: String

  /// A whole JWK Set with these keys.
  public static func document(_ keys: [TestKey]) -> [UInt8] {
    Array(#"{"keys":[\#(keys.map(\.published).joined(separator: ","))]}"#.utf8)
  }

  public static func rsa(
    _ identifier: String, _ parts: RSAParts = .first, _ algorithm: SignatureAlgorithm = .rs256
  ) async throws -> TestKey {
    let shared = #""kty":"RSA","n":"\#(parts.n)","e":"\#(RSAParts.e)""#
    let keys = JWTKeyCollection()
    let whole =
      #"{\#(shared),"kid":"k","alg":"\#(algorithm.rawValue)","d":"\#(parts.d)","p":"\#(parts.p)","q":"\#(parts.q)"}"#
    try await keys.add(jwk: JWK(json: whole))
    return TestKey(
      identifier: identifier, algorithm: algorithm, signer: try await keys.getKey(for: "k"),
      published: #"{\#(shared),"kid":"\#(identifier)","use":"sig"}"#)
  }

  /// A new key on P-256.
  public static func elliptic(_ identifier: String) async throws -> TestKey {
    let key = ES256PrivateKey()
    let keys = JWTKeyCollection()
    await keys.add(ecdsa: key, kid: "k")
    let place = key.parameters!
    return TestKey(
      identifier: identifier, algorithm: .es256, signer: try await keys.getKey(for: "k"),
      published:
        #"{"kty":"EC","crv":"P-256","x":"\#(place.x)","y":"\#(place.y)","kid":"\#(identifier)"}"#)
  }

  /// A new key on Ed25519.
  public static func edwards(_ identifier: String) async throws -> TestKey {
    let key = try EdDSA.PrivateKey(curve: .ed25519)
    let keys = JWTKeyCollection()
    await keys.add(eddsa: key, kid: "k")
    return TestKey(
      identifier: identifier, algorithm: .edDSA, signer: try await keys.getKey(for: "k"),
      published:
        #"{"kty":"OKP","crv":"Ed25519","x":"\#(base64URL(Array(key.publicKey.rawRepresentation)))","kid":"\#(identifier)"}"#
    )
  }

  /// Signs with a shared secret, as an attacker does with what everybody knows: the public key.
  public static func shared(_ identifier: String, secret: String) async throws -> TestKey {
    let keys = JWTKeyCollection()
    await keys.add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256, kid: "k")
    return TestKey(
      identifier: identifier, algorithm: .rs256, signer: try await keys.getKey(for: "k"),
      published: "")
  }

  /// Signs any header and any claims, well-formed or not.
  public func token(header: String? = nil, claims: String) throws -> String {
    let header =
      header ?? #"{"alg":"\#(algorithm.rawValue)","typ":"at+jwt","kid":"\#(identifier)"}"#
    let signed = base64URL(Array(header.utf8)) + "." + base64URL(Array(claims.utf8))
    return signed + "." + base64URL(try signer.sign(Array(signed.utf8)))
  }
}

public func base64URL(_ bytes: [UInt8]) -> String {
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
  var text = ""
  var held: UInt32 = 0
  var bits = 0
  for byte in bytes {
    held = held << 8 | UInt32(byte)
    bits += 8
    while bits >= 6 {
      bits -= 6
      text.append(alphabet[Int(held >> UInt32(bits) & 63)])
    }
  }
  if bits > 0 { text.append(alphabet[Int(held << UInt32(6 - bits) & 63)]) }
  return text
}
