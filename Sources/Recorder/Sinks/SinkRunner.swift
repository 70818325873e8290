internal import Audit
internal import Foundation
internal import Synchronization

/// One sink at work, on a thread of its own: reads the record, hands events to the receiver, and moves the cursor once they
/// are taken. Nothing here is shared with the data path but files, so a receiver that is slow or gone slows no call.
final class SinkRunner: Sendable {
  let settings: SinkSettings
  private let directory: String
  private let gateway: String
  private let pace: SinkPace
  private let report: SinkReporter
  private let makeReceiver: @Sendable () -> any SinkReceiver
  private let state: Mutex<SinkStatus>
  /// When it was level with the record last, on the monotonic clock.
  private let levelNanoseconds: Mutex<UInt64>
  private let durable: Mutex<SinkCursor?>
  private let bell = Bell()
  /// Where it begins when it has no cursor; nil for what its settings say, at its first attempt.
  private let beginning: SinkCursor?

  init(
    _ settings: SinkSettings, directory: String, gateway: String, pace: SinkPace = SinkPace(),
    beginning: SinkCursor? = nil,
    report: @escaping SinkReporter, makeReceiver: (@Sendable () -> any SinkReceiver)? = nil
  ) {
    self.settings = settings
    self.directory = directory
    self.gateway = gateway
    self.pace = pace
    self.beginning = beginning
    self.report = report
    self.makeReceiver =
      makeReceiver ?? { settings.makeReceiver(gateway: gateway, pace: pace) }
    state = Mutex(SinkStatus(settings))
    levelNanoseconds = Mutex(MonotonicClock.nanoseconds)
    durable = Mutex(nil)
  }

  func start() {
    let thread = Thread { self.run() }
    thread.name = "sink"
    thread.start()
  }

  /// Asks it to send what is left, for a moment, and to end. `waitUntilStopped` waits for that.
  func stop() { bell.stop(afterMilliseconds: pace.stopMilliseconds) }
  func waitUntilStopped() { bell.waitUntilEnded() }

  /// The cursor as it is on the disk.
  var durableCursor: SinkCursor? { durable.withLock { $0 } }

  var status: SinkStatus {
    var status = state.withLock { $0 }
    let level = levelNanoseconds.withLock { $0 }
    if let cursor = durableCursor { status.lagBytes = SinkLag.bytes(behind: cursor, in: directory) }
    if status.lagBytes > 0, status.state != .stopped || status.lastError != nil {
      status.lagSeconds = Double(MonotonicClock.nanoseconds &- level) / 1e9
    }
    return status
  }

  // MARK: - The thread

  private func run() {
    var retry = pace.retryMilliseconds
    while !bell.isStopped {
      do throws(SinkError) {
        try work { retry = self.pace.retryMilliseconds }
        break
      } catch {
        note(error)
        let wait = error.retryMilliseconds ?? Int.random(in: retry / 2...retry)
        retry = min(retry * 2, pace.retryMillisecondsMax)
        bell.wait(milliseconds: wait)
      }
    }
    state.withLock { $0.state = .stopped }
    bell.end()
  }

  /// Delivers until it is told to stop or something fails. Then the next attempt begins from the cursor on the disk, so what was
  /// on its way and not known to be taken is sent again.
  private func work(_ succeeded: () -> Void) throws(SinkError) {
    var journey = try Journey(self)
    let receiver = makeReceiver()
    try receiver.connect()
    var reader = SinkReader(
      directory: directory, cursor: journey.cursor,
      bodyBytesMax: settings.contents == .full ? pace.bodyBytesMax : 0)
    while true {
      // Looked at before reading: what was recorded before the order to stop is read after it at least once.
      let isStopping = bell.isStopped
      let batch = try reader.next(pace.batchEventsMax)
      for problem in batch.problems { note(problem: problem) }
      let events = settings.include.map { names in
        batch.events.filter { names.contains($0.name) }
      }
      let wanted = events ?? batch.events
      if !wanted.isEmpty { try receiver.deliver(wanted) }
      journey.sent(
        batch.cursor, mark: receiver.handedOver, events: wanted.count,
        filtered: batch.events.count - wanted.count)
      let isSettled = try journey.settle(receiver.taken())
      if isSettled, !wanted.isEmpty || state.withLock({ $0.state != .delivering }) { recovered() }
      if isSettled { succeeded() }
      if batch.isLevel {
        if journey.isSettled { levelNanoseconds.withLock { $0 = MonotonicClock.nanoseconds } }
        if isStopping, journey.isSettled || bell.isPatienceOver { break }
        if bell.isStopped {
          bell.wait(milliseconds: 20, evenIfStopped: true)
        } else {
          bell.wait(milliseconds: pace.idleMilliseconds)
        }
        try receiver.check()
      } else if bell.isPatienceOver {
        break
      }
    }
    try journey.finish()
  }

  /// What is on its way, and the cursor behind what has arrived.
  private struct Journey {
    private let runner: SinkRunner
    private let file: CursorFile
    private(set) var cursor: SinkCursor
    private var way: [(cursor: SinkCursor, mark: UInt64, events: Int)] = []
    private var written: SinkCursor?
    private var writtenNanoseconds: UInt64 = 0

