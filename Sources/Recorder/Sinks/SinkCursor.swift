internal import Audit
internal import Foundation
internal import Glibc

/// How far a receiver has taken a record's events; durable, so that nothing is lost and little repeated over restarts.
///
/// A call's entries may lie far apart, so a place in the files is not enough: reading begins again at `segment`, where the oldest
/// call that is not delivered was opened, and skips the events up to `through`.
struct SinkCursor: Codable, Equatable {
  var version = 1
  /// The segment where reading begins again, and its header's hash: whether it is still the same record.
  var segment: UInt32
  var segmentHash: String
  /// Events up to this place are taken. The event of entry `n` is at `2n + 1`; those of calls that a process left open when
  /// it ended are at `2n`, before the next process's first entry `n`.
  var through: UInt64
  /// The process that wrote the record at `through` (`FrameHeader.process`).
  var process: UInt32
  /// Last entry of the frame that was read last, and that frame's hash: what the record must still contain.
  var anchorEntry: UInt64?
  var anchorHash: String
  /// End of that frame.
  var readSegment: UInt32
  var readOffset: Int64
  /// Calls that began before `segment` and are still open.
  var carried: [CarriedCall] = []

  /// Most calls that are carried; beyond it reading begins again further back.
  static let carriedMax = 4096

  /// The last event that was taken, if it was of an entry.
  var lastSequence: UInt64? { through == 0 ? nil : (through - 1) / 2 }
}

/// An open call without its bodies: a stream may stay open for days, and must not hold back the segments it began in.
struct CarriedCall: Codable, Equatable {
  var record: UInt64
  var worker: Int
  var segment: UInt32
  var opened: UInt64
  var policy: UInt64
  var era: UInt8
  var decision: UInt8?
  var texts: [String]
  var requestBytes: Int
  /// What became of its approval: `RecordedApproval`, and how long it was held.
  var review: UInt8?
  var reviewTexts: [String]?
  var held: UInt64?

  init(_ call: RecordedCall) {
    record = call.record.value
    worker = call.worker
    segment = call.segment
    opened = call.openedNanoseconds
    policy = call.policyRevision
    era = call.era.rawValue
    decision = call.decision?.rawValue
    texts = [
      call.principal, call.server, call.method, call.tool, call.session, call.rule, call.requestID,
      call.client, call.approval,
    ]
    requestBytes = call.requestBytes
    review = call.review?.state.rawValue
    reviewTexts = call.review.map { [$0.reason] + $0.reviewers }
    held = call.review?.heldMicroseconds
  }

  var call: RecordedCall {
    var call = RecordedCall(record: RecordID(value: record), worker: worker, segment: segment)
    call.openedNanoseconds = opened
    call.policyRevision = policy
    call.era = RecordedEra(rawValue: era) ?? .unknown
    call.decision = decision.flatMap(RecordedDecision.init)
    let texts = self.texts + Array(repeating: "", count: max(0, 9 - self.texts.count))
    (call.principal, call.server, call.method, call.tool) = (texts[0], texts[1], texts[2], texts[3])
    (call.session, call.rule, call.requestID) = (texts[4], texts[5], texts[6])
    (call.client, call.approval) = (texts[7], texts[8])
    call.requestBytes = requestBytes
    if let state = review.flatMap(RecordedApproval.init) {
      let texts = reviewTexts ?? []
      call.review = .init(
        state: state, reviewers: Array(texts.dropFirst()), reason: texts.first ?? "",
        heldMicroseconds: held ?? 0)
    }
    return call
  }
}

/// The file that keeps a cursor: `cursors/<sink>.json` in the audit directory, replaced as a whole.
struct CursorFile {
  let folder: String
  let name: String

  init(directory: String, sink: String) {
    folder = Self.folder(in: directory)
    name = sink + ".json"
  }

  static func folder(in directory: String) -> String { directory + "/cursors" }

  /// Nil when there is none yet. - Throws: when it cannot be read, or is not a cursor: then nobody knows what was delivered.
  func read() throws(SinkError) -> SinkCursor? {
    let path = folder + "/" + name
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    do {
      return try JSONDecoder().decode(
        SinkCursor.self, from: try Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
      throw SinkError(
        "the cursor \(path) cannot be read; remove it to let the sink begin anew where its start says"
      )
    }
  }

  /// Returns once the cursor is on the disk.
  func write(_ cursor: SinkCursor) throws(SinkError) {
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys]
      try DurableFile.replace(folder, name, with: Array(try encoder.encode(cursor)))
    } catch {
      throw SinkError("the cursor \(folder)/\(name) cannot be written: \(error)")
    }
  }

  /// Every cursor in an audit directory, by the name of its sink; those that cannot be read as nil.
  static func all(in directory: String) -> [(sink: String, cursor: SinkCursor?)] {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder(in: directory))) ?? []
    return files.filter { $0.hasSuffix(".json") }.sorted().map { file in
      let sink = String(file.dropLast(5))
      return (sink, (try? CursorFile(directory: directory, sink: sink).read()) ?? nil)
    }
  }
}

/// A file that is replaced as a whole: old or new after a crash, never half.
enum DurableFile {
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  static func replace(_ folder: String, _ name: String, with bytes: [UInt8]) throws(Failure) {
    let path = folder + "/" + name
    let draft = path + ".new"
    let file = unsafe open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw failure() }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        let failure = failure()
        close(file)
        throw failure
      }
      rest = rest.dropFirst(count)
    }
    guard fsync(file) == 0 else {
      let failure = failure()
      close(file)
      throw failure
    }
    close(file)
    guard unsafe rename(draft, path) == 0 else { throw failure() }
    try sync(folder: folder)
  }

  /// Brings names in a folder to the disk.
  static func sync(folder: String) throws(Failure) {
    let directory = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw failure() }
    defer { close(directory) }
    guard fsync(directory) == 0 else { throw failure() }
  }

  private static func failure() -> Failure {
    Failure(
      description: unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "errno \(errno)")
  }
}

/// Why a receiver did not take something, in words for the operator. Nothing secret is in it.
struct SinkError: Error, Equatable, CustomStringConvertible {
  var description: String
  /// The receiver asks to be left alone this long.
  var retryMilliseconds: Int?

  init(_ description: String, retryMilliseconds: Int? = nil) {
    self.description = description
    self.retryMilliseconds = retryMilliseconds
  }
}
