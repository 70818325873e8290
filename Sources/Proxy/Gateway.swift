public import Audit
internal import CLinux
public import EventLoop
internal import Synchronization

/// The data plane of one process: a worker per core on the same listeners, until it is stopped.
///
///     let gateway = try Gateway(settings: settings, snapshot: snapshot, audit: log)
///     for address in gateway.addresses { print("listening on \(address)") }
///     gateway.stop(graceNanoseconds: 5_000_000_000)
///     gateway.waitUntilStopped()
public final class Gateway: Sendable {
  /// Where it listens, with the ports the kernel gave where 0 was asked for.
  public let addresses: [SocketAddress]
  /// "io_uring" or "epoll".
  public let backend: String
  /// Why `auto` did not take io_uring; nil when it did, or was not asked to.
  public let fallbackReason: String?
  /// Why epoll's sends leave one by one, which costs more; nil when they do not.
  public let singleSendsReason: String?
  public let workerCount: Int
  /// Where this process reaches each of its workers, and nobody else does; empty unless
  /// `GatewaySettings.hasInnerListeners`.
  public let innerAddresses: [SocketAddress]
  /// The calls that wait for an approval; nil when `GatewaySettings.holdsCalls` is off. Somebody has to take what it tells.
  public let heldCalls: HeldCalls?

  let controls: [WorkerControl]
  /// Kept when the workers have ended: the record's writer and those who decide on held calls may still wake them.
  private let wakers: [Waker]
  private let threads: Mutex<[WorkerThread]>

  /// What a worker's thread reports once it is set up, or could not be.
  private final class Start: Sendable {
    struct State {
      var ready = 0
      var failure: IOError? = nil
      var wakers: [Waker] = []
      var addresses: [SocketAddress] = []
      var backend = ""
      var fallbackReason: String? = nil
      var singleSendsReason: String? = nil
    }
    let state = Mutex(State())
  }

  /// Starts the workers; when it returns, all of them are listening.
  /// - Parameters:
  ///   - audit: where calls are recorded, made for this number of workers; nil turns recording off.
  /// - Throws: `IOError` when a listener or an event loop cannot be set up; nothing is left running then.
  public init(
    settings: GatewaySettings, snapshot: GatewaySnapshot, audit: AuditLog?
  ) throws(IOError) {
    let start = Start()
    let heldCalls = settings.holdsCalls ? try HeldCalls(workers: settings.workers) : nil
    self.heldCalls = heldCalls
    let key = SessionSealer.makeKey()
    let questions = OpenQuestions()
    let cpus = WorkerThread.availableCPUs()
    var threads: [WorkerThread] = []
    var controls: [WorkerControl] = []
    var listeners = settings.listeners
    var inner: [SocketAddress] = []
    if settings.hasInnerListeners {
      // What keeps others out is that only this process is let in; the name need not be a secret.
      let base = SessionSealer.makeKey().prefix(6).map {
        String(Int($0) | 256, radix: 16).dropFirst()
      }
      for index in 0..<max(1, settings.workers) {
        inner.append(try SocketAddress(localName: "sluice-\(base.joined())-\(index)"))
      }
    }
    for index in 0..<max(1, settings.workers) {
      let control = WorkerControl()
      controls.append(control)
      let bind = listeners
      let own = inner.isEmpty ? nil : inner[index]
      let cpu: Int32? = settings.pinsCPUs && !cpus.isEmpty ? cpus[index % cpus.count] : nil
      let thread = try WorkerThread(name: "worker-\(index)", cpu: cpu) {
        Gateway.run(
          index: index, settings: settings, listeners: bind, inner: own, snapshot: snapshot,
          audit: audit, control: control, key: key, start: start, heldCalls: heldCalls,
          questions: questions)
      }
      threads.append(thread)
      // One after the other: the first finds out which port 0 became, and a failure stops the rest.
      Gateway.awaitReady(start, index + 1)
      if let failure = start.state.withLock({ $0.failure }) {
        Gateway.stopAll(controls, start.state.withLock { $0.wakers }, graceNanoseconds: 0)
        for thread in threads { thread.join() }
        throw failure
      }
      if index == 0 { listeners = start.state.withLock { $0.addresses } }
    }
    addresses = listeners
    backend = start.state.withLock { $0.backend }
    fallbackReason = start.state.withLock { $0.fallbackReason }
    singleSendsReason = start.state.withLock { $0.singleSendsReason }
    workerCount = controls.count
    innerAddresses = inner
    self.controls = controls
    wakers = start.state.withLock { $0.wakers }
    self.threads = Mutex(threads)
  }

