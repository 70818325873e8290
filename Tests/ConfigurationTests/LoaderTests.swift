import Foundation
import Identity
import Policy
import Testing

@testable import SluiceConfiguration

/// A folder for one test, gone after it.
final class Folder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "sluice-configuration-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ text: String, to name: String, mode: Int = 0o600) throws -> String {
    let file = "\(path)/\(name)"
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
    return file
  }
}

@Suite struct LoaderTests {
  @Test func loadsAndCompiles() throws {
    let folder = try Folder()
    let file = try folder.write(RoundTripTests.text, to: "sluice.yaml")
    let loaded = try ConfigurationLoader.load(
      path: file, environment: RoundTripTests.environment.get())
    #expect(loaded.configuration.servers.count == 2)
    #expect(loaded.configuration.audit.directory == "\(folder.path)/records")
    #expect(loaded.identities.principalCount == 2)
    #expect(loaded.identities.name(of: 0) == "bot")
    #expect(loaded.identities.anonymousIndex == 1)
    #expect(loaded.policy.principal(at: 1).kind == .anonymous)
  }

  @Test func theStarterLoads() throws {
    let folder = try Folder()
    let key = try APIKey.generate()
    let file = try folder.write(StarterConfiguration.text(keySHA256: key.sha256), to: "sluice.yaml")
    let loaded = try ConfigurationLoader.load(path: file, environment: [:])
    #expect(loaded.warnings == [])
  }

  @Test func problemsOfThePolicyAreShownInPlace() throws {
    let folder = try Folder()
    let sample = Sample(
      policies: "policies:\n  - name: ghost\n    match: { servers: [nowhere] }\n    effect: block")
    let file = try folder.write(sample.text, to: "sluice.yaml")
    let error = #expect(throws: ConfigurationErrors.self) {
      try ConfigurationLoader.load(path: file, environment: [:])
    }
    let text = try #require(error?.description)
    #expect(text.hasPrefix("\(file):11:24: "))
    #expect(text.contains("ghost"))
    #expect(text.contains("nowhere"))
    #expect(text.hasSuffix("\n      |                        ^"))
  }

  @Test func filesThatAreNotThere() throws {
    let folder = try Folder()
    func message(_ path: String) -> String {
      do {
        _ = try ConfigurationLoader.load(path: path, environment: [:])
        return ""
      } catch { return error.description }
    }
    #expect(
      message("\(folder.path)/none").hasSuffix(
        "there is no such file; `sluice init` writes a commented one to start from"))
    #expect(message(folder.path).hasSuffix("this is a folder; name the file in it"))
    let empty = try folder.write("", to: "empty")
    #expect(
      message(empty).hasSuffix(
        "the file says nothing; `sluice init` writes a commented configuration to start from"))
  }

  @Test func aLaterErrorPointsAtThePlace() throws {
    let folder = try Folder()
    let file = try folder.write(Sample().text, to: "sluice.yaml")
    let loaded = try ConfigurationLoader.load(path: file, environment: [:])
    let error = loaded.source.error(at: "servers.orders.url", "no such host")
    #expect(error.description.hasPrefix("\(file):6:18: servers.orders.url: no such host\n"))
    // A value that is not in the file is shown where it would stand.
    let other = loaded.source.error(at: "servers.orders.credential.value", "x")
    #expect(other.description.hasPrefix("\(file):6:11: "))
  }
}

@Suite struct SecretTests {
  private func servers(_ reference: String, scheme: String = "") -> Sample {
    Sample(
      servers:
        "servers:\n  orders: { url: http://x, credential: { header: Authorization, value: '\(reference)'\(scheme) } }"
    )
  }

  private func sent(_ loaded: LoadedConfiguration) throws -> [UInt8] {
    let credential = try #require(loaded.configuration.servers[0].credential)
    return credential.fieldValue.reveal { span in
      (0..<span.byteCount).map { unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
    }
  }

  @Test(arguments: ["s3cret", "s3cret\n", "s3cret\r\n"])
  func aFileLosesOneLineBreak(content: String) throws {
    let folder = try Folder()
    _ = try folder.write(content, to: "token")
    let file = try folder.write(
      servers("file:token", scheme: ", scheme: Bearer").text, to: "sluice.yaml")
    let loaded = try ConfigurationLoader.load(path: file, environment: [:])
    #expect(try sent(loaded) == Array("Bearer s3cret".utf8))
    #expect(loaded.warnings == [])
  }

  @Test func aFileThatOthersCanReadIsWarnedAbout() throws {
    let folder = try Folder()
    _ = try folder.write("Bearer s3cret", to: "token", mode: 0o644)
    let file = try folder.write(servers("file:token").text, to: "sluice.yaml")
    let loaded = try ConfigurationLoader.load(path: file, environment: [:])
    #expect(loaded.warnings.count == 1)
    #expect(
      loaded.warnings.first?.hasSuffix("token can be read by others than its owner; chmod 600 it")
        == true)
  }

