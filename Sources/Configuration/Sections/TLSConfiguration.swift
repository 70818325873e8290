public import Identity
import Policy

/// How a listener speaks TLS.
///
///     tls: { certificate: "file:/etc/sluice/tls.pem", key: "file:/etc/sluice/tls.key" }
///     tls: { certificates: [{ certificate: …, key: … }, { certificate: …, key: … }], min_version: "1.3" }
public struct ListenerTLSConfiguration: Equatable, Sendable {
  public var certificate: String?
  public var key: String?
  /// Further ones (or all), chosen by the name the client asks for.
  public var certificates: [CertificateConfiguration] = []
  public var minimum = TLSVersion.tls12
  /// When given, agents must present a certificate that comes from one of these.
  public var clientAuthorities: String?
  /// Made of all that; nil where `sluice check` could not have the files.
  public var context: TLSContext?

  public init() {}

  /// Whether both say the same; what the files hold is not compared.
  public static func == (left: Self, right: Self) -> Bool {
    left.certificate == right.certificate && left.key == right.key
      && left.certificates == right.certificates && left.minimum == right.minimum
      && left.clientAuthorities == right.clientAuthorities
  }
}

/// A certificate and its key, by reference.
public struct CertificateConfiguration: Equatable, Sendable {
  public var certificate = ""
  public var key = ""

  public init() {}
}

/// How TLS is spoken to a server.
public struct ServerTLSConfiguration: Equatable, Sendable {
  /// Nil for the system's.
  public var authorities: String?
  /// Nil for the address's host.
  public var serverName: String?
  public var certificate: String?
  public var key: String?
  public var minimum = TLSVersion.tls12

  public init() {}
}

extension ListenerConfiguration: CustomStringConvertible {
  /// What agents write: `https://127.0.0.1:8443`.
  public var description: String { "\(tls == nil ? "http" : "https")://\(address)" }
}

extension CertificateConfiguration: SchemaObject {
  static var keys: KeyTable<CertificateConfiguration> {
    KeyTable(keys: [
      .required("certificate", \.certificate, .certificateReference, certificateExplanation),
      .required("key", \.key, .secretReference, keyExplanation),
    ])
  }

  fileprivate static let certificateExplanation =
    "a reference to the certificate and the chain behind it, in PEM form: file:/path"
  fileprivate static let keyExplanation =
    "a reference to its private key, in PEM form and not encrypted: file:/path"
}

extension ListenerTLSConfiguration: SchemaObject {
  static var keys: KeyTable<ListenerTLSConfiguration> {
    KeyTable(
      keys: [
        .optional(
          "certificate", \.certificate, Shape<String>.certificateReference.optional,
          CertificateConfiguration.certificateExplanation),
        .optional(
          "key", \.key, Shape<String>.secretReference.optional,
          CertificateConfiguration.keyExplanation),
        .optional(
          "certificates", \.certificates, .list(.object, atMost: 64),
          "further certificates with their keys, chosen by the name that the agent asks for"),
        .optional("min_version", \.minimum, .word(), "the oldest version of TLS that is spoken"),
        .optional(
          "client_authorities", \.clientAuthorities,
          Shape<String>.certificateReference.optional,
          "authorities, in PEM form: agents must present a certificate of one of them"),
      ],
      later: [("insecure", "leave it out"), ("ciphers", "the gateway's are few and strong")],
      finish: { tls, node, reading in tls.makeContext(node, &reading) })
  }

