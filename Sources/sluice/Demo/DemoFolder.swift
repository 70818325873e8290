import Foundation
import Identity

/// The folder of a demo: its configuration, the agent's key and the recordings.
///
///     sluice-demo/sluice.yaml     to be edited
///     sluice-demo/agent.key       the API key the tour calls with (mode 600)
///     sluice-demo/reviewer.key    the API key that approvals are decided with (mode 600)
///     sluice-demo/approvals.db    the approvals
///     sluice-demo/recordings/     the record
struct DemoFolder: Sendable {
  let path: String
  let isTemporary: Bool

  var configurationFile: String { path + "/sluice.yaml" }
  var keyFile: String { path + "/agent.key" }
  var reviewerKeyFile: String { path + "/reviewer.key" }
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
      && FileManager.default.fileExists(atPath: reviewerKeyFile)
  }

  /// Who takes part in the tour, as they prove themselves.
  struct Keys: Sendable, Equatable {
    var agent: String
    var reviewer: String
  }

  func readKeys() throws -> Keys {
    func read(_ path: String) throws -> String {
      try String(contentsOfFile: path, encoding: .utf8)
        .trimmingCharacters(in: .whitespacesAndNewlines)
    }
    return Keys(agent: try read(keyFile), reviewer: try read(reviewerKeyFile))
  }

  /// Writes a new configuration with new keys, and returns those.
  func write(gatewayPort: Int, serverPort: Int, consolePort: Int) throws -> Keys {
    let agent = try APIKey.generate()
    let reviewer = try APIKey.generate()
    let text = DemoConfiguration(
      gatewayPort: gatewayPort, serverPort: serverPort, consolePort: consolePort,
      keyDigest: agent.sha256, reviewerDigest: reviewer.sha256
    ).text
    try Data(text.utf8).write(to: URL(fileURLWithPath: configurationFile), options: .atomic)
    try write(agent, to: keyFile)
    try write(reviewer, to: reviewerKeyFile)
    return Keys(agent: agent.text, reviewer: reviewer.text)
  }

  private func write(_ key: APIKey, to path: String) throws {
    let manager = FileManager.default
    if manager.fileExists(atPath: path) { try manager.removeItem(atPath: path) }
    let isWritten = manager.createFile(
      atPath: path, contents: Data((key.text + "\n").utf8),
      attributes: [.posixPermissions: 0o600])
    guard isWritten else { throw CommandFailure("\(path) could not be written.") }
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
