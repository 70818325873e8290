import COpenSSL

/// What became of a request's credential.
public enum AuthenticationResult: BitwiseCopyable, Equatable, Sendable {
  /// The caller is known: its index in the `IdentitySnapshot`.
  case principal(UInt32)
  /// There is no `Authorization` field, and requests without one are not let in.
  case missing
  /// There is one, but it is not `Bearer` and one well-formed token.
  case malformed
  /// A token longer than is read.
  case tooLong
  /// A well-formed token that no service account has.
  case unknown
  /// A signed JWT, where identity providers are trusted: `digest` finds it among those that were verified.
  case token
}

/// Turns the value of an `Authorization` field into a principal. One per worker.
///
/// Accepted is exactly `Bearer`, in any case, one space, and a token68 (RFC 9110 §11.2, RFC 6750
/// §2.1):
///
///     Bearer sluice_4fJ1…              -> SHA-256 of "sluice_4fJ1…" -> table -> .principal(3)
///     bearer sluice_4fJ1…              -> the same: a scheme's name has no case
///     Bearer  sluice_4fJ1…             -> .malformed (two spaces)
///     Bearer a,b   Basic dXNlcjpwdw==  -> .malformed
///
/// A credential that is there but wrong never falls back to the anonymous principal: somebody who
/// meant to be someone must learn that it did not work.
///
/// Three parts with dots between them are a signed token (`TokenVerifier`), anything else an API key. Both are hashed first:
/// the digest finds the service account, or the token among those that were verified already.
///
/// A call allocates nothing, and takes about 100 ns for an API key.
@safe
public struct Authenticator: ~Copyable {
  /// Longest accepted token in bytes. An API key needs 50; tokens of people in hundreds of groups need thousands.
  public static var tokenBytesMax: Int { 8192 }
  /// Longest accepted field value: scheme, space and token.
  public static var valueBytesMax: Int { tokenBytesMax + 7 }

  /// The SHA-256 of the token that was looked at last.
  public private(set) var digest = InlineArray<32, UInt8>(repeating: 0)

  public init() {}

  /// Who sent a request with this `Authorization` value?
  /// - Parameters:
  ///   - authorization: the field's value without surrounding white space; empty when there is no
  ///     such field.
  ///   - snapshot: the identities in force.
  public mutating func authenticate(
    authorization: RawSpan, snapshot: borrowing IdentitySnapshot
  ) -> AuthenticationResult {
    if authorization.byteCount == 0 {
      guard let anonymous = snapshot.anonymousIndex else { return .missing }
      return .principal(anonymous)
    }
    if authorization.byteCount > Self.valueBytesMax { return .tooLong }
    guard let first = BearerCredential.tokenOffset(in: authorization) else { return .malformed }
    guard Self.hash(authorization, from: first, into: &digest) else { return .unknown }
    let account = unsafe digest.span.withUnsafeBufferPointer { bytes in
      unsafe snapshot.account(unsafeDigest: bytes.baseAddress!)
    }
    if let account { return .principal(account) }
    let isToken =
      snapshot.trustsProviders
      && TokenVerifier.hasShape(authorization.extracting(droppingFirst: first))
    return isToken ? .token : .unknown
  }

  /// Writes the SHA-256 of the bytes from `first` on. False when OpenSSL reports a failure: nobody
  /// is let in then.
  private static func hash(
    _ value: RawSpan, from first: Int, into digest: inout InlineArray<32, UInt8>
  ) -> Bool {
    unsafe value.withUnsafeBytes { bytes in
      var output = digest.mutableSpan
      return unsafe output.withUnsafeMutableBufferPointer { digest in
        unsafe sluice_sha256(
          bytes.baseAddress! + first, bytes.count &- first, digest.baseAddress!) == 1
      }
    }
  }
}
