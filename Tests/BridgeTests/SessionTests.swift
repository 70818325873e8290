import Foundation
import Testing

@testable import Bridge

/// The legacy era: one process per session, or one for all.
@Suite(.timeLimit(.minutes(5)))
struct SessionTests {
  @Test func aSessionHasAProcessOfItsOwn() async {
    let bench = Bench()
    let first = await bench.open()
    let second = await bench.open()
    #expect(first.count == 32)
    #expect(first != second)
    #expect(bench.processes.count == 2)
    let call = await bench.post(Bench.call("1"), session: second)
    await until { bench.processes[1].lines.count == 2 }
    #expect(bench.processes[0].lines.count == 1)
    let id = Bench.id(bench.processes[1].lines[1])
    // The answer of a process that was not asked is nobody's.
    bench.processes[0].say("{\"jsonrpc\":\"2.0\",\"id\":\(id),\"result\":{\"from\":0}}")
    bench.processes[1].say("{\"jsonrpc\":\"2.0\",\"id\":\(id),\"result\":{\"from\":1}}")
    let seen = await call.whole()
    #expect(seen.status == 200)
    #expect(seen.fields["content-type"] == "application/json")
    #expect(seen.fields["mcp-session-id"] == nil)
    #expect(seen.body == "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"from\":1}}")
    let end = await bench.ask(.delete, session: second).output.whole()
    #expect(end.status == 200)
    await until { bench.processes[1].isEnding }
    #expect(await bench.post(Bench.call("2"), session: second).whole().status == 404)
    #expect(!bench.processes[0].isEnding)
    await bench.bridge.stop()
    #expect(bench.processes[0].isEnding)
  }

  @Test func whatHasNoSessionIsRefused() async {
    let bench = Bench()
    #expect(await bench.post(Bench.call("1")).whole().status == 400)
    #expect(await bench.post(Bench.call("1"), session: "unknown").whole().status == 404)
    #expect(await bench.ask(.get, session: "unknown").output.whole().status == 404)
    #expect(await bench.ask(.get).output.whole().status == 405)
    #expect(await bench.ask(.delete, session: "unknown").output.whole().status == 404)
    #expect(await bench.ask(.other).output.whole().status == 405)
    #expect(await bench.post("nonsense").whole().status == 400)
    #expect(bench.processes.isEmpty)
  }

  @Test func aRefusedInitializeOpensNoSession() async {
    let bench = Bench(answer: { line in
      "{\"jsonrpc\":\"2.0\",\"id\":\(Bench.id(line)),\"error\":{\"code\":-32602,\"message\":\"no\"}}"
    })
    let seen = await bench.post(Bench.initialize).whole()
    #expect(seen.fields["mcp-session-id"] == nil)
    #expect(seen.body.contains("\"id\":0,\"error\""))
    await until { bench.processes[0].isEnding }
  }

  @Test func aDeadProcessAnswersEveryRequestAndEndsTheSession() async {
    let bench = Bench()
    let session = await bench.open()
    let calls = [
      await bench.post(Bench.call("1"), session: session),
      await bench.post(Bench.call("\"two\""), session: session),
    ]
    bench.processes[0].die()
    for (call, id) in zip(calls, ["1", "\"two\""]) {
      let seen = await call.whole()
      #expect(seen.status == 200)
      #expect(seen.body.hasPrefix("{\"jsonrpc\":\"2.0\",\"id\":\(id),\"error\":{\"code\":-32603,"))
    }
    #expect(await bench.post(Bench.call("3"), session: session).whole().status == 404)
  }

  @Test func aProgramThatDoesNotStartIsTriedLessAndLess() async {
    let bench = Bench(answer: { _ in nil })
    var refused: String?
    // The pauses double from half a second on: one of them is longer than this test takes to ask again, however busy the
    // machine.
    for _ in 0..<8 where refused == nil {
      let before = bench.processes.count
      let call = await bench.post(Bench.initialize)
      if bench.processes.count == before {
        refused = await call.whole().body
      } else {
        bench.processes[before].die("no such program")
        #expect(await call.whole().body.contains("-32603"))
      }
    }
    #expect(refused?.contains("keeps ending") == true)
    #expect(bench.processes.count >= 2)
  }

  @Test func whatOneAgentDoesToItsProcessKeepsNobodyWaiting() async {
    let bench = Bench()
    for number in 0..<5 {
      #expect(await bench.open() != "")
      bench.processes[number].die()
      await until { await bench.bridge.children.isEmpty }
    }
  }

  @Test func processesAreBounded() async {
    let bench = Bench { $0.limits.processesMax = 2 }
    _ = await bench.open()
    _ = await bench.open()
    let refused = await bench.post(Bench.initialize).whole()
    #expect(refused.body.contains("maximum of 2 processes"))
    #expect(refused.fields["mcp-session-id"] == nil)
  }

  @Test func aSessionNobodyUsesMakesRoom() async {
    let bench = Bench {
      $0.limits.processesMax = 1
      $0.limits.evictionTime = .zero
    }
    let first = await bench.open()
    let second = await bench.open()
    #expect(second != "")
    #expect(await bench.post(Bench.call("1"), session: first).whole().status == 404)
    // One that is at work does not.
    _ = await bench.post(Bench.call("1"), session: second)
    #expect(await bench.open() == "")
  }