  @Test func aBareTokenInAuthorizationIsWarnedAbout() throws {
    let (_, reading) = try read(servers("env:TOKEN").text)
    #expect(
      reading.warnings.map(\.message) == [
        "Authorization is sent without a scheme; if the secret is a bare token, add \"scheme: Bearer\""
      ])
  }

  @Test func aHugeFileIsRefused() throws {
    let folder = try Folder()
    _ = try folder.write(String(repeating: "x", count: SecretResolver.bytesMax + 1), to: "token")
    let file = try folder.write(servers("file:token").text, to: "sluice.yaml")
    let error = #expect(throws: ConfigurationErrors.self) {
      try ConfigurationLoader.load(path: file, environment: [:])
    }
    #expect(error?.description.contains("token is larger than 16KiB") == true)
  }

  @Test func checkingDoesNotNeedTheSecrets() throws {
    let folder = try Folder()
    let file = try folder.write(servers("env:NOT_HERE").text, to: "sluice.yaml")
    #expect(throws: ConfigurationErrors.self) {
      try ConfigurationLoader.load(path: file, environment: [:])
    }
    let summary = try ConfigurationLoader.check(path: file, environment: [:])
    #expect(summary.warnings.count == 1)
    #expect(
      summary.description.contains(
        "the environment variable NOT_HERE is not set; `sluice serve` needs it"))
  }

  @Test func aConfigurationDoesNotShowItsSecrets() throws {
    let (configuration, _) = try read(servers("env:TOKEN").text)
    var text = ""
    dump(configuration, to: &text)
    #expect(!text.contains("s3cr3t"))
    #expect(!"\(configuration)".contains("s3cr3t"))
    #expect(text.contains("[secret]"))
  }
}

@Suite struct SummaryTests {
  @Test func showsTheGatewayAtAGlance() throws {
    let folder = try Folder()
    let file = try folder.write(
      StarterConfiguration.text(keySHA256: Sample.digest), to: "sluice.yaml")
    let summary = try ConfigurationLoader.check(path: file, environment: [:])
    #expect(
      summary.description == """
        \(file): OK
        listeners:
          http://127.0.0.1:8080
        callers:
          service account my-agent, groups analysts
        servers:
          orders: /orders/mcp -> http://127.0.0.1:9000/mcp
        profiles:
          analyst (group analysts)
            orders: query, list_*, describe_*
        rules, in order:
          1. no-destructive-sql: block when servers orders; tools query; argument sql
             A word list is a first line of defence; let its database user only read, too.
          2. personal-data: mask (ssn, email, phone, customer.card.number) when servers *
        approvals: none
        audit:
          \(folder.path)/recordings, synced every 50ms; calls that cannot be recorded are refused
        sinks: none
        console: none
        admin: none
        warnings: none
        """)
  }

  @Test func saysWhatStandsBesideTheWorkers() throws {
    let folder = try Folder()
    let text = Sample(
      policies: """
        policies:
          - name: ask
            match: { servers: [orders] }
            effect: require_approval
            approval: { reviewers: [dba, owners], quorum: 2, expires: 15m }
        """,
      rest: """
        admin: { address: "127.0.0.1:9901" }
        store: sqlite:./sluice.db
        approvals: { url: "https://console.example/approvals" }
        console:
          address: "127.0.0.1:8081"
          login:
            oidc: { issuer: "https://idp.example", client_id: console }
            local_admin: {}
          auditors: [security, audit]
        sinks:
          - { name: siem, syslog: { address: "siem.example:514" } }
          - { name: lines, jsonl: { path: ./events.jsonl } }
        """)
    let file = try folder.write(text.text, to: "sluice.yaml")
    let summary = try ConfigurationLoader.check(path: file, environment: [:]).description
    for line in [
      "  1. ask: require_approval of 2 of dba, owners within 15m when servers orders",
      "approvals:\n  kept in \(folder.path)/sluice.db, decided at https://console.example/approvals",
      "sinks:\n  siem: syslog over TCP to siem.example:514",
      "  lines: JSON lines to \(folder.path)/events.jsonl",
      "console:\n  http://127.0.0.1:8081, sign-in through https://idp.example or as admin with a password",
      "  admins: none by group; auditors: security, audit",
      "admin:\n  http://127.0.0.1:9901: /metrics, /healthz, /readyz",
    ] {
      #expect(summary.contains("\n\(line)\n"), "\(line)\nin\n\(summary)")
    }
  }

  @Test func relativePathsBeginAtTheFilesFolder() {
    for (folder, path, expected) in [
      (".", "./recordings", "./recordings"), (".", "recordings", "./recordings"),
      (".", "././/a/./b", "./a/./b"), ("gateway", "./x", "gateway/x"), ("/", "./x", "/x"),
      ("gateway", "../x", "gateway/../x"), ("gateway", "/x", "/x"), ("a/b", "./", "a/b/"),
      (".", "./.hidden", "./.hidden"),
    ] {
      let secrets = SecretResolver(environment: [:], directory: folder)
      #expect(secrets.absolute(path) == expected, "\(path) in \(folder)")
    }
  }
}
