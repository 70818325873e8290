import Glibc

/// The back end of the deterministic tests: the same completions, out of a `SimulatedNetwork`.
///
/// A turn visits every connection once, starting at a random one, and lets each make at most one step. It never
/// waits; the clock moves only by the weather's turns and when the test advances it.
@safe
struct SimulatedBackend: ~Copyable {
  let network: SimulatedNetwork
  var buffers: BufferPool
  private var cursor = 0
  private var remaining = 0

  init(network: SimulatedNetwork, settings: EventLoopSettings) {
    self.network = network
    buffers = BufferPool(count: settings.bufferCount, bufferBytes: settings.bufferBytes)
  }

  private func connection(_ socket: Socket) -> UnsafeMutablePointer<SimulatedNetwork.Connection> {
    unsafe network.connections + Int(socket.index)
  }

  func isOpen(_ socket: Socket) -> Bool {
    guard Int(socket.index) < network.highWater else { return false }
    let state = unsafe connection(socket)
    return unsafe state.pointee.isUsed && state.pointee.generation == socket.generation
      && !state.pointee.closePending && !state.pointee.peerClosed
  }

  // MARK: Operations

  func listen(port: UInt16, token: Token) -> Socket {
    let index = network.allocate()
    let state = unsafe network.connections + index
    unsafe state.pointee.isListener = true
    unsafe state.pointee.port = port
    unsafe state.pointee.token = token
    unsafe state.pointee.wantsReceive = true
    return Socket(index: UInt32(index), generation: 0)
  }

  func accept(_ socket: Socket) { unsafe connection(socket).pointee.wantsReceive = true }

  func connect(port: UInt16, token: Token) -> Socket {
    network.connectAttempts += 1
    let index = network.allocate()
    let state = unsafe network.connections + index
    unsafe state.pointee.port = port
    unsafe state.pointee.token = token
    unsafe state.pointee.isAccepted = true
    unsafe state.pointee.connectPending = true
    return Socket(index: UInt32(index), generation: 0)
  }

  func setToken(_ token: Token, of socket: Socket) {
    unsafe connection(socket).pointee.token = token
  }

  func receive(_ socket: Socket) { unsafe connection(socket).pointee.wantsReceive = true }

  func pauseReceive(_ socket: Socket) { unsafe connection(socket).pointee.wantsReceive = false }

  func send(_ socket: Socket, _ bytes: UnsafeRawPointer, _ count: Int) {
    let state = unsafe connection(socket)
    precondition(unsafe !state.pointee.sendPending, "one send at a time")
    unsafe state.pointee.sendStart = bytes
    unsafe state.pointee.sendRemaining = count
    unsafe state.pointee.sendTotal = count
    unsafe state.pointee.sendPending = true
  }

  func endSending(_ socket: Socket) { unsafe connection(socket).pointee.endSent = true }

  func close(_ socket: Socket) { unsafe connection(socket).pointee.closePending = true }

  mutating func recycle(_ buffer: Int32) { buffers.give(buffer) }

  // MARK: Completions

  mutating func wait(deadline: UInt64) {
    precondition(buffers.freeCount == buffers.count, "receive buffers kept across turns")
    network.now &+= 1 &+ network.random() % max(1, network.weather.turnNanosecondsMax)
    remaining = network.highWater
    cursor = network.random(below: max(1, remaining))
  }

  mutating func next(_ completion: inout Completion) -> Bool {
    while remaining > 0 {
      let index = cursor
      cursor = cursor &+ 1 == network.highWater ? 0 : cursor &+ 1
      remaining &-= 1
      guard unsafe network.connections[index].isUsed else { continue }
      if unsafe network.connections[index].isListener {
        if acceptOne(listener: index, &completion) {
          // There may be more to accept in this turn.
          remaining &+= 1
          cursor = index
          return true
        }
      } else if unsafe network.connections[index].isAccepted, step(index, &completion) {
        return true
      }
    }
    return false
  }

