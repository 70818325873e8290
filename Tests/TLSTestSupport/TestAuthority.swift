import Foundation

/// An authority for tests, made by the `openssl` command: nothing here is a secret, and nothing outlives the test run.
public final class TestAuthority: Sendable {
  /// A certificate with its private key, both in PEM form.
  public struct Issued: Sendable {
    public let chain: [UInt8]
    public let key: [UInt8]
  }

  /// The authority's own certificate.
  public let pem: [UInt8]
  private let folder: URL

  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  public init(name: String = "Test authority") throws {
    folder = FileManager.default.temporaryDirectory.appending(
      path: "sluice-authority-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Self.openssl(
      folder,
      ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        + ["-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=\(name)", "-days", "30"])
    pem = Array(try Data(contentsOf: folder.appending(path: "ca.pem")))
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// Issues a certificate.
  /// - Parameters:
  ///   - names: as OpenSSL writes them: `DNS:localhost`, `IP:127.0.0.1`.
  ///   - days: from now; below zero for one that has expired.
  ///   - usage: `serverAuth` or `clientAuth`.
  public func issue(
    _ names: [String], days: Int = 30, usage: String = "serverAuth"
  ) throws -> Issued {
    let stem = UUID().uuidString
    let extensions = "subjectAltName=\(names.joined(separator: ","))\nextendedKeyUsage=\(usage)\n"
    try extensions.write(
      to: folder.appending(path: "\(stem).ext"), atomically: true, encoding: .utf8)
    try Self.openssl(
      folder,
      ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        + ["-keyout", "\(stem).key", "-out", "\(stem).csr", "-subj", "/CN=of no importance"])
    try Self.openssl(
      folder,
      ["x509", "-req", "-in", "\(stem).csr", "-CA", "ca.pem", "-CAkey", "ca.key"]
        + ["-extfile", "\(stem).ext", "-days", "\(days)", "-out", "\(stem).pem"])
    return Issued(
      chain: Array(try Data(contentsOf: folder.appending(path: "\(stem).pem"))),
      key: Array(try Data(contentsOf: folder.appending(path: "\(stem).key"))))
  }

  private static func openssl(_ folder: URL, _ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["openssl"] + arguments
    process.currentDirectoryURL = folder
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(
        description: "openssl \(arguments[0]): \(String(decoding: text, as: UTF8.self))")
    }
  }
}
