internal import EventLoop
internal import Wire

/// A client's connection: a socket and what has arrived on it. What happens to a request is the exchange's business;
/// several exchanges follow one another here (and will share a connection when HTTP/2 comes).
struct Connection: BitwiseCopyable {
  enum State: UInt8 {
    /// TLS is being agreed on.
    case handshake
    /// Between requests; nothing of the next has arrived.
    case idle
    /// Part of a head has arrived.
    case head
    /// The head is read, part of the body is missing.
    case body
    /// A request is being carried or answered.
    case exchange
    /// It is a stream of HTTP+SSE: what comes on `relay` is passed on.
    case relaying
    /// Answered for the last time: our direction is ended, the peer's last bytes are thrown away.
    case lingering
    case closing
  }

  var socket: Socket
  /// How the socket's bytes become plain ones.
  var transport = Transport.plain
  var state = State.idle
  /// The number of the listener that it came to.
  var listener: UInt8 = 0
  /// Bytes that arrived and are not used up: `input[inputStart..<inputEnd]`. No block while there are none.
  var input = Block.none
  var inputStart = 0
  var inputEnd = 0
  /// How far the head's end was looked for.
  var scannedUpTo: UInt32 = 0
  var isPaused = false
  /// When its next request began to wait for room in the audit ring; zero while it does not.
  var stalledSince: UInt64 = 0
  /// Since when its next request waits, unread, for the key that its token names; zero while it does not.
  var keysSince: UInt64 = 0
  /// What `KeyDemand.answers` was then.
  var keysAnswers: UInt64 = 0
  /// It is not read on before somebody has looked whether the wait is over.
  var awaitsKeys = false
  /// The peer has ended its direction.
  var peerEnded = false
  var exchange: UInt32 = .max
  /// What is being sent; it belongs to the connection until `.sent`.
  var output = Block.none
  var isSending = false
  /// Where a stream of HTTP+SSE comes from; `.max` for any other connection.
  var relay: UInt32 = .max
  /// When it is to be looked at, in nanoseconds of the loop's clock.
  var deadline: UInt64 = .max

  var inputCount: Int { inputEnd &- inputStart }
  /// Its next request is here and waits, unread.
  var isStalled: Bool { stalledSince > 0 || awaitsKeys }
}

/// A connection to a server, in its worker's pool or carrying one exchange.
struct Upstream: BitwiseCopyable {
  enum State: UInt8 {
    /// Until there is a connection, with TLS agreed on where it is spoken.
    case connecting
    /// Waiting in the pool.
    case idle
    /// Carrying `exchange`.
    case busy
    /// The answer has been given; what is left of it is read to the end so that the connection can be used again.
    case draining
    /// A stream of HTTP+SSE, for the connection `relay`.
    case relaying
    /// Closed, but for a last word (close_notify) that may still be on its way.
    case closing
  }

  var socket: Socket
  var transport = Transport.plain
  var state = State.connecting
  /// Whose route it serves, and which.
  let generation: UInt8
  let route: Int32
  var exchange: UInt32 = .max
  /// The client's connection that its bytes are passed on to, as they come; `.max` for none.
  var relay: UInt32 = .max
  /// It has left its generation, which it outlasts.
  var isUncounted = false
  /// The request: head and body, kept until it has left.
  var output = Block.none
  var outputCount = 0
  /// The request is complete and waits for the end of the turn to be sent.
  var isUnsent = false
  var isSending = false
  /// Whether an earlier request was answered on this connection: then its server may have ended it just now.
  var isReused = false
  /// Whether the request may be sent a second time even though the first may have arrived: it changes nothing.
  var isRepeatable = false
  /// Whether it is the one attempt to reach a server that could not be reached.
  var isProbe = false
  /// Why the connection ended while the request was still being sent: 0 or `-errno`.
  var endCode: Int32 = 0
  /// Bytes of the head while it is incomplete; afterwards the body as far as it must be kept.
  var input = Block.none
  var inputCount = 0
  var scannedUpTo: UInt32 = 0
  var hasHead = false
  var head = ResponseHead()
  var chunks: ChunkedDecoder
  var events: SSEParser
  /// The longest message of it that is held whole.
  var messageBytesMax = 0
  /// The longest message that is taken from it at all.
  var streamedBytesMax = 0
  /// Place of the message that is passed on while it arrives; `.max` while there is none.
  var streamed: UInt32 = .max
  /// Body bytes of this answer so far, after the framing was taken away.
  var bodyBytes: UInt64 = 0
  var isPaused = false
  var peerEnded = false
  var deadline: UInt64 = .max
  /// Neighbours in the pool of idle connections.
  var nextIdle: UInt32 = .max
  var previousIdle: UInt32 = .max
}
