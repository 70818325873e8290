import Audit
import Foundation

/// What the writer's thread does most: the hash of a frame as large as it writes under load.
func benchmarkFrameHash(_ harness: Harness) {
  let frame = [UInt8](repeating: 0x63, count: 512 << 10)
  for (sideBySide, name) in [(true, "leaves side by side"), (false, "one leaf after the other")] {
    var digest = FrameDigest(sideBySide: sideBySide)
    harness.measure("audit/hash 512 KiB, \(name)", bytes: frame.count) {
      unsafe precondition(digest.hash(frame: frame.span.bytes) != .zero)
    }
  }
}

/// What recording one call costs the worker that it happens on: opening and closing entry with a request of 400 bytes and
/// an answer of 4 KiB. The writer's thread hashes and writes meanwhile; its cost is in perf/compare.
func benchmarkAudit(_ harness: Harness) throws {
  let name = "audit/record a call (worker's side)"
  guard name.contains(harness.filter) else { return }
  if harness.listsOnly { return print(name) }
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
    "sluice-benchmark-\(UUID().uuidString)")
  defer { try? FileManager.default.removeItem(at: folder) }
  let log = try AuditLog(settings: AuditSettings(directory: folder.path), workers: 1)
  defer { _ = log.close() }
  var producer = log.producer(worker: 0, wakeDescriptor: -1)
  let request = [UInt8](repeating: 0x61, count: 400)
  let answer = [UInt8](repeating: 0x62, count: 4096)
  let principal = Array("my-agent".utf8)
  harness.measure(name, repeats: 16) {
    let who = unsafe principal.span.bytes
    let body = unsafe request.span.bytes
    var facts = CallFacts(
      record: producer.makeRecordID(), receivedNanoseconds: 1, decision: .allow)
    facts.principal = who
    // The writer is given time when it falls behind: only the worker's side is measured.
    while true {
      if case .opened(var ticket) = producer.open(facts, request: body) {
        let bytes = unsafe answer.span.bytes
        var taken = producer.close(&ticket, CallOutcome(result: .success), answer: bytes)
        while ticket.isOpen {
          usleep(100)
          taken += producer.close(
            &ticket, CallOutcome(result: .success), answer: bytes.extracting(droppingFirst: taken))
        }
        return
      }
      usleep(100)
    }
  }
}
