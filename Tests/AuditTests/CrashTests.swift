import AuditTestSupport
import Glibc
import Testing

@testable import Audit

/// Processes that are killed while they record.
@Suite struct CrashTests {
  /// Records calls until a thread kills the process, and notes the id of every call whose answer might leave.
  static func recordUntilKilled(
    _ directory: String, _ acknowledged: String, synced: Bool, microseconds: UInt32
  )
    -> Never
  {
    var settings = AuditSettings(directory: directory)
    settings.durability = synced ? .synced : .interval(milliseconds: 2)
    settings.writeBatchBytesMax = 16384
    settings.directBytesMin = 8192
    guard let log = try? AuditLog(settings: settings, workers: 1) else { exit(1) }
    let notes = unsafe Glibc.open(acknowledged, O_CREAT | O_WRONLY | O_APPEND, 0o600)
    var producer = log.producer(worker: 0, wakeDescriptor: -1)
    var noted = 0
    while true {
      let answer = [UInt8](repeating: 7, count: Int.random(in: 0..<9000))
      guard let ticket = producer.call(answer: answer) else {
        usleep(100)
        continue
      }
      while !producer.isReleased(ticket.sequence) {
        if !producer.wakeWhenDurable(ticket.sequence) { usleep(20) }
      }
      var id = ticket.record.value
      unsafe _ = write(notes, &id, 8)
      // The time to live counts from the first call that is noted, so that there always is one.
      if noted == 0, (try? killer(after: microseconds)) == nil { exit(1) }
      noted += 1
    }
  }

  private static func killer(after microseconds: UInt32) throws {
    _ = try AuditThread(name: "killer") {
      usleep(microseconds)
      kill(getpid(), SIGKILL)
    }
  }

  private func notes(_ path: String) throws -> [UInt64] {
    let file = unsafe Glibc.open(path, O_RDONLY)
    try #require(file >= 0)
    defer { Glibc.close(file) }
    var ids = [UInt64](repeating: 0, count: Int(lseek(file, 0, SEEK_END)) / 8)
    let bytes = ids.count * 8
    let got = unsafe pread(file, &ids, bytes, 0)
    try #require(got == bytes)
    return ids
  }

  @Test(arguments: [30_000, 61_000, 97_000, 140_000] as [UInt32])
  func syncedLosesNoAcknowledgedCall(microseconds: UInt32) async throws {
    let directory = try TemporaryDirectory()
    let audit = directory.audit
    let path = directory.path + "/acknowledged"
    await #expect(processExitsWith: .signal(SIGKILL)) {
      [
        audit = audit as String, path = path as String, microseconds = microseconds as UInt32
      ] in
      Self.recordUntilKilled(audit, path, synced: true, microseconds: microseconds)
    }
    let acknowledged = try notes(path)
    #expect(!acknowledged.isEmpty)
    try AuditLog(settings: AuditSettings(directory: audit), workers: 1).close()
    let (entries, ends) = try readAll(directory)
    #expect(ends.allSatisfy { $0 == .end })
    let closed = Set(entries.filter { $0.kind == .closing }.map(\.record))
    let opened = Set(entries.filter { $0.kind == .opening }.map(\.record))
    #expect(closed.isSuperset(of: acknowledged))
    #expect(opened.isSuperset(of: acknowledged))
  }

  @Test(arguments: [30_000, 61_000, 97_000, 140_000] as [UInt32])
  func intervalLosesOnlyTheEnd(microseconds: UInt32) async throws {
    let directory = try TemporaryDirectory()
    let audit = directory.audit
    let path = directory.path + "/acknowledged"
    await #expect(processExitsWith: .signal(SIGKILL)) {
      [
        audit = audit as String, path = path as String, microseconds = microseconds as UInt32
      ] in
      Self.recordUntilKilled(audit, path, synced: false, microseconds: microseconds)
    }
    let acknowledged = try notes(path)
    #expect(!acknowledged.isEmpty)
    try AuditLog(settings: AuditSettings(directory: audit), workers: 1).close()
    let (entries, ends) = try readAll(directory)
    #expect(ends.allSatisfy { $0 == .end })
    // What is there is the beginning of what was done, without holes (and perhaps one call that was not noted yet).
    let closed = entries.filter { $0.kind == .closing }.map(\.record)
    let both = min(closed.count, acknowledged.count)
    #expect(Array(closed.prefix(both)) == Array(acknowledged.prefix(both)))
    #expect(closed.count <= acknowledged.count + 1)
  }
}
