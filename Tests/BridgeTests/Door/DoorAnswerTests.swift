import Testing

@testable import Bridge

/// What comes of a message, and how it reaches the agent's stream.
@Suite(.timeLimit(.minutes(5)))
struct DoorAnswerTests {
  /// A gateway that answers calls so, and all else as usual.
  private func bench(
    _ answer: @escaping @Sendable (GatewayStandIn.Seen) async throws -> GatewayStandIn.Answer
  ) -> DoorBench {
    DoorBench(
      GatewayStandIn { request in
        request.message == "tools/call"
          ? try await answer(request) : try await GatewayStandIn.plain(request)
      }
    ) { $0.eventBytesMax = 300 }
  }

  private func call(_ bench: DoorBench, _ id: String = "1") async -> String {
    let stream = await bench.open()
    #expect(await bench.post(DoorBench.call(id), stream) == 202)
    return await stream.message(with: "\"id\":\(id)")
  }

  @Test func linesOfAnAnswerBecomeOne() async {
    let bench = bench { _ in .init(text: "{\"id\":1,\r\n \"result\":{},\n\"jsonrpc\":\"2.0\"}") }
    #expect(await call(bench) == "{\"id\":1,   \"result\":{}, \"jsonrpc\":\"2.0\"}")
  }

  @Test func whatIsSaidBeforeAnAnswerComesBeforeIt() async {
    let bench = bench { _ in
      .stream(
        ": alive\n\nevent: other\ndata: 1\n\ndata: {\"method\":\"a\"}\n\ndata: {\"id\":\"s\",\"method\":\"b\"}\n\n"
          + "data: {\"jsonrpc\":\"2.0\",\"id\":\"x\",\ndata: \"result\":{}}\n\n")
    }
    let stream = await bench.open()
    await bench.post(DoorBench.call("\"x\""), stream)
    _ = await stream.message(with: "\"result\"")
    #expect(
      stream.messages == [
        #"{"method":"a"}"#, #"{"id":"s","method":"b"}"#,
        #"{"jsonrpc":"2.0","id":"x", "result":{}}"#,
      ])
  }

  @Test(arguments: [
    (GatewayStandIn.Answer(status: 503, content: .other, text: "?"), "status 503", -32603),
    (.init(status: 200, content: .json, text: "nonsense"), "status 200", -32603),
    (.init(status: 200, content: .json, text: #"{"id":2,"result":{}}"#), "status 200", -32603),
    (.init(status: 200, content: .other, text: #"{"id":1,"result":{}}"#), "status 200", -32603),
    (
      .init(
        status: 403, text: #"{"id":null,"error":{"code":-31403,"message":"blocked, Ref 01AB"}}"#),
      "blocked, Ref 01AB", -31403
    ),
    (.stream("data: {\"method\":\"a\"}\n\n"), "ended without the answer", -32603),
    (.stream("data: {\"id\":1", .breaksOff), "in the middle of its answer", -32603),
    (.stream("data: \(String(repeating: "x", count: 400))\n\n"), "larger than", -32603),
    (.init(text: String(repeating: " ", count: 400)), "larger than", -32603),
  ])
  func anAgentThatGetsNoAnswerIsToldWhy(
    answer: GatewayStandIn.Answer, text: String, code: Int
  ) async {
    let bench = bench { _ in answer }
    let told = await call(bench)
    #expect(told.contains("\"code\":\(code)") && told.contains(text), "\(told)")
  }

  @Test func anAnswerThatBrokeOffIsLookedForAgain() async {
    let bench = DoorBench(
      GatewayStandIn { request in
        switch (request.method, request.fields["last-event-id"]) {
        case (.post, _) where request.message == "tools/call":
          return .stream("retry: 1\n\nid: e1\ndata: {\"method\":\"a\"}\n\n")
        case (.get, "e1"): return .stream("retry: 0\nid: e2\ndata: {\"method\":\"b\"}\n\n")
        case (.get, "e2"):
          return .stream("id: e3\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n")
        default: return try await GatewayStandIn.plain(request)
        }
      })
    let stream = await bench.begin()
    await bench.post(DoorBench.call("1"), stream)
    _ = await stream.message(with: "\"id\":1,")
    #expect(
      stream.messages.dropFirst() == [
        #"{"method":"a"}"#, #"{"method":"b"}"#, #"{"jsonrpc":"2.0","id":1,"result":{}}"#,
      ])
  }

  /// As often as it may be, however long the server would have it wait; and not where it cannot be had again.
  @Test(arguments: [(200, 3), (400, 1), (404, 1)]) func notForever(status: Int, times: Int) async {
    let bench = DoorBench(
      GatewayStandIn { request in
        if request.method == .get, status != 200 { return .init(status: status) }
        return .stream("retry: 4000000000\nid: e\ndata: {\"method\":\"a\"}\n\n")
      }
    ) {
      $0.resumptionsMax = 3
      $0.resumptionTimeMax = .milliseconds(1)
    }
    #expect(await call(bench).contains("without the answer"))
    #expect(bench.gateway.seen.count { $0.method == .get } == times)
  }

  @Test func theNewsThatACallIsNotWantedGoesFirstAndHoldsUpNothing() async {
    let (calls, news) = (Gate(), Gate())
    let bench = DoorBench(
      GatewayStandIn { request in
        if request.message == "tools/call", request.id == "1" { try await calls.wait() }
        if request.message == "notifications/cancelled" { try await news.wait() }
        return try await GatewayStandIn.plain(request)
      })
    let stream = await bench.open()
    await bench.post(DoorBench.call("1"), stream)
    await until { !bench.gateway.requests("tools/call").isEmpty }
    await bench.post(DoorBench.cancel("1"), stream)
    await until { !bench.gateway.requests("notifications/cancelled").isEmpty }
    // A server that takes its time with the news: others go on, and the call is not let go of before.
    await bench.post(DoorBench.call("2"), stream)
    _ = await stream.message(with: "\"id\":2")
    #expect(bench.gateway.openCount == 2)
    news.open()
    await until { bench.gateway.openCount == 0 }
    calls.open()
    await until { bench.door.status.messages == 0 }
    #expect(!stream.messages.contains { $0.contains("\"id\":1") })
  }

  @Test func aBatchIsPassedOnAndItsAnswersToo() async {
    let bench = DoorBench(
      GatewayStandIn { request in
        request.body.hasPrefix("[")
          ? .stream("data: {\"id\":1,\"result\":{}}\n\ndata: {\"id\":2,\"result\":{}}\n\n")
          : try await GatewayStandIn.plain(request)
      })
    let stream = await bench.open()
    #expect(await bench.post("[\(DoorBench.call("1")),\(DoorBench.call("2"))]", stream) == 202)
    _ = await stream.message(with: "\"id\":2")
    #expect(stream.messages.count == 2)
    #expect(await bench.post(" \n[", stream) == 202)
  }

  // MARK: The session's own stream

  @Test func aCredentialThatIsNotAcceptedAnyMoreCanBeFollowedByAnother() async {
    let bench = DoorBench(
      GatewayStandIn { request in
        guard request.method == .get else { return try await GatewayStandIn.plain(request) }
        return request.fields["authorization"] == "Bearer new"
          ? .stream("data: {\"method\":\"said\"}\n\n", .hangs) : .init(status: 401)
      })
    let stream = await bench.begin(as: "Bearer old")
    #expect(await bench.post(DoorBench.call("1"), stream, as: "Bearer new") == 202)
    _ = await stream.message(with: "said")
    #expect(!stream.output.now.isWhole)
  }

  @Test func withoutAnotherTheStreamEnds() async {
    let bench = DoorBench(
      GatewayStandIn { request in
        request.method == .get ? .init(status: 401) : try await GatewayStandIn.plain(request)
      }
    ) { $0.unauthorizedTime = .milliseconds(10) }
    #expect(await bench.begin().output.whole().isWhole)
  }

  @Test func aServerWithoutAStreamOfItsOwnIsNotAskedAgain() async {
    let bench = DoorBench(
      GatewayStandIn { request in
        request.method == .get ? .init(status: 405) : try await GatewayStandIn.plain(request)
      })
    let stream = await bench.begin()
    await bench.post(DoorBench.initialized, stream)
    await until { bench.gateway.requests("notifications/initialized").count == 2 }
    await until { bench.gateway.openCount == 0 && bench.door.status.messages == 0 }
    #expect(bench.gateway.seen.count { $0.method == .get } == 1)
    #expect(!stream.output.now.isWhole)
  }

  @Test func itGoesOnWhereItEnded() async {
    let bench = DoorBench(
      GatewayStandIn { request in
        switch (request.method, request.fields["last-event-id"]) {
        case (.get, nil): return .stream("id: a\ndata: {\"method\":\"one\"}\n\n")
        case (.get, "a"): return .stream("id: b\ndata: {\"method\":\"two\"}\n\n", .hangs)
        default: return try await GatewayStandIn.plain(request)
        }
      })
    let stream = await bench.begin()
    _ = await stream.message(with: "two")
    #expect(stream.messages.filter { $0.contains("one") }.count == 1)
  }

  @Test func signsOfLifeComeByThemselves() async {
    let bench = DoorBench { $0.keepAliveTime = .milliseconds(5) }
    let stream = await bench.open()
    await until { stream.output.now.body.contains(": alive\n\n: alive\n\n") }
  }
}
