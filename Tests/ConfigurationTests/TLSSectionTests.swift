import Foundation
import Identity
import TLSTestSupport
import Testing

@testable import SluiceConfiguration

/// What the file says about TLS, and what is said about mistakes in it.
@Suite struct TLSSectionTests {
  static let text = """
    listeners:
      - address: 127.0.0.1:8443
        tls:
          certificate: env:CERTIFICATE
          key: env:KEY
          certificates: [{ certificate: "env:OTHER_CERTIFICATE", key: "env:OTHER_KEY" }]
          min_version: "1.3"
          client_authorities: env:AUTHORITY
    identity:
      service_accounts: [{ name: bot, key_sha256: "\(Sample.digest)", groups: [staff] }]
    servers:
      orders:
        url: https://orders.internal/mcp
        tls:
          authorities: env:AUTHORITY
          server_name: orders.example
          certificate: env:CERTIFICATE
          key: env:KEY
          min_version: "1.2"
    profiles:
      reader: { groups: [staff], allow: [{ server: orders, tools: [query] }] }
    audit: { directory: /var/lib/sluice }
    """

  static let environment = Result {
    let authority = try TLSSamples.authority.get()
    let one = try authority.issue(["DNS:localhost"])
    let two = try authority.issue(["DNS:other.example"])
    let old = try authority.issue(["DNS:localhost"], days: -1)
    let soon = try authority.issue(["DNS:localhost"], days: 3)
    return [
      "AUTHORITY": authority.pem, "CERTIFICATE": one.chain, "KEY": one.key,
      "OTHER_CERTIFICATE": two.chain, "OTHER_KEY": two.key, "OLD": old.chain, "OLD_KEY": old.key,
      "SOON": soon.chain, "SOON_KEY": soon.key, "NOTHING": Array("nothing".utf8),
    ].mapValues { String(decoding: $0, as: UTF8.self) }
  }

  @Test func everythingArrives() throws {
    let (configuration, reading) = try read(Self.text, environment: Self.environment.get())
    let listener = try #require(configuration.listeners[0].tls)
    #expect(listener.context != nil && listener.minimum == .tls13)
    #expect(configuration.listeners[0].description == "https://127.0.0.1:8443")
    let server = configuration.servers[0]
    #expect(server.url.isTLS && server.url.port == 443)
    #expect(server.url.authority == "orders.internal")
    #expect(server.url.description == "https://orders.internal/mcp")
    #expect(server.tls?.serverName == "orders.example" && server.tls?.minimum == .tls12)
    #expect(server.tlsContext != nil)
    #expect(reading.warnings.isEmpty)
  }

