import EventLoop
import Histogram
import Synchronization

/// One thread of a load run. Thread 0 leads: it decides when the measured interval begins, and takes the samples.
///
///     warm-up -> (idle connections are opened) -> measured interval -> what is outstanding is awaited
struct LoadWorker: ~Copyable {
  static let connectionKind: UInt8 = 3
  static let sweepNanoseconds: UInt64 = 20_000_000
  /// How long a connection that failed waits before it tries again.
  static let retryNanoseconds: UInt64 = 50_000_000
  /// How long opening all idle connections may take.
  static let idleOpeningNanoseconds: UInt64 = 60_000_000_000
  /// How many idle connections may be on their way at once.
  static let idleOpeningMax = 64

  enum Stage { case warmup, openingIdle, measuring, draining }

  let index: Int
  let settings: LoadSettings
  let book: RequestBook
  let state: LoadState
  let check: AnswerCheck
  let address: PreparedAddress
  var loop: EventLoop
  var connections: Slab<LoadConnection>
  var blocks = BlockPool(lentBytesMax: 8 << 30)
  /// Connections that are ready, in an open loop; first in, first out, so that all are used.
  var ready: SlotQueue
  /// Connections that wait to connect again, in the order of their turn.
  var retries: DelayQueue
  var schedule: LoadSchedule
  var stage = Stage.warmup
  var tally = LoadTally()
  let ownConnections: Int
  let ownIdle: Int
  /// Finished requests that are still to come of a run of a certain number.
  var quota: Int?
  var requestNumber: UInt64 = 0
  var idNumber: UInt64 = 0
  var outstanding = 0
  var idleOpened = 0
  var idleOpening = 0
  var warmupEnd: UInt64 = 0
  var nextSweep: UInt64 = 0
  var drainEnd: UInt64 = 0
  var openingEnd: UInt64 = .max
  let timeout: UInt64

  init(
    index: Int, _ settings: LoadSettings, book: RequestBook, state: LoadState
  ) throws(IOError) {
    self.index = index
    self.settings = settings
    self.book = book
    self.state = state
    check = AnswerCheck(settings)
    address = settings.address.prepared
    ownConnections = LoadWorker.share(settings.connections, index, settings.threads)
    ownIdle = LoadWorker.share(settings.idleConnections, index, settings.threads)
    quota = settings.requests.map { LoadWorker.share($0, index, settings.threads) }
    timeout = UInt64(settings.timeoutSeconds * 1e9)
    var loopSettings = EventLoopSettings()
    loopSettings.socketsMax = ownConnections + ownIdle + 64
    loopSettings.bufferBytes = settings.bufferBytes
    loop = try EventLoop(settings.io, settings: loopSettings)
    connections = Slab(capacity: max(1, ownConnections + ownIdle))
    ready = SlotQueue(capacity: max(1, ownConnections))
    retries = DelayQueue(capacity: max(1, ownConnections + ownIdle))
    schedule = LoadSchedule(
      rate: settings.rate, thread: index, threads: settings.threads, start: loop.now)
  }

  /// This thread's part of `total`.
  private static func share(_ total: Int, _ index: Int, _ threads: Int) -> Int {
    total / threads + (index < total % threads ? 1 : 0)
  }

  mutating func run() {
    warmupEnd = loop.now + UInt64(settings.warmupSeconds * 1e9)
    schedule = LoadSchedule(
      rate: settings.rate, thread: index, threads: settings.threads, start: loop.now)
    for number in 0..<ownConnections { open(number, isIdle: false) }
    var completion = Completion.empty
    while stage != .draining || (hasUnfinished && loop.now < drainEnd) {
      loop.wait(until: nextDeadline)
      while loop.next(&completion) {
        take(completion)
        loop.release(completion)
      }
      while let due = retries.pop(now: loop.now) { connect(due.slot) }
      advanceStage()
      if settings.rate != nil { sendDue() }
      if loop.now >= nextSweep { sweep() }
    }
    finish()
  }

