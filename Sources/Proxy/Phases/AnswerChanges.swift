internal import Audit
internal import EventLoop
internal import Policy
internal import Wire

/// What of a server's message is not the agent's, and is replaced before it is masked.
struct AnswerChanges: OptionSet, BitwiseCopyable {
  let rawValue: UInt8

  /// As most messages.
  static var none: AnswerChanges { AnswerChanges(rawValue: 0) }
  /// The state of a multi-round-trip request is sealed.
  static var state: AnswerChanges { AnswerChanges(rawValue: 1) }
  /// What the gateway refuses is not offered.
  static var capabilities: AnswerChanges { AnswerChanges(rawValue: 2) }
  /// The id of a task is sealed, in each of the places where one may stand (`Worker.taskPlace`).
  static var taskItself: AnswerChanges { AnswerChanges(rawValue: 4) }
  static var taskMade: AnswerChanges { AnswerChanges(rawValue: 8) }
  static var taskRelated: AnswerChanges { AnswerChanges(rawValue: 16) }
}

extension Worker {
  /// Notes what is to be changed in the answer that `answerIndex` has read, beside its state.
  mutating func noteChanges(_ exchange: UInt32, _ body: RawSpan) {
    if !exchanges[exchange].task.isNone {
      for place in [AnswerChanges.taskItself, .taskMade, .taskRelated]
      where taskPlace(place, body) != nil {
        exchanges[exchange].changes.insert(place)
      }
    }
    let method = exchanges[exchange].method
    if method == .initialize || method == .serverDiscover, offeredTaskList(body) != nil {
      exchanges[exchange].changes.insert(.capabilities)
    }
  }

  /// Writes a message with its changes, as `writeMessage` does. False after a failure.
  mutating func writeChanged(
    _ exchange: UInt32, _ message: RawSpan, prefix: Int, suffix: Int
  ) -> Bool {
    guard let (block, count) = withNextChange(exchange, message) else {
      fail(exchange, .server, "The server's answer holds an id or a state that cannot be sealed.")
      return false
    }
    defer { blocks.give(block) }
    let changed = block.bytes(count)
    // Read again, because places have moved.
    let violation = generations[exchanges[exchange].generation].masks.use { masks in
      answerIndex.read(changed, watch: masks.watch)
    }
    guard violation == nil else {
      fail(exchange, .server, "The server's answer holds an id or a state that cannot be sealed.")
      return false
    }
    return writeMessage(exchange, changed, prefix: prefix, suffix: suffix)
  }

  /// One change after the other.
  private mutating func withNextChange(_ exchange: UInt32, _ message: RawSpan) -> (Block, Int)? {
    let changes = exchanges[exchange].changes
    if changes.contains(.state) {
      exchanges[exchange].changes.remove(.state)
      return withSealedState(exchange, message)
    }
    if changes.contains(.capabilities) {
      exchanges[exchange].changes.remove(.capabilities)
      return withoutTaskList(message)
    }
    let place: AnswerChanges =
      changes.contains(.taskItself)
      ? .taskItself : changes.contains(.taskMade) ? .taskMade : .taskRelated
    exchanges[exchange].changes.remove(place)
    guard let range = taskPlace(place, message) else { return nil }
    return withSealedTask(exchange, message, range)
  }
}
