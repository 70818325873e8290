import EventLoop
import Synchronization

/// One thread of the model server.
struct ModelWorker: ~Copyable {
  static let clientKind: UInt8 = 2

  var loop: EventLoop
  var connections: Slab<ModelConnection>
  var blocks = BlockPool(lentBytesMax: 4 << 30)
  var delayed: DelayQueue
  let book: AnswerBook
  let settings: ModelServerSettings
  let state: ModelServerState
  var answered = 0
  /// What stands in the bytes of a call that wants an event stream.
  let streamNeedle = Needle(#""stream":true"#)

  init(_ settings: ModelServerSettings, book: AnswerBook, state: ModelServerState) throws(IOError) {
    var loopSettings = EventLoopSettings()
    loopSettings.socketsMax = settings.connectionsMax + 16
    loop = try EventLoop(settings.io, settings: loopSettings)
    connections = Slab(capacity: settings.connectionsMax)
    delayed = DelayQueue(capacity: settings.connectionsMax)
    self.book = book
    self.settings = settings
    self.state = state
  }

  mutating func run() {
    var completion = Completion.empty
    while !state.stops.load(ordering: .relaxed) {
      loop.wait(until: delayed.nextDeadline)
      while loop.next(&completion) {
        take(completion)
        loop.release(completion)
      }
      while let due = delayed.pop(now: loop.now) {
        if connections.contains(due.slot, generation: due.generation) { sendAnswer(due.slot) }
      }
      if answered > 0 {
        state.answered.add(answered, ordering: .relaxed)
        answered = 0
      }
    }
  }

  private mutating func take(_ completion: Completion) {
    if completion.kind == .accepted {
      accepted(completion.socket)
      return
    }
    let slot = completion.token.slot
    guard completion.token.kind == ModelWorker.clientKind,
      connections.contains(slot, generation: completion.token.generation)
    else { return }
    switch completion.kind {
    case .received where completion.result > 0:
      let bytes = unsafe loop.unsafeBytes(of: completion)
      received(slot, bytes)
    case .sent where completion.result > 0: sent(slot)
    case .received, .sent: close(slot)
    case .closed:
      let connection = connections.remove(slot)
      blocks.give(connection.input)
      blocks.give(connection.output)
    default: break
    }
  }

  private mutating func accepted(_ socket: Socket) {
    guard !socket.isNone else { return }
    guard let slot = connections.insert(ModelConnection(socket: socket)) else {
      loop.close(socket)
      return
    }
    let token = Token(
      kind: ModelWorker.clientKind, slot: slot, generation: connections.generation(slot))
    loop.setToken(token, of: socket)
    loop.receive(on: socket)
  }

  private mutating func received(_ slot: UInt32, _ bytes: RawSpan) {
    guard !connections[slot].isClosing else { return }
    if connections[slot].inputCount > 0 || connections[slot].isBusy {
      keep(slot, bytes)
      if !connections[slot].isBusy { answerInput(slot) }
      return
    }
    let used = answerOne(slot, bytes)
    if used < bytes.byteCount { keep(slot, bytes.extracting(used...)) }
  }

  /// Answers the next request of those that wait in the connection's block.
  private mutating func answerInput(_ slot: UInt32) {
    let input = connections[slot].input
    let count = connections[slot].inputCount
    let used = answerOne(slot, input.bytes(count))
    guard used > 0 else { return }
    connections[slot].inputCount = count - used
    if used == count {
      blocks.give(input)
      connections[slot].input = .none
    } else {
      input.moveToFront(from: used, count: count - used)
    }
  }

  private mutating func keep(_ slot: UInt32, _ bytes: RawSpan) {
    let count = connections[slot].inputCount
    let needed = count + bytes.byteCount
    if needed > connections[slot].input.capacity {
      guard let larger = blocks.take(atLeast: needed) else { return close(slot) }
      let old = connections[slot].input
      larger.write(old.bytes(count), at: 0)
      blocks.give(old)
      connections[slot].input = larger
    }
    connections[slot].input.write(bytes, at: count)
    connections[slot].inputCount = needed
  }

  private mutating func sent(_ slot: UInt32) {
    guard !connections[slot].isClosing else { return }
    if connections[slot].closesAfterwards { return close(slot) }
    connections[slot].isBusy = false
    if connections[slot].inputCount > 0 { answerInput(slot) }
  }

  mutating func close(_ slot: UInt32) {
    guard !connections[slot].isClosing else { return }
    connections[slot].isClosing = true
    connections[slot].isBusy = false
    loop.close(connections[slot].socket)
  }
}
