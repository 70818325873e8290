/// What a server's process tells, in the order it happens.
enum ProcessEvent: Sendable {
  /// A line of its output, without the line's end.
  case line([UInt8])
  /// The same about a request, by the number that the bridge gave it: for whoever has made it.
  case related([UInt8], to: Int)
  /// A line over the limit, which is left out.
  case lineTooLong
  /// It is over, with why; nothing follows.
  case ended(String)
}

/// A server's process as the bridge sees it: lines in, lines out, and an end.
protocol ServerProcess: Sendable {
  /// Queues a line for its input, line end and all. False when too much waits there already.
  func send(_ line: [UInt8]) -> Bool
  /// Ends it in good order: the end of its input, SIGTERM, SIGKILL, each after a while. May be called again.
  func end()
  /// Returns when it is over and was seen off.
  func waitUntilEnded() async
}

/// Starts a server's process and tells what becomes of it, one event after the other.
typealias ProcessMaker =
  @Sendable (BridgedServer, _ events: @escaping @Sendable (ProcessEvent) async -> Void) ->
  any ServerProcess
