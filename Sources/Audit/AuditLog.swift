internal import CLinux
internal import Synchronization

/// The process's audit log: one directory of segment files, one ring per worker, one thread that writes.
///
/// Starting opens and locks the directory, repairs a torn tail (see `repair`), begins a new segment chained to
/// the last one, and starts the thread. The log lives until `close`, which every producer must precede.
public final class AuditLog: Sendable {
  public let settings: AuditSettings
  /// Number of rings, one per worker.
  public let workers: Int
  /// What was found wrong with the last segment and cut off at start; nil when it was whole.
  public let repair: AuditRepair?

  let rings: [RingBlock]
  let gate = WriterGate()
  let counters = AuditCounters()
  private let firstMilliseconds: UInt64
  private let threads: Mutex<[AuditThread]>

  /// Opens the directory (creating it, but not its parent), repairs it and starts recording.
  public convenience init(settings: AuditSettings, workers: Int) throws(AuditError) {
    try self.init(settings: settings, workers: workers, faults: nil)
  }

  package init(
    settings: AuditSettings, workers: Int, faults: AuditFaults?
  ) throws(AuditError) {
    if let problem = settings.validate(workers: workers) { throw .invalidSettings(problem) }
    let chain = try SegmentChain.open(settings, faults: faults)
    self.settings = settings
    self.workers = workers
    repair = chain.repair
    // Ids go on above every id in the last segment, also when the clock has been set back meanwhile.
    firstMilliseconds = (chain.highestRecord >> RecordID.timeShift) + 1
    rings = (0..<workers).map { _ in RingBlock(capacity: settings.ringBytes) }
    threads = Mutex([])

    let (settings, rings, gate, counters) = (settings, rings, gate, counters)
    let syncer =
      settings.durability == .synced
      ? nil
      : SegmentSyncer(
        rings: rings, gate: gate, counters: counters, faults: faults)
    do throws(AuditError) {
      if let syncer {
        let thread = try AuditThread(name: "audit-sync") { syncer.run() }
        threads.withLock { $0.append(thread) }
      }
      let thread = try AuditThread(name: "audit-write") {
        var writer = AuditWriter(
          settings: settings, rings: rings, gate: gate, counters: counters, chain: chain,
          syncer: syncer, faults: faults)
        writer.run()
      }
      threads.withLock { $0.append(thread) }
    } catch {
      syncer?.stop()
      var chain = chain
      chain.closeAll()
      throw error
    }
  }

  /// The producer for `worker`, to be asked for once.
  /// - Parameter wakeDescriptor: an eventfd of the worker's, open for the life of the log; becomes readable after
  ///   `wakeWhenRoom` and `wakeWhenDurable`. Spurious wake-ups are possible.
  public func producer(worker: Int, wakeDescriptor: Int32) -> AuditProducer {
    precondition(worker >= 0 && worker < workers, "no such worker")
    let ring = rings[worker]
    let before = ring.wakeDescriptor.exchange(UInt64(UInt32(bitPattern: wakeDescriptor)) + 1)
    precondition(before == 0, "a worker has one producer")
    let first = RecordID(milliseconds: firstMilliseconds, worker: worker)
    return AuditProducer(log: self, ring: ring, gate: gate, worker: worker, firstID: first.value)
  }

  /// Counters for metrics; consistent enough, never exact to the entry while traffic runs.
  public var statistics: AuditStatistics {
    var statistics = counters.snapshot()
    for ring in rings {
      statistics.callsDropped &+= ring.drops.loadRelaxed()
      let consumed = ring.consumed.loadAcquiring()
      statistics.lagBytes &+= ring.head.loadAcquiring() &- consumed
    }
    if let refusal = gate.refusal { statistics.state = .failing(refusal) }
    return statistics
  }

  /// Writes and syncs what the rings hold, stops the threads and unlocks the directory. Producers refuse every call
  /// from now on. When the disk fails, waits at most `closeWaitMilliseconds` for it.
  /// - Returns: bytes of records that could not be written; 0 when all is safe.
  @discardableResult
  public func close() -> UInt64 {
    let running = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    guard !running.isEmpty else { return 0 }
    gate.closing.storeOrdered(1)
    gate.wakeForClosing()
    // The writer ends first, and tells the syncer to.
    for thread in running.reversed() { thread.join() }
    return rings.reduce(0) { $0 &+ ($1.head.loadAcquiring() &- $1.consumed.loadAcquiring()) }
  }

  deinit {
    close()
    for ring in rings { ring.free() }
    gate.free()
    counters.free()
  }
}
