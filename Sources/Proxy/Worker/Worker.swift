internal import Audit
internal import CLinux
internal import EventLoop
internal import Identity
internal import Policy
internal import Synchronization
internal import Wire

/// What a socket belongs to, in the tokens of completions.
enum Owner {
  static let listener: UInt8 = 1
  static let connection: UInt8 = 2
  static let upstream: UInt8 = 3
}

/// One thread's share of the gateway: an event loop, its connections, exchanges and upstream pools, its timers, and the
/// producer end of its own audit ring. Nothing in it is shared, nothing in it waits.
///
/// The phases of a request are in the folder `Phases`, one file each; this file is the loop around them.
struct Worker: ~Copyable {
  var loop: EventLoop
  /// Changed in part by what is published.
  var limits: GatewayLimits
  let httpLimits: HTTPLimits
  let control: WorkerControl
  /// What calls are judged by: published by the control plane, newest last.
  var generations: Generations

  var connections: Slab<Connection>
  var exchanges: Slab<Exchange>
  var upstreams: Slab<Upstream>
  /// The TLS of connections and upstream connections that speak it.
  var channels: Slab<TLSChannel>
  var blocks: BlockPool
  var timers: TimerWheel
  var recording: Recording
  /// The principals of tokens that were verified here.
  var principals = PrincipalTable()

  // Working memory, used within one step and never across completions.
  var authenticator = Authenticator()
  var verifier = TokenVerifier()
  var requestIndex: JSONIndex
  var answerIndex: JSONIndex
  var masker: Masker
  /// Messages that are passed on while they arrive.
  var streamed = StreamedAnswers()
  var sealer: SessionSealer
  var requestFields: FieldTable
  var answerFields: FieldTable
  /// For texts of a known small size: local answers, unsealed session ids.
  let scratch: Block
  /// For TLS: what a session has to say, and behind it what it has read. Taken when the first session begins.
  var tlsMemory = Block.none
  /// Bytes of one receive buffer.
  let receiveBytes: Int
  let tlsListeners: Set<Int>
  /// Listeners, for accepting again and for stopping.
  var listeners: [Socket] = []
  /// The first exchange that waits for the audit path.
  var firstWaiting: UInt32 = .max
  /// Requests to be sent at the end of this turn.
  var unsent = UnsentRequests()
  /// Whether some connection's next request waits for room in the audit ring.
  var hasStalled = false
  /// Connections whose next request waits for its token's key.
  var keysWaiting = 0
  var acceptPausedUntil: UInt64 = .max
  var isDraining = false

  // Calls that wait for an approval.
  /// Where this worker meets the control plane about them; nil when calls cannot be held.
  let mail: Mailbox?
  let heldCalls: HeldCalls?
  var held: Slab<HeldRequest>
  var heldSerial: UInt64 = 0
  /// What the call that is being judged brought back from an earlier leg.
  var resumedState: ResumedState?
  /// The state in the call that is being judged is its server's own: it was sealed when the agent brought it.
  var holdsServerState = false
  let markKey: (UInt64, UInt64)
  /// Which arguments servers want repeated in heads.
  var parameterSchemas = ParameterSchemas()
  var canonicalizer = JSONCanonicalizer()
  var digester = CallDigester()
  let approvalAddress: [UInt8]
  /// What servers have asked agents; all workers' together.
  let questions: OpenQuestions

  init(
    loop: consuming EventLoop, settings: GatewaySettings, snapshot: GatewaySnapshot,
    recording: consuming Recording, control: WorkerControl, sealer: consuming SessionSealer,
    heldCalls: HeldCalls? = nil, questions: OpenQuestions = OpenQuestions(), number: Int = 0
  ) {
    self.questions = questions
    mail = heldCalls?.mailboxes[number]
    self.heldCalls = heldCalls
    held = Slab(
      capacity: heldCalls == nil
        ? 1 : max(1, settings.limits.heldCallsMax / max(1, settings.workers)))
    approvalAddress = Array(settings.approvalAddress.utf8)
    let share = max(16, settings.connectionsMax / max(1, settings.workers))
    limits = settings.limits
    var http = HTTPLimits()
    http.headBytesMax = settings.limits.headBytesMax
    httpLimits = http
    unsafe generations = Generations(first: Generation.make(snapshot))
    self.control = control
    connections = Slab(capacity: share)
    exchanges = Slab(capacity: share * 2)
    upstreams = Slab(capacity: share * 2)
    channels = Slab(capacity: share * 3)
    receiveBytes = settings.bufferBytes
    tlsListeners = settings.tlsListeners
    blocks = BlockPool(lentBytesMax: settings.limits.workerMemoryMax)
    timers = TimerWheel(capacity: share * 3, now: loop.now)
    self.recording = recording
    var json = JSONLimits()
    json.depthMax = settings.limits.depthMax
    json.documentBytesMax = max(settings.limits.bodyBytesMax, settings.limits.messageBytesMax)
    requestIndex = JSONIndex(limits: json)
    answerIndex = JSONIndex(limits: json)
    masker = Masker()
    markKey = sealer.markKey()
    self.sealer = sealer
    requestFields = FieldTable(limits: http)
    answerFields = FieldTable(limits: http)
    scratch = blocks.take(atLeast: 16384) ?? .none
    self.loop = loop
  }

