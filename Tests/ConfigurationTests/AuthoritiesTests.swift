import Foundation
import Identity
import TLSTestSupport
import Testing

@testable import SluiceConfiguration

/// Certificates that connections of the control plane use are named in one form, wherever they are named.
@Suite struct AuthoritiesTests {
  /// The rest of a file, with `@` for what names the authorities.
  static let places = [
    "sinks: [{ name: s, syslog: { address: \"127.0.0.1:6514\", tls: { authorities: \"@\" } } }]",
    "sinks: [{ name: s, webhook: { url: \"https://x/\", secret: \"env:SECRET\", authorities: \"@\" } }]",
    "console: { login: { oidc: { issuer: \"https://x\", client_id: c, authorities: \"@\" } } }",
  ]

  private func load(_ place: String, _ text: String, in folder: Folder) throws -> Configuration {
    let sample = Sample(rest: place.replacing("@", with: text))
    let file = try folder.write(sample.text, to: "sluice.yaml")
    let environment = try TLSSectionTests.environment.get()
      .merging(["SECRET": "0123456789abcdef"]) { $1 }
    return try ConfigurationLoader.load(path: file, environment: environment).configuration
  }

  private func pem(_ configuration: Configuration) -> [UInt8]? {
    let sink = configuration.sinks.first
    return
      (sink?.syslog?.tls?.authorities ?? sink?.webhook?.authorities
      ?? configuration.console?.login.openID?.authorities)?.pem
  }

  @Test(arguments: places)
  func aReferenceOrAPlainPath(place: String) throws {
    let folder = try Folder()
    let authority = try TLSSamples.authority.get().pem
    _ = try folder.write(String(decoding: authority, as: UTF8.self), to: "ca.pem")
    for text in [
      "ca.pem", "./ca.pem", "file:ca.pem", "file:\(folder.path)/ca.pem", "env:AUTHORITY",
    ] {
      #expect(try pem(load(place, text, in: folder)) == authority, "\(text)")
    }
  }

  @Test(arguments: places)
  func whatCannotBeTrustedIsNoted(place: String) throws {
    let folder = try Folder()
    for (text, complaint) in [
      ("env:NOTHING", "it holds no authority's certificate"), ("missing.pem", "cannot read"),
      ("file:missing.pem", "cannot read"), ("exec:x", "a reference"),
    ] {
      let error = #expect(throws: ConfigurationErrors.self) { try load(place, text, in: folder) }
      #expect(
        error?.description.contains(complaint) == true, "\(text): \(error?.description ?? "none")")
      #expect(error?.description.contains("authorities") == true)
    }
  }

  @Test func aReceiverIsShownACertificateWithItsKey() throws {
    let folder = try Folder()
    func tls(_ certificate: String, _ key: String) throws -> SyslogTLSConfiguration? {
      let place =
        "sinks: [{ name: s, syslog: { address: \"127.0.0.1:6514\", tls: { certificate: \"@\", key: \"\(key)\" } } }]"
      return try load(place, certificate, in: folder).sinks[0].syslog?.tls
    }
    let environment = try TLSSectionTests.environment.get()
    _ = try folder.write(environment["CERTIFICATE"]!, to: "c.pem")
    _ = try folder.write(environment["KEY"]!, to: "k.pem")
    let named = try tls("env:CERTIFICATE", "env:KEY")
    #expect(named?.identity != nil)
    #expect(try tls("c.pem", "file:k.pem")?.identity?.chain == named?.identity?.chain)
    let error = #expect(throws: ConfigurationErrors.self) { try tls("c.pem", "env:OTHER_KEY") }
    #expect(error?.description.contains("sinks[0].syslog.tls.key") == true)
  }
}
