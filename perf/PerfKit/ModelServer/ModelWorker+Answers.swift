import EventLoop

extension ModelWorker {
  /// Answers the request at the front of `bytes`, if it is all there.
  /// - Returns: how many bytes it took; 0 while it is incomplete.
  mutating func answerOne(_ slot: UInt32, _ bytes: RawSpan) -> Int {
    switch RequestFrame.read(bytes, bytesMax: settings.requestBytesMax) {
    case .incomplete: return 0
    case .awaitsContinue:
      if !connections[slot].hasProceeded {
        connections[slot].hasProceeded = true
        send(slot, book.proceed)
      }
      return 0
    case .refused(let status):
      connections[slot].closesAfterwards = true
      send(slot, book.bare(status))
      return bytes.byteCount
    case .complete(let frame):
      connections[slot].hasProceeded = false
      if !frame.keepAlive { connections[slot].closesAfterwards = true }
      answer(slot, frame, bytes)
      return frame.body.upperBound
    }
  }

  private mutating func answer(_ slot: UInt32, _ frame: RequestFrame, _ bytes: RawSpan) {
    guard frame.isPost else { return send(slot, book.bare(405)) }
    guard
      let message = EnvelopeScan(bytes, from: frame.body.lowerBound, to: frame.body.upperBound),
      message.id.count <= AnswerTemplate.idBytesMax
    else { return send(slot, book.bare(400)) }
    guard message.hasID, !message.method.isEmpty else { return send(slot, book.accepted) }
    let kind = kind(of: message, bytes.extracting(frame.body), bytes)
    write(slot, AnswerBook.index(kind, frame.era), id: bytes.extracting(message.id))
    guard kind == .callJSON || kind == .callEvents else { return sendAnswer(slot) }
    answered += 1
    if settings.delayMicroseconds > 0 {
      delayed.append(
        slot, generation: connections.generation(slot),
        at: loop.now + UInt64(settings.delayMicroseconds) * 1000)
    } else {
      sendAnswer(slot)
    }
  }

  private func kind(of message: EnvelopeScan, _ body: RawSpan, _ bytes: RawSpan) -> AnswerKind {
    let start = message.method.lowerBound
    let end = message.method.upperBound
    switch message.method.count {
    case 10 where ByteSearch.equals("tools/call", in: bytes, from: start, to: end):
      return settings.sse || streamNeedle.first(in: body) != nil ? .callEvents : .callJSON
    case 10 where ByteSearch.equals("initialize", in: bytes, from: start, to: end):
      return .initialize
    case 10 where ByteSearch.equals("tools/list", in: bytes, from: start, to: end): return .list
    case 15 where ByteSearch.equals("server/discover", in: bytes, from: start, to: end):
      return .discover
    case 4 where ByteSearch.equals("ping", in: bytes, from: start, to: end): return .ping
    default: return .unknownMethod
    }
  }

  /// Puts the answer into the connection's block; the next of the same kind finds its long end there already.
  private mutating func write(_ slot: UInt32, _ index: Int, id: RawSpan) {
    if connections[slot].template != index {
      let needed = book[index].blockBytes
      if connections[slot].output.capacity < needed {
        guard let larger = blocks.take(atLeast: needed) else { return close(slot) }
        blocks.give(connections[slot].output)
        connections[slot].output = larger
      }
      book[index].writeBack(into: connections[slot].output)
      connections[slot].template = index
    }
    connections[slot].answer = book[index].writeFront(id: id, into: connections[slot].output)
    connections[slot].isBusy = true
  }

  mutating func sendAnswer(_ slot: UInt32) {
    guard !connections[slot].isClosing else { return }
    let answer = connections[slot].answer
    loop.send(
      connections[slot].output, from: answer.lowerBound, count: answer.count,
      on: connections[slot].socket)
  }

  /// Sends a short answer that has no id.
  private mutating func send(_ slot: UInt32, _ bytes: [UInt8]) {
    if connections[slot].output.capacity < bytes.count {
      guard let block = blocks.take(atLeast: bytes.count) else { return close(slot) }
      connections[slot].output = block
    }
    connections[slot].output.write(bytes, at: 0)
    connections[slot].template = -1
    connections[slot].answer = 0..<bytes.count
    connections[slot].isBusy = true
    sendAnswer(slot)
  }
}
