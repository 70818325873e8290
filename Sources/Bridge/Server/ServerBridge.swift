internal import Logging

/// One server behind the bridge, made to look like a Streamable HTTP server: its processes or connections, the sessions on
/// them, and every request that waits for an answer.
///
/// Who asks and who answers meet in `pending`. On its way to a process every request gets an id of the bridge's own, and its
/// progress token becomes the same number, so that no two askers can collide on one pipe; on the way back the literals are
/// the asker's again. Nothing else of a message changes.
///
///     agent A   {"id":1,"method":"tools/call",…}   ->   {"id":17,…}
///     agent B   {"id":1,"method":"tools/call",…}   ->   {"id":18,…}
///     process   {"id":18,"result":…}               ->   B: {"id":1,"result":…}
actor ServerBridge {
  let server: BridgedServer
  let log: Logger
  let makeProcess: ProcessMaker
  let reader: MessageReader

  var children: [Int: Child] = [:]
  var sessions: [String: Session] = [:]
  var pending: [Int: Pending] = [:]
  /// What the server has been found to speak, and the process that all agents of the modern era share.
  var era = Era.unknown
  var modernChild: Int?
  var modernStart: Task<SharedChild, Never>?
  /// The process of the legacy era that all sessions share, when they do.
  var sharedChild: Int?
  var sharedStart: Task<SharedChild, Never>?
  /// The result of its `initialize`, as JSON.
  var sharedInitialize: [UInt8] = []
  /// A process that was asked for its era and is of the legacy one: the next session takes it.
  var spareChild: Int?
  var backOff = BackOff()
  var isRetired = false
  /// Log lines about what the server does wrong.
  var complaints = Allowance(burst: 20, perSecond: 1)

  /// Bytes that all sessions keep for streams that are taken up again.
  var keptBytes = 0

  private var lastNumber = 0
  private var sweeper: Task<Void, Never>?

  init(_ server: BridgedServer, log: Logger, makeProcess: @escaping ProcessMaker) {
    self.server = server
    self.log = log
    self.makeProcess = makeProcess
    reader = MessageReader(bytesMax: server.limits.messageBytesMax)
  }

  /// One running process.
  struct Child {
    let process: any ServerProcess
    let started = ContinuousClock.now
    var lastUse = ContinuousClock.now
    /// Whose it is; nil for one that is shared, or nobody's yet.
    var session: String?
    /// Whether it has sent a message that could be read: then it works.
    var isProven = false
    var isEnding = false
    var pendingCount = 0
    /// Its own requests that wait for an agent's answer, by the literal of their id.
    var serverRequests: [[UInt8]: ContinuousClock.Instant] = [:]
  }

  /// One agent's session of the legacy era.
  struct Session {
    /// Its own process; nil for the shared one.
    var child: Int?
    /// The stream for what the server sends by itself, and its number, which it keeps when it breaks off.
    var stream: BridgeReply?
    var streamNumber = 0
    /// What its streams have said.
    var log: StreamLog
    var lastUse = ContinuousClock.now
    var lastSign = ContinuousClock.now
    /// What it subscribed to on a shared process.
    var subscriptions: Set<String> = []
    /// Whether `initialize` was answered.
    var isOpen = false
  }

  /// A request that was sent to a process.
  struct Pending {
    enum Asker {
      case agent(BridgeReply)
      /// The agent went away without saying that it does not want the answer.
      case nobody
      case bridge(CheckedContinuation<Message?, Never>)
    }

    /// The number by which its process knows it.
    let number: Int
    var asker: Asker
    var child: Int
    /// The asker's literals.
    var id: [UInt8]
    var progressToken: [UInt8]?
    var session: String?
    var isModern = false
    /// Whether the answer opens the session.
    var opensSession = false
    /// The agent has said that it does not want the answer.
    var isCancelled = false
    /// When it is given up.
    var deadline: ContinuousClock.Instant?
    var lastSign = ContinuousClock.now
  }

  enum Era: Equatable {
    case unknown
    case modern
    /// Nil: for good.
    case legacy(until: ContinuousClock.Instant?)
  }

  /// A process for more than one agent, or why there is none.
  enum SharedChild {
    case child(Int)
    /// The server does not speak the modern era.
    case legacyOnly
    case failed(String)
  }

  func makeNumber() -> Int {
    lastNumber += 1
    return lastNumber
  }

  // MARK: Requests

  func handle(_ request: BridgeRequest, _ reply: BridgeReply) async {
    switch request.method {
    case .post: await post(request, reply)
    case .get: openStream(request, reply)
    case .delete: endSession(request, reply)
    case .other: reply.finish(405, nil)
    }
  }

  private func post(_ request: BridgeRequest, _ reply: BridgeReply) async {
    guard let message = reader.read(request.body) else {
      return refuse(reply, 400, nil, MessageText.invalidRequest, "This is no JSON-RPC message.")
    }
    if message.hasRevision {
      await postModern(message, reply)
    } else {
      await postLegacy(message, request.session, reply)
    }
  }

  func refuse(_ reply: BridgeReply, _ status: Int, _ id: [UInt8]?, _ code: Int, _ text: String) {
    reply.finish(status, MessageText.error(id: id, code: code, text))
  }

  /// Tells the asker that there will be no answer. With status 200, so that agents of every kind read the reason.
  func fail(_ reply: BridgeReply, _ id: [UInt8], _ text: String) {
    refuse(reply, 200, id, MessageText.internalError, text)
  }

  // MARK: Time

  /// Looks every half second for what has taken too long, as long as there is anything.
  func keepSweeping() {
    guard sweeper == nil else { return }
    sweeper = Task { [weak self] in
      while !Task.isCancelled, await self?.sweep() == true {
        try? await Task.sleep(for: .milliseconds(500))
      }
    }
  }

  /// False when there is nothing left to look after.
  private func sweep() -> Bool {
    let now = ContinuousClock.now
    sweepPending(now)
    sweepSessions(now)
    sweepChildren(now)
    if children.isEmpty, sessions.isEmpty {
      sweeper = nil
      return false
    }
    return true
  }

  // MARK: The end

  /// Takes nothing new, lets what is under way finish, then ends all processes. For a server that was taken out of the
  /// configuration, or is started differently from now on.
  func retire() async {
    isRetired = true
    let deadline = ContinuousClock.now + server.limits.abandonedTime
    while !pending.isEmpty, ContinuousClock.now < deadline {
      try? await Task.sleep(for: .milliseconds(100))
    }
    await stop()
  }

  /// Ends all processes, and returns when they have ended.
  func stop() async {
    isRetired = true
    for child in children.keys { end(child) }
    for session in Array(sessions.keys) { forget(session: session) }
    for process in children.values.map(\.process) { await process.waitUntilEnded() }
    sweeper?.cancel()
  }
}
