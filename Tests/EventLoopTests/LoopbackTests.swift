import Glibc
import Testing

@testable import EventLoop

/// What the kernel is asked through.
enum Interface: CaseIterable {
  case ioUring, epoll
  /// As where the kernel does not give a `SendBatch`.
  case epollOneByOne

  func loop(_ settings: EventLoopSettings) throws -> EventLoop {
    var settings = settings
    settings.batchesSends = self != .epollOneByOne
    return try EventLoop(self == .ioUring ? .ioUring : .epoll, settings: settings)
  }
}

/// Real sockets on loopback, the same behaviour from both of the kernel's interfaces.
@Suite(.serialized)
struct LoopbackTests {
  static let choices = Interface.allCases

  /// A loop that is its own peer: one listener, one connection, both ends in hand.
  struct Pair: ~Copyable {
    var loop: EventLoop
    var blocks = BlockPool(lentBytesMax: 64 << 20)
    let listener: Socket
    var client = Socket.none
    var server = Socket.none
    static let serverToken = Token(kind: 1, slot: 1)
    static let clientToken = Token(kind: 2, slot: 2)

    init(loop: consuming EventLoop, listener: Socket) {
      self.loop = loop
      self.listener = listener
    }

    /// - Parameter localName: of a Unix socket, instead of TCP.
    static func make(_ choice: Interface, localName: String? = nil) throws -> Pair {
      var settings = EventLoopSettings()
      settings.socketsMax = 64
      settings.bufferCount = 8
      settings.bufferBytes = 4096
      settings.ringEntries = 64
      var loop = try choice.loop(settings)
      var port: UInt16 = 0
      let place = try localName.map { try SocketAddress(localName: $0) }
      let listener = try loop.listen(
        on: place ?? SocketAddress(host: "127.0.0.1", port: 0), backlog: 16, token: serverToken,
        port: &port)
      let address = try (place ?? SocketAddress(host: "127.0.0.1", port: port)).prepared
      let client = loop.connect(to: address, token: clientToken)
      var pair = Pair(loop: loop, listener: listener)
      pair.client = try #require(client)
      var connected = false
      try pair.turn(
        until: { $0.kind == .connected },
        each: { completion in
          #expect(completion.result == 0)
          connected = true
        })
      #expect(connected)
      return pair
    }

    /// Takes completions until `done`, noting the accepted socket; at most 5 s.
    mutating func turn(
      until done: (Completion) -> Bool, each: (Completion) -> Void = { _ in }
    ) throws {
      var completion = Completion.empty
      let limit = loop.now + 5_000_000_000
      while loop.now < limit {
        loop.wait(until: loop.now + 100_000_000)
        var finished = false
        while loop.next(&completion) {
          if completion.kind == .accepted { server = completion.socket }
          each(completion)
          if done(completion) { finished = true }
          loop.release(completion)
        }
        if finished { return }
      }
      throw IOError(operation: "wait for a completion", code: ETIME)
    }

    mutating func awaitServer() throws {
      if server.isNone { try turn(until: { $0.kind == .accepted }) }
    }

    func arrived(_ completion: Completion) -> [UInt8] {
      let span = unsafe loop.unsafeBytes(of: completion)
      return unsafe span.withUnsafeBytes { unsafe Array($0) }
    }
  }

