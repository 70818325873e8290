internal import CTLS

/// Why a TLS connection did not come about, or broke. For the operator's eyes: agents are told no more than that it failed.
public enum TLSFailure: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  case certificateExpired = 1
  case certificateNotYetValid = 2
  /// The server's certificate is for other names.
  case certificateWrongName = 3
  /// It comes from nobody who is trusted here.
  case certificateUnknownAuthority = 4
  /// Weak, not meant for this use, or in an unsound chain.
  case certificateUnsuitable = 5
  /// The peer presented none although one is required.
  case certificateMissing = 6
  /// No version of TLS in common; here that is 1.2 and 1.3.
  case version = 7
  /// No cipher, group or signature algorithm in common.
  case parameters = 8
  /// The peer ended the handshake with an alert; most likely it wants a certificate, or another.
  case refusedByPeer = 9
  /// What arrived is not TLS.
  case notTLS = 10
  /// What arrived is TLS, but not sound: a record that was tampered with, a message out of order.
  case broken = 11
  /// The connection ended without the word that it ends (close_notify): something may be missing.
  case cutOff = 12
}

/// Why certificates, keys or authorities cannot be used.
public enum TLSProblem: Error, Sendable, Equatable, CustomStringConvertible {
  case noCertificate
  case noKey
  case keyIsEncrypted
  case keyOfAnother
  case tooWeak
  case noAuthority
  case name
  case noMemory

  /// Nil for none.
  init?(_ problem: tls_problem) {
    switch problem {
    case tls_problem_none: return nil
    case tls_problem_no_certificate: self = .noCertificate
    case tls_problem_no_key: self = .noKey
    case tls_problem_key_is_encrypted: self = .keyIsEncrypted
    case tls_problem_key_of_another: self = .keyOfAnother
    case tls_problem_too_weak: self = .tooWeak
    case tls_problem_no_authority: self = .noAuthority
    case tls_problem_name: self = .name
    default: self = .noMemory
    }
  }

  public var description: String {
    switch self {
    case .noCertificate: "it holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)"
    case .noKey: "it holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)"
    case .keyIsEncrypted:
      "the private key is encrypted, and there is nobody to type its password; store it decrypted with mode 600"
    case .keyOfAnother: "the private key does not belong to the certificate"
    case .tooWeak:
      "the certificate or its key is too weak (RSA below 2048 bits, elliptic curves below 224, or signed with SHA-1 or MD5)"
    case .noAuthority:
      "it holds no authority's certificate in PEM form (-----BEGIN CERTIFICATE-----)"
    case .name: "this is not a name that a certificate can be for"
    case .noMemory: "there is no memory for it"
    }
  }
}
