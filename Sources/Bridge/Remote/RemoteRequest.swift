/// A request of the bridge to a server.
struct RemoteRequest: Sendable {
  enum Method: String, Sendable {
    case get = "GET"
    case post = "POST"
    case delete = "DELETE"
  }

  var method = Method.post
  var target: String
  /// Beside Host, the credential and the framing, which the client writes.
  var fields: [(name: String, value: String)] = []
  var body: [UInt8] = []
  /// Whether the server may get it twice, because it changes nothing.
  var isRepeatable = false
}

/// The head of a server's answer, as far as it matters.
struct RemoteHead: Sendable, Equatable {
  enum Content: Sendable, Equatable { case json, eventStream, other }

  var status = 0
  var content = Content.other
  /// `Mcp-Session-Id`.
  var session: String?
  /// Whether the connection can be used again afterwards.
  var keepsAlive = false
}

/// Why there is no answer, in words for an agent.
struct RemoteFailure: Error, Equatable, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }

  static let unreachable = RemoteFailure("The server cannot be reached.")
  static let untrusted = RemoteFailure("No secure connection to the server can be made.")
  static let broken = RemoteFailure("The server ended the connection in the middle of its answer.")
  static let silent = RemoteFailure("The server did not answer in time.")
  static let stalled = RemoteFailure("The server stopped in the middle of its answer.")
  static let malformed = RemoteFailure("The server's answer is not sound HTTP.")
  static let encoded = RemoteFailure("The server's answer is compressed, so it cannot be judged.")
  static let tooLarge = RemoteFailure("The server's answer is larger than the gateway's limit.")
  static let tooMany = RemoteFailure("Too many connections to the server are in use.")
}

/// What is bounded towards one server, with its default.
struct RemoteLimits: Sendable {
  var connectTime = Duration.seconds(5)
  /// From the request to the head of its answer.
  var firstByteTime = Duration.seconds(300)
  /// Connections at once, streams of sessions included.
  var connectionsMax = 4096
  /// Unused connections that are kept, and for how long: shorter than what common servers allow.
  var idleMax = 64
  var idleTime = Duration.seconds(4)
  /// Bytes of an answer that wait for their reader; beyond, nothing is read from the server.
  var aheadBytesMax = 256 << 10
}
