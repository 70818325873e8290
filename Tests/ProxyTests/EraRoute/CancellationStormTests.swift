import EventLoop
import Testing

@testable import Proxy

/// Cancellation by seed: in words where there are sessions, by going away where there are none (mcp-wire §12).
struct CancellationStormTests {
  @Test(arguments: Array(301...306) as [UInt64])
  func whoCancelsEndsOnlyWhatIsTheirs(seed: UInt64) throws {
    let route = try EraRoute(seed: seed)
    route.storm([.begin, .call, .call, .cancel, .cancel, .modern, .modern, .blocked])
    let cancels = route.gateway.requestsAtServers.filter {
      $0.body.contains("notifications/cancelled")
    }
    // The modern era has no such notification: every one went to the door, and there into a session of who sent it.
    #expect(cancels.count > 5 && cancels.allSatisfy { $0.port == 9002 }, "seed \(seed)")
    for line in route.lines {
      for (sent, answer) in zip(line.sent, line.answers) where sent.act == .cancel {
        #expect(answer.messages.allSatisfy { $0["result"] == nil }, "seed \(seed): \(answer)")
      }
    }
    leaving(route)
    route.judge()
  }

  /// Agents go away in the middle of calls. Of the modern era that is the cancellation: the server's stream is closed. In the
  /// legacy era it is none: the call goes on to its end.
  private func leaving(_ route: EraRoute) {
    let gateway = route.gateway
    route.network.weather = .init()
    let (legacy, modern) = (route.door.unanswered.count, route.unanswered.count)
    for index in route.lines.indices where !route.lines[index].hasLeft { route.leave(index) }
    for _ in 0..<20 {
      route.connect("key-ada")
      route.act(.call, key: "key-ada")
      route.act(.modern, key: "key-ada")
      for _ in 0..<40 { route.step() }
    }
    let calls = route.door.unanswered.dropFirst(legacy)
    let modernCalls = route.unanswered.dropFirst(modern)
    let hasGone = { (call: (id: Int, peer: SimulatedNetwork.Peer)) in
      gateway.network.isClosed(call.peer)
    }
    #expect(!modernCalls.isEmpty && !modernCalls.contains(where: hasGone), "seed \(route.seed)")
    #expect(!calls.contains(where: hasGone), "seed \(route.seed)")
    for index in route.lines.indices where !route.lines[index].hasLeft { route.leave(index) }
    for _ in 0..<40 { route.step() }
    #expect(modernCalls.allSatisfy(hasGone), "seed \(route.seed): a modern call goes on")
    #expect(!calls.contains(where: hasGone), "seed \(route.seed): leaving cancelled a legacy call")
  }
}
