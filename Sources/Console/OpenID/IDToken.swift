internal import Foundation
internal import JWTKit

/// A provider's word about who signed in (OpenID Connect Core 1.0 section 2).
struct IDToken: JWTPayload, Equatable {
  var claims: Claims

  init(from decoder: any Decoder) throws {
    claims = Claims(values: try [String: ClaimValue](from: decoder))
  }

  func encode(to encoder: any Encoder) throws { try claims.values.encode(to: encoder) }

  /// The signature alone: `check` sees to the claims.
  func verify(using algorithm: some JWTAlgorithm) async throws {}

  /// The algorithms a token may be signed with. None that uses a shared secret: the key set is public.
  static let algorithms: Set<String> = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
  ]

  /// How far the provider's clock may be from ours.
  static let clockSkewSeconds = 60.0

  /// The checks of section 3.1.3.7 that concern claims.
  func check(
    issuer: String, clientID: String, nonce: String, now: Date
  ) throws(OpenIDFailure) {
    guard claims["iss"]?.text == issuer else {
      throw OpenIDFailure("The token is from another issuer than \(issuer).")
    }
    let audiences = claims["aud"].map { value in value.text.map { [$0] } ?? value.texts } ?? []
    guard audiences.contains(clientID) else {
      throw OpenIDFailure("The token is for another application than \(clientID).")
    }
    let party = claims["azp"]?.text
    guard party == nil || party == clientID else {
      throw OpenIDFailure("The token was issued to another application.")
    }
    let seconds = now.timeIntervalSince1970
    guard let expires = claims["exp"]?.seconds, seconds < expires + IDToken.clockSkewSeconds else {
      throw OpenIDFailure("The token has expired.")
    }
    guard let issued = claims["iat"]?.seconds, issued < seconds + IDToken.clockSkewSeconds else {
      throw OpenIDFailure("The token is from the future: compare the clocks.")
    }
    if let begins = claims["nbf"]?.seconds, seconds < begins - IDToken.clockSkewSeconds {
      throw OpenIDFailure("The token is not valid yet: compare the clocks.")
    }
    guard let sent = claims["nonce"]?.text, ConstantTime.areEqual(sent, nonce) else {
      throw OpenIDFailure("The token belongs to another sign-in.")
    }
  }
}