  @Test func requestsPerProcessAreBounded() async {
    let bench = Bench { $0.limits.requestsMax = 1 }
    let session = await bench.open()
    _ = await bench.post(Bench.call("1"), session: session)
    let refused = await bench.post(Bench.call("2"), session: session).whole()
    #expect(refused.body.contains("Too much waits"))
  }

  @Test func idleSessionsEnd() async {
    let bench = Bench { $0.limits.idleTime = .milliseconds(1) }
    let session = await bench.open()
    await until { bench.processes[0].isEnding }
    #expect(await bench.post(Bench.call("1"), session: session).whole().status == 404)
  }

  @Test func aProcessThatDoesNotStartInTimeIsEnded() async {
    let bench = Bench({ $0.limits.startTime = .milliseconds(1) }, answer: { _ in nil })
    let seen = await bench.post(Bench.initialize).whole()
    #expect(seen.body.contains("did not answer in time"))
    await until { bench.processes[0].isEnding }
  }

  // MARK: What the server says by itself

  @Test func aSessionsStreamGetsWhatBelongsToNoRequest() async {
    let bench = Bench()
    let session = await bench.open()
    let stream = await bench.ask(.get, session: session).output
    let note = #"{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"x"}}"#
    let question = #"{"jsonrpc":"2.0","id":"s1","method":"roots/list"}"#
    bench.processes[0].say(note)
    bench.processes[0].say(question)
    await until { stream.now.body.contains("roots/list") }
    #expect(stream.now.status == 200)
    #expect(stream.now.fields["content-type"] == "text/event-stream")
    #expect(stream.now.body.contains("event: message\ndata: \(note)\n\n"))
    // The agent's answer reaches the process, an answer to nothing does not.
    for id in ["\"s2\"", "\"s1\"", "\"s1\""] {
      let taken = await bench.post(
        "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"result\":{}}", session: session)
      #expect(await taken.whole().status == 202)
    }
    #expect(bench.processes[0].lines.count(where: { $0.contains("result") }) == 1)
    // A second stream takes the first one's place.
    _ = await bench.ask(.get, session: session)
    #expect(await stream.whole().isWhole)
  }

  @Test func withoutAStreamARequestsAnswerCarriesIt() async {
    let bench = Bench()
    let session = await bench.open()
    let call = await bench.post(Bench.call("5"), session: session)
    bench.processes[0].say(#"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#)
    await until { call.now.status == 200 }
    let id = Bench.id(bench.processes[0].lines[1])
    bench.processes[0].say("{\"jsonrpc\":\"2.0\",\"id\":\(id),\"result\":{}}")
    let seen = await call.whole()
    #expect(seen.body.hasSuffix("data: {\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}\n\n"))
    #expect(seen.body.components(separatedBy: "event: message").count == 3)
  }

  @Test func aServerThatAsksWhenNobodyListensIsTold() async {
    let bench = Bench()
    _ = await bench.open()
    bench.processes[0].say(#"{"jsonrpc":"2.0","id":9,"method":"sampling/createMessage"}"#)
    await until { bench.processes[0].lines.last?.contains("\"id\":9,\"error\"") == true }
    bench.processes[0].say(#"{"jsonrpc":"2.0","id":10,"method":"ping"}"#)
    await until { bench.processes[0].lines.last?.contains("\"id\":10,\"result\":{}") == true }
  }

  @Test func cancellingReachesOnlyOnesOwnRequests() async {
    let bench = Bench { $0.sharing = .shared }
    let mine = await bench.open()
    let other = await bench.open()
    _ = await bench.post(Bench.call("1"), session: other)
    _ = await bench.post(Bench.call("1"), session: mine)
    await until { bench.processes[0].lines.count == 4 }
    let ids = bench.processes[0].lines.suffix(2).map(Bench.id)
    let cancel =
      #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#
    _ = await bench.post(cancel, session: mine)
    await until { bench.processes[0].lines.count == 5 }
    #expect(bench.processes[0].lines[4].contains("\"requestId\":\(ids[1])"))
  }

  @Test func rubbishIsPassedOver() async {
    let bench = Bench()
    let session = await bench.open()
    let call = await bench.post(Bench.call("1"), session: session)
    let id = Bench.id(bench.processes[0].lines[1])
    bench.processes[0].say("Starting up...")
    bench.processes[0].say(
      "{\"jsonrpc\":\"2.0\",\"id\":\(id)00,\"result\":1,\"result\":{\"a\":NaN}}")
    bench.processes[0].say("{\"jsonrpc\":\"2.0\",\"id\":\(id),\"result\":1,\"result\":2}")
    let seen = await call.whole()
    #expect(seen.body.contains("is no strict JSON-RPC message"))
    #expect(!bench.processes[0].isEnding)
  }

  @Test func anAnswerOverTheLimitEndsTheWaiting() async {
    let bench = Bench()
    let session = await bench.open()
    let call = await bench.post(Bench.call("1"), session: session)
    bench.processes[0].sayTooMuch()
    #expect(await call.whole().body.contains("over the limit"))
    #expect(!bench.processes[0].isEnding)
    // Whose answer was it? Nobody may wait for ever.
    let two = [
      await bench.post(Bench.call("2"), session: session),
      await bench.post(Bench.call("3"), session: session),
    ]
    bench.processes[0].sayTooMuch()
    for call in two { #expect(await call.whole().body.contains("-32603")) }
    await until { bench.processes[0].isEnding }
  }
}
