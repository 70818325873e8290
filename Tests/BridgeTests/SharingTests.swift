import Foundation
import Testing

@testable import Bridge

/// Several agents on one process.
@Suite(.timeLimit(.minutes(5)))
struct SharingTests {
  /// A generator that can be repeated from its seed.
  struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }

  /// Whatever the order in which a process answers and reports, each asker gets its own answer and its own progress, with
  /// its own literals: all of them use the same ids and tokens.
  @Test(arguments: 0..<25)
  func anyInterleavingReachesTheRightAgent(seed: Int) async {
    var random = SeededGenerator(state: UInt64(seed))
    let isModern = seed % 2 == 0
    let bench = Bench({ $0.sharing = .shared }, answer: isModern ? Bench.modern : Bench.legacy)
    var calls: [(agent: Int, id: String, token: String, output: CapturedOutput)] = []
    for agent in 0..<5 {
      let session = isModern ? nil : await bench.open()
      for number in 0..<4 {
        let id = number % 2 == 0 ? "\(number)" : "\"\(number)\""
        let token = number < 2 ? "\"t\"" : "1"
        let body = Bench.call(id, token: token, modern: isModern, say: "\(agent)-\(number)")
        calls.append((agent, id, token, await bench.post(body, session: session)))
      }
    }
    #expect(bench.processes.count == 1)
    let lines = bench.processes[0].lines.filter { $0.contains("tools/call") }
    #expect(lines.count == calls.count)
    var toSay: [[String]] = lines.map { line in
      let id = Bench.id(line)
      let said = line.components(separatedBy: "\"say\":\"")[1].prefix(3)
      let progress =
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":\(id),\"message\":\"\(said)\"}}"
      return Array(repeating: progress, count: Int.random(in: 0...2, using: &random))
        + ["{\"jsonrpc\":\"2.0\",\"id\":\(id),\"result\":{\"said\":\"\(said)\"}}"]
    }
    let expectedEvents = toSay.map(\.count)
    while let which = toSay.indices.filter({ !toSay[$0].isEmpty }).randomElement(using: &random) {
      bench.processes[0].say(toSay[which].removeFirst())
    }
    for (index, call) in calls.enumerated() {
      let seen = await call.output.whole()
      let said = "\(call.agent)-\(index % 4)"
      #expect(seen.body.contains("\"id\":\(call.id),\"result\":{\"said\":\"\(said)\"}"))
      let events = seen.body.components(separatedBy: "data: ").dropFirst()
      #expect(events.count == (expectedEvents[index] > 1 ? expectedEvents[index] : 0))
      for event in events.dropLast() {
        #expect(event.contains("\"progressToken\":\(call.token),\"message\":\"\(said)\""))
      }
    }
    await bench.bridge.stop()
  }

  @Test func theFirstModernRequestFindsTheEraOut() async {
    let bench = Bench(answer: Bench.modern)
    async let first = bench.post(Bench.call("1", modern: true))
    async let second = bench.post(Bench.call("1", modern: true))
    let outputs = [await first, await second]
    #expect(bench.processes.count == 1)
    let lines = bench.processes[0].lines
    #expect(lines.count == 3)
    #expect(lines[0].contains("server/discover"))
    for line in lines[1...] {
      bench.processes[0].say("{\"jsonrpc\":\"2.0\",\"id\":\(Bench.id(line)),\"result\":{}}")
    }
    for output in outputs { #expect(await output.whole().status == 200) }
    // When it dies, the next request starts another, without asking for the era again.
    bench.processes[0].die()
    await until { await bench.bridge.children.isEmpty }
    _ = await bench.post(Bench.call("1", modern: true))
    #expect(bench.processes.count == 2)
    #expect(bench.processes[1].lines.count == 1)
  }

  @Test func aLegacyServerLetsModernAgentsFallBack() async {
    let bench = Bench()
    let seen = await bench.post(Bench.call("\"q\"", modern: true)).whole()
    #expect(seen.status == 400)
    #expect(seen.body.contains("\"id\":\"q\",\"error\":{\"code\":-32600"))
    // The process that was asked serves the session that follows.
    #expect(await bench.open() != "")
    #expect(bench.processes.count == 1)
    // From now on it is known.
    #expect(await bench.post(Bench.call("1", modern: true)).whole().status == 400)
    #expect(bench.processes.count == 1)
  }

  @Test func anUnknownMethodHasAStatusInTheModernEra() async {
    let bench = Bench(answer: Bench.modern)
    let call = await bench.post(Bench.call("1", modern: true))
    let id = Bench.id(bench.processes[0].lines[1])
    bench.processes[0].say(
      "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"error\":{\"code\":-32601,\"message\":\"?\"}}")
    #expect(await call.whole().status == 404)
  }

  @Test func anAgentThatLeavesCancelsInTheModernEraOnly() async {
    let modern = Bench(answer: Bench.modern)
    let (_, reply) = await modern.ask(.post, Bench.call("1", modern: true))
    let id = Bench.id(modern.processes[0].lines[1])
    reply.disconnected()
    await until {
      modern.processes[0].lines.last?.contains("\"requestId\":\(id)") == true
    }
    #expect(await modern.bridge.pending.isEmpty)

    let legacy = Bench { $0.limits.abandonedTime = .seconds(3600) }
    let session = await legacy.open()
    let (output, left) = await legacy.ask(.post, Bench.call("1"), session: session)
    left.disconnected()
    let number = Bench.id(legacy.processes[0].lines[1])
    legacy.processes[0].say("{\"jsonrpc\":\"2.0\",\"id\":\(number),\"result\":{}}")
    await until { await legacy.bridge.pending.isEmpty }
    #expect(legacy.processes[0].lines.count == 2)
    #expect(output.now.status == 0)
  }

  @Test func aSubscriptionHasItsAskersIdAgain() async {
    let bench = Bench(answer: Bench.modern)
    let listen =
      #"{"jsonrpc":"2.0","id":"l","method":"subscriptions/listen","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#
    let output = await bench.post(listen)
    let id = Bench.id(bench.processes[0].lines[1])
    for literal in [id, "\"\(id)\""] {
      bench.processes[0].say(
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":\(literal)}}}"
      )
    }
    await until { output.now.body.components(separatedBy: "subscriptionId\":\"l\"").count == 3 }
  }

  /// What a shared process says by itself may be about anybody's call.
  @Test func aSharedProcessTellsNobodyWhatMayBeAnothers() async {
    let bench = Bench { $0.sharing = .shared }
    let first = await bench.open()
    let second = await bench.open()
    #expect(bench.processes.count == 1)
    let streams = [
      await bench.ask(.get, session: first).output, await bench.ask(.get, session: second).output,
    ]
    let subscribe =
      #"{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"a:b"}}"#
    _ = await bench.post(subscribe, session: second)
    let process = bench.processes[0]
    for note in [
      #"{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"somebody's"}}"#,
      #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":99}}"#,
      #"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:b"}}"#,
      #"{"jsonrpc":"2.0","id":5,"method":"sampling/createMessage","params":{}}"#,
      #"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#,
    ] { process.say(note) }
    for stream in streams { await until { stream.now.body.contains("list_changed") } }
    for stream in streams {
      #expect(!stream.now.body.contains("somebody's"))
      #expect(!stream.now.body.contains("progress"))
      #expect(!stream.now.body.contains("sampling"))
    }
    #expect(!streams[0].now.body.contains("a:b"))
    #expect(streams[1].now.body.contains("a:b"))
    #expect(process.lines.contains { $0.contains("\"id\":5,\"error\":{\"code\":-32601") })
    // How much it logs is not for one of them to decide.
    let level = #"{"jsonrpc":"2.0","id":2,"method":"logging/setLevel","params":{"level":"debug"}}"#
    #expect(await bench.post(level, session: first).whole().body.contains("\"result\":{}"))
    #expect(!process.lines.contains { $0.contains("setLevel") })
  }

  @Test func aSharedProcessThatDiesIsStartedAgainForTheSameSessions() async {
    let bench = Bench { $0.sharing = .shared }
    let session = await bench.open()
    bench.processes[0].die()
    await until { await bench.bridge.children.isEmpty }
    let call = await bench.post(Bench.call("1"), session: session)
    #expect(bench.processes.count == 2)
    await until { bench.processes[1].lines.count == 3 }
    let id = Bench.id(bench.processes[1].lines[2])
    bench.processes[1].say("{\"jsonrpc\":\"2.0\",\"id\":\(id),\"result\":{}}")
    #expect(await call.whole().body == "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}")
  }

  @Test func aStreamNobodyReadsIsCut() async {
    final class Stuck: BridgeOutput {
      let captured = CapturedOutput()
      func head(_ status: Int, _ fields: [(name: String, value: String)], length: Int?) {}
      func body(_ bytes: [UInt8], sent: @escaping @Sendable () -> Void) {}
      func end() {}
      func cut() { captured.cut() }
    }
    let output = Stuck()
    let reply = BridgeReply(output, waitingBytesMax: 1000)
    for _ in 0..<10 { reply.event([UInt8](repeating: 0x20, count: 50)) }
    #expect(!output.captured.now.isCut)
    for _ in 0..<10 { reply.event([UInt8](repeating: 0x20, count: 50)) }
    #expect(output.captured.now.isCut)
  }

  @Test func aChangedServerFinishesWhatIsUnderWay() async {
    let bench = Bench()
    let session = await bench.open()
    let call = await bench.post(Bench.call("1"), session: session)
    let retiring = Task { await bench.bridge.retire() }
    await until { await bench.bridge.isRetired }
    #expect(await bench.post(Bench.initialize).whole().body.contains("Try again"))
    let id = Bench.id(bench.processes[0].lines[1])
    bench.processes[0].say("{\"jsonrpc\":\"2.0\",\"id\":\(id),\"result\":{}}")
    #expect(await call.whole().body.contains("\"result\":{}"))
    await retiring.value
    #expect(bench.processes[0].isEnding)
  }
}
