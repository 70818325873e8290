internal import Audit

/// What one reading gave: events in their order, and where the cursor stands once they are taken.
struct SinkBatch {
  var events: [AuditEvent] = []
  var cursor: SinkCursor
  /// The record has nothing more for now.
  var isLevel = false
  /// What is missing or wrong in the record, in sentences.
  var problems: [String] = []
}

/// Reads a record's events from a cursor on, also while the gateway writes.
///
/// Memory is bounded by one frame, the calls that are open at once, and `bodyBytesMax` of their bodies.
struct SinkReader: ~Copyable {
  private let directory: String
  private let bodyBytesMax: Int
  private var reader: SegmentReader
  private var joiner: CallJoiner
  private var cursor: SinkCursor
  /// Calls that the cursor carries, until reading has come to the place where they are open.
  private var carried: [RecordedCall]
  /// The process that wrote what was read last; 0 before the first frame.
  private var process: UInt32 = 0
  /// What the record must contain as it was read before; nil once it was seen.
  private var anchor: (entry: UInt64, hash: String)?
  private var pending: [AuditEvent] = []
  private var pendingStart = 0

  /// - Parameter bodyBytesMax: most bytes of a request, and of an answer, that an event gets.
  init(directory: String, cursor: SinkCursor, bodyBytesMax: Int) {
    self.directory = directory
    self.bodyBytesMax = bodyBytesMax
    self.cursor = cursor
    reader = SegmentReader(directory: directory, first: cursor.segment)
    joiner = CallJoiner(bytesMax: bodyBytesMax)
    carried = cursor.carried.map(\.call)
    anchor = cursor.anchorEntry.map { ($0, cursor.anchorHash) }
  }

  /// Up to `count` events.
  mutating func next(_ count: Int) throws(SinkError) -> SinkBatch {
    var problems: [String] = []
    var isLevel = false
    while pending.count - pendingStart < count {
      guard try readFrame(&problems) else {
        isLevel = true
        break
      }
    }
    var end = min(pending.count, pendingStart + count)
    // Calls that one restart interrupted share a place, and a cursor stands before or behind all of them.
    while end > pendingStart, end < pending.count, pending[end].order == pending[end - 1].order {
      end += 1
    }
    let events = Array(pending[pendingStart..<end])
    pendingStart = end
    if pendingStart == pending.count {
      pending.removeAll(keepingCapacity: true)
      pendingStart = 0
    } else if pendingStart > 4096 {
      pending.removeFirst(pendingStart)
      pendingStart = 0
    }
    place(after: events.last)
    return SinkBatch(events: events, cursor: cursor, isLevel: isLevel, problems: problems)
  }

  // MARK: Reading

  /// Reads one frame; false when there is none for now.
  private mutating func readFrame(_ problems: inout [String]) throws(SinkError) -> Bool {
    var found: [AuditEvent] = []
    let step = readEntries(&found)
    let place = reader.position
    let name = SegmentFormat.name(of: place.segment)
    switch step {
    case .frame(let frame):
      let last = frame.firstSequence + UInt64(frame.entries) - 1
      let hash = reader.lastHash.hexadecimal
      if let anchor, last >= anchor.entry {
        guard last == anchor.entry, hash == anchor.hash else {
          problems.append(
            "the record around entry \(anchor.entry) is not the one that was delivered: it was replaced; sending segment "
              + "\(cursor.segment) again")
          startOver()
          return true
        }
        self.anchor = nil
      }
      cursor.anchorEntry = last
      cursor.anchorHash = hash
      cursor.readSegment = place.segment
      cursor.readOffset = place.offset
      for index in found.indices { found[index].hash = String(hash.prefix(32)) }
      pending += found
      return true
    case .end:
      checkEnd(&problems)
      return false
    case .missing(let number):
      problems.append(
        "audit segment \(SegmentFormat.name(of: number)) was gone before the sink had read it")
      return true
    case .failed(let code): throw SinkError("cannot read the audit segment \(name): errno \(code)")
    case .bad(let problem):
      let text = "audit segment \(name), offset \(place.offset): \(problem.rawValue)"
      guard reader.skip() == nil else { throw SinkError(text) }
      problems.append(text + "; going on with the next segment")
      return true
    }
  }

