import ExampleServer
import Foundation
import PlainJSON
import Recorder
import SluiceConfiguration
import Testing

@testable import sluice

/// The demo as a whole: real sockets, the real gateway, the real database, the real record.
@Suite struct DemoTests {
  private func withDemo(
    _ overrides: [ConfigurationOverride] = [], _ body: (Demo) async throws -> Void
  ) async throws {
    let demo = try await Demo.start(
      folder: DemoFolder(path: nil), port: 0, overrides: overrides)
    let outcome: Result<Void, any Error>
    do {
      outcome = .success(try await body(demo))
    } catch {
      outcome = .failure(error)
    }
    try await demo.stop()
    try outcome.get()
    #expect(!FileManager.default.fileExists(atPath: demo.folder.path))
  }

  @Test(arguments: ["auto", "epoll"])
  func everyOutcomeOfTheTourIsRight(io: String) async throws {
    try await withDemo([.inputOutput(io), .workers("2")]) { demo in
      let isRight = try await demo.tour(asksPerson: false)
      #expect(isRight)
    }
  }

  @Test func aCallWithoutAKeyIsTurnedAwayAndRecorded() async throws {
    try await withDemo { demo in
      for key in [nil, "sluice_wrong"] {
        let stranger = TourClient(port: demo.gatewayPort, path: DemoConfiguration.path, key: key)
        let reply = try await stranger.call(tool: "query", arguments: ["sql": "SELECT 1"])
        #expect(reply.status == 401)
        #expect(!reply.body.contains("structuredContent"))
      }
      let record = AuditCommands(directory: demo.folder.recordings)
      var decisions: [String] = []
      for _ in 0..<50 where decisions.count < 2 {
        try await Task.sleep(for: .milliseconds(100))
        decisions = try await TourRecord.latest(5, in: record).map(\.decision)
      }
      #expect(decisions == ["unauthenticated", "unauthenticated"])
    }
  }

  @Test func anEditedConfigurationIsKeptAndUsed() async throws {
    let path = NSTemporaryDirectory() + "sluice-demo-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let folder = try DemoFolder(path: path)
    let first = try await Demo.start(folder: folder, port: 0)
    try await first.stop()
    let text = try String(contentsOfFile: folder.configurationFile, encoding: .utf8)
    let edited = text.replacing(
      "describe_table, query]", with: "describe_table, query, customer_card]")
    #expect(edited != text)
    try Data(edited.utf8).write(to: URL(fileURLWithPath: folder.configurationFile))
    let second = try await Demo.resume(folder: folder, port: nil)
    let agent = TourClient(
      port: second.gatewayPort, path: DemoConfiguration.path, key: try folder.readKeys().agent)
    let reply = try? await agent.call(tool: "customer_card", arguments: ["customer_id": 3])
    try await second.stop()
    #expect(second.gatewayPort == first.gatewayPort)
    let customer = reply?.message?["result"]?["structuredContent"]?["customer"]
    #expect(customer?["name"]?.text?.isEmpty == false)
    #expect(customer?["email"] == "[redacted]")
    #expect(customer?["card"]?["number"]?.text?.hasPrefix("***") == true)
  }
}
