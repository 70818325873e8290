public import EventLoop
public import Identity

/// How one gateway process is laid out. Fixed while it runs.
public struct GatewaySettings: Sendable {
  /// Worker threads, each with its own event loop, connections and audit ring.
  public var workers = 1
  public var io = IOChoice.automatic
  /// Whether each worker stays on one processor.
  public var pinsCPUs = false
  public var listeners: [SocketAddress] = []
  /// Which of them, by number, speak TLS. Their certificates are the snapshot's; where it has none for such a listener, its
  /// connections are closed.
  public var tlsListeners: Set<Int> = []
  /// Connections the kernel keeps waiting to be accepted, per listener and worker.
  public var backlog = 1024
  /// Clients' connections at once, over all workers.
  public var connectionsMax = 16384
  /// Bytes per receive buffer; a multiple of 64.
  public var bufferBytes = 16384
  /// Bytes of all receive buffers of a worker.
  public var bufferPoolBytes = 4 << 20
  /// Entries of io_uring's submission queue.
  public var ringEntries = 1024
  /// Whether requests and answers are recorded with the facts of each call.
  public var recordsBodies = true
  /// Whether each worker has a listener for this process alone: for `EventStreamDoor`, which puts what agents of HTTP+SSE
  /// say to the gateway as any agent would (`Gateway.innerAddresses`).
  public var hasInnerListeners = false
  /// Whether calls can be held for an approval: there is a store, and somebody who takes `Gateway.heldCalls`.
  public var holdsCalls = false
  /// Where reviewers decide, for what agents are told: "https://sluice.example/approvals". Empty for nowhere.
  public var approvalAddress = ""
  public var limits = GatewayLimits()

  public init() {}
}

/// What is bounded on the data path, with its default. Times are in nanoseconds.
public struct GatewayLimits: Sendable {
  /// A request's head: 431 beyond.
  public var headBytesMax = 32 << 10
  /// A request's body: 413 beyond.
  public var bodyBytesMax = 4 << 20
  /// One message from a server, held whole until it is judged and masked. Beyond, the answer to a call is judged and masked
  /// as it arrives; every other message is refused.
  public var messageBytesMax = 4 << 20
  /// The longest such answer: refused, or cut where part of it has left, beyond. Not more than `messageBytesMax`: none is
  /// passed on while it arrives.
  public var streamedBytesMax = 64 << 20
  /// Answers of one worker that are passed on while they arrive; a further one is refused.
  public var streamedAnswersMax = 64
  /// Nesting of JSON.
  public var depthMax = 64
  /// From a TLS connection's beginning to the end of its handshake, on either side.
  public var handshakeTime: UInt64 = 10_000_000_000
  /// How long a connection that is being closed waits for its last word to leave.
  public var farewellTime: UInt64 = 1_000_000_000
  /// From the first byte of a head to its last: 408.
  public var headTime: UInt64 = 10_000_000_000
  /// From the end of the head to the end of the body: 408.
  public var bodyTime: UInt64 = 30_000_000_000
  /// Between two requests of a connection.
  public var keepAliveTime: UInt64 = 75_000_000_000
  /// Until an agent takes what is being sent to it.
  public var sendTime: UInt64 = 30_000_000_000
  /// How long a request waits unread for room in the audit ring, before it is refused.
  public var recordTime: UInt64 = 2_000_000_000
  /// How long a request waits unread for the key that its token names, while the provider's keys are fetched. A little longer
  /// than the time for which one fetch keeps off the next.
  public var keysTime: UInt64 = 6_000_000_000
  /// Requests of one worker that wait like that; further ones are refused at once.
  public var keysWaitingMax = 64
  /// Until a server accepts the connection.
  public var connectTime: UInt64 = 5_000_000_000
  /// Attempts to connect to a server that fail in a row before calls to it fail at once.
  public var connectFailuresMax = 3
  /// How long they then do, until one of them tries again.
  public var unreachableTime: UInt64 = 1_000_000_000
  /// How long a request waits for the outcome of its sending when the server has ended the connection meanwhile.
  public var sendOutcomeTime: UInt64 = 1_000_000_000
  /// From the request's last byte to the answer's first.
  public var firstByteTime: UInt64 = 300_000_000_000
  /// Between two pieces of an answer or a stream.
  public var answerIdleTime: UInt64 = 300_000_000_000
  /// How long an unused connection to a server is kept. Shorter than what common servers allow, so that a request
  /// hardly ever meets a connection that is being closed.
  public var upstreamIdleTime: UInt64 = 4_000_000_000
  /// Unused connections kept per server and worker.
  public var upstreamIdleMax = 256
  /// Connections per server and worker.
  public var upstreamMax = 4096
  /// Bytes a client may send ahead of the answer it waits for; beyond, the gateway stops reading.
  public var aheadBytesMax = 64 << 10
  /// Bytes of a stream that wait for a slow agent; beyond, the gateway stops reading from the server.
  public var streamAheadBytesMax = 256 << 10
  /// Calls that wait for an approval, over all workers. A further one is refused.
  public var heldCallsMax = 8192
  /// How long a call of the legacy era is held before its agent is told to come back.
  public var holdTime: UInt64 = 50_000_000_000
  /// How long one leg of a call of the modern era is held before its client is asked to repeat it.
  public var holdLegTime: UInt64 = 45_000_000_000
  /// Legs of one call; after the last, its agent is told to come back.
  public var holdLegsMax: UInt8 = 9
  /// When the answer to a held call becomes an event stream, which comments keep alive.
  public var holdCommentAfter: UInt64 = 10_000_000_000
  /// Between two of these comments.
  public var holdCommentTime: UInt64 = 12_000_000_000
  /// When nothing was said on an event stream for so long, a comment keeps it from looking dead.
  public var streamCommentTime: UInt64 = 15_000_000_000
  /// How long an agent may take to answer what a server asks; a later answer is refused.
  public var questionTime: UInt64 = 900_000_000_000
  /// The canonical arguments of a call that is held; one with longer ones is refused.
  public var heldArgumentsBytesMax = 256 << 10
  /// Memory a worker lends for bodies and answers that are on their way.
  public var workerMemoryMax = 512 << 20

