public import Identity

/// Certificates that all tests of TLS share: made once.
public enum TLSSamples {
  public static let authority = Result { try TestAuthority() }
  public static let local = Result { try authority.get().issue(["DNS:localhost", "IP:127.0.0.1"]) }

  public static func listener(
    _ issued: [TestAuthority.Issued], minimum: TLSVersion = .tls12,
    clientAuthorities: TLSAuthorities? = nil
  ) throws -> TLSContext {
    try TLSContext(
      listenerWith: issued.map { TLSIdentity(chain: $0.chain, key: Secret($0.key)) },
      minimum: minimum, clientAuthorities: clientAuthorities)
  }

  public static func client(
    _ name: String = "localhost", isAddress: Bool = false, authority: TestAuthority? = nil,
    identity: TestAuthority.Issued? = nil, minimum: TLSVersion = .tls12
  ) throws -> TLSContext {
    try TLSContext(
      serverNamed: name, isAddress: isAddress,
      authorities: TLSAuthorities(pem: (authority ?? self.authority.get()).pem),
      identity: identity.map { TLSIdentity(chain: $0.chain, key: Secret($0.key)) },
      minimum: minimum)
  }
}
