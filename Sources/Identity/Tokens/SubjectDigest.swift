/// What tells one person of identity providers from all others, whatever they are called: `iss` and `sub` together, which a
/// provider never gives to anybody else (OpenID Connect Core 1.0 section 5.7).
public enum SubjectDigest {
  /// SHA-256 over issuer and subject, 32 bytes. A client that acts for itself is its own subject.
  public static func of(issuer: String, subject: String) -> [UInt8] { of([issuer, subject]) }

  /// Over any parts, each behind its length, so that no two lists run together to the same bytes.
  static func of(_ parts: [String]) -> [UInt8] {
    var bytes: [UInt8] = []
    for part in parts { bytes += Array("\(part.utf8.count):\(part)".utf8) }
    return APIKey.sha256(of: bytes)
  }
}
