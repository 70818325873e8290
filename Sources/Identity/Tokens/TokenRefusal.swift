/// Why a token was not accepted. Its text is the challenge's `error_description` (RFC 6750 §3) and the answer's message.
public enum TokenRefusal: UInt8, Error, BitwiseCopyable, Sendable, CaseIterable {
  case notReadable
  case algorithm
  case type
  case critical
  case issuer
  case keyUnknown
  case keysMissing
  case signature
  case expired
  case notYetValid
  case issuedInFuture
  case audience
  case notForAccess
  case boundToKey
  case groups
  case name
  case tooManyPrincipals

  /// Plain ASCII without quotes, so that it can stand in a header field and in JSON as it is.
  public var text: StaticString {
    switch self {
    case .notReadable: "The token is not a signed JWT that can be read in one way only."
    case .algorithm: "The token is signed with an algorithm that is not accepted here."
    case .type: "The token is of a type that is not accepted here."
    case .critical: "The token has a critical header that is not understood here."
    case .issuer: "The token is from an issuer that is not trusted here."
    case .keyUnknown: "The token is signed with a key that its issuer does not publish."
    case .keysMissing: "The issuer's keys could not be fetched yet. Try again in a moment."
    case .signature: "The token's signature is wrong."
    case .expired: "The token has expired, or says no time of expiry."
    case .notYetValid: "The token is not valid yet."
    case .issuedInFuture: "The token says it was issued in the future."
    case .audience: "The token is for another audience."
    case .notForAccess: "This is no access token but another kind, such as an ID token."
    case .boundToKey:
      "The token is bound to a key of its holder, and the proof of that is not supported here."
    case .groups: "The token's groups cannot be read."
    case .name: "The token names nobody: no usable name, subject or client."
    case .tooManyPrincipals:
      "The gateway has no room for another caller now. Try again in a moment."
    }
  }

  /// Whether the same token may be accepted a moment later.
  public var isTemporary: Bool { self == .keysMissing || self == .tooManyPrincipals }
}

/// Who a token that was verified says its holder is.
public struct VerifiedToken: Sendable, Equatable {
  /// Place of the provider in the snapshot.
  public var provider: Int
  /// Whether this is a client acting for itself, and not a person.
  public var isClient: Bool
  /// The principal's name: `idp.example/alice`.
  public var name: String
  public var groups: [String]
  /// SHA-256 over issuer, subject and client id: what sessions are bound to. 32 bytes.
  public var identity: [UInt8]
  /// SHA-256 over issuer and subject: who it is, with whichever client. 32 bytes.
  public var person: [UInt8]
  /// When it expires, in seconds since 1970, the clocks' difference included.
  public var expires: Double
  /// Whether it is for any of the gateway's servers, and not only for the one that was called.
  public var isForEveryServer: Bool
}
