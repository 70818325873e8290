import ExampleServer
import Foundation
import PlainJSON
import Recorder

/// The stops at which the tour looks back: the record, the session, the proof.
extension Tour {
  func showRecord(blockedReference: String?) async throws -> Bool {
    narrator.heading(5, "All of it is on the record")
    narrator.quote("You run", "sluice audit tail")
    let calls = try await settledRecord(including: blockedReference)
    narrator.lines(TourRecord.table(calls, headingStyle: narrator.style.bold))
    guard calls.count >= 4, calls.allSatisfy({ $0.tool == "query" }) else {
      narrator.failure("The record should hold the four calls of this tour.")
      return false
    }
    guard calls.prefix(3).map(\.decision) == ["allow", "allow", "block"], calls[1].maskedValues > 0
    else {
      narrator.failure("The record should say: allowed, allowed and masked, blocked.")
      return false
    }
    guard let blockedReference, calls[2].reference == blockedReference else {
      narrator.failure("The record and the agent should have been given the same reference.")
      return false
    }
    guard calls.dropFirst(3).allSatisfy({ $0.rule == DemoConfiguration.approvalRule }) else {
      narrator.failure("The record should say which rule held the fourth call.")
      return false
    }
    narrator.success("Recorded: who, what, which rule, who approved, and both bodies (as masked).")
    return true
  }

  /// The calls as one session, as an auditor reads them.
  func showSession() async throws -> Bool {
    narrator.heading(6, "The session, as an auditor reads it")
    let catalog = SessionCatalog(directory: record.directory)
    guard let session = try catalog.list(SessionFilter(), limit: 1).sessions.first else {
      narrator.failure("The record should hold a session.")
      return false
    }
    narrator.quote("You run", "sluice sessions show \(session.id)")
    narrator.say(
      "\(session.principal) on \(session.server), with \(session.client): \(session.calls) calls, "
        + "\(session.refused) refused, \(session.maskedValues) values masked")
    var lines: [String] = []
    var isReviewed = false
    try catalog.timeline(session.id) { call in
      let line = TourTimeline.line(call)
      lines +=
        [narrator.style.bold(line.head), "    " + line.request] + line.answer.map { "    " + $0 }
      isReviewed = isReviewed || call.review != nil
      return true
    }
    narrator.lines(lines)
    guard session.principal == DemoConfiguration.account, isReviewed else {
      narrator.failure("The timeline should tell who decided about the held call.")
      return false
    }
    return true
  }

  func showProof() throws -> Bool {
    narrator.heading(7, "And nobody can change it unseen")
    narrator.quote("You run", "sluice audit verify")
    let verification = try record.verify()
    for line in "\(verification)".split(whereSeparator: \.isNewline) { narrator.say(String(line)) }
    guard verification.isIntact else {
      narrator.failure("The record's chain of hashes is broken.")
      return false
    }
    narrator.success("Verified: every entry is chained to the one before it.")
    return true
  }

  /// The record of this tour's calls, once all are in it: the writer may lag behind the answers by a batch.
  private func settledRecord(including reference: String?) async throws -> [TourRecord] {
    var calls: [TourRecord] = []
    for _ in 0..<50 {
      calls = try await TourRecord.latest(64, in: record)
      // An earlier tour's calls may stand before: this one's begin two before the blocked one.
      if let blocked = calls.firstIndex(where: { $0.reference == reference }), blocked >= 2 {
        calls = Array(calls[(blocked - 2)...])
        if calls.count >= 4, calls.allSatisfy(\.isClosed) { return calls }
      }
      try await Task.sleep(for: .milliseconds(100))
    }
    return calls
  }
}

/// A call of the session in two or three short lines.
enum TourTimeline {
  static func line(_ call: RecordedCall) -> (head: String, request: String, answer: [String]) {
    var head = clock(call.openedNanoseconds) + "  " + call.tool
    if let decision = call.decision { head += "  \(decision)" }
    if !call.rule.isEmpty { head += " by \(call.rule)" }
    if let review = call.review {
      head += ", \(review.state)"
      if !review.reviewers.isEmpty { head += " by " + review.reviewers.joined(separator: ", ") }
      if !review.reason.isEmpty { head += ": \(review.reason)" }
    }
    return (
      head, cut(sql(call.request) ?? String(decoding: call.request, as: UTF8.self)),
      answer(call.answer).map { [cut("-> " + $0)] } ?? []
    )
  }

  /// `14:23:05`, UTC.
  private static func clock(_ nanoseconds: UInt64) -> String {
    let time = Int(nanoseconds / 1_000_000_000 % 86_400)
    return [time / 3600, time / 60 % 60, time % 60].map { part in
      part < 10 ? "0\(part)" : "\(part)"
    }.joined(separator: ":")
  }

  private static func sql(_ request: [UInt8]) -> String? {
    (try? JSONValue(parsing: request))?["params"]?["arguments"]?["sql"]?.text
  }

  private static func answer(_ answer: [UInt8]) -> String? {
    guard let message = try? JSONValue(parsing: answer) else { return nil }
    return message["result"]?["content"]?[0]?["text"]?.text
  }

  private static func cut(_ text: String) -> String {
    let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
    return line.count > 100 ? line.prefix(99) + "…" : line
  }
}
