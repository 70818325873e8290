/// How a token may be signed: the asymmetric algorithms of RFC 7518 §3.1 and RFC 8037 §3.1.
///
/// `none` and the HMAC family have no case: nothing that names them gets past the reading of a header, so a public key
/// can never be taken for a shared secret (RFC 8725 §2.1).
public enum SignatureAlgorithm: String, Sendable, CaseIterable, Hashable {
  case rs256 = "RS256"
  case rs384 = "RS384"
  case rs512 = "RS512"
  case ps256 = "PS256"
  case ps384 = "PS384"
  case ps512 = "PS512"
  case es256 = "ES256"
  case es384 = "ES384"
  case es512 = "ES512"
  case edDSA = "EdDSA"

  /// What providers use, and what is accepted unless the configuration says otherwise.
  public static let usual: Set<SignatureAlgorithm> = [.rs256, .ps256, .es256, .es384, .edDSA]

  /// The `kty` of keys that sign this way (RFC 7518 §6.1).
  var keyType: String {
    switch self {
    case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: "RSA"
    case .es256, .es384, .es512: "EC"
    case .edDSA: "OKP"
    }
  }

  /// The `crv` that such a key must have; nil where there are no curves.
  var curve: String? {
    switch self {
    case .es256: "P-256"
    case .es384: "P-384"
    case .es512: "P-521"
    case .edDSA: "Ed25519"
    default: nil
    }
  }
}
