import COpenSSL

/// What became of a request's credential.
public enum AuthenticationResult: BitwiseCopyable, Equatable, Sendable {
  /// The caller is known: its index in the `IdentitySnapshot`.
  case principal(UInt32)
  /// There is no `Authorization` field, and requests without one are not let in.
  case missing
  /// There is one, but it is not `Bearer` and one well-formed token.
  case malformed
  /// A well-formed token that no service account has.
  case unknown
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
/// A call allocates nothing, and takes about 100 ns for an API key. The struct holds nothing yet;
/// it is one per worker and cannot be copied because credentials of the next kinds (signed tokens)
/// need working memory.
@safe
public struct Authenticator: ~Copyable {
  /// Longest accepted field value in bytes. An API key needs 57; the rest is room for tokens of
  /// other kinds, whose holders should learn that they are unknown and not that they are malformed.
  public static var valueBytesMax: Int { 4096 }

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
    guard let first = BearerCredential.tokenOffset(in: authorization) else { return .malformed }
    var digest = InlineArray<32, UInt8>(repeating: 0)
    guard hash(authorization, from: first, into: &digest) else { return .unknown }
    let account = unsafe digest.span.withUnsafeBufferPointer { bytes in
      unsafe snapshot.account(unsafeDigest: bytes.baseAddress!)
    }
    guard let account else { return .unknown }
    return .principal(account)
  }

  /// Writes the SHA-256 of the bytes from `first` on. False when OpenSSL reports a failure: nobody
  /// is let in then.
  private func hash(
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
