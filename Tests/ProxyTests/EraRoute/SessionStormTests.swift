import Testing

@testable import Proxy

/// Sessions of the legacy era with a server that only speaks the modern one, by seed: begun, used, ended, damaged, and tried by
/// others.
struct SessionStormTests {
  @Test(arguments: Array(201...206) as [UInt64])
  func sessionsServeWhoBeganThemUntilTheyEnd(seed: UInt64) throws {
    let route = try EraRoute(seed: seed)
    route.storm([.begin, .begin, .call, .call, .call, .blocked, .listen, .end])
    let door = route.door
    #expect(door.sessions.count > 10 && door.sessions.values.contains { $0.isOver })
    var (served, over) = (0, 0)
    for line in route.lines {
      for (sent, answer) in zip(line.sent, line.answers) where answer.isWhole && sent.act == .call {
        // The end of a session is told by the status, whatever the server says about it.
        #expect((answer.status == 404) >= door.refused.contains(sent.id), "seed \(seed): \(answer)")
        over += door.refused.contains(sent.id) ? 1 : 0
        served += answer.status == 200 && answer.answers(to: sent.id) == 1 ? 1 : 0
      }
    }
    #expect(
      served > 20 && over > 0, "seed \(seed): \(served) served, \(over) of sessions that ended")
    route.judge()
  }
}

/// Implication: what is on the right holds only where what is on the left does.
private func >= (left: Bool, right: Bool) -> Bool { left || !right }
