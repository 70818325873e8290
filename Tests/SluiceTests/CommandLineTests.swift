import ArgumentParser
import ControlPlane
import Foundation
import Policy
import Recorder
import SluiceConfiguration
import Testing

@testable import sluice

@Suite struct CommandLineTests {
  /// A folder with a starter configuration in it, gone when the test is over.
  private final class Folder {
    let path = NSTemporaryDirectory() + "sluice-tests-\(UUID().uuidString)"
    var file: String { path + "/sluice.yaml" }

    init() throws {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  @Test func everyFlagTakesThePlaceOfTheFilesValue() throws {
    let folder = try Folder()
    try InitCommand.parse([folder.file]).run()
    let command = try ServeCommand.parse([
      "--config", folder.file, "--listen", "127.0.0.1:9001", "--listen", "[::1]:9002",
      "--workers", "3", "--io", "io_uring", "--pin-cpus", "--backlog", "512",
      "--max-connections", "20001", "--buffer-size", "32KiB", "--ring-entries", "256",
      "--audit-ring-size", "2MiB", "--log-level", "debug", "--log-format", "json",
    ])
    let configuration = try GatewayService.load(
      command.source.config, overrides: command.overrides
    ).configuration
    #expect(configuration.listeners.map { "\($0.address)" } == ["127.0.0.1:9001", "[::1]:9002"])
    #expect(configuration.workers.count == 3)
    #expect(configuration.workers.inputOutput == .ioUring)
    #expect(configuration.workers.pinsCPUs)
    #expect(configuration.workers.backlog == 512)
    #expect(configuration.limits.connectionsMax == 20_001)
    #expect(configuration.workers.bufferBytes == 32_768)
    #expect(configuration.workers.ringEntries == 256)
    #expect(configuration.audit.ringBytes == 2_097_152)
    #expect(configuration.log.level == .debug)
    #expect(configuration.log.format == .json)
  }

  @Test func withoutFlagsTheFileStands() throws {
    #expect(try ServeCommand.parse([]).overrides.isEmpty)
  }

  @Test(arguments: [
    ["--workers", "0"], ["--workers", "many"], ["--ring-entries", "100"], ["--buffer-size", "1"],
    ["--audit-ring-size", "2TiB"], ["--backlog", "70000"], ["--listen", "nowhere"],
  ])
  func aFlagOutOfRangeIsNamedInTheError(arguments: [String]) throws {
    let folder = try Folder()
    try InitCommand.parse([folder.file]).run()
    let command = try ServeCommand.parse(arguments)
    #expect {
      try GatewayService.load(folder.file, overrides: command.overrides)
    } throws: { error in
      let failure = error as? CommandFailure
      return failure?.status == .usage && failure?.message.contains(arguments[0]) == true
    }
  }

  @Test func unknownValuesOfListsAreRefusedAtOnce() {
    #expect(throws: (any Error).self) { try ServeCommand.parse(["--io", "kqueue"]) }
    #expect(throws: (any Error).self) { try ServeCommand.parse(["--log-format", "xml"]) }
  }

  /// A gateway's configuration, whose secrets are not to be had here and whose rules are broken.
  private func foreign(_ folder: Folder) throws {
    let text = """
      listeners: [{ address: "127.0.0.1:8443", tls: { certificate: "file:gone.pem", key: "file:gone.key" } }]
      identity: { service_accounts: [] }
      admin: { address: "127.0.0.1:9" }
      console:
        address: "127.0.0.1:9"
        login: { oidc: { issuer: "https://idp.example", client_id: console, client_secret: "env:NOBODY_HAS_THIS" } }
      servers:
        orders: { url: "http://127.0.0.1:9/mcp", credential: { header: X, value: "env:NOBODY_HAS_THIS" } }
      profiles: { reader: { groups: [staff], allow: [{ server: nowhere, tools: ["*"] }] } }
      policies: [{ nam: x }]
      audit: { directory: ./recordings }
      sinks:
        - { name: siem, syslog: { address: "127.0.0.1:9", tls: { authorities: "file:gone.pem" } } }
        - { name: hook, webhook: { url: "https://127.0.0.1:9", secret: "env:NOBODY_HAS_THIS" } }
      """
    try text.write(toFile: folder.file, atomically: true, encoding: .utf8)
    try FileManager.default.createDirectory(
      atPath: folder.path + "/recordings", withIntermediateDirectories: true)
  }

