internal import EventLoop
internal import Identity

/// A token that names a key which is not here may be the first after its provider has changed keys. It is not refused at once:
/// the control plane is asked to fetch the keys (`KeyDemand`), and the request waits meanwhile, unread, as it would for room in
/// the audit ring. It goes on when other keys are in force; it is refused when the keys were fetched and the token's is not
/// among them, after `keysTime`, or when too many wait already.
///
/// Nothing is kept of the request but its bytes, and nothing of the connection behind it is read: whoever makes up key names
/// holds up nobody else, and costs a place among `keysWaitingMax` for a while.
extension Worker {
  /// Between two looks at whether the keys were fetched.
  private static var keysLookTime: UInt64 { 50_000_000 }

  /// Called for a request that is to be refused. True when it waits instead: then it was never begun.
  mutating func awaitKeys(_ slot: UInt32, _ exchange: UInt32) -> Bool {
    guard exchanges[exchange].tokenRefusal == .keyUnknown, !isDraining else {
      if connections[slot].keysSince > 0 { endKeysWait(slot) }
      return false
    }
    let generation = exchanges[exchange].generation
    let answers = generations[generation].identity.use { $0.demand.answers }
    if connections[slot].keysSince == 0 {
      guard keysWaiting < limits.keysWaitingMax else { return false }
      keysWaiting &+= 1
      connections[slot].keysSince = loop.now
      connections[slot].keysAnswers = answers
    } else if connections[slot].keysAnswers != answers
      || loop.now &- connections[slot].keysSince >= limits.keysTime
    {
      endKeysWait(slot)
      return false
    }
    _ = exchanges.remove(exchange)
    connections[slot].exchange = .max
    connections[slot].state = .head
    connections[slot].awaitsKeys = true
    leaveGeneration(generation)
    setDeadline(connection: slot, loop.now &+ Worker.keysLookTime)
    return true
  }

  /// It waits no longer, however that came.
  mutating func endKeysWait(_ slot: UInt32) {
    connections[slot].keysSince = 0
    connections[slot].awaitsKeys = false
    keysWaiting &-= 1
  }

  /// The timer has fired: reads the request again when there is a reason to.
  mutating func lookForKeys(_ slot: UInt32) {
    let answers = generations[generations.current].identity.use { $0.demand.answers }
    let isOver =
      connections[slot].keysAnswers != answers
      || loop.now &- connections[slot].keysSince >= limits.keysTime
    guard isOver else {
      return setDeadline(connection: slot, loop.now &+ Worker.keysLookTime)
    }
    readOn(slot)
  }

  /// Other keys are in force.
  mutating func readOnWithOtherKeys() {
    guard keysWaiting > 0 else { return }
    for slot in 0..<connections.highWater
    where connections.isUsed(slot) && connections[slot].awaitsKeys {
      readOn(slot)
    }
  }

  private mutating func readOn(_ slot: UInt32) {
    connections[slot].awaitsKeys = false
    resumeReceiving(slot)
    consumeInput(slot)
  }
}
