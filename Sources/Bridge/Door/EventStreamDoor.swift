internal import Identity
internal import Logging
internal import Synchronization

/// What is bounded of the streams of agents that speak HTTP+SSE, with its default.
struct DoorLimits: Sendable {
  /// Streams at once, over all servers. Beyond, a GET is refused.
  var streamsMax = 4096
  /// Messages of one stream that wait or are under way. Beyond, a POST is refused.
  var messagesMax = 256
  /// Their bytes, together.
  var messageBytesMax = 16 << 20
  /// One message for the agent. A longer one is refused to it.
  var eventBytesMax = 4 << 20
  /// Bytes that wait for an agent that does not read. Beyond, its stream is cut.
  var waitingBytesMax = 16 << 20
  /// Between two signs of life on a stream.
  var keepAliveTime = Duration.seconds(15)
  /// How long the stream of a session is done without when its agent's credential is not accepted any more, before the
  /// agent's own stream ends.
  var unauthorizedTime = Duration.seconds(300)
  /// How often an answer is looked for again that its server broke off, and the longest that a server may have that wait.
  var resumptionsMax = 100
  var resumptionTimeMax = Duration.seconds(60)

  init() {}
}

/// The door for agents that speak HTTP+SSE (2024-11-05): it holds their streams, and makes of each message that they post a
/// request of Streamable HTTP to the gateway itself, with the credential that came with it. To the gateway it is an agent
/// like any other, so that nothing of what makes an agent's message pass is done here.
///
/// The workers have authenticated who opens a stream and who posts to it, and that it is the same (the id of a stream is
/// sealed).
final class EventStreamDoor: Sendable {
  /// Beginning of the request targets that are the door's: no server's name holds a slash.
  static let prefix = "event-streams/"

  private struct State {
    var sessions: [String: AgentSession] = [:]
    /// Where servers are reached at the gateway: `/orders/mcp`.
    var paths: [String: String] = [:]
    /// Where requests go: a stream keeps the one that it began with.
    var gateways: [any RemoteSender] = []
    var next = 0
    var isStopping = false
  }

  private let log: Logger
  private let limits: DoorLimits
  private let tally = DoorTally()
  private let state = Mutex(State())

  init(log: Logger, limits: DoorLimits = DoorLimits()) {
    self.log = log
    self.limits = limits
  }

  /// - Parameter workers: where the gateway's workers listen for this process.
  func connect(to workers: [String]) {
    var limits = RemoteLimits()
    // The gateway answers by itself when a server does not, and holds calls for as long as it is told to.
    limits.firstByteTime = .seconds(86400)
    limits.connectionsMax = 16384
    connect(
      through: workers.map { worker in
        RemoteClient(
          RemotePlace(RemoteAccess(host: worker, port: 0, authority: "localhost")), limits: limits)
      })
  }

  /// - Parameter gateways: what takes requests to the gateway, one of them for each stream.
  func connect(through gateways: [any RemoteSender]) {
    state.withLock { $0.gateways = gateways }
  }

  /// - Parameter paths: where servers are reached at the gateway, by their names.
  func update(paths: [String: String]) { state.withLock { $0.paths = paths } }

  func handle(_ request: BridgeRequest, _ reply: BridgeReply) async {
    let server = String(request.server.dropFirst(Self.prefix.count))
    switch request.method {
    case .get: open(server, request, reply)
    case .post:
      let session = request.session.flatMap { id in state.withLock { $0.sessions[id] } }
      guard let session, session.server == server else {
        return Self.refuse(reply, 404, "Session not found.")
      }
      await session.post(request.body, request.agentAuthorization, reply)
    case .delete, .other: reply.finish(405, nil)
    }
  }

  private func open(_ server: String, _ request: BridgeRequest, _ reply: BridgeReply) {
    let id = RandomText.make(32)
    let session: AgentSession? = state.withLock { state in
      guard !state.isStopping, state.sessions.count < limits.streamsMax,
        let path = state.paths[server], !state.gateways.isEmpty
      else { return nil }
      state.next = (state.next + 1) % state.gateways.count
      let session = AgentSession(
        server: server, path: path, gateway: state.gateways[state.next],
        authorization: request.agentAuthorization, stream: reply,
        AgentSession.Surroundings(limits: limits, tally: tally, log: log)
      ) { [weak self] in self?.forget(id) }
      state.sessions[id] = session
      return session
    }
    guard let session else {
      tally.refused.add(1, ordering: .relaxed)
      return Self.refuse(reply, 503, "The gateway has no room for another event stream now.")
    }
    tally.opened.add(1, ordering: .relaxed)
    reply.open(stream: id, waitingBytesMax: limits.waitingBytesMax)
    reply.whenGone { Task { await session.end() } }
    Task { await session.run() }
  }

  private func forget(_ id: String) { state.withLock { $0.sessions[id] = nil } }

  static func refuse(_ reply: BridgeReply, _ status: Int, _ text: String) {
    reply.finish(status, MessageText.error(id: nil, code: MessageText.invalidRequest, text))
  }

  var status: DoorStatus {
    var status = tally.status
    status.streamsMax = limits.streamsMax
    status.streams = state.withLock { state in
      state.sessions.values.reduce(into: state.paths.mapValues { _ in 0 }) { counts, session in
        counts[session.server, default: 0] += 1
      }
    }
    return status
  }

  /// Opens no stream any more, and ends those there are as soon as their agents wait for nothing.
  func drain() async {
    let sessions = state.withLock { state in
      state.isStopping = true
      return Array(state.sessions.values)
    }
    for session in sessions { await session.endWhenIdle() }
  }

  /// Ends all streams.
  func stop() async {
    await drain()
    for session in state.withLock({ Array($0.sessions.values) }) { await session.end() }
  }
}