  /// Reads the next frame's entries and puts calls together; events that were delivered already are left out.
  private mutating func readEntries(_ found: inout [AuditEvent]) -> SegmentReader.Step {
    // Taken out of self, which the reader needs meanwhile, and put back.
    var joiner = CallJoiner(bytesMax: bodyBytesMax)
    swap(&joiner, &self.joiner)
    var process = process
    let carriedProcess = cursor.process
    var waiting = carried
    var events: [AuditEvent] = []
    let through = cursor.through
    let segment = reader.position.segment
    func add(_ content: AuditEvent.Content, _ sequence: UInt64, at order: UInt64) {
      guard order > through else { return }
      events.append(
        AuditEvent(
          content: content, sequence: sequence, hash: "", order: order, process: process))
    }
    let step = reader.next { frame, sequence, entry in
      if frame.process != process {
        let order = frame.firstSequence * 2
        if order > through, !waiting.isEmpty {
          if process == 0 { process = carriedProcess }
          joiner.resume(waiting)
          waiting = []
        }
        let ended = process == 0 || process == frame.process ? [] : joiner.interrupt()
        process = frame.process
        for call in ended { add(.call(call), frame.firstSequence, at: order) }
      }
      let order = sequence * 2 + 1
      if order > through, !waiting.isEmpty {
        joiner.resume(waiting)
        waiting = []
      }
      switch joiner.take(entry, segment: segment) {
      case .call(let call): add(.call(call), sequence, at: order)
      case .notice(let notice): add(.notice(notice), sequence, at: order)
      case nil: break
      }
    }
    self.process = process
    carried = waiting
    swap(&joiner, &self.joiner)
    found = events
    return step
  }

  /// At the record's end it must reach at least as far as what was delivered. Where it does not, its end was cut off (or
  /// lost in a crash of the machine), and what is recorded next gets numbers that were used before.
  private mutating func checkEnd(_ problems: inout [String]) {
    let next = reader.nextSequence
    guard reader.header != nil, cursor.through > next * 2 else { return }
    problems.append(
      "the record ends before entry \(next), and entry \(cursor.lastSequence ?? 0) was delivered already: its end was "
        + "cut off, or lost in a crash of the machine")
    cursor.through = next == 0 ? 0 : next * 2 - 1
    cursor.anchorEntry = nil
    anchor = nil
  }

  private mutating func startOver() {
    let first = segmentHeader(directory, cursor.segment)?.firstSequence ?? 0
    cursor.through = first == 0 ? 0 : first * 2 - 1
    cursor.process = 0
    cursor.anchorEntry = nil
    anchor = nil
    carried = []
    process = 0
    reader = SegmentReader(directory: directory, first: cursor.segment)
    joiner = CallJoiner(bytesMax: bodyBytesMax)
    pending = []
    pendingStart = 0
  }

  // MARK: The cursor

  /// Moves the cursor behind the events that were given out, and to where reading would have to begin again: where the
  /// oldest call was opened that is still open, or whose event was not given out.
  ///
  /// Calls that began before the last two segments are carried in the cursor instead, without bodies.
  private mutating func place(after event: AuditEvent?) {
    // While frames are read again, the cursor stands where it stood.
    if anchor != nil { return }
    if let event, event.order > cursor.through {
      cursor.through = event.order
      cursor.process = event.process
    } else if event == nil, pendingStart == pending.count, let last = cursor.anchorEntry {
      // Nothing in what was read makes an event (yet): no need to read it again for that.
      cursor.through = max(cursor.through, last * 2 + 1)
      if process != 0 { cursor.process = process }
    }
    var segment = reader.position.segment
    let oldest = max(1, segment) - 1
    var old: [RecordedCall] = []
    func needs(_ call: RecordedCall) {
      if call.segment >= oldest { segment = min(segment, call.segment) } else { old.append(call) }
    }
    for call in joiner.unfinished { needs(call) }
    for event in pending[pendingStart...] {
      if case .call(let call) = event.content { needs(call) }
    }
    if old.count > SinkCursor.carriedMax {
      segment = min(segment, old.map(\.segment).min() ?? segment)
      old = []
    }
    cursor.carried = old.map(CarriedCall.init) + carried.map(CarriedCall.init)
    guard segment != cursor.segment || cursor.segmentHash.isEmpty else { return }
    if let header = segmentHeader(directory, segment) {
      cursor.segment = segment
      cursor.segmentHash = header.hash.hexadecimal
    }
  }
}
