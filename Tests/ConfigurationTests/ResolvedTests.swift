import Foundation
import Identity
import Policy
import Testing

@testable import SluiceConfiguration

@Suite struct ResolvedTests {
  private func resolved(_ text: String) throws -> String {
    let folder = NSTemporaryDirectory() + "sluice-resolved-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/sluice.yaml"))
    return try ConfigurationLoader.resolved(path: "\(folder)/sluice.yaml")
  }

  @Test func everyDefaultIsWrittenOut() throws {
    let text = try resolved(Sample().text)
    for line in [
      "    path: /orders/mcp", "  durability: interval", "  head_timeout: 10s", "  count: auto",
      "  request_size: 4MiB", "  format: text", "  pin_cpus: false", "    groups: [staff]",
    ] {
      #expect(text.contains("\(line)\n"), "\(line)\n\(text)")
    }
    #expect(!text.contains("admin"), "what is off stays out")
    #expect(!text.contains("anonymous"))
  }

  /// What is printed means what was read, and printing it again changes nothing.
  @Test(arguments: [Sample().text, RoundTripTests.text])
  func itMeansTheSame(text: String) throws {
    let environment = try RoundTripTests.environment.get()
    let before = try read(text, environment: environment).0
    let again = ResolvedText.of(text)
    let after = try read(again, environment: environment).0
    #expect(after.limits == before.limits)
    #expect(after.workers == before.workers)
    #expect(after.audit.ringBytes == before.audit.ringBytes)
    #expect(after.servers.map(\.path) == before.servers.map(\.path))
    #expect(after.servers.map { "\($0.url)" } == before.servers.map { "\($0.url)" })
    #expect(
      after.identity.serviceAccounts.map(\.name) == before.identity.serviceAccounts.map(\.name))
    #expect(after.rules.map(\.definition.name) == before.rules.map(\.definition.name))
    #expect(after.rules.map(\.definition.effect) == before.rules.map(\.definition.effect))
    #expect(after.rules.map(\.definition.message) == before.rules.map(\.definition.message))
    #expect(
      after.rules.map { $0.definition.match.arguments.map { $0.conditions.map(\.condition) } }
        == before.rules.map { $0.definition.match.arguments.map { $0.conditions.map(\.condition) } }
    )
    #expect(ResolvedText.of(again) == again)
  }

  @Test func secretsStayReferences() throws {
    let text = ResolvedText.of(RoundTripTests.text)
    #expect(text.contains("value: env:TOKEN\n"))
    #expect(!text.contains("s3cr3t-t0ken"))
  }

  @Test(arguments: [
    ("5", "\"5\""), ("true", "\"true\""), ("No", "\"No\""), ("", "\"\""), ("a b", "\"a b\""),
    ("*", "\"*\""), ("a: b", "\"a: b\""), ("list_*", "list_*"), ("10s", "10s"), ("1e3", "\"1e3\""),
    (".5", "\".5\""), ("./x", "./x"), ("[::1]:80", "\"[::1]:80\""), ("a#b", "\"a#b\""),
    ("line\nbreak", "\"line\\nbreak\""), ("é", "\"é\""), ("-x", "\"-x\""),
  ])
  func textsThatYAMLWouldMisreadAreQuoted(text: String, yaml: String) {
    #expect(ResolvedValue.text(text).yaml == "\(yaml)\n")
  }
}

private enum ResolvedText {
  static func of(_ text: String) -> String {
    var composer = NodeComposer()
    return composer.compose(text).map { Configuration.keys.complete($0).yaml } ?? ""
  }
}
