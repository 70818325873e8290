import EventLoop

/// One connection of the load generator; at most one request at a time.
struct LoadConnection {
  enum Phase: UInt8 {
    /// No socket; waits for its turn to connect (again).
    case apart
    case connecting
    /// Legacy only: `initialize` has been sent.
    case initializing
    /// Legacy only: `notifications/initialized` has been sent.
    case confirming
    /// Nothing to do.
    case ready
    /// A request has been sent.
    case waiting
    /// Held open beside the load, after whatever it did first.
    case idle
    /// Closed by us; `.closed` is to come.
    case closing
  }

  var socket = Socket.none
  var phase = Phase.apart
  var era = WireEra.modern
  /// One of those that are held idle.
  var isIdle = false
  var id: UInt64 = 0
  /// The kernel has not reported the end of the last send.
  var isSending = false
  /// In the queue of those that are ready, where it may also have been left from before it was closed.
  var isQueued = false
  /// When the request was meant to be sent, which is when it was sent in a closed loop.
  var intended: UInt64 = 0
  /// When it has taken too long.
  var deadline: UInt64 = .max
  /// The last request.
  var request = Block.none
  /// What has arrived of its answer, where that is not checked in place.
  var answer = Block.none
  var answerCount = 0
  var reader = AnswerReader()
  /// The field line `Mcp-Session-Id: …`, once there is a session.
  var session = Block.none
  var sessionBytes = 0
}
