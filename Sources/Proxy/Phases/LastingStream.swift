internal import Audit
internal import EventLoop
internal import Wire

/// Streams without an end of their own: that of a legacy session (GET), and that of a modern agent that listens
/// (`subscriptions/listen`). They outlast what they were judged by, so the gateway ends them, in the way that makes
/// clients open another, which is judged anew:
///
///     another snapshot is in force, the token has expired, the server says nothing more, the gateway stops
///       legacy -> the last chunk                   client: GET, or authenticates again after 401
///       modern -> the empty `complete` result      client: listens again
extension Worker {
  /// Whether the exchange carries such a stream, and it goes on.
  func isLasting(_ slot: UInt32) -> Bool {
    guard slot != .max else { return false }
    let isListening =
      exchanges[slot].method == .subscriptionsListen && exchanges[slot].isForwarded
    return (exchanges[slot].isSessionStream || isListening) && !exchanges[slot].isAnswerComplete
  }

  /// Ends a lasting stream properly. Nothing for others.
  mutating func endLastingStream(_ slot: UInt32) {
    guard isLasting(slot) else { return }
    if exchanges[slot].isSessionStream { return endStream(slot) }
    let upstream = exchanges[slot].upstream
    if upstream != .max { closeUpstream(upstream) }
    // An event stream even when nothing has been said yet: that is what a client that listens reads.
    exchanges[slot].answerKind = .stream
    beginLocalAnswer(slot, status: 200) { out, exchange in
      MCPAnswer.listeningEnded(id: exchange.id.span, into: &out)
    }
    exchanges[slot].outcome = outcome(slot, .success)
    exchanges[slot].isAnswerComplete = true
    advanceAnswer(slot)
  }

  /// Ends a session's stream, with what was said on it.
  mutating func endStream(_ slot: UInt32) {
    let upstream = exchanges[slot].upstream
    if upstream != .max { closeUpstream(upstream) }
    exchanges[slot].outcome = outcome(slot, .success)
    exchanges[slot].answerKind = .stream
    exchanges[slot].isAnswerComplete = true
    advanceAnswer(slot)
  }

  // MARK: Time

  /// Sets the timer of a connection that carries an event stream: to the next comment, or to the end of what the stream
  /// was opened with.
  mutating func setStreamDeadline(_ slot: UInt32) {
    let connection = exchanges[slot].connection
    guard exchanges[slot].answerKind == .stream, !exchanges[slot].isAnswerComplete,
      exchanges[slot].held == .max, exchanges[slot].membersLeft == 0, connection != .max,
      !connections[connection].isSending
    else { return }
    let comment = loop.now &+ limits.streamCommentTime
    let expires = isLasting(slot) ? exchanges[slot].expires : .max
    setDeadline(connection: connection, min(comment, expires))
  }

  /// Nothing was said on a stream for a while, or its token has expired.
  mutating func streamDue(_ slot: UInt32) {
    guard exchanges[slot].answerKind == .stream, !exchanges[slot].isAnswerComplete else { return }
    if isLasting(slot), exchanges[slot].expires <= loop.now { return endLastingStream(slot) }
    // In the middle of a message nothing can be said; its server has a deadline of its own.
    if exchanges[slot].streamedForm != .none { return setStreamDeadline(slot) }
    guard makeAnswerRoom(slot, 64) else { return dropConnection(slot) }
    let block = exchanges[slot].answer
    let end = exchanges[slot].answerEnd
    var out = unsafe ByteWriter(unsafeInto: block.unsafeStart + end, capacity: 64)
    SSEWriter.keepAlive(into: &out)
    // Comments say nothing: where all before them is recorded, they are left out of the record.
    if exchanges[slot].recordStart == end { exchanges[slot].recordStart = end &+ out.count }
    exchanges[slot].answerEnd = end &+ out.count
    advanceAnswer(slot)
  }
}