  /// Start-up happens off the data path: looking again every millisecond is good enough and needs no machinery.
  private static func awaitReady(_ start: Start, _ count: Int) {
    while start.state.withLock({ $0.ready < count && $0.failure == nil }) {
      linux_sleep_milliseconds(1)
    }
  }

  /// Puts another snapshot in force: calls that begin from now on are judged by it, those under way by what they began
  /// with. Each worker takes it within one turn of its loop.
  public func publish(_ snapshot: GatewaySnapshot) {
    for (control, waker) in zip(controls, wakers) {
      control.offer(snapshot)
      waker.wake()
    }
  }

  /// Whether every worker judges new calls by what was published last. One does not while calls are under way that began
  /// with as many earlier snapshots as it can keep.
  public var isInForce: Bool { controls.allSatisfy { !$0.hasOffer } }

  func statusOfWorkers() -> [WorkerStatus] { controls.map(\.status) }

  /// Frees what the workers no longer use of earlier snapshots. `publish` does so too; call it now and then, so that the
  /// last one does not stay until the next.
  public func reclaim() {
    for control in controls { control.collectRetired() }
  }

  /// Stops accepting, closes idle connections, and gives what is under way this much time.
  public func stop(graceNanoseconds: UInt64) {
    Gateway.stopAll(controls, wakers, graceNanoseconds: graceNanoseconds)
  }

  private static func stopAll(
    _ controls: [WorkerControl], _ wakers: [Waker], graceNanoseconds: UInt64
  ) {
    let deadline = linux_monotonic_nanoseconds() &+ graceNanoseconds
    for control in controls { control.stop(deadline: deadline) }
    for waker in wakers { waker.wake() }
  }

  /// Waits for all workers to end. Call from one place.
  public func waitUntilStopped() {
    let threads = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    for thread in threads { thread.join() }
  }

  /// Requests answered since the start, over all workers.
  public var requestCount: UInt64 {
    controls.reduce(0) { $0 + $1.requests.load(ordering: .relaxed) }
  }

  // MARK: On the worker's thread

  private static func run(
    index: Int, settings: GatewaySettings, listeners: [SocketAddress], inner: SocketAddress?,
    snapshot: GatewaySnapshot, audit: AuditLog?, control: WorkerControl, key: [UInt8], start: Start,
    heldCalls: HeldCalls?, questions: OpenQuestions
  ) {
    do throws(IOError) {
      let loop = try EventLoop(settings.io, settings: loopSettings(settings))
      let waker = loop.waker
      let backend = "\(loop.backendName)"
      let fallback = loop.fallbackReason
      let singleSends = loop.singleSendsReason
      var worker = Worker(
        loop: loop, settings: settings, snapshot: snapshot,
        recording: Recording(
          audit?.producer(worker: index, wakeDescriptor: waker.descriptor),
          keepsBodies: settings.recordsBodies),
        control: control, sealer: SessionSealer(key: key), heldCalls: heldCalls,
        questions: questions, number: index)
      heldCalls?.mailboxes[index].attach(workerDescriptor: waker.descriptor)
      let bound = try worker.listen(on: listeners, backlog: settings.backlog)
      if let inner { try worker.listen(onInner: inner, backlog: settings.backlog) }
      start.state.withLock { state in
        state.ready += 1
        state.wakers.append(waker)
        state.addresses = bound
        state.backend = backend
        state.fallbackReason = fallback
        if let singleSends { state.singleSendsReason = singleSends }
      }
      worker.run()
    } catch {
      start.state.withLock { $0.failure = error }
    }
  }

  static func loopSettings(_ settings: GatewaySettings) -> EventLoopSettings {
    var loop = EventLoopSettings()
    let share = max(16, settings.connectionsMax / max(1, settings.workers))
    loop.socketsMax = share * 3 + 64
    loop.bufferBytes = settings.bufferBytes
    loop.bufferCount = powerOfTwo(atMost: max(1, settings.bufferPoolBytes / settings.bufferBytes))
    loop.ringEntries = settings.ringEntries
    return loop
  }

  private static func powerOfTwo(atMost limit: Int) -> Int {
    var power = 1
    while power * 2 <= min(limit, 32768) { power *= 2 }
    return power
  }
}
