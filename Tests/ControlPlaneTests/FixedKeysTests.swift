import Foundation
import Policy
import SluiceConfiguration
import Testing

@testable import ControlPlane

@Suite struct FixedKeysTests {
  private func load(_ sample: Sample, in folder: Folder? = nil) throws -> LoadedConfiguration {
    let folder = try folder ?? Folder()
    try folder.write(sample.text)
    return try ConfigurationFile(path: folder.file).load()
  }

  @Test(arguments: [
    ("listeners", "listeners: [{ address: 127.0.0.1:8081 }]", "", ""),
    ("audit", "", "audit: { directory: ./elsewhere }", ""),
    ("limits.head_size", "", "", "limits: { head_size: 64KiB }"),
    ("limits.request_size", "", "", "limits: { request_size: 1MiB }"),
    ("limits.response_hold", "", "", "limits: { response_hold: 1MiB }"),
    ("limits.response_size", "", "", "limits: { response_size: 1MiB }"),
    ("limits.json_depth", "", "", "limits: { json_depth: 10 }"),
    ("limits.worker_memory", "", "", "limits: { worker_memory: 2MiB }"),
    ("limits.max_connections", "", "", "limits: { max_connections: 7 }"),
    ("workers", "", "", "workers: { count: 3 }"),
    ("log", "", "", "log: { level: debug }"),
    ("limits.held_calls", "", "", "limits: { held_calls: 7 }"),
    ("approvals", "", "", "approvals: { max_pending: 7 }"),
    ("store", "", "", "store: sqlite:./approvals.db"),
    ("admin", "", "", "admin: { address: 127.0.0.1:9901 }"),
  ])
  func whatNeedsARestartIsNamedAndStaysAsItWas(
    key: String, listeners: String, audit: String, rest: String
  ) throws {
    let folder = try Folder()
    try folder.write(Sample().text)
    let file = ConfigurationFile(path: folder.file)
    let running = try file.load()
    var changed = Sample(rest: rest)
    if !listeners.isEmpty { changed.listeners = listeners }
    if !audit.isEmpty { changed.audit = audit }
    try folder.write(changed.text)
    var newer = try file.load()
    #expect(newer.configuration.fixedKeys(differingFrom: running.configuration) == [key])
    try newer.keepFixedKeys(of: running)
    #expect(newer.configuration.fixedKeys(differingFrom: running.configuration).isEmpty)
  }

  /// It is started, ended, or started anew.
  @Test func theConsoleNeedsNone() throws {
    let folder = try Folder()
    let running = try load(Sample(), in: folder)
    let newer = try load(Sample(rest: "console: { login: { local_admin: {} } }"), in: folder)
    #expect(newer.configuration.fixedKeys(differingFrom: running.configuration).isEmpty)
    #expect(running.configuration.fixedKeys(differingFrom: newer.configuration).isEmpty)
  }

  @Test func waitsNeedNone() throws {
    let running = try load(Sample())
    let newer = try load(
      Sample(audit: "audit: { directory: /x }", rest: "limits: { head_timeout: 1s }"))
    #expect(newer.configuration.fixedKeys(differingFrom: running.configuration) == ["audit"])
  }

  /// The file alone would do, but the gateway still listens where other machines reach it.
  @Test func nobodyIsLetInUnnamedOnAnOpenListener() throws {
    let running = try load(Sample(listeners: "listeners: [{ address: 0.0.0.0:8080 }]"))
    var newer = try load(
      Sample(
        identity: "identity: { anonymous: { groups: [staff] } }"))
    #expect {
      try newer.keepFixedKeys(of: running)
    } throws: {
      "\($0)".contains("identity.anonymous: the gateway listens on 0.0.0.0:8080 until it is")
    }
  }

  @Test func theSameContentIsKnown() throws {
    let folder = try Folder()
    let token = try folder.writeSample(withToken: "s1")
    let file = ConfigurationFile(path: folder.file)
    let first = try file.load()
    #expect(try file.load().contents == first.contents)
    #expect(first.files == [folder.file, token])
    try folder.write("s2", to: "token")
    #expect(try file.load().contents != first.contents)
    try FileManager.default.removeItem(atPath: token)
    let error = #expect(throws: ConfigurationErrors.self) { try file.load() }
    #expect(error?.files == [token], "it is worth watching all the same")
  }
}