  /// What is configured is what is spoken: both ends made from the file.
  @Test func bothEndsOfTheFileUnderstandEachOther() throws {
    let text = Self.text.replacing("orders.example", with: "other.example")
    let configuration = try read(text, environment: Self.environment.get()).0
    let client = TLSEnd(try #require(configuration.servers[0].tlsContext))
    let server = TLSEnd(try #require(configuration.listeners[0].tls?.context))
    converse(client, server)
    // The certificate for clients is one for servers here, which a listener does not take.
    #expect(server.failure == .certificateUnsuitable)
  }

  @Test func theSystemsAuthoritiesAreTheDefault() throws {
    let sample = Sample(servers: "servers:\n  orders: { url: https://orders.internal/mcp }").text
    let file = FileManager.default.temporaryDirectory.appending(path: "ca-\(UUID().uuidString)")
    try Data(TLSSamples.authority.get().pem).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let configuration = try read(sample, environment: ["SSL_CERT_FILE": file.path]).0
    #expect(configuration.servers[0].tlsContext != nil)
  }

  static func complaint(
    listener: String = "", server: String = "{ url: \"http://x/mcp\" }"
  ) throws -> String {
    let sample = Sample(
      listeners: "listeners: [{ address: \"127.0.0.1:80\"\(listener) }]",
      servers: "servers:\n  orders: \(server)")
    do {
      let reading = try read(sample.text, environment: environment.get()).1
      return reading.warnings.map { "\($0.path): \($0.message)" }.joined(separator: "\n")
    } catch let error as ConfigurationErrors {
      return error.description.split(separator: "\n")[0].description
    }
  }

  static let listeners: [(String, String)] = [
    ("{}", "listeners[0].tls: a certificate is needed"),
    ("{ certificate: \"env:CERTIFICATE\" }", "listeners[0].tls: the certificate needs its \"key\""),
    ("{ key: \"env:KEY\" }", "listeners[0].tls: the key needs its \"certificate\""),
    (
      "{ certificate: \"env:CERTIFICATE\", key: \"env:OTHER_KEY\" }",
      "listeners[0].tls.key: the private key does not belong to the certificate"
    ),
    (
      "{ certificate: \"env:NOTHING\", key: \"env:KEY\" }",
      "listeners[0].tls.certificate: it holds no certificate in PEM form"
    ),
    (
      "{ certificate: \"env:CERTIFICATE\", key: \"env:CERTIFICATE\" }",
      "listeners[0].tls.key: it holds no private key in PEM form"
    ),
    (
      "{ certificate: x.pem, key: \"env:KEY\" }",
      "listeners[0].tls.certificate: expected a reference to a file in PEM form, such as file:/path.pem"
    ),
    (
      "{ certificate: \"file:/nowhere.pem\", key: \"env:KEY\" }",
      "listeners[0].tls.certificate: cannot read /nowhere.pem"
    ),
    (
      "{ certificate: \"env:CERTIFICATE\", key: \"env:KEY\", client_authorities: \"env:NOTHING\" }",
      "listeners[0].tls.client_authorities: it holds no authority's certificate"
    ),
    ("{ certificate: \"env:CERTIFICATE\", key: \"env:KEY\", min_version: \"1.1\" }", "1.2"),
    (
      "{ certificate: \"env:OLD\", key: \"env:OLD_KEY\" }",
      "listeners[0].tls.certificate: the certificate has expired; nobody will accept it"
    ),
    (
      "{ certificate: \"env:SOON\", key: \"env:SOON_KEY\" }",
      "listeners[0].tls.certificate: the certificate expires in 2 days"
    ),
  ]

  @Test(arguments: listeners)
  func mistakesOfListeners(tls: String, expected: String) throws {
    #expect(try Self.complaint(listener: ", tls: \(tls)").contains(expected))
  }

  static let servers: [(String, String)] = [
    (
      "{ url: \"http://x/mcp\", tls: { authorities: \"env:AUTHORITY\" } }",
      "servers.orders.tls: the address begins with http://, which speaks no TLS; write https://"
    ),
    (
      "{ url: \"https://x/mcp\", tls: { authorities: \"env:NOTHING\" } }",
      "servers.orders.tls.authorities: it holds no authority's certificate"
    ),
    (
      "{ url: \"https://x/mcp\", tls: { authorities: \"env:AUTHORITY\", server_name: \"a b\" } }",
      "servers.orders.tls.server_name: \"a b\" is neither a host name nor an IP address"
    ),
    (
      "{ url: \"https://x/mcp\", tls: { authorities: \"env:AUTHORITY\", certificate: \"env:CERTIFICATE\" } }",
      "servers.orders.tls: \"certificate\" and \"key\" belong together"
    ),
    (
      "{ url: \"https://x/mcp\", tls: { insecure: true } }",
      "\"insecure\" is not available in this version: a connection to nobody knows whom protects nothing"
    ),
  ]

  @Test(arguments: servers)
  func mistakesOfServers(server: String, expected: String) throws {
    #expect(try Self.complaint(server: server).contains(expected))
  }

  /// Nothing of a key is ever in a message.
  @Test func keysAreNeverShown() throws {
    for tls in ["{ certificate: \"env:CERTIFICATE\", key: \"env:OTHER_KEY\" }"] {
      #expect(try !Self.complaint(listener: ", tls: \(tls)").contains("PRIVATE KEY-----"))
    }
  }
}
