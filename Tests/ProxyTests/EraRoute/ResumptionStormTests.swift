import Testing

@testable import Proxy

/// Streams that break off and are taken up again, by seed: with one's own events only, and masked like the first time.
struct ResumptionStormTests {
  @Test(arguments: Array(401...406) as [UInt64])
  func onlyOnesOwnStreamsAreTakenUp(seed: UInt64) throws {
    let route = try EraRoute(seed: seed)
    route.storm([.begin, .call, .call, .call, .resume, .resume, .resume, .answer, .answer, .listen])
    #expect(route.door.resumed > 10, "seed \(seed)")
    #expect(!route.door.questions.isEmpty, "seed \(seed): no question was answered")
    var answered = 0
    for line in route.lines {
      for (sent, answer) in zip(line.sent, line.answers) where sent.act == .resume {
        answered += answer.messages.contains { $0["result"] != nil } ? 1 : 0
        // Nothing is there twice, and no call's stream runs into another's.
        #expect(answer.messages.count { $0["result"] != nil } <= 1, "seed \(seed): \(answer)")
        #expect(Set(answer.eventIDs).count == answer.eventIDs.count, "seed \(seed): \(answer)")
      }
    }
    #expect(answered > 3, "seed \(seed): no answer came on a stream that was taken up")
    route.judge()
  }
}