  // MARK: The loop

  /// Runs until the gateway stops.
  mutating func run() {
    while turn() {}
  }

  /// One turn: wait, then everything that happened. False when the worker has nothing more to do.
  mutating func turn() -> Bool {
    loop.wait(until: min(timers.nextDeadline(), acceptPausedUntil))
    var completion = Completion.empty
    repeat {
      while loop.next(&completion) {
        dispatch(completion)
        loop.release(completion)
      }
    } while sendUnsent()
    while let id = timers.popExpired(now: loop.now) { expired(id) }
    // A wake-up tells that there is room again; looking on every turn as well costs nothing and cannot miss it.
    if hasStalled, !recording.isFull() { resumeStalled() }
    if acceptPausedUntil <= loop.now { resumeAccepting() }
    if mail != nil { takeHeldAnswers() }
    adoptPublished()
    control.exchanges.store(exchanges.count, ordering: .relaxed)
    if control.isStopping { return drain() }
    return true
  }

  private mutating func dispatch(_ completion: Completion) {
    switch completion.token.kind {
    case Owner.listener: accepted(completion)
    case Owner.connection: connectionEvent(completion)
    case Owner.upstream: upstreamEvent(completion)
    default: woken()
    }
  }

  private mutating func connectionEvent(_ completion: Completion) {
    let slot = completion.token.slot
    guard connections.contains(slot, generation: completion.token.generation) else { return }
    switch (completion.kind, connections[slot].transport) {
    case (.received, .plain):
      unsafe received(slot, completion.result, loop.unsafeBytes(of: completion))
    case (.received, .tls(let channel)): tlsReceived(channel, completion)
    case (.sent, .plain): sent(slot, completion.result)
    case (.sent, .tls(let channel)):
      tlsSent(channel, completion.result, transferred: Int(completion.transferred))
    case (.closed, _): connectionClosed(slot)
    case (.accepted, _), (.connected, _), (.woken, _): break
    }
  }

  private mutating func upstreamEvent(_ completion: Completion) {
    let slot = completion.token.slot
    guard upstreams.contains(slot, generation: completion.token.generation) else { return }
    switch (completion.kind, upstreams[slot].transport) {
    case (.connected, _): upstreamConnected(slot, completion.result)
    case (.received, .plain):
      unsafe upstreamReceived(slot, completion.result, loop.unsafeBytes(of: completion))
    case (.received, .tls(let channel)):
      if upstreams[slot].state == .closing { return endFarewell(slot, completion) }
      tlsReceived(channel, completion)
    case (.sent, .plain):
      upstreamSent(slot, completion.result, transferred: Int(completion.transferred))
    case (.sent, .tls(let channel)):
      tlsSent(channel, completion.result, transferred: Int(completion.transferred))
      if upstreams[slot].state == .closing { endFarewell(slot, completion) }
    case (.closed, _): upstreamClosed(slot)
    case (.accepted, _), (.woken, _): break
    }
  }

  /// Something outside wants attention: the audit path made progress, or the gateway is stopping.
  private mutating func woken() {
    var slot = firstWaiting
    firstWaiting = .max
    while slot != .max {
      let next = exchanges[slot].nextWaiting
      exchanges[slot].isWaiting = false
      exchanges[slot].nextWaiting = .max
      advanceAnswer(slot)
      slot = next
    }
    resumeStalled()
  }

  /// Puts an exchange on the list of those to look at when the audit path has made progress.
  mutating func waitForRecording(_ slot: UInt32) {
    guard !exchanges[slot].isWaiting else { return }
    exchanges[slot].isWaiting = true
    exchanges[slot].nextWaiting = firstWaiting
    firstWaiting = slot
  }

