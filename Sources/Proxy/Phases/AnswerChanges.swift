internal import Audit
internal import EventLoop
internal import Policy
internal import Wire

/// What of a server's message is not the agent's, and is replaced before it is masked.
struct AnswerChanges: OptionSet, BitwiseCopyable {
  let rawValue: UInt8

  /// The state of a multi-round-trip request is sealed.
  static var state: AnswerChanges { AnswerChanges(rawValue: 1) }
}

extension Worker {
  /// Writes a message with its changes, as `writeMessage` does. False after a failure.
  mutating func writeChanged(
    _ exchange: UInt32, _ message: RawSpan, prefix: Int, suffix: Int
  ) -> Bool {
    exchanges[exchange].changes = []
    guard let (block, count) = withSealedState(exchange, message) else {
      fail(exchange, .server, "The server's answer holds a state that cannot be sealed.")
      return false
    }
    defer { blocks.give(block) }
    let changed = block.bytes(count)
    // Read again, because places have moved.
    let violation = generations[exchanges[exchange].generation].masks.use { masks in
      answerIndex.read(changed, watch: masks.watch)
    }
    guard violation == nil else {
      fail(exchange, .server, "The server's answer holds a state that cannot be sealed.")
      return false
    }
    return writeMessage(exchange, changed, prefix: prefix, suffix: suffix)
  }
}
