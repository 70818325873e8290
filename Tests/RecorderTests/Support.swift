import Audit
import Foundation
import Testing

@testable import Recorder

/// A directory of its own for each test, gone afterwards, and calls recorded into it.
final class Recording: Sendable {
  let path: String
  var audit: String { path + "/audit" }
  var commands: AuditCommands { AuditCommands(directory: audit) }
  var sessions: SessionCatalog { SessionCatalog(directory: audit) }

  init() throws {
    path = NSTemporaryDirectory() + "sluice-recorder-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func log(segmentBytesMax: Int = 256 << 20, batch: Int = 256 << 10) throws -> AuditLog {
    var settings = AuditSettings(directory: audit)
    settings.segmentBytesMax = segmentBytesMax
    settings.writeBatchBytesMax = batch
    settings.durability = .interval(milliseconds: 5)
    return try AuditLog(settings: settings, workers: 1)
  }

  var segments: [String] {
    get throws {
      try FileManager.default.contentsOfDirectory(atPath: audit)
        .filter { $0.hasSuffix(".sluice") }.sorted()
    }
  }

  func url(_ segment: String) -> URL { URL(fileURLWithPath: audit + "/" + segment) }
}

/// What a test wants recorded.
struct Call {
  var principal = "alice"
  var server = "orders"
  var tool = "query"
  var rule = "pii"
  var decision = RecordedDecision.allow
  var era = RecordedEra.modern
  var method = "tools/call"
  var session = ""
  var openedSession = ""
  var client = ""
  var approval = ""
  /// Wall clock instead of the real one, in seconds since 1970.
  var second: UInt64?
  var request = #"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"query"}}"#
  var pieces: [String] = []
  var answer = #"{"jsonrpc":"2.0","id":7,"result":{"content":[]}}"#
  var outcome = CallOutcome(result: .success)
}

extension AuditProducer {
  /// Records a call; `closes: false` leaves it open.
  @discardableResult
  mutating func record(_ call: Call, closes: Bool = true) -> (id: RecordID, ticket: AuditTicket)? {
    let id = call.second.map { makeRecordID(wallNanoseconds: $0 * 1_000_000_000) } ?? makeRecordID()
    let principal = Array(call.principal.utf8)
    let server = Array(call.server.utf8)
    let tool = Array(call.tool.utf8)
    let rule = Array(call.rule.utf8)
    let method = Array(call.method.utf8)
    let session = Array(call.session.utf8)
    let client = Array(call.client.utf8)
    let approval = Array(call.approval.utf8)
    let request = Array(call.request.utf8)
    var facts = CallFacts(record: id, receivedNanoseconds: 0, decision: call.decision)
    facts.era = call.era
    facts.policyRevision = 0xabcd
    facts.principal = unsafe principal.span.bytes
    facts.server = unsafe server.span.bytes
    facts.tool = unsafe tool.span.bytes
    facts.rule = unsafe rule.span.bytes
    facts.method = unsafe method.span.bytes
    facts.session = unsafe session.span.bytes
    facts.client = unsafe client.span.bytes
    facts.approval = unsafe approval.span.bytes
    let body = unsafe request.span.bytes
    guard case .opened(var ticket) = open(facts, request: body) else { return nil }
    for piece in call.pieces {
      let bytes = Array(piece.utf8)
      let span = unsafe bytes.span.bytes
      guard append(&ticket, answer: span) == bytes.count else { return nil }
    }
    if closes, !finish(&ticket, call) { return nil }
    return (id, ticket)
  }

  /// Closes a call that `record` left open.
  @discardableResult
  mutating func finish(_ ticket: inout AuditTicket, _ call: Call) -> Bool {
    let bytes = Array(call.answer.utf8)
    let span = unsafe bytes.span.bytes
    let opened = Array(call.openedSession.utf8)
    let session = unsafe opened.span.bytes
    return close(&ticket, call.outcome, answer: span, session: session) == bytes.count
  }
}

/// Collects the lines that `tail` prints.
final class Lines {
  var all: [String] = []
}
