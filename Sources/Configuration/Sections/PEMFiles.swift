import Foundation
import Identity
import PlainJSON

extension TLSIdentity {
  /// Reads a certificate and its key, and tries whether they belong together.
  init?(
    _ source: (certificate: String, key: String, path: String), _ reading: inout Reading
  ) {
    let certificatePath = "\(source.path).certificate"
    let keyPath = "\(source.path).key"
    guard case .success(let certificate) = SecretResolver.reference(source.certificate),
      case .success(let key) = SecretResolver.reference(source.key),
      let chain = reading.secrets.resolvePublic(certificate, at: certificatePath, &reading),
      let secret = reading.secrets.resolve(key, at: keyPath, &reading),
      // Both are there, or `sluice check` has warned that they are not.
      !chain.isEmpty, !secret.isEmpty
    else { return nil }
    self.init(chain: chain + [0x0A], key: Secret(secret + [0x0A]))
    do throws(TLSProblem) {
      let context = try TLSContext(listenerWith: [self])
      reading.warnIfEnding(context.certificateEnds, at: certificatePath)
    } catch {
      reading.report(
        at: error == .noCertificate || error == .tooWeak ? certificatePath : keyPath, "\(error)")
      return nil
    }
  }
}

extension Reading {
  /// Days before a certificate's end from which on it is worth a warning.
  private static let daysToRenew = 14.0

  fileprivate mutating func warnIfEnding(_ end: Int64?, at path: String) {
    guard let end else { return }
    let days = (Double(end) - Date().timeIntervalSince1970) / 86400
    if days < 0 {
      warn(at: path, "the certificate has expired; nobody will accept it")
    } else if days < Self.daysToRenew {
      warn(at: path, "the certificate expires in \(Int(days)) days")
    }
  }

  /// The authorities that a reference names; nil after a complaint, or a warning where `sluice check` cannot have them.
  mutating func authorities(_ text: String, at path: String) -> TLSAuthorities? {
    if let known = authorities[text] { return known }
    guard case .success(let reference) = SecretResolver.reference(text),
      let pem = secrets.resolvePublic(reference, at: path, &self), !pem.isEmpty
    else { return nil }
    return makeAuthorities(pem + [0x0A], name: text, at: path)
  }

  fileprivate mutating func makeAuthorities(
    _ pem: [UInt8], name: String, at path: String
  ) -> TLSAuthorities? {
    do throws(TLSProblem) {
      let made = try TLSAuthorities(pem: pem)
      authorities[name] = made
      return made
    } catch {
      report(at: path, "\(error)")
      return nil
    }
  }

  /// Where systems keep the list of authorities that they trust: Debian, Fedora, SUSE, Alpine.
  private static let systemLists = [
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
  ]

  /// Read once, into memory: a worker that verifies a certificate reads no files.
  mutating func systemAuthorities(at path: String) -> TLSAuthorities? {
    if let known = authorities["system"] { return known }
    let named = secrets.environment["SSL_CERT_FILE"].map { [$0] } ?? []
    for file in named + Self.systemLists {
      guard let data = FileManager.default.contents(atPath: file), !data.isEmpty else { continue }
      return makeAuthorities(Array(data), name: "system", at: path)
    }
    let message =
      "this system has no list of authorities to verify the server's certificate with; install its ca-certificates, "
      + "or name the authority: tls: { authorities: \"file:/path.pem\" }"
    if secrets.isLenient {
      warn(at: path, message)
    } else {
      report(at: path, message)
    }
    return nil
  }
}

extension Shape where Value == String {
  /// A reference to certificates, which are no secret but always a file (or a variable that holds one).
  static var certificateReference: Shape {
    Shape(
      schema: ["type": "string", "pattern": "^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$"],
      read: { node, reading in
        guard let text = scalar(node, "a reference such as file:/path.pem", &reading)?.text
        else { return nil }
        guard case .success = SecretResolver.reference(text) else {
          reading.report(
            node.origin, "expected a reference to a file in PEM form, such as file:/path.pem")
          return nil
        }
        return text
      }, show: { .string($0) })
  }

  /// The same, or the plain path of a file: `ca.pem` says what `file:ca.pem` says.
  static var certificateFile: Shape { orPath(.certificateReference, "the path of a PEM file") }

  /// A reference to a key, or the plain path of a file.
  static var keyFile: Shape { orPath(.secretReference, "the path of a PEM file") }

  private static func orPath(_ reference: Shape, _ expected: String) -> Shape {
    let text = Shape.text(bytesMax: 1024, expected: expected)
    return Shape(
      schema: text.schema,
      read: { node, reading in
        let written = text.read(node, &reading)
        guard let written, ["env:", "file:", "exec:"].contains(where: written.hasPrefix) else {
          return written.map { "file:\($0)" }
        }
        return reference.read(node, &reading)
      }, show: { .string($0) })
  }
}

/// Whose certificates a connection of the control plane trusts, in place of the system's authorities.
public struct TrustedAuthorities: Equatable, Sendable {
  /// Where they are, as a reference: `file:/path` or `env:NAME`. Safe to show.
  public var reference: String
  /// Certificates in PEM form, at least one; none where `sluice check` could not have them.
  public var pem: [UInt8]
}

extension Shape where Value == TrustedAuthorities {
  /// Read and tried at once, like everything else that the gateway needs to serve.
  static var trustedAuthorities: Shape {
    Shape<String>.certificateFile.map { text, _, reading in
      guard case .success(let reference) = SecretResolver.reference(text),
        let pem = reading.secrets.resolvePublic(reference, at: reading.path, &reading)
      else { return nil }
      let isThere = !pem.isEmpty
      guard !isThere || reading.makeAuthorities(pem + [0x0A], name: text, at: reading.path) != nil
      else { return nil }
      return TrustedAuthorities(reference: text, pem: isThere ? pem + [0x0A] : [])
    }
  }
}
