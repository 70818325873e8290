import EventLoop
import Testing

@testable import Proxy

/// What the storms share: agents that come and go on a stormy network, and the calm after it.
extension SimulatedGateway {
  /// So little memory that a storm uses it up; another amount for each of four seeds.
  static func scarceMemory(seed: UInt64) -> Int { (16 << 10) + ((8 << 10) << Int(seed % 4)) }

  /// A turn of a storm: now and then some time passes.
  func stormTurn(_ number: Int) {
    turn()
    if number % 500 == 499 { network.advance(nanoseconds: 1_000_000_000) }
  }

  /// An agent goes away, in one of the two ways there are.
  func leave(_ agent: SimulatedNetwork.Peer) {
    network.random(below: 2) == 0 ? network.reset(agent) : network.end(agent)
  }

  /// Everybody leaves, and all deadlines pass: nothing may be left behind.
  /// - Parameter meanwhile: what else is to go on.
  func expectNothingLeft(
    of agents: [SimulatedNetwork.Peer] = [], _ note: String = "", meanwhile: () -> Void = {}
  ) {
    for agent in agents { network.reset(agent) }
    for _ in 0..<40 {
      network.advance(nanoseconds: 20_000_000_000)
      meanwhile()
      run(turns: 20)
    }
    #expect(worker.connections.count == 0, "\(note)")
    #expect(worker.exchanges.count == 0, "\(note)")
    #expect(worker.upstreams.count == 0, "\(note)")
    #expect(worker.channels.count == 0, "\(note)")
    #expect(worker.held.count == 0, "\(note)")
    #expect(
      worker.blocks.lentBytes == worker.scratch.capacity + worker.tlsMemory.capacity, "\(note)")
  }
}
