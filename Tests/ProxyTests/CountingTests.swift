import Audit
import EventLoop
import Foundation
import Testing

@testable import Proxy

/// What workers count about servers and decisions.
struct CountingTests {
  private static let call = SimulatedGateway.post(SimulatedGateway.call("query"))

  @Test func callsAreCountedByHowTheyEnded() throws {
    let shop = ServerCounters()
    let gateway = try SimulatedGateway()
    gateway.control.offer(try SimulatedGateway.snapshot(SimulatedGateway.rules, counters: shop))
    gateway.run(turns: 1)
    _ = gateway.exchange(Self.call)
    gateway.server = { request in
      [
        .send(
          SimulatedGateway.json(
            #"{"jsonrpc":"2.0","id":\#(request.id),"error":{"code":-1,"message":"m"}}"#))
      ]
    }
    _ = gateway.exchange(Self.call)
    gateway.server = { _ in [.reset] }
    _ = gateway.exchange(Self.call)
    // Refused before the server: counted as a decision, not as the server's.
    _ = gateway.exchange(
      SimulatedGateway.post(SimulatedGateway.call("query", #"{"sql":"drop it"}"#)))
    _ = gateway.exchange(SimulatedGateway.post(SimulatedGateway.call("query"), key: nil))
    gateway.run(turns: 50)
    let counts = shop.counts
    #expect(counts.calls(.success) == 1)
    #expect(counts.calls(.protocolError) == 1)
    #expect(counts.calls(.transportError) == 1)
    #expect(counts.results.reduce(0, +) == 3)
    #expect(counts.buckets.reduce(0, +) == 3)
    #expect(counts.maskedValues == 1)
    #expect(counts.serverBytes > 0)
    #expect(counts.lastFailure != nil)
    let status = gateway.control.status
    #expect(status.requests(.allow) == 3)
    #expect(status.requests(.block) == 1)
    #expect(status.requests(.unauthenticated) == 1)
    #expect(status.requests == 5)
    #expect(status.exchanges == 0)
  }

  @Test func connectionsAreCountedAsTheyComeAndGo() throws {
    let shop = ServerCounters()
    let gateway = try SimulatedGateway()
    gateway.control.offer(try SimulatedGateway.snapshot(SimulatedGateway.rules, counters: shop))
    gateway.run(turns: 1)
    _ = gateway.exchange(Self.call)
    #expect(shop.counts.connections == 1)
    gateway.control.offer(try SimulatedGateway.snapshot(SimulatedGateway.rules, counters: shop))
    gateway.run(turns: 20)
    #expect(shop.counts.connections == 0)
    #expect(shop.counts.connectionsOpened == 1)
    gateway.network.refusedPorts = [9000]
    _ = gateway.exchange(Self.call)
    #expect(shop.counts.connectFailures == 1)
    #expect(shop.counts.lastFailureCode > 0)
    #expect(shop.counts.connections == 0)
  }

  /// The numbers belong to the server, not to the snapshot: they go on when it is replaced, and blocks are used again.
  @Test func numbersOutliveSnapshots() throws {
    let shop = ServerCounters()
    let gateway = try SimulatedGateway()
    for _ in 0..<20 {
      gateway.control.offer(try SimulatedGateway.snapshot(SimulatedGateway.rules, counters: shop))
      gateway.run(turns: 20)
      _ = gateway.exchange(Self.call)
    }
    #expect(shop.counts.calls(.success) == 20)
    #expect(shop.blockCount <= 3)
  }

  @Test func everyTimeHasItsBucket() {
    for (index, bound) in ServerCounts.bucketBounds.enumerated() {
      #expect(ServerCounts.bucket(of: bound) == index)
      #expect(ServerCounts.bucket(of: bound + 1) == index + 1)
    }
    #expect(ServerCounts.bucket(of: 0) == 0)
    #expect(ServerCounts.bucket(of: .max) == ServerCounts.bucketCount - 1)
  }
}
