import EventLoop
import Identity
import TLSTestSupport

@testable import Proxy

/// The test's ends of connections that speak TLS on the simulated network.
final class TLSPeers {
  let network: SimulatedNetwork
  private var ends: [SimulatedNetwork.Peer: TLSEnd] = [:]

  init(_ network: SimulatedNetwork) { self.network = network }

  subscript(peer: SimulatedNetwork.Peer) -> TLSEnd { ends[peer]! }

  func contains(_ peer: SimulatedNetwork.Peer) -> Bool { ends[peer] != nil }

  /// A client begins at once, a server when something arrives.
  func begin(_ context: TLSContext, on peer: SimulatedNetwork.Peer) {
    ends[peer] = TLSEnd(context)
  }

  /// Lets an end take what has arrived and say what it has to; returns the plain bytes.
  func exchange(_ peer: SimulatedNetwork.Peer) -> [UInt8] {
    let end = self[peer]
    end.take(network.takeReceived(by: peer))
    flush(peer)
    return end.takePlain()
  }

  func send(_ text: String, from peer: SimulatedNetwork.Peer) {
    self[peer].send(Array(text.utf8))
    flush(peer)
  }

  /// Says that nothing more comes, and ends the direction.
  func end(_ peer: SimulatedNetwork.Peer) {
    if self[peer].isEstablished { self[peer].end() }
    flush(peer)
    network.end(peer)
  }

  func flush(_ peer: SimulatedNetwork.Peer) {
    network.send(self[peer].outgoing, from: peer)
    self[peer].outgoing = []
  }
}

/// An agent that speaks TLS: what it wants to send waits until the handshake is done.
final class TLSAgent {
  let peer: SimulatedNetwork.Peer
  private let peers: TLSPeers
  private var waiting: [String] = []
  private(set) var received: [UInt8] = []

  init(_ context: TLSContext, _ peers: TLSPeers) {
    self.peers = peers
    peer = peers.network.connect(toPort: SimulatedGateway.audience)
    peers.begin(context, on: peer)
  }

  var end: TLSEnd { peers[peer] }
  var text: String { String(decoding: received, as: UTF8.self) }

  func send(_ text: String) { waiting.append(text) }

  /// To be called after each turn.
  func turn() {
    received += peers.exchange(peer)
    guard end.isEstablished, end.failure == nil else { return }
    for text in waiting { peers.send(text, from: peer) }
    waiting = []
  }
}
