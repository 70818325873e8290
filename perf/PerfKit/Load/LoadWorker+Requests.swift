import EventLoop
import Histogram
import Synchronization

extension LoadWorker {
  /// Sends what is due in an open loop, as far as connections are free.
  mutating func sendDue() {
    let end = state.measureUntil.load(ordering: .relaxed)
    while schedule.nextIntended <= loop.now {
      let intended = schedule.nextIntended
      if intended >= end { return }
      if intended + timeout <= loop.now {
        // Nobody was free to send it in all that time.
        schedule.advance()
        countRequest(.timeout, intended: intended)
        continue
      }
      guard let slot = ready.popFirst() else { return }
      // A connection that was closed meanwhile is not ready any more, and comes back when it is.
      connections[slot].isQueued = false
      guard connections[slot].phase == .ready else { continue }
      schedule.advance()
      issue(slot, intended: intended)
    }
  }

  /// Sends the next request of the mix.
  mutating func issue(_ slot: UInt32, intended: UInt64) {
    let template = book.template(number: requestNumber, era: connections[slot].era)
    requestNumber += 1
    connections[slot].intended = intended
    connections[slot].phase = .waiting
    if !connections[slot].isIdle { outstanding += 1 }
    send(slot, template)
  }

  mutating func send(_ slot: UInt32, _ template: Int) {
    let needed = book[template].length(sessionBytes: connections[slot].sessionBytes)
    if connections[slot].request.capacity < needed {
      guard let block = blocks.take(atLeast: needed) else { return fail(slot, .connectFailed) }
      blocks.give(connections[slot].request)
      connections[slot].request = block
    }
    idNumber += 1
    let id = RequestTemplate.idBase * UInt64(index % 8 + 1) + idNumber
    let length = book[template].write(
      into: connections[slot].request, id: id, session: connections[slot].session,
      sessionBytes: connections[slot].sessionBytes)
    connections[slot].id = id
    connections[slot].reader = AnswerReader()
    connections[slot].answerCount = 0
    connections[slot].deadline = loop.now + timeout
    connections[slot].isSending = true
    loop.send(connections[slot].request, from: 0, count: length, on: connections[slot].socket)
  }

  // MARK: Answers

  mutating func received(_ slot: UInt32, _ bytes: RawSpan) {
    switch connections[slot].phase {
    case .waiting, .initializing, .confirming: break
    case .ready, .idle: return fail(slot, .malformed)
    case .apart, .connecting, .closing: return
    }
    if isMeasuring { tally.bytes += bytes.byteCount }
    if connections[slot].answerCount == 0 {
      switch connections[slot].reader.readWhole(bytes) {
      case .complete: return answered(slot, bytes)
      case .malformed: return fail(slot, .malformed)
      case .more, .tooLarge: break
      }
    }
    guard gather(slot, bytes) else { return fail(slot, .malformed) }
    let block = connections[slot].answer
    let count = connections[slot].answerCount
    switch connections[slot].reader.advance(block, count: count, bytesMax: settings.answerBytesMax)
    {
    case .more: break
    case .complete: answered(slot, block.bytes(count))
    case .malformed, .tooLarge: fail(slot, .malformed)
    }
  }

  private mutating func gather(_ slot: UInt32, _ bytes: RawSpan) -> Bool {
    let count = connections[slot].answerCount
    let expected = connections[slot].reader.bytesExpected(atLeast: count + bytes.byteCount)
    if connections[slot].answer.capacity < expected {
      guard let larger = blocks.take(atLeast: expected) else { return false }
      let old = connections[slot].answer
      if count > 0 { larger.write(old.bytes(count), at: 0) }
      blocks.give(old)
      connections[slot].answer = larger
    }
    connections[slot].answer.write(bytes, at: count)
    connections[slot].answerCount = count + bytes.byteCount
    return true
  }

  /// A whole answer is there.
  mutating func answered(_ slot: UInt32, _ bytes: RawSpan) {
    let reader = connections[slot].reader
    switch connections[slot].phase {
    case .initializing: return initialized(slot, bytes)
    case .confirming:
      guard reader.status < 300 else { return failWithStatus(slot, reader.status) }
      tally.handshakes += 1
      return becomeReady(slot)
    default: break
    }
    if connections[slot].isIdle {
      return reader.status == 200 ? becomeIdle(slot) : failWithStatus(slot, reader.status)
    }
    outstanding -= 1
    let fault: LoadErrorKind? =
      reader.status != 200
      ? .httpStatus
      : check.fault(
        in: bytes, body: reader.body, isEventStream: reader.isEventStream, id: connections[slot].id)
    if let fault {
      if fault == .httpStatus { note(status: reader.status) }
      countRequest(fault, intended: connections[slot].intended)
    } else {
      countAnswer(intended: connections[slot].intended, isEventStream: reader.isEventStream)
    }
    connections[slot].deadline = .max
    // An answer to a request that has not all been sent (a refusal) ends the connection, too.
    if reader.keepAlive && reader.framing != .untilClose && !connections[slot].isSending {
      becomeReady(slot)
    } else {
      drop(slot)
    }
  }

  /// The answer to `initialize`: keeps the session for the requests to come.
  private mutating func initialized(_ slot: UInt32, _ bytes: RawSpan) {
    let reader = connections[slot].reader
    guard reader.status == 200 else { return failWithStatus(slot, reader.status) }
    if !reader.session.isEmpty {
      let name: [UInt8] = Array("Mcp-Session-Id: ".utf8)
      let needed = name.count + reader.session.count + 2
      guard let block = blocks.take(atLeast: needed) else { return fail(slot, .malformed) }
      block.write(name, at: 0)
      block.write(bytes.extracting(reader.session), at: name.count)
      block.storeByte(0x0D, at: needed - 2)
      block.storeByte(0x0A, at: needed - 1)
      connections[slot].session = block
      connections[slot].sessionBytes = needed
    }
    connections[slot].phase = .confirming
    send(slot, RequestBook.Slots.initialized)
  }

  private mutating func failWithStatus(_ slot: UInt32, _ status: Int) {
    note(status: status)
    fail(slot, .httpStatus)
  }

  // MARK: Counting

  private mutating func note(status: Int) {
    if isMeasuring { tally.statuses[status, default: 0] += 1 }
  }

  /// Whether a request belongs to the figures: in an open loop by when it was meant to be sent, in a closed loop by
  /// when it ended.
  private func counts(intended: UInt64) -> Bool {
    guard settings.rate != nil else { return isMeasuring }
    return intended >= state.measureFrom.load(ordering: .relaxed)
      && intended < state.measureUntil.load(ordering: .relaxed)
  }

  private mutating func countAnswer(intended: UInt64, isEventStream: Bool) {
    guard counts(intended: intended), takeFromQuota() else { return }
    tally.answers += 1
    if isEventStream { tally.eventStreams += 1 }
    tally.latency.record(loop.now - min(loop.now, intended))
  }

  mutating func countRequest(_ kind: LoadErrorKind, intended: UInt64) {
    guard counts(intended: intended), takeFromQuota() else { return }
    tally.errors[kind.rawValue] += 1
  }

  /// Whether the request is one of those that were asked for; always, where no number was.
  mutating func takeFromQuota() -> Bool {
    guard let left = quota else { return true }
    guard left > 0 else { return false }
    quota = left - 1
    return true
  }
}