  private mutating func makeContext(_ node: Node, _ reading: inout Reading) {
    var sources: [(certificate: String, key: String, path: String)] = []
    switch (certificate, key) {
    case (.some(let certificate), .some(let key)):
      sources.append((certificate, key, reading.path))
    case (nil, nil) where !certificates.isEmpty: break
    case (nil, nil):
      return reading.report(
        node.origin,
        "a certificate is needed: { certificate: \"file:/path.pem\", key: \"file:/path.key\" }")
    case (_, nil): return reading.report(node.origin, "the certificate needs its \"key\"")
    case (nil, _): return reading.report(node.origin, "the key needs its \"certificate\"")
    }
    for (index, entry) in certificates.enumerated() {
      sources.append((entry.certificate, entry.key, "\(reading.path).certificates[\(index)]"))
    }
    var identities: [TLSIdentity] = []
    for source in sources {
      guard let identity = TLSIdentity(source, &reading) else { return }
      identities.append(identity)
    }
    var authorities: TLSAuthorities?
    if let clientAuthorities {
      let path = "\(reading.path).client_authorities"
      guard let read = reading.authorities(clientAuthorities, at: path) else { return }
      authorities = read
    }
    do throws(TLSProblem) {
      context = try TLSContext(
        listenerWith: identities, minimum: minimum, clientAuthorities: authorities)
    } catch {
      // Each certificate was tried by itself already, so this is memory.
      reading.report(node.origin, "\(error)")
    }
  }
}

extension ServerTLSConfiguration: SchemaObject {
  static var keys: KeyTable<ServerTLSConfiguration> {
    KeyTable(
      keys: [
        .optional(
          "authorities", \.authorities, Shape<String>.certificateReference.optional,
          "authorities, in PEM form, that the server's certificate must come from: file:/path; the system's when left out"
        ),
        .optional(
          "server_name", \.serverName, Shape<String>.tlsName.optional,
          "the name that the certificate must be for; the address's host when left out"),
        .optional(
          "certificate", \.certificate, Shape<String>.certificateReference.optional,
          "what the gateway presents to a server that asks for a certificate: file:/path"),
        .optional(
          "key", \.key, Shape<String>.secretReference.optional,
          CertificateConfiguration.keyExplanation),
        .optional("min_version", \.minimum, .word(), "the oldest version of TLS that is spoken"),
      ],
      later: [
        (
          "insecure",
          "a connection to nobody knows whom protects nothing; name the server's own certificate with \"authorities\""
        ),
        ("verify", "servers' certificates are always verified; see \"authorities\""),
      ],
      finish: { tls, node, reading in
        guard (tls.certificate == nil) != (tls.key == nil) else { return }
        reading.report(node.origin, "\"certificate\" and \"key\" belong together")
      })
  }
}

extension ServerConfiguration {
  /// Reads the files and makes of them what connections to the server share.
  mutating func makeTLS(_ node: Node, _ reading: inout Reading) {
    let path = "\(reading.path).tls"
    guard url.isTLS else {
      guard tls != nil else { return }
      return reading.report(
        at: path, "the address begins with http://, which speaks no TLS; write https://")
    }
    var identity: TLSIdentity?
    if let certificate = tls?.certificate, let key = tls?.key {
      guard let read = TLSIdentity((certificate, key, path), &reading) else { return }
      identity = read
    }
    let authorities =
      tls?.authorities.map { reading.authorities($0, at: "\(path).authorities") }
      ?? reading.systemAuthorities(at: "\(reading.path).url")
    guard let authorities else { return }
    let name = tls?.serverName ?? url.host
    do throws(TLSProblem) {
      tlsContext = try TLSContext(
        serverNamed: name, isAddress: IPAddress.bytes(name) != nil, authorities: authorities,
        identity: identity, minimum: tls?.minimum ?? .tls12)
    } catch {
      reading.report(at: tls?.serverName == nil ? path : "\(path).server_name", "\(error)")
    }
  }
}

extension Shape where Value == String {
  fileprivate static var tlsName: Shape {
    .text(bytesMax: 253, expected: "a host name").map { text, node, reading in
      guard UpstreamURL.isHost(text) else {
        reading.report(node.origin, "\"\(text)\" is neither a host name nor an IP address")
        return nil
      }
      return text.lowercased()
    }
  }
}
