import Foundation
import Identity

/// The folder of a demo: its configuration, the agent's key and the recordings.
///
///     sluice-demo/sluice.yaml     to be edited
///     sluice-demo/agent.key       the API key the tour calls with (mode 600)
///     sluice-demo/recordings/     the record
struct DemoFolder: Sendable {
  let path: String
  let isTemporary: Bool

  var configurationFile: String { path + "/sluice.yaml" }
  var keyFile: String { path + "/agent.key" }
  var recordings: String { path + "/recordings" }

  /// Opens `path`, making it if need be; nil makes a temporary folder.
  init(path: String?) throws(CommandFailure) {
    isTemporary = path == nil
    let chosen =
      path ?? NSTemporaryDirectory() + "/sluice-demo-\(UUID().uuidString.prefix(8))"
    // Absolute, so that what is printed can be pasted into another terminal.
    self.path = URL(fileURLWithPath: chosen).standardizedFileURL.path
    do {
      try FileManager.default.createDirectory(
        atPath: self.path, withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
    } catch {
      throw CommandFailure(
        "The folder \(self.path) cannot be made: \(error.localizedDescription)")
    }
  }

  /// Whether an earlier demo left a configuration and its key.
  var isUsed: Bool {
    FileManager.default.fileExists(atPath: configurationFile)
      && FileManager.default.fileExists(atPath: keyFile)
  }

  func readKey() throws -> String {
    try String(contentsOfFile: keyFile, encoding: .utf8)
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Writes a new configuration with a new key, and returns the key.
  func write(gatewayPort: Int, serverPort: Int) throws -> String {
    let key = try APIKey.generate()
    let text = DemoConfiguration(
      gatewayPort: gatewayPort, serverPort: serverPort, keyDigest: key.sha256
    ).text
    try Data(text.utf8).write(to: URL(fileURLWithPath: configurationFile), options: .atomic)
    let manager = FileManager.default
    if manager.fileExists(atPath: keyFile) { try manager.removeItem(atPath: keyFile) }
    let isWritten = manager.createFile(
      atPath: keyFile, contents: Data((key.text + "\n").utf8),
      attributes: [.posixPermissions: 0o600])
    guard isWritten else { throw CommandFailure("\(keyFile) could not be written.") }
    return key.text
  }

  /// Removes a temporary folder; a named one stays.
  func close() {
    guard isTemporary else { return }
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      Terminal.writeError("sluice: warning: \(path) could not be removed: \(error)")
    }
  }
}