  private var nextDeadline: UInt64 {
    var deadline = min(nextSweep, retries.nextDeadline)
    if stage == .warmup { deadline = min(deadline, warmupEnd) }
    if stage == .measuring {
      deadline = min(deadline, state.measureUntil.load(ordering: .relaxed))
    }
    if hasDue, !ready.isEmpty {
      deadline = min(deadline, schedule.nextIntended)
    }
    return deadline
  }

  /// Whether the schedule has a request that is still to be sent.
  private var hasDue: Bool {
    settings.rate != nil
      && schedule.nextIntended < state.measureUntil.load(ordering: .relaxed)
  }

  private var hasUnfinished: Bool { outstanding > 0 || hasDue }

  private var isStopped: Bool { state.stops.load(ordering: .relaxed) }

  // MARK: Stages

  private mutating func advanceStage() {
    switch stage {
    case .warmup where loop.now >= warmupEnd || isStopped:
      if index == 0 { sample { $0.residentBeforeIdle = $1 } }
      stage = .openingIdle
      openingEnd = loop.now + LoadWorker.idleOpeningNanoseconds
      openIdle()
      fallthrough
    case .openingIdle:
      if loop.now >= openingEnd || isStopped { giveUpOpening() }
      guard idleOpened == ownIdle && idleOpening == 0 else { return }
      if index == 0 && state.measureFrom.load(ordering: .relaxed) == .max { beginMeasuring() }
      guard loop.now >= state.measureFrom.load(ordering: .acquiring) else { return }
      stage = .measuring
    case .measuring:
      let isOver =
        quota.map { $0 <= 0 } ?? (loop.now >= state.measureUntil.load(ordering: .relaxed))
      if isOver || isStopped { beginDraining() }
    default: break
    }
  }

  /// Goes on with the idle connections there are; the others count as closed.
  private mutating func giveUpOpening() {
    tally.idleClosed += ownIdle - idleOpened + idleOpening
    idleOpened = ownIdle
    idleOpening = 0
  }

  private mutating func beginMeasuring() {
    if settings.idleConnections > 0 { sample { $0.residentAfterIdle = $1 } }
    let processor = ProcessUsage.processorNanoseconds(settings.processes)
    state.samples.withLock { $0.processorAtStart = processor }
    // The reading itself took time, which is not to count.
    let start = settings.processes.isEmpty ? loop.now : Clock.now
    if settings.requests == nil {
      state.measureUntil.store(
        start + UInt64(settings.durationSeconds * 1e9), ordering: .relaxed)
    }
    state.measureFrom.store(start, ordering: .releasing)
  }

  private mutating func beginDraining() {
    stage = .draining
    drainEnd = loop.now + timeout
    guard index == 0 else { return }
    let end = loop.now
    let processor = ProcessUsage.processorNanoseconds(settings.processes)
    let start = state.measureFrom.load(ordering: .relaxed)
    state.samples.withLock {
      $0.processorAtEnd = processor
      $0.interval = end - start
    }
    sample { $0.residentAtEnd = $1 }
  }

  private func sample(_ store: (inout LoadSamples, Int?) -> Void) {
    guard !settings.processes.isEmpty else { return }
    let bytes = ProcessUsage.residentBytes(settings.processes)
    state.samples.withLock { store(&$0, bytes) }
  }

  private mutating func finish() {
    tally.unfinished += outstanding
    while hasDue {
      tally.unfinished += 1
      schedule.advance()
    }
    let final = tally
    state.tallies.withLock { $0.append(final) }
  }

  /// Whether what ends now belongs to the figures.
  var isMeasuring: Bool { stage == .measuring }

  // MARK: Every now and then

  /// Finds requests that have taken too long, and tells how far the run is.
  private mutating func sweep() {
    nextSweep = loop.now + LoadWorker.sweepNanoseconds
    for slot in 0..<connections.highWater where connections.isUsed(slot) {
      if connections[slot].deadline <= loop.now { fail(slot, .timeout) }
    }
    state.answers.store(tally.answers, ordering: .relaxed)
    state.errors.store(tally.errorCount, ordering: .relaxed)
    if index == 0 && tally.answers > 0 {
      state.median.store(tally.latency.valueAtPercentile(50), ordering: .relaxed)
      state.percentile99.store(tally.latency.valueAtPercentile(99), ordering: .relaxed)
    }
    openIdle()
  }
}
