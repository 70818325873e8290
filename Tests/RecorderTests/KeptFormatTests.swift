import Audit
import Foundation
import Testing

@testable import Recorder

/// Records are kept for years, and read by whatever version there is then. `Fixtures/format-1.sluice` was written by a gateway
/// on 26 November 2026 and never changes; should the format, its readers have to go on reading this one.
@Suite struct KeptFormatTests {
  private func recording() throws -> Recording {
    let recording = try Recording()
    let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/format-1.sluice")
    try FileManager.default.createDirectory(
      atPath: recording.audit, withIntermediateDirectories: true)
    try FileManager.default.copyItem(at: fixture, to: recording.url("00000001.sluice"))
    return recording
  }

  @Test func theChainOfAnOldRecordStillHolds() throws {
    let recording = try recording()
    let verification = try recording.commands.verify()
    #expect(verification.firstBreak == nil)
    #expect(verification.entries == 9 && verification.frames == 3)
    #expect(verification.bytes == 5272 && verification.tailBytes == 0)
    #expect(
      verification.lastHash == "acc087ae028db89c2732e8b6a6b32412db54a4ee8919a3801f616f39ce7adf35")
  }

  @Test func itsCallsAreReadInFull() throws {
    let recording = try recording()
    let masked = try recording.commands.find("06mc3v55g0800")
    #expect(masked.principal == "demo-agent" && masked.server == "shop" && masked.tool == "query")
    #expect(masked.method == "tools/call" && masked.client == "sluice-demo/1")
    #expect(masked.era == .modern && masked.decision == .allow && masked.isWhole)
    #expect(masked.outcome?.maskedValues == 18 && masked.outcome?.result == .success)
    let request = String(decoding: masked.request, as: UTF8.self)
    #expect(request.contains("SELECT name, city, email, ssn, card_number FROM customers"))
    let answer = String(decoding: masked.answer, as: UTF8.self)
    #expect(answer.contains("Daniel Mensah") && answer.contains("[redacted]"))

    let blocked = try recording.commands.find("06mc3v57g0000")
    #expect(blocked.decision == .block && blocked.rule == "no-destructive-sql")
    #expect(blocked.outcome?.result == .refused)

    let approved = try recording.commands.find("06mc3v58g0800")
    #expect(approved.decision == .allow && approved.rule == "writes-need-a-human")
    #expect(approved.approval == "apr_01m8cy4q5656ykkt8535v5g04f")
    #expect(approved.review?.state == .approved && approved.review?.reviewers == ["dana"])
    #expect(approved.review?.reason == "The customer asked for it")
  }

  /// That record says that the agent's side failed where a rule refused. Nothing did.
  @Test func whatARuleRefusedDidNotFail() throws {
    let recording = try recording()
    let blocked = try recording.commands.find("06mc3v57g0000")
    #expect(blocked.outcome?.failedSide == .agent)
    #expect(!CallPage.text(of: blocked, bodyBytesMax: 100).contains("failed side"))
    #expect(!CallJSON.text(of: blocked).contains("failed_side"))
  }

  @Test func itsSessionIsFound() throws {
    let recording = try recording()
    let list = try recording.sessions.list()
    #expect(list.warnings.isEmpty)
    let session = try #require(list.sessions.first)
    #expect(list.sessions.count == 1)
    #expect(session.calls == 4 && session.refused == 1 && session.maskedValues == 18)
    #expect(session.client == "sluice-demo/1" && session.tools == ["query": 4])
  }
}
