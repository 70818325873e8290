import ConsoleSamples
import Foundation
import Identity
import Logging
import Outbound
import TLSTestSupport
import Testing

@testable import Console

/// The console with a certificate of its own, on a real socket.
@Suite struct TLSTests {
  private func settings(_ issued: TestAuthority.Issued) throws -> ConsoleSettings {
    var settings = ConsoleSettings()
    settings.port = 0
    settings.tls = try TLSSamples.listener([issued])
    settings.localAdmin = LocalAdminSettings()
    settings.keys = [
      ConsoleKey(name: "bot", digest: APIKey.sha256(of: Array("key".utf8)), groups: ["dba"])
    ]
    settings.adminGroups = ["dba"]
    return settings
  }

  private func withConsole(
    _ settings: ConsoleSettings, _ body: (ConsoleServer) async throws -> Void
  ) async throws {
    let approvals = MemoryApprovals(SampleApprovals.day(now: Date()), now: { Date() })
    let server = try ConsoleServer(
      settings: settings, services: ConsoleServices(approvals: approvals),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    _ = try await server.start()
    do {
      try await body(server)
    } catch {
      await server.stop()
      throw error
    }
    await server.stop()
  }

  private func get(
    _ url: String, trusting authority: TestAuthority? = nil
  ) async throws -> OutboundAnswer {
    var request = OutboundRequest(url: url)
    request.authorities = try authority?.pem ?? TLSSamples.authority.get().pem
    // Keys are for the API; a page asks for a session.
    if url.contains("/api/") { request.fields = [("Authorization", "Bearer key")] }
    // Whoever is slow here is the machine.
    request.connectMilliseconds = 120_000
    request.totalMilliseconds = 120_000
    return try await request.exchange()
  }

  @Test func pagesAndTheAPIAreReached() async throws {
    try await withConsole(settings(TLSSamples.local.get())) { server in
      #expect(server.url.hasPrefix("https://127.0.0.1:"))
      let page = try await get(server.url + "/login")
      #expect(page.status == 200 && page.field("strict-transport-security") != nil)
      // More than one record, and more than one request on a connection.
      let list = try await get(
        server.url + "/api/v1/approvals?state=pending,approved,denied,expired")
      #expect(list.status == 200 && list.body.first == UInt8(ascii: "{"))
      // Another name for the same machine, which the certificate is for as well.
      let other = server.url.replacing("127.0.0.1", with: "localhost")
      #expect(try await get(other + "/login").status == 200)
    }
  }

  @Test func whoDoesNotTrustTheCertificateSendsNothing() async throws {
    let stranger = try TestAuthority()
    try await withConsole(settings(TLSSamples.local.get())) { server in
      await #expect(throws: OutboundError.self) {
        try await get(server.url + "/login", trusting: stranger)
      }
      // Plain HTTP is no TLS.
      await #expect(throws: OutboundError.self) {
        try await get(server.url.replacing("https:", with: "http:") + "/login")
      }
      let page = try await get(server.url + "/login")
      #expect(page.status == 200)
    }
  }

  @Test func anotherCertificateIsTakenWhileItRuns() async throws {
    let newer = try TestAuthority()
    try await withConsole(settings(TLSSamples.local.get())) { server in
      server.adopt(try settings(newer.issue(["DNS:localhost", "IP:127.0.0.1"])))
      #expect(try await get(server.url + "/login", trusting: newer).status == 200)
      await #expect(throws: OutboundError.self) { try await get(server.url + "/login") }
    }
  }

  @Test func aHandshakeThatDoesNotEndIsEnded() async throws {
    var settings = try settings(TLSSamples.local.get())
    settings.limits.handshakeSeconds = 1
    try await withConsole(settings) { server in
      let port = try #require(UInt16(server.url.split(separator: ":").last ?? ""))
      let stream = try OutboundStream(host: "127.0.0.1", port: port)
      // The first bytes of a hello.
      #expect(try stream.send([0x16, 0x03, 0x01, 0x02, 0x00][...], milliseconds: 1000) == 5)
      #expect(try stream.receive(upTo: 16, milliseconds: 300_000) == .ended)
    }
  }
}