  @Test(arguments: choices)
  func bytesArriveInOrder(choice: Interface) throws {
    var pair = try Pair.make(choice)
    try pair.awaitServer()
    pair.loop.receive(on: pair.server)
    // More than all receive buffers together, so that running out of them is exercised.
    let total = 1_000_000
    let block = pair.blocks.take(atLeast: total)!
    for index in 0..<total {
      unsafe block.unsafeStart.storeBytes(
        of: UInt8(truncatingIfNeeded: index &* 7 &+ index >> 8), toByteOffset: index, as: UInt8.self
      )
    }
    pair.loop.send(block, from: 0, count: total, on: pair.client)
    var received: [UInt8] = []
    var sentResult: Int32 = 0
    var completion = Completion.empty
    let limit = pair.loop.now + 10_000_000_000
    while (received.count < total || sentResult == 0) && pair.loop.now < limit {
      pair.loop.wait(until: pair.loop.now + 100_000_000)
      while pair.loop.next(&completion) {
        if completion.kind == .received {
          #expect(completion.token == Pair.serverToken)
          received += pair.arrived(completion)
        }
        if completion.kind == .sent { sentResult = completion.result }
        pair.loop.release(completion)
      }
    }
    #expect(sentResult == Int32(total))
    #expect(received.count == total)
    #expect(
      received.enumerated().allSatisfy {
        $0.element == UInt8(truncatingIfNeeded: $0.offset &* 7 &+ $0.offset >> 8)
      })
  }

  @Test(arguments: choices)
  func endAndCloseAreReportedOnce(choice: Interface) throws {
    var pair = try Pair.make(choice)
    try pair.awaitServer()
    pair.loop.receive(on: pair.server)
    pair.loop.close(pair.client)
    pair.loop.close(pair.client)
    var ends = 0
    var closes = 0
    try pair.turn(
      until: { $0.kind == .received },
      each: { completion in
        if completion.kind == .received { ends += completion.result == 0 ? 1 : 100 }
        if completion.kind == .closed {
          #expect(completion.token == Pair.clientToken)
          closes += 1
        }
      })
    pair.loop.close(pair.server)
    try pair.turn(
      until: { $0.kind == .closed && $0.token == Pair.serverToken },
      each: {
        if $0.kind == .closed { closes += 1 }
        if $0.kind == .received { ends += 100 }
      })
    #expect(ends == 1)
    #expect(closes == 2)
  }

  @Test(arguments: choices)
  func pausedSocketsReportNothing(choice: Interface) throws {
    var pair = try Pair.make(choice)
    try pair.awaitServer()
    pair.loop.receive(on: pair.server)
    pair.loop.pauseReceiving(on: pair.server)
    // Let the pause take effect before anything is sent.
    var completion = Completion.empty
    for _ in 0..<3 {
      pair.loop.wait(until: pair.loop.now + 5_000_000)
      while pair.loop.next(&completion) { pair.loop.release(completion) }
    }
    let block = pair.blocks.take(atLeast: 10)!
    let three: [UInt8] = [1, 2, 3]
    unsafe block.write(three.span.bytes, at: 0)
    pair.loop.send(block, from: 0, count: 3, on: pair.client)
    var early = 0
    for _ in 0..<5 {
      pair.loop.wait(until: pair.loop.now + 5_000_000)
      while pair.loop.next(&completion) {
        if completion.kind == .received { early += 1 }
        pair.loop.release(completion)
      }
    }
    #expect(early == 0)
    pair.loop.receive(on: pair.server)
    var length: Int32 = 0
    try pair.turn(
      until: { $0.kind == .received },
      each: {
        if $0.kind == .received { length = $0.result }
      })
    #expect(length == 3)
  }

  @Test(arguments: choices)
  func refusedConnectionsSaySo(choice: Interface) throws {
    var pair = try Pair.make(choice)
    // A port that was bound and is free again: nobody listens there.
    var port: UInt16 = 0
    let taken = try pair.loop.listen(
      on: SocketAddress(host: "127.0.0.1", port: 0), backlog: 1, token: Token(kind: 9, slot: 9),
      port: &port)
    pair.loop.close(taken)
    try pair.turn(until: { $0.kind == .closed })
    let address = try SocketAddress(host: "127.0.0.1", port: port).prepared
    _ = pair.loop.connect(to: address, token: Token(kind: 3, slot: 3))
    var outcome: Int32 = 1
    try pair.turn(
      until: { $0.kind == .connected },
      each: {
        if $0.kind == .connected { outcome = $0.result }
      })
    #expect(outcome == -ECONNREFUSED)
  }

  @Test(arguments: choices)
  func aUnixSocketCarriesBytesBothWays(choice: Interface) throws {
    var pair = try Pair.make(choice, localName: "test-\(choice)-\(getpid())")
    if pair.server == .none { try pair.turn(until: { $0.kind == .accepted }) }
    pair.loop.receive(on: pair.server)
    pair.loop.receive(on: pair.client)
    let block = pair.blocks.take(atLeast: 10)!
    let three: [UInt8] = [1, 2, 3]
    unsafe block.write(three.span.bytes, at: 0)
    for (from, to) in [(pair.client, pair.server), (pair.server, pair.client)] {
      pair.loop.send(block, from: 0, count: 3, on: from)
      var length: Int32 = 0
      try pair.turn(
        until: { $0.kind == .received },
        each: {
          if $0.kind == .received, $0.socket == to { length = $0.result }
        })
      #expect(length == 3)
    }
  }

  @Test func aNameThatIsTooLongIsRefused() throws {
    #expect(throws: IOError.self) {
      try SocketAddress(localName: String(repeating: "x", count: 26))
    }
    #expect(throws: IOError.self) { try SocketAddress(localName: "") }
    #expect(try SocketAddress(localName: "abc").description == "@abc")
  }

  @Test(arguments: choices)
  func aWakerWakesFromAnotherThread(choice: Interface) throws {
    var pair = try Pair.make(choice)
    let waker = pair.loop.waker
    for _ in 0..<3 {
      let thread = try WorkerThread(name: "waker") { waker.wake() }
      var woken = 0
      try pair.turn(until: { $0.kind == .woken }, each: { if $0.kind == .woken { woken += 1 } })
      thread.join()
      #expect(woken == 1)
    }
  }

  /// Closing while a large send is stuck on a peer that does not read must free the memory, and say so.
  @Test(arguments: choices)
  func closingCancelsAStuckSend(choice: Interface) throws {
    var pair = try Pair.make(choice)
    try pair.awaitServer()
    let block = pair.blocks.take(atLeast: 16 << 20)!
    unsafe memset(block.unsafeStart, 1, 16 << 20)
    pair.loop.send(block, from: 0, count: 16 << 20, on: pair.client)
    var completion = Completion.empty
    var sent = 0
    for _ in 0..<5 {
      pair.loop.wait(until: pair.loop.now + 5_000_000)
      while pair.loop.next(&completion) {
        if completion.kind == .sent { sent += 1 }
        pair.loop.release(completion)
      }
    }
    #expect(sent == 0)
    pair.loop.close(pair.client)
    try pair.turn(until: { $0.kind == .closed }, each: { if $0.kind == .sent { sent += 1 } })
    #expect(sent == 0)
    pair.blocks.give(block)
    #expect(pair.blocks.lentBytes == 0)
  }

  /// What a failed send says about how much had left: nothing when the connection was reset before it.
  @Test(arguments: choices)
  func aFailedSendSaysWhatHadLeft(choice: Interface) throws {
    var pair = try Pair.make(choice)
    try pair.awaitServer()
    let block = pair.blocks.take(atLeast: 8 << 20)!
    // Unread bytes make the close a reset.
    pair.loop.send(block, from: 0, count: 10, on: pair.client)
    var sent: [Completion] = []
    try pair.turn(until: { $0.kind == .sent }, each: { if $0.kind == .sent { sent.append($0) } })
    #expect(sent[0].result == 10 && sent[0].transferred == 10)
    pair.loop.close(pair.server)
    pair.loop.receive(on: pair.client)
    try pair.turn(until: { $0.kind == .received && $0.result < 0 })
    pair.loop.send(block, from: 0, count: 10, on: pair.client)
    try pair.turn(until: { $0.kind == .sent }, each: { if $0.kind == .sent { sent.append($0) } })
    #expect(sent[1].result < 0 && sent[1].transferred == 0)
  }

  /// A send that was cut off in the middle says so: that much may have been read.
  @Test(arguments: choices)
  func aSendThatBreaksOffSaysWhatHadLeft(choice: Interface) throws {
    var pair = try Pair.make(choice)
    try pair.awaitServer()
    let block = pair.blocks.take(atLeast: 16 << 20)!
    pair.loop.send(block, from: 0, count: 16 << 20, on: pair.client)
    pair.loop.receive(on: pair.server)
    var received = 0
    try pair.turn(
      until: { _ in received > 100_000 },
      each: { if $0.kind == .received { received += Int($0.result) } })
    pair.loop.close(pair.server)
    var failed: [Completion] = []
    try pair.turn(
      until: { $0.kind == .sent }, each: { if $0.kind == .sent { failed.append($0) } })
    #expect(failed[0].result < 0)
    #expect(failed[0].transferred >= received && failed[0].transferred < 16 << 20)
  }

  /// More sends in one turn than a back end lets wait: all are reported, and all arrives.
  @Test(arguments: choices)
  func manySendsOfOneTurnAllLeave(choice: Interface) throws {
    var settings = EventLoopSettings()
    settings.socketsMax = 1024
    settings.bufferCount = 64
    settings.bufferBytes = 4096
    var loop = try choice.loop(settings)
    var blocks = BlockPool(lentBytesMax: 64 << 20)
    var port: UInt16 = 0
    let listener = try loop.listen(
      on: SocketAddress(host: "127.0.0.1", port: 0), backlog: 1024,
      token: Token(kind: 1, slot: 0), port: &port)
    let address = try SocketAddress(host: "127.0.0.1", port: port).prepared
    let count = 300
    let size = 1500
    var clients: [Socket] = []
    var received: [UInt32: Int] = [:]
    var sent = 0
    var completion = Completion.empty
    let limit = loop.now + 60_000_000_000
    for slot in 0..<count {
      let client = loop.connect(to: address, token: Token(kind: 2, slot: UInt32(slot)))
      clients.append(try #require(client))
    }
    var connected = 0
    var accepted = 0
    while (connected < count || accepted < count) && loop.now < limit {
      loop.wait(until: loop.now + 100_000_000)
      while loop.next(&completion) {
        if completion.kind == .connected { connected += 1 }
        if completion.kind == .accepted, !completion.socket.isNone {
          loop.setToken(Token(kind: 3, slot: UInt32(accepted)), of: completion.socket)
          loop.receive(on: completion.socket)
          accepted += 1
        }
        loop.release(completion)
      }
    }
    #expect(accepted == count)
    let block = blocks.take(atLeast: size)!
    unsafe memset(block.unsafeStart, 7, size)
    for client in clients { loop.send(block, from: 0, count: size, on: client) }
    while (sent < count || received.values.reduce(0, +) < count * size) && loop.now < limit {
      loop.wait(until: loop.now + 100_000_000)
      while loop.next(&completion) {
        if completion.kind == .sent {
          #expect(completion.result == Int32(size))
          sent += 1
        }
        if completion.kind == .received {
          received[completion.token.slot, default: 0] += Int(completion.result)
        }
        loop.release(completion)
      }
    }
    #expect(sent == count)
    #expect(received.count == count && received.values.allSatisfy { $0 == size })
    loop.close(listener)
  }

  /// Two connections in one loop, both ends in hand, that send in the same turns.
  struct Neighbours: ~Copyable {
    var loop: EventLoop
    var blocks = BlockPool(lentBytesMax: 64 << 20)
    /// The ends that send, and their peers in the same order.
    var clients: [Socket] = []
    var servers: [Socket] = []
    /// What arrived at each peer.
    var received: [[UInt8]] = [[], []]
    var sent: [[Completion]] = [[], []]
    var ended = [false, false]

    init(loop: consuming EventLoop) { self.loop = loop }

    static func make(_ choice: Interface) throws -> Neighbours {
      var settings = EventLoopSettings()
      settings.socketsMax = 64
      settings.bufferCount = 8
      settings.bufferBytes = 4096
      var pair = Neighbours(loop: try choice.loop(settings))
      var port: UInt16 = 0
      _ = try pair.loop.listen(
        on: SocketAddress(host: "127.0.0.1", port: 0), backlog: 16, token: Token(kind: 1, slot: 0),
        port: &port)
      let address = try SocketAddress(host: "127.0.0.1", port: port).prepared
      for slot in 0..<2 as Range<UInt32> {
        let client = pair.loop.connect(to: address, token: Token(kind: 2, slot: slot))
        pair.clients.append(try #require(client))
        for _ in 0..<50 where pair.servers.count == slot { pair.turn() }
        try #require(pair.servers.count == slot + 1)
      }
      return pair
    }

    /// One wait, and everything that came of it.
    mutating func turn() {
      var completion = Completion.empty
      loop.wait(until: loop.now + 20_000_000)
      while loop.next(&completion) {
        let slot = Int(completion.token.slot)
        switch completion.kind {
        case .accepted where !completion.socket.isNone:
          loop.setToken(Token(kind: 3, slot: UInt32(servers.count)), of: completion.socket)
          servers.append(completion.socket)
        case .received where completion.result > 0:
          let bytes = unsafe loop.unsafeBytes(of: completion)
          unsafe bytes.withUnsafeBytes { unsafe received[slot] += Array($0) }
        case .received: ended[slot] = true
        case .sent: sent[slot].append(completion)
        default: break
        }
        loop.release(completion)
      }
    }
  }

  /// One socket fills up, in the middle of a send or before it, while its neighbour's sends of the same turns go on.
  @Test(arguments: choices)
  func aFullSocketKeepsOnlyItsOwnSendWaiting(choice: Interface) throws {
    var pair = try Neighbours.make(choice)
    let size = 16 << 10
    let block = pair.blocks.take(atLeast: size)!
    for offset in 0..<size {
      unsafe block.unsafeStart.storeBytes(
        of: UInt8(truncatingIfNeeded: offset &* 7 &+ offset >> 8), toByteOffset: offset,
        as: UInt8.self)
    }
    pair.loop.receive(on: pair.servers[1])
    var begun = [0, 0]
    // Nobody reads the first one's bytes yet.
    while begun[0] < 4000, begun[0] - pair.sent[0].count < 1 || begun[1] < begun[0] + 5 {
      for slot in 0..<2 where pair.sent[slot].count == begun[slot] {
        pair.loop.send(block, from: 0, count: slot == 0 ? size : 100, on: pair.clients[slot])
        begun[slot] += 1
      }
      pair.turn()
    }
    #expect(begun[0] == pair.sent[0].count + 1, "the first socket is full")
    pair.loop.receive(on: pair.servers[0])
    let limit = pair.loop.now + 30_000_000_000
    while pair.received[0].count < begun[0] * size || pair.sent[0].count < begun[0]
      || pair.received[1].count < begun[1] * 100, pair.loop.now < limit
    {
      pair.turn()
    }
    #expect(pair.sent[0].allSatisfy { $0.result == Int32(size) })
    #expect(pair.sent[1].allSatisfy { $0.result == 100 })
    #expect(pair.received.map(\.count) == [begun[0] * size, begun[1] * 100])
    let isWhole = pair.received[0].enumerated().allSatisfy {
      let offset = $0.offset % size
      return $0.element == UInt8(truncatingIfNeeded: offset &* 7 &+ offset >> 8)
    }
    #expect(isWhole)
  }

  /// A send on a connection that was reset fails by itself: not its neighbour's, and not the process (SIGPIPE).
  @Test(arguments: choices)
  func aFailedSendFailsAlone(choice: Interface) throws {
    var pair = try Neighbours.make(choice)
    let block = pair.blocks.take(atLeast: 100)!
    unsafe memset(block.unsafeStart, 7, 100)
    // Unread bytes make the close a reset.
    pair.loop.send(block, from: 0, count: 100, on: pair.clients[0])
    for _ in 0..<50 where pair.sent[0].isEmpty { pair.turn() }
    pair.loop.receive(on: pair.clients[0])
    pair.loop.receive(on: pair.servers[1])
    pair.loop.close(pair.servers[0])
    for _ in 0..<50 where !pair.ended[0] { pair.turn() }
    for round in 1...3 {
      for slot in 0..<2 { pair.loop.send(block, from: 0, count: 100, on: pair.clients[slot]) }
      for _ in 0..<50 where pair.received[1].count < round * 100 || pair.sent[0].count <= round {
        pair.turn()
      }
    }
    #expect(pair.sent[0].count == 4 && pair.sent[1].count == 3)
    #expect(pair.sent[0].dropFirst().allSatisfy { $0.result < 0 && $0.transferred == 0 })
    #expect(pair.sent[1].allSatisfy { $0.result == 100 })
    #expect(pair.received[1].count == 300)
  }

  /// A socket that is closed in the very turn in which it was given something small to send: one `.closed`, no `.sent` after it,
  /// and its neighbour's bytes leave.
  @Test(arguments: choices)
  func closingForgetsASendOfTheSameTurn(choice: Interface) throws {
    var pair = try Pair.make(choice)
    try pair.awaitServer()
    let block = pair.blocks.take(atLeast: 100)!
    unsafe memset(block.unsafeStart, 7, 100)
    pair.loop.receive(on: pair.client)
    pair.loop.send(block, from: 0, count: 100, on: pair.client)
    pair.loop.send(block, from: 0, count: 100, on: pair.server)
    pair.loop.close(pair.client)
    var closed = 0
    var serverSent = 0
    var sentAfterClosed = 0
    try pair.turn(
      until: { _ in closed == 1 && serverSent == 1 },
      each: {
        if $0.kind == .closed { closed += 1 }
        if $0.kind == .sent, $0.token == Pair.clientToken, closed > 0 { sentAfterClosed += 1 }
        if $0.kind == .sent, $0.token != Pair.clientToken { serverSent += 1 }
      })
    #expect(closed == 1 && serverSent == 1 && sentAfterClosed == 0)
  }
}
