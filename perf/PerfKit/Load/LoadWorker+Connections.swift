import EventLoop
import Glibc

extension LoadWorker {
  /// Makes connection number `number` of this thread.
  mutating func open(_ number: Int, isIdle: Bool) {
    var connection = LoadConnection()
    connection.isIdle = isIdle
    connection.era =
      switch settings.era {
      case .modern: .modern
      case .legacy: .legacy
      case .mix: (number * settings.threads + index) % 2 == 0 ? .modern : .legacy
      }
    guard let slot = connections.insert(connection) else {
      preconditionFailure("the slab has a slot for every connection")
    }
    connect(slot)
  }

  /// Opens idle connections, some at a time.
  mutating func openIdle() {
    guard stage == .openingIdle else { return }
    while idleOpened < ownIdle && idleOpening < LoadWorker.idleOpeningMax {
      idleOpening += 1
      idleOpened += 1
      open(ownConnections + idleOpened, isIdle: true)
    }
  }

  mutating func connect(_ slot: UInt32) {
    guard connections.isUsed(slot), connections[slot].phase == .apart else { return }
    // In an open loop what was due is still to be sent.
    guard stage != .draining || settings.rate != nil else { return }
    let token = Token(
      kind: LoadWorker.connectionKind, slot: slot, generation: connections.generation(slot))
    guard let socket = loop.connect(to: address, token: token) else {
      count(.connectFailed)
      retries.append(slot, at: loop.now + LoadWorker.retryNanoseconds)
      return
    }
    connections[slot].socket = socket
    connections[slot].phase = .connecting
    connections[slot].deadline = loop.now + timeout
  }

  mutating func take(_ completion: Completion) {
    let slot = completion.token.slot
    guard completion.token.kind == LoadWorker.connectionKind,
      connections.contains(slot, generation: completion.token.generation)
    else { return }
    switch completion.kind {
    case .connected:
      guard completion.result == 0 else { return fail(slot, .connectFailed) }
      guard connections[slot].phase == .connecting else { return }
      loop.receive(on: connections[slot].socket)
      begin(slot)
    case .received where completion.result > 0:
      let bytes = unsafe loop.unsafeBytes(of: completion)
      received(slot, bytes)
    case .received: ended(slot, completion.result)
    case .sent where completion.result < 0: fail(slot, .connectionReset)
    case .sent: connections[slot].isSending = false
    case .closed: closed(slot)
    default: break
    }
  }

  /// The connection is established: what it does first.
  private mutating func begin(_ slot: UInt32) {
    connections[slot].deadline = .max
    if connections[slot].era == .legacy && !(connections[slot].isIdle && !settings.idleAfterRequest)
    {
      connections[slot].phase = .initializing
      send(slot, RequestBook.Slots.initialize)
    } else {
      becomeReady(slot)
    }
  }

  /// The connection can take a request.
  mutating func becomeReady(_ slot: UInt32) {
    connections[slot].phase = .ready
    if connections[slot].isIdle {
      guard settings.idleAfterRequest else { return becomeIdle(slot) }
      return issue(slot, intended: loop.now)
    }
    if settings.rate == nil {
      if wantsMore { issue(slot, intended: loop.now) }
    } else {
      guard !connections[slot].isQueued else { return }
      connections[slot].isQueued = true
      ready.append(slot)
    }
  }

  mutating func becomeIdle(_ slot: UInt32) {
    connections[slot].phase = .idle
    connections[slot].deadline = .max
    blocks.give(connections[slot].request)
    blocks.give(connections[slot].answer)
    connections[slot].request = .none
    connections[slot].answer = .none
    idleOpening -= 1
    openIdle()
  }

  /// Whether a closed loop goes on.
  private var wantsMore: Bool {
    switch stage {
    case .warmup, .openingIdle: true
    case .measuring: quota.map { $0 > outstanding } ?? true
    case .draining: false
    }
  }

  /// The peer closed its direction (`result` 0) or the connection failed.
  private mutating func ended(_ slot: UInt32, _ result: Int32) {
    switch connections[slot].phase {
    case .waiting, .initializing, .confirming:
      if result == 0 && connections[slot].reader.finish(count: connections[slot].answerCount) {
        return answered(slot, connections[slot].answer.bytes(connections[slot].answerCount))
      }
      let hasBegun = connections[slot].answerCount > 0
      fail(
        slot, result < 0 ? .connectionReset : hasBegun ? .truncated : .closedUnanswered)
    case .idle:
      tally.idleClosed += 1
      if stage == .openingIdle { idleOpening += 1 }
      drop(slot)
    case .ready: drop(slot)
    case .apart, .connecting, .closing: break
    }
  }

  /// Counts an error of this connection's request and begins anew with another connection.
  mutating func fail(_ slot: UInt32, _ kind: LoadErrorKind) {
    switch connections[slot].phase {
    case .apart, .closing: return
    case .waiting where !connections[slot].isIdle:
      outstanding -= 1
      countRequest(kind, intended: connections[slot].intended)
    default: count(kind)
    }
    drop(slot)
  }

  /// Closes the connection; another takes its place, unless it was an idle one.
  mutating func drop(_ slot: UInt32) {
    connections[slot].phase = .closing
    connections[slot].deadline = .max
    loop.close(connections[slot].socket)
  }

  private mutating func closed(_ slot: UInt32) {
    blocks.give(connections[slot].request)
    blocks.give(connections[slot].answer)
    blocks.give(connections[slot].session)
    let old = connections[slot]
    var connection = LoadConnection()
    connection.era = old.era
    connection.isIdle = old.isIdle
    connection.isQueued = old.isQueued
    connections[slot] = connection
    // An idle connection that has been open is not opened again, or its loss would not show.
    guard !(old.isIdle && stage != .openingIdle) else { return }
    tally.reconnects += 1
    retries.append(slot, at: loop.now + LoadWorker.retryNanoseconds)
  }

  /// An error that belongs to no counted request.
  private mutating func count(_ kind: LoadErrorKind) {
    guard isMeasuring, takeFromQuota() else { return }
    tally.errors[kind.rawValue] += 1
  }
}
