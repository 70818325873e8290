import Console
import ExampleServer
import Foundation
import PlainJSON
import Recorder
import Testing

@testable import sluice

/// The tour must notice when the gateway does not do its work: here there is none.
@Suite struct TourTests {
  @Test func withoutAGatewayTheTourFails() async throws {
    let server = try ExampleServer()
    let port = try await server.start()
    let folder = NSTemporaryDirectory() + "sluice-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let tour = Tour(
      narrator: Narrator(style: TextStyle(isColoured: false)),
      agent: TourClient(port: port, path: "/mcp", key: nil), database: server.database,
      record: AuditCommands(directory: folder),
      reviewer: TourReviewer(
        client: try AdminClient(url: "http://127.0.0.1:1", token: "sluice_none"),
        consoleURL: "http://127.0.0.1:1", asksPerson: false))
    let isRight = try await tour.run()
    let left = try? await server.database.run("SELECT 1 FROM customers")
    await server.stop()
    #expect(!isRight)
    #expect(left == nil, "without a gateway the table is gone")
  }

  @Test func theReferenceIsFoundInTheText() {
    #expect(Tour.reference(in: "Blocked by policy no-drop. Ref 01K3ZJ9Q.") == "01K3ZJ9Q")
    #expect(Tour.reference(in: "Blocked.") == nil)
    #expect(Tour.reference(in: "Ref .") == nil)
  }
}
