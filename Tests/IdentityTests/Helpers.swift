@testable import Identity

/// Authenticates an `Authorization` value held in an array.
func authenticate(
  _ value: [UInt8], with authenticator: inout Authenticator, against snapshot: IdentitySnapshot
) -> AuthenticationResult {
  let bytes = unsafe value.span.bytes
  return authenticator.authenticate(authorization: bytes, snapshot: snapshot)
}

/// Looks an account up by the digest of its key.
func account(withDigest digest: [UInt8], in snapshot: IdentitySnapshot) -> UInt32? {
  unsafe digest.withUnsafeBufferPointer { bytes in
    unsafe snapshot.account(unsafeDigest: bytes.baseAddress!)
  }
}
