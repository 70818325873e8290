import Testing

@testable import Proxy

/// Requests of one era dressed up as the other's, batches, and agents of both eras with one server, by seed: what is of the legacy
/// era goes to the door, what is of the modern one to the server itself, and what is of both or neither nowhere.
struct EraConfusionStormTests {
  @Test(arguments: Array(501...506) as [UInt64])
  func everyRequestIsOfOneEra(seed: UInt64) throws {
    let route = try EraRoute(seed: seed)
    route.storm([.begin, .call, .modern, .confused, .confused, .batch, .batch, .blocked, .cancel])
    var batches = 0
    for line in route.lines {
      for (sent, answer) in zip(line.sent, line.answers) where answer.isWhole {
        if sent.act == .confused {
          #expect((400..<500).contains(answer.status), "seed \(seed): \(answer)")
          #expect(route.arrived[sent.id] == nil, "seed \(seed): \(answer)")
        }
        guard sent.act == .batch, answer.status == 200 else { continue }
        batches += 1
        // The allowed one is answered, and beside it the blocked one.
        #expect(
          answer.answers(to: sent.id) == 1 && answer.answers(to: sent.id + 1) == 1,
          "seed \(seed): \(answer)")
        #expect(answer.eventIDs.isEmpty, "seed \(seed): a batch's stream cannot be taken up")
      }
    }
    #expect(batches > 0, "seed \(seed)")
    let ports = Set(route.gateway.requestsAtServers.map(\.port))
    #expect(ports == [9000, 9002], "seed \(seed)")
    route.judge()
  }
}
