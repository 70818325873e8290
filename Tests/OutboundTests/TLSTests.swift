import Dispatch
import Foundation
import Identity
import Outbound
import TLSTestSupport
import Testing

/// Whom TLS streams trust, and what they show.
@Suite struct TLSTests {
  /// Opens a stream to a server of `openssl s_server`, and says why it could not.
  private func connect(_ tls: OutboundTLS, _ arguments: [String] = []) throws {
    let server = try OpenSSLServer(arguments)
    defer { server.stop() }
    let stream = try OutboundStream(
      host: "localhost", port: server.port, tls: tls, connectMilliseconds: 120_000)
    // With TLS 1.3 a server refuses a client's certificate only after the client has finished.
    #expect(try stream.send(Array("hello\n".utf8)[...], milliseconds: 60_000) == 6)
    guard case .bytes = try stream.receive(upTo: 64, milliseconds: 120_000) else {
      throw OutboundError("the server ended the connection")
    }
  }

  @Test func authoritiesInMemoryAreTrusted() throws {
    try connect(OutboundTLS(authorities: TLSSamples.authority.get().pem))
  }

  @Test func othersAreNot() throws {
    let stranger = try TestAuthority().pem
    #expect(throws: OutboundError.self) { try connect(OutboundTLS(authorities: stranger)) }
    #expect(throws: OutboundError.self) { try connect(OutboundTLS()) }
    // None at all is not the system's.
    #expect(throws: OutboundError.self) { try connect(OutboundTLS(authorities: [])) }
  }

  @Test func aCertificateIsShownToAServerThatAsks() throws {
    let authority = try TLSSamples.authority.get()
    let ours = try authority.issue(["DNS:gateway"], usage: "clientAuth")
    let asks = ["-Verify", "1", "-verify_return_error"]
    try connect(
      OutboundTLS(authorities: authority.pem, certificate: ours.chain, key: ours.key), asks)
    #expect(throws: OutboundError.self) {
      try connect(OutboundTLS(authorities: authority.pem), asks)
    }
  }
}

/// `openssl s_server`, which sends back what it is sent, reversed.
private final class OpenSSLServer {
  let port: UInt16
  private let process = Process()
  private let folder: URL

  init(_ arguments: [String]) throws {
    let folder = URL(fileURLWithPath: NSTemporaryDirectory() + "sluice-tls-\(UUID().uuidString)")
    self.folder = folder
    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let local = try TLSSamples.local.get()
    for (name, bytes) in [
      ("chain", local.chain), ("key", local.key), ("ca", try TLSSamples.authority.get().pem),
    ] {
      try Data(bytes).write(to: folder.appendingPathComponent(name))
    }
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    process.arguments =
      ["s_server", "-rev", "-accept", "127.0.0.1:0", "-cert", path("chain")]
      + ["-key", path("key"), "-CAfile", path("ca")] + arguments
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    // "ACCEPT 127.0.0.1:34567": it listens.
    var text = ""
    while !text.contains("ACCEPT") || text.last != "\n" {
      let more = output.fileHandleForReading.availableData
      guard !more.isEmpty else { throw OutboundError("openssl s_server ended: \(text)") }
      text += String(decoding: more, as: UTF8.self)
    }
    port = UInt16(text.split(whereSeparator: { ":\n".contains($0) }).last ?? "") ?? 0
  }

  func stop() {
    // It inherits the mask of a thread that blocks what `terminate` sends.
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    try? FileManager.default.removeItem(at: folder)
  }
}