  private func acceptOne(listener: Int, _ completion: inout Completion) -> Bool {
    let port = unsafe network.connections[listener].port
    guard unsafe network.connections[listener].wantsReceive else { return false }
    for index in 0..<network.highWater {
      let state = unsafe network.connections + index
      guard unsafe state.pointee.isUsed, unsafe !state.pointee.isListener,
        unsafe !state.pointee.isAccepted, unsafe state.pointee.port == port
      else { continue }
      unsafe state.pointee.isAccepted = true
      unsafe state.pointee.token = network.connections[listener].token
      completion = Completion(
        kind: .accepted, token: unsafe state.pointee.token,
        socket: Socket(index: UInt32(index), generation: 0), result: 0)
      return true
    }
    return false
  }

  /// One step of one connection: closing, connecting, sending or receiving, or nothing.
  private mutating func step(_ index: Int, _ completion: inout Completion) -> Bool {
    let state = unsafe network.connections + index
    let socket = Socket(index: UInt32(index), generation: unsafe state.pointee.generation)
    let token = unsafe state.pointee.token
    if unsafe state.pointee.closePending {
      unsafe state.pointee.closePending = false
      unsafe state.pointee.peerClosed = true
      unsafe state.pointee.isUsed = false
      completion = Completion(kind: .closed, token: token, socket: socket, result: 0)
      return true
    }
    if network.weather.stallPerMille > 0,
      network.random() % 1000 < UInt64(network.weather.stallPerMille)
    {
      return false
    }
    if unsafe state.pointee.connectPending {
      guard !network.holdsConnects else { return false }
      unsafe state.pointee.connectPending = false
      let refused = network.refusedPorts.contains(unsafe state.pointee.port)
      if !refused { network.recordOpened(index) }
      completion = Completion(
        kind: .connected, token: token, socket: socket, result: refused ? -ECONNREFUSED : 0)
      return true
    }
    if unsafe state.pointee.sendPending, unsafe sendSome(state) {
      let failed = unsafe state.pointee.peerReset
      unsafe state.pointee.sendPending = false
      let total = unsafe state.pointee.sendTotal
      let taken = unsafe total &- state.pointee.sendRemaining
      completion = Completion(
        kind: .sent, token: token, socket: socket, result: failed ? -EPIPE : Int32(total),
        transferred: Int32(taken))
      return true
    }
    guard unsafe state.pointee.wantsReceive, unsafe !state.pointee.endDelivered else {
      return false
    }
    return unsafe receiveSome(state, socket, &completion)
  }

  /// Moves bytes to the peer; true when the send is over.
  private func sendSome(_ state: UnsafeMutablePointer<SimulatedNetwork.Connection>) -> Bool {
    if unsafe state.pointee.peerReset { return true }
    let room = unsafe state.pointee.window &- state.pointee.toPeer.count
    let step = min(unsafe state.pointee.sendRemaining, max(0, room), drawSegment())
    unsafe state.pointee.toPeer.append(
      UnsafeRawBufferPointer(start: state.pointee.sendStart, count: step))
    unsafe state.pointee.sendStart! += step
    unsafe state.pointee.sendRemaining &-= step
    return unsafe state.pointee.sendRemaining == 0
  }

  private func drawSegment() -> Int {
    network.weather.shortReads
      ? 1 &+ network.random(below: network.weather.segmentBytesMax)
      : network.weather.segmentBytesMax
  }

  private mutating func receiveSome(
    _ state: UnsafeMutablePointer<SimulatedNetwork.Connection>, _ socket: Socket,
    _ completion: inout Completion
  ) -> Bool {
    let token = unsafe state.pointee.token
    if unsafe state.pointee.peerReset {
      unsafe state.pointee.endDelivered = true
      completion = Completion(kind: .received, token: token, socket: socket, result: -ECONNRESET)
      return true
    }
    if unsafe state.pointee.toGateway.count > 0 {
      guard let buffer = buffers.take() else { return false }
      let count = unsafe state.pointee.toGateway.take(
        into: buffers.start(of: buffer), limit: min(buffers.bufferBytes, drawSegment()))
      completion = Completion(
        kind: .received, token: token, socket: socket, result: Int32(count), buffer: buffer)
      return true
    }
    guard unsafe state.pointee.peerEnded else { return false }
    unsafe state.pointee.endDelivered = true
    completion = Completion(kind: .received, token: token, socket: socket, result: 0)
    return true
  }
}