  /// Stops: no new connections, idle ones closed, the rest carried to their end or to the deadline.
  private mutating func drain() -> Bool {
    if !isDraining {
      isDraining = true
      for listener in listeners { loop.close(listener) }
      listeners.removeAll()
    }
    for slot in 0..<connections.highWater where connections.isUsed(slot) {
      let state = connections[slot].state
      if state == .idle || state == .handshake
        || (state != .closing && control.isOverdue(now: loop.now))
      {
        closeConnection(slot)
      } else if state == .exchange, connections[slot].exchange != .max {
        // No stop should wait for a person, nor for what has no end: each legacy client holds one open.
        let exchange = connections[slot].exchange
        endHolds(exchange, .pending)
        if exchanges.isUsed(exchange) { endLastingStream(exchange) }
      }
    }
    for slot in 0..<upstreams.highWater where upstreams.isUsed(slot) {
      if upstreams[slot].state == .idle { closeUpstream(slot) }
    }
    if connections.count == 0 && (exchanges.count == 0 || control.isOverdue(now: loop.now)) {
      return false
    }
    timers.schedule(drainTimer, at: loop.now &+ 50_000_000)
    return true
  }

  // MARK: Timers

  /// One timer per connection and per upstream connection, and one for stopping.
  private var drainTimer: UInt32 {
    UInt32(truncatingIfNeeded: connections.capacity &+ upstreams.capacity &- 1)
  }

  private func upstreamTimer(_ slot: UInt32) -> UInt32 {
    UInt32(truncatingIfNeeded: connections.capacity) &+ slot
  }

  /// Sets a connection's deadline. The wheel is only touched when it would fire too late: one that fires too early finds
  /// the real deadline and is set again, so a deadline that moves with every message costs one store.
  mutating func setDeadline(connection slot: UInt32, _ deadline: UInt64) {
    let earlier = deadline < connections[slot].deadline
    connections[slot].deadline = deadline
    if earlier || !timers.isScheduled(slot) { timers.schedule(slot, at: deadline) }
  }

  mutating func setDeadline(upstream slot: UInt32, _ deadline: UInt64) {
    let earlier = deadline < upstreams[slot].deadline
    upstreams[slot].deadline = deadline
    let timer = upstreamTimer(slot)
    if earlier || !timers.isScheduled(timer) { timers.schedule(timer, at: deadline) }
  }

  mutating func cancelTimer(connection slot: UInt32) { timers.cancel(slot) }

  mutating func cancelTimer(upstream slot: UInt32) { timers.cancel(upstreamTimer(slot)) }

  private mutating func expired(_ id: UInt32) {
    if id == drainTimer { return }
    if Int(id) < connections.capacity {
      guard connections.isUsed(id) else { return }
      if connections[id].deadline > loop.now {
        timers.schedule(id, at: connections[id].deadline)
      } else {
        connectionTimedOut(id)
      }
    } else {
      let slot = id &- UInt32(truncatingIfNeeded: connections.capacity)
      guard upstreams.isUsed(slot) else { return }
      if upstreams[slot].deadline > loop.now {
        timers.schedule(id, at: upstreams[slot].deadline)
      } else {
        upstreamTimedOut(slot)
      }
    }
  }
}

extension Worker {
  /// Opens the worker's listeners and says where they are.
  mutating func listen(
    on addresses: [SocketAddress], backlog: Int
  ) throws(IOError) -> [SocketAddress] {
    var bound: [SocketAddress] = []
    for (number, address) in addresses.enumerated() {
      var port = address.port
      let token = Token(kind: Owner.listener, slot: UInt32(number))
      listeners.append(
        try loop.listen(on: address, backlog: backlog, token: token, port: &port))
      bound.append(try SocketAddress(host: address.host, port: port))
    }
    return bound
  }

  /// Opens the listener for this process alone.
  mutating func listen(onInner address: SocketAddress, backlog: Int) throws(IOError) {
    var port: UInt16 = 0
    let token = Token(kind: Owner.listener, slot: Worker.innerListener)
    listeners.append(try loop.listen(on: address, backlog: backlog, token: token, port: &port))
  }

  /// Its number, which no other can have: what the configuration says of listeners is not said of this one.
  static var innerListener: UInt32 { 255 }
}
