import EventLoop
import Status
import Testing

@testable import ControlPlane
@testable import Proxy

@Suite struct ServerNamesTests {
  private func addresses(_ hosts: [String]) throws -> [NumericSocketAddress] {
    try hosts.map { try NumericAddress.make(host: $0, port: 80) }
  }

  @Test(arguments: [
    // What is in use stays while the name has it and it works, wherever it stands.
    (["10.0.0.2", "10.0.0.1"], "10.0.0.1", false, "10.0.0.1"),
    (["10.0.0.2", "10.0.0.3"], "10.0.0.1", false, "10.0.0.2"),
    (["10.0.0.2", "10.0.0.1"], "10.0.0.2", true, "10.0.0.1"),
    (["10.0.0.2", "10.0.0.1"], "10.0.0.1", true, "10.0.0.2"),
    (["10.0.0.1"], "10.0.0.1", true, "10.0.0.1"),
    // A name that is gone moves nothing.
    ([], "10.0.0.1", true, "10.0.0.1"),
  ])
  func anAddressIsKeptWhileItWorks(
    found: [String], current: String, fails: Bool, chosen: String
  ) throws {
    let result = ServerNames.choose(
      try addresses(found), current: try NumericAddress.make(host: current, port: 80), fails: fails)
    #expect(result.host == chosen)
  }

  @Test func theSystemsOwnNamesAreFound() {
    #expect(NumericAddress.lookUp(host: "localhost", port: 7).contains { $0.port == 7 })
    #expect(NumericAddress.lookUp(host: "no-such-host.invalid", port: 7).isEmpty)
    #expect(NumericAddress.lookUp(host: "127.0.0.1", port: 7).map(\.host) == ["127.0.0.1"])
  }
}

@Suite struct ServerHealthTests {
  @Test func aServerIsJudgedByWhatCameLately() {
    var health = ServerHealth()
    var counts = ServerCounts()
    #expect(health.look(counts) == ServerHealth.Step(answered: 0, failed: 0))
    #expect(health.state == .idle)
    counts.results[0] = 5
    #expect(health.look(counts).answered == 5)
    #expect(health.state == .serving)
    counts.results[0] = 6
    counts.results[4] = 1
    #expect(health.look(counts) == ServerHealth.Step(answered: 1, failed: 1))
    #expect(health.state == .degraded)
    counts.results[4] = 3
    #expect(health.look(counts).failed == 2)
    #expect(health.state == .failing)
    for _ in 0..<2 * ServerHealth.quietLooksMax { _ = health.look(counts) }
    #expect(health.state == .failing, "nobody has seen it well since")
    counts.results[1] = 1
    _ = health.look(counts)
    #expect(health.state == .serving)
    for _ in 0..<ServerHealth.quietLooksMax { _ = health.look(counts) }
    #expect(health.state == .idle)
  }
}