  /// Who looks into the record or decides an approval has none of the gateway's secrets, and looks perhaps because the file
  /// is broken.
  @Test func commandsBesideAGatewayNeedNeitherItsSecretsNorAFileThatIsWell() throws {
    let folder = try Folder()
    try foreign(folder)
    #expect(throws: CommandFailure.self) { try GatewayService.load(folder.file) }
    let record = try RecordOptions.parse(["--config", folder.file]).commands()
    #expect(record.directory == folder.path + "/recordings")
    let outline = try GatewayService.outline(folder.file, .admin, .console, .sinks, .servers)
    #expect(outline.admin.map { "\($0.address)" } == "127.0.0.1:9")
    #expect(outline.console.map { "\($0.address)" } == "127.0.0.1:9")
    #expect(outline.sinks.map(\.name) == ["siem", "hook"])
    #expect(outline.servers.map(\.name) == ["orders"])
    try SinksStatusCommand.parse(["--config", folder.file]).run()
  }

  @Test func aPartThatIsWrongIsStillAnError() throws {
    let folder = try Folder()
    try "audit: { directry: x }\nadmin: { address: nowhere }\n".write(
      toFile: folder.file, atomically: true, encoding: .utf8)
    for (part, words) in [
      (ConfigurationPart.audit, "did you mean \"directory\"?"), (.admin, ":2:19: admin.address"),
    ] {
      #expect {
        try GatewayService.outline(folder.file, part)
      } throws: { error in
        let failure = error as? CommandFailure
        return failure?.status == .usage && failure?.message.contains(words) == true
      }
    }
    #expect(throws: CommandFailure.self) {
      try GatewayService.outline(folder.path + "/none", .audit)
    }
    try "".write(toFile: folder.file, atomically: true, encoding: .utf8)
    #expect(throws: CommandFailure.self) { try GatewayService.outline(folder.file, .audit) }
  }

  @Test func anInitialConfigurationIsNeverOverwrittenUnasked() throws {
    let folder = try Folder()
    try InitCommand.parse([folder.file]).run()
    let first = try String(contentsOfFile: folder.file, encoding: .utf8)
    let again = try InitCommand.parse([folder.file])
    #expect(throws: CommandFailure.self) { try again.run() }
    #expect(try String(contentsOfFile: folder.file, encoding: .utf8) == first)
    try InitCommand.parse([folder.file, "--force"]).run()
    #expect(try String(contentsOfFile: folder.file, encoding: .utf8) != first, "another key")
  }

  @Test func whatInitAndDemoWriteIsAccepted() throws {
    let folder = try Folder()
    try InitCommand.parse([folder.file]).run()
    let starter = try GatewayService.load(folder.file)
    #expect(starter.warnings.isEmpty)
    #expect(starter.configuration.rules.map(\.definition.effect) == [.block, .mask])
    let demo = try DemoFolder(path: folder.path + "/demo")
    _ = try demo.write(
      gatewayPort: 18_080, serverPort: 19_000, consolePort: 18_081)
    let loaded = try GatewayService.load(demo.configurationFile)
    #expect(loaded.warnings.isEmpty)
    #expect(loaded.configuration.audit.directory.hasSuffix("recordings"))
    #expect("\(loaded.configuration.servers[0].url)" == "http://127.0.0.1:19000/mcp")
    #expect(loaded.configuration.servers[0].path == DemoConfiguration.path)
  }

  @Test func theDemosKeysAreReadByTheirOwnerOnly() throws {
    let folder = try Folder()
    let demo = try DemoFolder(path: folder.path + "/demo")
    #expect(!demo.isUsed)
    let keys = try demo.write(gatewayPort: 18_080, serverPort: 19_000, consolePort: 18_081)
    #expect(demo.isUsed)
    #expect(try demo.readKeys() == keys)
    #expect(keys.agent != keys.reviewer)
    let text = try String(contentsOfFile: demo.configurationFile, encoding: .utf8)
    for (file, key) in [(demo.keyFile, keys.agent), (demo.reviewerKeyFile, keys.reviewer)] {
      let attributes = try FileManager.default.attributesOfItem(atPath: file)
      #expect(attributes[.posixPermissions] as? Int == 0o600)
      #expect(!text.contains(key), "only the hash is in the configuration")
    }
  }

  @Test func pathsArePrintedAsTheShellReadsThem() {
    #expect(ShellText.quoted("/etc/sluice/a-b_c.yaml") == "/etc/sluice/a-b_c.yaml")
    #expect(ShellText.quoted("/etc/a b") == "'/etc/a b'")
    #expect(ShellText.quoted("it's") == #"'it'\''s'"#)
    #expect(ShellText.quoted("") == "''")
  }
}
