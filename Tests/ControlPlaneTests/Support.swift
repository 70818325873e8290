import Foundation
import SluiceConfiguration

@testable import ControlPlane

/// A folder for one test, gone after it.
final class Folder {
  let path: String
  var file: String { "\(path)/sluice.yaml" }

  init() throws {
    path = NSTemporaryDirectory() + "sluice-control-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ text: String, to name: String = "sluice.yaml", mode: Int = 0o600) throws {
    let file = "\(path)/\(name)"
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
  }

  /// A configuration whose one server's credential is in the file `token`; returns the path of that.
  func writeSample(withToken token: String) throws -> String {
    try write(token, to: "token")
    try write(
      Sample(
        servers:
          "servers:\n  orders: { url: http://127.0.0.1:9, credential: { header: X-Key, value: file:token } }"
      ).text)
    return "\(path)/token"
  }

  /// Renames a file over another in one step, as editors and `kubectl` do.
  func replace(_ path: String, with newer: String) throws {
    guard unsafe rename(newer, path) == 0 else { throw CocoaError(.fileWriteUnknown) }
  }
}

/// A configuration that is well, in parts, so that a test changes only what it is about.
struct Sample {
  var listeners = "listeners: [{ address: 127.0.0.1:8080 }]"
  var identity = """
    identity:
      service_accounts:
        - { name: bot, key_sha256: "\(String(repeating: "0123456789abcdef", count: 4))", groups: [staff] }
    """
  var servers = """
    servers:
      orders: { url: "http://127.0.0.1:9000/mcp" }
    """
  var profiles = """
    profiles:
      reader: { groups: [staff], allow: [{ server: orders, tools: [query] }] }
    """
  var policies = ""
  var audit = "audit: { directory: ./record }"
  var rest = ""

  var text: String {
    [listeners, identity, servers, profiles, policies, audit, rest].filter { !$0.isEmpty }
      .joined(separator: "\n") + "\n"
  }
}
