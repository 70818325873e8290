internal import Audit
internal import Foundation
internal import Glibc
internal import Synchronization

/// How long records stay. Only whole segments go, the oldest first, never the one that is written.
public struct RecordRetention: Sendable, Equatable {
  /// Segments go whose last record is older; nil keeps them.
  public var days: Int?
  /// The oldest segments go while all together are larger; nil for no bound.
  public var bytesMax: Int?
  public var unread = Unread.keep

  /// What happens to segments that some sink has not read.
  public enum Unread: String, Sendable, CaseIterable {
    /// They stay, however large the record grows meanwhile, and the log says so.
    case keep
    /// They go, and the log says what was lost to which sink.
    case delete
  }

  public init() {}

  public var isUnbounded: Bool { days == nil && bytesMax == nil }
}

/// What a look at the directory led to.
struct RetentionResult: Equatable {
  var removed: [UInt32] = []
  /// Segments that should have gone and were kept for a sink.
  var kept: [UInt32] = []
  /// Sinks that hold segments back, or (with `unread: delete`) lost some.
  var behind: [String] = []
  var failure: String?
}

extension RecordRetention {
  /// Removes what is too old or too much.
  /// - Parameters:
  ///   - sinks: names of the sinks in force; cursors of others hold nothing back.
  ///   - now: nanoseconds since 1970.
  func apply(in directory: String, sinks: Set<String>, now: UInt64) -> RetentionResult {
    var result = RetentionResult()
    guard !isUnbounded, let range = try? segmentRange(directory) else { return result }
    var total = range.reduce(Int64(0)) { $0 + segmentBytes(directory, $1) }
    // A sink in force that has no cursor yet has read nothing.
    let cursors = CursorFile.all(in: directory).filter { sinks.contains($0.sink) }
    var needed = cursors.map { ($0.sink, $0.cursor?.segment ?? 0) }
    needed += sinks.filter { sink in !cursors.contains { $0.sink == sink } }.map { ($0, 0) }
    for number in range.dropLast() {
      let bytes = segmentBytes(directory, number)
      guard isOver(number, bytesInAll: total, in: directory, now) else { break }
      let behind = needed.filter { $0.1 <= number }.map(\.0)
      result.behind = Array(Set(result.behind).union(behind)).sorted()
      if !behind.isEmpty, unread == .keep {
        result.kept.append(number)
        total -= bytes
        continue
      }
      // A gap must not arise: what comes after a kept segment stays, too.
      guard result.kept.isEmpty else { break }
      let path = directory + "/" + SegmentFormat.name(of: number)
      guard unsafe unlink(path) == 0 || errno == ENOENT else {
        result.failure = "cannot remove \(path): errno \(errno)"
        break
      }
      result.removed.append(number)
      total -= bytes
    }
    if !result.removed.isEmpty { try? DurableFile.sync(folder: directory) }
    return result
  }

  /// Whether a segment should go. Its last record is about as old as the segment after it.
  private func isOver(
    _ number: UInt32, bytesInAll: Int64, in directory: String, _ now: UInt64
  ) -> Bool {
    if let bytesMax, bytesInAll > Int64(bytesMax) { return true }
    guard let days, let next = segmentHeader(directory, number + 1) else { return false }
    return next.createdNanoseconds &+ UInt64(days) * 86_400_000_000_000 < now
  }
}

/// Looks after the record's size once a minute.
final class RetentionRunner: Sendable {
  private let directory: String
  private let retention: RecordRetention
  private let report: SinkReporter
  private let sinks = Mutex<Set<String>>([])
  private let isStarted = Mutex(false)
  private let bell = Bell()

  static let lookMilliseconds = 60_000

  init(directory: String, retention: RecordRetention, report: @escaping SinkReporter) {
    self.directory = directory
    self.retention = retention
    self.report = report
  }

  func apply(sinks names: [String]) { sinks.withLock { $0 = Set(names) } }

  func start() {
    guard !retention.isUnbounded else { return }
    let isNew = isStarted.withLock { isStarted in
      defer { isStarted = true }
      return !isStarted
    }
    guard isNew else { return }
    let thread = Thread { [self] in
      while !bell.isStopped {
        look()
        bell.wait(milliseconds: Self.lookMilliseconds)
      }
      bell.end()
    }
    thread.name = "retention"
    thread.start()
  }

  func stop() {
    guard isStarted.withLock({ $0 }) else { return }
    bell.stop(afterMilliseconds: 0)
    bell.waitUntilEnded()
  }

  private func look() {
    let now = UInt64(max(0, Date().timeIntervalSince1970)) * 1_000_000_000
    let result = retention.apply(in: directory, sinks: sinks.withLock { $0 }, now: now)
    let names = result.behind.joined(separator: ", ")
    if let first = result.removed.first, let last = result.removed.last {
      report(
        .info,
        "removed segments \(first) to \(last) of the record, which audit.retention does not keep",
        "retention")
      if !result.behind.isEmpty {
        report(.error, "segments \(first) to \(last) were removed unread by: \(names)", "retention")
      }
    }
    if let first = result.kept.first, let last = result.kept.last {
      report(
        .warning,
        "segments \(first) to \(last) should be removed and stay, because they were not delivered by: \(names); the record "
          + "grows beyond audit.retention until they are", "retention")
    }
    if let failure = result.failure { report(.error, failure, "retention") }
  }
}
