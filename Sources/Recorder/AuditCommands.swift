internal import Audit

/// What `sluice audit tail`, `show` and `verify` do, without the argument parsing: they read a directory of segments, also
/// while a gateway writes it, and give out text that is safe to print.
public struct AuditCommands: Sendable {
  public let directory: String

  /// - Parameter directory: the `audit.directory` of the configuration.
  public init(directory: String) { self.directory = directory }

  /// The title line over the lines of `tail`.
  public static var tailHeader: String { CallLine.header }

  /// Prints the last `count` calls that match, one line each, in the order in which they ended; then calls still open.
  ///
  /// With `follow` it goes on with new calls as they end, until its task is cancelled (which is no error).
  /// - Parameters:
  ///   - json: lines of JSON instead of columns.
  ///   - print: gets one line at a time, without a line feed.
  public func tail(
    count: Int = 20, follow: Bool = false, filter: CallFilter = CallFilter(), json: Bool = false,
    print: (String) -> Void
  ) async throws {
    guard let range = try segmentRange(directory) else {
      if !follow { return }
      try await waitForSegments()
      return try await tail(count: count, follow: true, filter: filter, json: json, print: print)
    }
    var first = max(range.lowerBound, range.upperBound > 0 ? range.upperBound - 1 : 0)
    while true {
      var reader = RecordReader(directory: directory, first: first, bodyBytesMax: json ? .max : 0)
      let last = try lastEvents(&reader, count: count, filter: filter)
      // Not enough in the newest segments: begin earlier, twice as far back each time.
      if last.events.count < count, first > range.lowerBound {
        let back = (range.upperBound - first) * 2
        first =
          range.upperBound - range.lowerBound > back ? range.upperBound - back : range.lowerBound
        continue
      }
      for warning in last.warnings { print(json ? warningJSON(warning) : "! " + warning) }
      for event in last.events { print(line(event, json)) }
      if follow { return try await self.follow(&reader, filter: filter, json: json, print: print) }
      for call in reader.unfinished where filter.matches(call) { print(line(.call(call), json)) }
      return
    }
  }

  /// The page about one call.
  /// - Parameters:
  ///   - reference: the "Ref" of an answer, or the REF column of `tail`.
  ///   - bodyBytesMax: longest part of request and answer that is read and shown.
  public func show(
    _ reference: String, bodyBytesMax: Int = 65536
  ) throws(RecorderError) -> String {
    let (record, first) = try place(of: reference)
    // Of one byte it is known as well whether all entries are there.
    let call = try find(record, first, bodyBytesMax: max(1, bodyBytesMax))
    return CallPage.text(of: call, bodyBytesMax: bodyBytesMax)
  }

  /// Writes the line of JSON about one call with its bodies whole, a piece at a time and without a line feed. They are read
  /// twice, and never kept: memory does not grow with them.
  /// - Throws: nothing is written when the call cannot be found; part of the line is when it is removed meanwhile.
  public func showJSON(
    _ reference: String, write: ([UInt8]) -> Void
  ) throws(RecorderError) {
    let (record, first) = try place(of: reference)
    var request = BodyMeter()
    var answer = BodyMeter()
    var call = try find(record, first, bodyBytesMax: 0) { entry in
      guard entry.record == record else { return }
      BodyReader.pieces(of: .request, in: entry) { request.take($0, at: $1) }
      BodyReader.pieces(of: .answer, in: entry) { answer.take($0, at: $1) }
    }
    if !request.isContinuous || !answer.isContinuous { call.isWhole = false }
    if call.outcome == nil {
      call.answerBytes = answer.count
    } else if answer.count != call.answerBytes || request.count != call.requestBytes {
      call.isWhole = false
    }
    let reader = BodyReader(directory: directory, record: record, first: first)
    try CallJSON.write(
      call, CallBodies(reader, request: request, answer: answer), to: write)
  }

  /// The whole call a reference names.
  public func find(_ reference: String) throws(RecorderError) -> RecordedCall {
    let (record, first) = try place(of: reference)
    return try find(record, first, bodyBytesMax: .max)
  }

  /// The record that a reference names, and the segment where reading for it begins.
  private func place(
    of reference: String
  ) throws(RecorderError) -> (record: RecordID, first: UInt32) {
    guard let record = RecordID(reference) else { throw .noReference(reference) }
    guard let range = try segmentRange(directory) else { throw .notFound(record.description) }
    return (record, firstSegment(directory, for: record, in: range))
  }

  private func find(
    _ record: RecordID, _ first: UInt32, bodyBytesMax: Int,
    _ look: (borrowing RecordedEntry) -> Void = { _ in }
  ) throws(RecorderError) -> RecordedCall {
    var reader = RecordReader(
      directory: directory, first: first, bodyBytesMax: bodyBytesMax,
      selection: .record(record))
    while true {
      switch try reader.next(look) {
      case .events(let events):
        for case .call(let call) in events { return call }
      case .warning: continue
      case .end:
        guard let open = reader.unfinished.first else { throw .notFound(record.description) }
        return open
      }
    }
  }

  /// Checks every hash and every link of the chain, and that the record holds what was noted elsewhere.
  /// - Parameter anchors: what it must hold besides what the sinks' cursors say.
  public func verify(
    anchors: [Verification.Anchor] = []
  ) throws(RecorderError) -> Verification {
    var all = anchors
    for (sink, cursor) in CursorFile.all(in: directory) {
      guard let cursor, let entry = cursor.anchorEntry, !cursor.anchorHash.isEmpty else { continue }
      all.append(.init(entry: entry, hash: cursor.anchorHash, source: "the cursor of sink \(sink)"))
    }
    return try Verification.run(directory: directory, anchors: all)
  }

  // MARK: -

  private func lastEvents(
    _ reader: inout RecordReader, count: Int, filter: CallFilter
  ) throws(RecorderError) -> (events: [RecordedEvent], warnings: [String]) {
    var events: [RecordedEvent] = []
    var warnings: [String] = []
    while true {
      switch try reader.next() {
      case .end: return (events.suffix(count), warnings)
      case .warning(let warning): warnings.append(warning)
      case .events(let new):
        events += new.filter { wants($0, filter) }
        if events.count > count + 4096 { events.removeFirst(events.count - count) }
      }
    }
  }

  private func follow(
    _ reader: inout RecordReader, filter: CallFilter, json: Bool, print: (String) -> Void
  ) async throws {
    while !Task.isCancelled {
      switch try reader.next() {
      case .end:
        // A poll is enough: the gateway writes in batches anyway, and a watch would not work on every file system.
        do { try await Task.sleep(for: .milliseconds(100)) } catch { return }
      case .warning(let warning): print(json ? warningJSON(warning) : "! " + warning)
      case .events(let events):
        for event in events where wants(event, filter) { print(line(event, json)) }
      }
    }
  }

  private func waitForSegments() async throws {
    while try segmentRange(directory) == nil {
      try await Task.sleep(for: .milliseconds(100))
    }
  }

  private func wants(_ event: RecordedEvent, _ filter: CallFilter) -> Bool {
    switch event {
    case .call(let call): filter.matches(call)
    case .notice: filter.showsNotices
    }
  }

  private func line(_ event: RecordedEvent, _ json: Bool) -> String {
    switch event {
    case .call(let call): json ? CallJSON.text(of: call) : CallLine.text(of: call)
    case .notice(let notice): json ? CallJSON.text(of: notice) : CallLine.text(of: notice)
    }
  }

  private func warningJSON(_ warning: String) -> String { CallJSON.text(ofWarning: warning) }
}
