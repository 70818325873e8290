import Approvals
import ConsoleSamples
import Foundation
import Testing

@testable import Console

@Suite struct ClientTests {
  @Test func aKeyTravelsOnlyOverTLSOrInsideThisMachine() {
    for url in [
      "http://console.example", "http://10.0.0.1:8081", "console.example", "ftp://x", "",
      "http://127.evil.example.com@evil.example", "http://localhost.evil.example",
      "http://127.evil.example", "http://127.0.0.1.evil.example",
    ] {
      #expect(throws: AdminClientError.self, "\(url)") { try AdminClient(url: url, token: "t") }
    }
    for url in [
      "https://console.example/", "http://127.0.0.1:8081", "http://localhost:1", "http://[::1]:2",
    ] {
      #expect(throws: Never.self, "\(url)") { try AdminClient(url: url, token: "t") }
    }
  }

  @Test func aTerminalGetsNothingThatMovesItsCursor() throws {
    let now = Date()
    let viewer = Viewer(name: "v", groups: ["dba"])
    for request in SampleApprovals.hostile(now: now) {
      let document = ApprovalDocument(request, for: viewer, now: now)
      let page = ApprovalText.page(document, now: now)
      let table = ApprovalText.table([document], now: now, width: 80)
      #expect(table.allSatisfy { $0.count <= 80 })
      for text in [page] + table {
        #expect(
          !text.unicodeScalars.contains {
            $0.value < 0x20 && $0 != "\n" || $0 == "\u{202E}" || $0.value == 0x7F
          })
      }
      #expect(table.count == 2 && !table[1].contains("\n"))
    }
  }

  @Test func aPageShowsTheArgumentsInFull() throws {
    let now = Date()
    let update = try #require(SampleApprovals.day(now: now).first)
    let page = ApprovalText.page(
      ApprovalDocument(update, for: Viewer(name: "v", groups: []), now: now), now: now)
    #expect(page.contains("    | UPDATE orders\n    |    SET status = 'cancelled',\n"))
    #expect(page.contains("  timeout_ms = 5000"))
    #expect(page.contains("asked by   nightly-report"))
  }
}
