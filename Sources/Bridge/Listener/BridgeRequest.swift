/// A request of a worker, read whole.
struct BridgeRequest: Sendable {
  enum Method: Sendable { case post, get, delete, other }

  var method: Method
  /// The server that the path names.
  var server: String
  /// `Mcp-Session-Id`, of the legacy era.
  var session: String?
  /// `Last-Event-ID`, of the legacy era.
  var lastEventID: String? = nil
  var body: [UInt8]
  /// What an agent of HTTP+SSE proves itself with. A secret.
  var agentAuthorization: String?
}

/// Where the bytes of an answer go.
protocol BridgeOutput: Sendable {
  /// Sends the head of an answer with a body of `length` bytes, or of unknown length when that is nil.
  func head(_ status: Int, _ fields: [(name: String, value: String)], length: Int?)
  /// Sends a piece of the body; `sent` is called when it has left or never will.
  func body(_ bytes: [UInt8], sent: @escaping @Sendable () -> Void)
  /// Completes the answer.
  func end()
  /// Closes the connection: what was begun must not be taken for the whole.
  func cut()
}
