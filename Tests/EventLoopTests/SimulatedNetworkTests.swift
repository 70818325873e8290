import EventLoop
import Glibc
import Testing

struct SimulatedNetworkTests {
  /// An echo over a stormy network returns every byte in order, and the same seed gives the same run.
  @Test(arguments: [1, 2, 3, 42] as [UInt64])
  func echoIsCompleteAndRepeatable(seed: UInt64) throws {
    let first = try echo(seed: seed)
    let second = try echo(seed: seed)
    #expect(first.bytes == (0..<5000).map { UInt8(truncatingIfNeeded: $0) })
    #expect(first.turns == second.turns)
  }

  private func echo(seed: UInt64) throws -> (bytes: [UInt8], turns: Int) {
    let network = SimulatedNetwork(seed: seed, weather: .stormy())
    var settings = EventLoopSettings()
    settings.bufferCount = 8
    settings.bufferBytes = 1024
    var loop = EventLoop(simulating: network, settings: settings)
    var blocks = BlockPool(lentBytesMax: 1 << 20)
    var port: UInt16 = 0
    _ = try loop.listen(
      on: SocketAddress(host: "127.0.0.1", port: 80), backlog: 1, token: Token(kind: 1, slot: 0),
      port: &port)
    let client = network.connect(toPort: 80)
    network.send((0..<5000).map { UInt8(truncatingIfNeeded: $0) }, from: client)
    var completion = Completion.empty
    let block = blocks.take(atLeast: 16384)!
    var end = 0
    var begin = 0
    var sending = false
    var server = Socket.none
    var echoed: [UInt8] = []
    for turn in 1...10_000 {
      loop.wait(until: loop.now)
      while loop.next(&completion) {
        switch completion.kind {
        case .accepted:
          server = completion.socket
          loop.receive(on: server)
        case .received:
          block.write(unsafe loop.unsafeBytes(of: completion), at: end)
          end += Int(completion.result)
        case .sent:
          begin += Int(completion.result)
          sending = false
        default: break
        }
        loop.release(completion)
        if !sending && end > begin {
          loop.send(block, from: begin, count: end - begin, on: server)
          sending = true
        }
      }
      echoed += network.takeReceived(by: client)
      if echoed.count == 5000 { return (echoed, turn) }
    }
    return (echoed, -1)
  }

  @Test func resetsAndEndsArriveAsSuch() throws {
    let network = SimulatedNetwork(seed: 7)
    var loop = EventLoop(simulating: network, settings: EventLoopSettings())
    var port: UInt16 = 0
    _ = try loop.listen(
      on: SocketAddress(host: "127.0.0.1", port: 80), backlog: 1, token: Token(kind: 1, slot: 0),
      port: &port)
    let ending = network.connect(toPort: 80)
    let resetting = network.connect(toPort: 80)
    network.end(ending)
    network.reset(resetting)
    var results: [Int32] = []
    var completion = Completion.empty
    for _ in 0..<20 {
      loop.wait(until: loop.now)
      while loop.next(&completion) {
        if completion.kind == .accepted { loop.receive(on: completion.socket) }
        if completion.kind == .received { results.append(completion.result) }
        loop.release(completion)
      }
    }
    #expect(results.sorted() == [-ECONNRESET, 0])
  }
}