    init(_ runner: SinkRunner) throws(SinkError) {
      self.runner = runner
      file = CursorFile(directory: runner.directory, sink: runner.settings.name)
      if let found = try file.read() {
        let (fitted, problem) = try found.fitted(to: runner.directory)
        if let problem { runner.note(problem: problem) }
        cursor = fitted
      } else if let beginning = runner.beginning {
        cursor = beginning
      } else {
        cursor = try SinkCursor.start(runner.settings.start, in: runner.directory)
      }
      // A sink that has begun keeps its place from the first moment, also against the retention.
      try write()
    }

    var isSettled: Bool { way.isEmpty }

    mutating func sent(_ cursor: SinkCursor, mark: UInt64, events: Int, filtered: Int) {
      if filtered > 0 { runner.state.withLock { $0.eventsFiltered += UInt64(filtered) } }
      guard cursor != way.last?.cursor ?? self.cursor else { return }
      way.append((cursor, mark, events))
    }

    /// Moves the cursor behind what is taken; whether nothing is on its way any more.
    mutating func settle(_ taken: UInt64) throws(SinkError) -> Bool {
      let count = way.prefix { $0.mark <= taken }.count
      if count > 0 {
        let events = way.prefix(count).reduce(0) { $0 + $1.events }
        cursor = way[count - 1].cursor
        way.removeFirst(count)
        let last = cursor.lastSequence
        runner.state.withLock { status in
          status.eventsDelivered += UInt64(events)
          if events > 0 { status.lastSequence = last }
        }
      }
      let now = MonotonicClock.nanoseconds
      let isDue = now &- writtenNanoseconds >= UInt64(runner.pace.cursorMilliseconds) * 1_000_000
      if cursor != written, isDue { try write() }
      return way.isEmpty
    }

    mutating func finish() throws(SinkError) {
      if cursor != written { try write() }
    }

    private mutating func write() throws(SinkError) {
      try file.write(cursor)
      written = cursor
      writtenNanoseconds = MonotonicClock.nanoseconds
      runner.durable.withLock { [cursor] in $0 = cursor }
    }
  }

  // MARK: - Telling

  private func note(_ error: SinkError) {
    let isNews = state.withLock { status in
      let isNews = status.state != .failing || status.lastError != error.description
      status.state = .failing
      status.failures += 1
      status.lastError = error.description
      return isNews
    }
    if isNews {
      report(.warning, "cannot deliver events, trying again: \(error)", settings.name)
    }
  }

  private func note(problem: String) {
    state.withLock { $0.note(problem: problem) }
    report(.error, problem, settings.name)
  }

  private func recovered() {
    let wasFailing = state.withLock { status in
      let wasFailing = status.state == .failing
      status.state = .delivering
      status.lastError = nil
      return wasFailing
    }
    if wasFailing { report(.info, "delivers events again", settings.name) }
  }
}

/// How far a cursor is behind the record.
enum SinkLag {
  static func bytes(behind cursor: SinkCursor, in directory: String) -> Int64 {
    guard let range = try? segmentRange(directory) else { return 0 }
    var lag: Int64 = 0
    for number in range where number >= cursor.readSegment {
      let bytes = segmentBytes(directory, number)
      let read = number == cursor.readSegment ? cursor.readOffset : 0
      // A segment of nothing but its header holds nothing to read.
      if bytes > Int64(SegmentFormat.headerBytes) { lag += max(0, bytes - read) }
    }
    return lag
  }
}

/// Waiting that can be cut short, and the end of a thread.
final class Bell: Sendable {
  private let condition = NSCondition()
  private let times = Mutex<(isStopped: Bool, givesUp: UInt64, isEnded: Bool)>((false, .max, false))

  var isStopped: Bool { times.withLock { $0.isStopped } }
  /// Whether the time that a stopping thread was given is over.
  var isPatienceOver: Bool {
    times.withLock { $0.isStopped && MonotonicClock.nanoseconds >= $0.givesUp }
  }

  func stop(afterMilliseconds: Int) {
    times.withLock { times in
      guard !times.isStopped else { return }
      times.isStopped = true
      times.givesUp = MonotonicClock.nanoseconds + UInt64(afterMilliseconds) * 1_000_000
    }
    ring()
  }

  func end() {
    times.withLock { $0.isEnded = true }
    ring()
  }

  private func ring() {
    condition.lock()
    condition.broadcast()
    condition.unlock()
  }

  /// Waits, but not past the moment it is told to stop; not at all when it was told before, unless `evenIfStopped`.
  func wait(milliseconds: Int, evenIfStopped: Bool = false) {
    let limit = Date(timeIntervalSinceNow: Double(milliseconds) / 1000)
    condition.lock()
    while evenIfStopped || !isStopped, condition.wait(until: limit) {}
    condition.unlock()
  }

  func waitUntilEnded() {
    condition.lock()
    while !times.withLock({ $0.isEnded }) { condition.wait() }
    condition.unlock()
  }
}