  public init() {}

  /// Takes over what may change while workers run: the waits and the counts. The sizes stay, because memory was laid out
  /// for them.
  mutating func adopt(_ newer: GatewayLimits) {
    handshakeTime = newer.handshakeTime
    farewellTime = newer.farewellTime
    headTime = newer.headTime
    bodyTime = newer.bodyTime
    keepAliveTime = newer.keepAliveTime
    sendTime = newer.sendTime
    recordTime = newer.recordTime
    keysTime = newer.keysTime
    keysWaitingMax = newer.keysWaitingMax
    connectTime = newer.connectTime
    connectFailuresMax = newer.connectFailuresMax
    unreachableTime = newer.unreachableTime
    sendOutcomeTime = newer.sendOutcomeTime
    firstByteTime = newer.firstByteTime
    answerIdleTime = newer.answerIdleTime
    upstreamIdleTime = newer.upstreamIdleTime
    upstreamIdleMax = newer.upstreamIdleMax
    upstreamMax = newer.upstreamMax
    aheadBytesMax = newer.aheadBytesMax
    streamAheadBytesMax = newer.streamAheadBytesMax
    holdTime = newer.holdTime
    holdLegTime = newer.holdLegTime
    holdLegsMax = newer.holdLegsMax
    holdCommentAfter = newer.holdCommentAfter
    holdCommentTime = newer.holdCommentTime
    streamCommentTime = newer.streamCommentTime
    questionTime = newer.questionTime
    heldArgumentsBytesMax = newer.heldArgumentsBytesMax
  }
}

/// Bounds for one server; nil for the general ones.
public struct ServerLimits: Sendable, BitwiseCopyable {
  /// In place of `GatewayLimits.firstByteTime`, in nanoseconds.
  public var firstByteTime: UInt64?
  /// In place of `GatewayLimits.upstreamMax`.
  public var connectionsMax: Int?
  /// In place of `GatewayLimits.streamedBytesMax`, which it may not exceed, and of `messageBytesMax` where it is less.
  public var messageBytesMax: Int?
  /// In place of `GatewayLimits.connectFailuresMax`.
  public var connectFailuresMax: Int?
  /// In place of `GatewayLimits.unreachableTime`, in nanoseconds.
  public var unreachableTime: UInt64?

  public init() {}
}

/// Where requests of the legacy era go for a server that does not speak it: something within reach of the workers that turns
/// them into requests of the modern era.
public struct LegacyDoor: Sendable {
  public var address: SocketAddress
  /// The path that stands for the server there.
  public var target: String
  /// What the workers prove themselves with.
  public var credential: (field: String, value: Secret)

  public init(
    address: SocketAddress, target: String, credential: (field: String, value: Secret)
  ) {
    self.address = address
    self.target = target
    self.credential = credential
  }
}

/// Where agents go that speak HTTP+SSE (2024-11-05): something within reach of the workers that holds their streams, and makes
/// a request of Streamable HTTP to this gateway of each of their messages.
public struct EventStreamDoor: Sendable {
  /// Where agents open their stream, and post to: "/orders/sse". A server that has this path itself goes first.
  public var path: String
  public var address: SocketAddress
  /// The path that stands for the server there.
  public var target: String
  /// What the workers prove themselves with.
  public var credential: (field: String, value: Secret)

  public init(
    path: String, address: SocketAddress, target: String,
    credential: (field: String, value: Secret)
  ) {
    self.path = path
    self.address = address
    self.target = target
    self.credential = credential
  }
}

/// An upstream MCP server, as far as the data path is concerned.
public struct UpstreamServer: Sendable {
  public var name: String
  /// The path under which agents reach it: "/orders/mcp".
  public var path: String
  /// Where it listens. Names were resolved by the control plane.
  public var address: SocketAddress
  /// The value of the Host field: "127.0.0.1:9000".
  public var host: String
  /// The path of its MCP endpoint: "/mcp".
  public var target: String
  /// The field that carries the credential, and its value.
  public var credential: (field: String, value: Secret)?
  /// What it may ask of agents.
  public var clientRequests: ClientRequests = []
  /// Methods beyond the protocol's that it may be sent: exact, or with a star for the rest. No control characters.
  public var methods: [String] = []
  /// Agents get the ids of its events as they are, instead of sealed.
  public var passesEventIDs = false
  /// How TLS is spoken to it; nil for plain HTTP.
  public var tls: TLSContext?
  /// Whether calls may go to it; if not, they are refused. For a server whose credential is not to be had.
  public var isAvailable = true
  /// Bounds in place of the general ones.
  public var limits = ServerLimits()
  /// Where requests of the legacy era go, when the server itself speaks only the modern one; nil: to the server as well.
  public var legacyDoor: LegacyDoor?
  /// Where agents of HTTP+SSE go; nil: they are not served.
  public var eventStreamDoor: EventStreamDoor?
  /// What happens to it is counted here. Pass the same object on when the snapshot is replaced, and the numbers go on.
  public var counters = ServerCounters()

  public init(
    name: String, path: String, address: SocketAddress, host: String, target: String,
    credential: (field: String, value: Secret)? = nil, tls: TLSContext? = nil
  ) {
    self.name = name
    self.path = path
    self.address = address
    self.host = host
    self.target = target
    self.credential = credential
    self.tls = tls
  }
}
