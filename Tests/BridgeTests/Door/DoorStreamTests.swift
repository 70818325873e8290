import Testing

@testable import Bridge

/// The door for agents of HTTP+SSE: who gets a stream, what is bounded on it, and how it ends.
@Suite(.timeLimit(.minutes(5)))
struct DoorStreamTests {
  @Test func aStreamHasAnIDOfItsOwnAndIsItsServers() async {
    let bench = DoorBench()
    let (first, second) = (await bench.open(), await bench.open("crm"))
    #expect(first.output.now.status == 200)
    #expect(first.output.now.fields["content-type"] == "text/event-stream")
    #expect(first.id.count == 32 && second.id.count == 32 && first.id != second.id)
    #expect(bench.door.status.streams == ["orders": 1, "crm": 1])
    // A stream of one server is none of another.
    for (server, stream) in [
      ("crm", first.id), ("orders", second.id), ("orders", ""), ("orders", first.id + "x"),
      ("nobody", first.id),
    ] {
      let (output, _) = await bench.ask(.post, server, DoorBench.call("1"), stream: stream)
      #expect(output.now.status == 404, "\(server) \(stream)")
    }
    #expect(await bench.ask(.post, "orders", DoorBench.call("1")).output.now.status == 404)
    #expect(await bench.ask(.delete, stream: first.id).output.now.status == 405)
    #expect(await bench.ask(.other, stream: first.id).output.now.status == 405)
    #expect(bench.gateway.seen.isEmpty)
  }

  @Test func messagesGoWhereTheServerIsWithTheCredentialThatTheyCameWith() async {
    let bench = DoorBench()
    let stream = await bench.begin(as: "Bearer first")
    #expect(await bench.post(DoorBench.call("7"), stream, as: "Bearer second") == 202)
    _ = await stream.message(with: "\"id\":7")
    let call = bench.gateway.requests("tools/call")[0]
    #expect(call.target == "/orders/mcp" && call.body == DoorBench.call("7"))
    #expect(
      call.fields == [
        "content-type": "application/json", "accept": "application/json, text/event-stream",
        "authorization": "Bearer second", "mcp-session-id": "inner",
        "mcp-protocol-version": "2025-11-25",
      ])
    let hello = bench.gateway.requests("initialize")[0]
    #expect(hello.fields["authorization"] == "Bearer first")
    #expect(hello.fields["mcp-session-id"] == nil && hello.fields["mcp-protocol-version"] == nil)
    let listening = bench.gateway.seen.first { $0.method == .get }
    #expect(listening?.fields["accept"] == "text/event-stream")
    #expect(listening?.fields["authorization"] == "Bearer first")
    #expect(listening?.fields["mcp-session-id"] == "inner")
    // Nobody's credential is anybody else's, and none is none.
    let other = await bench.open(as: nil)
    await bench.post(DoorBench.call("8"), other, as: nil)
    _ = await other.message(with: "\"id\":8")
    let anonymous = bench.gateway.requests("tools/call").last
    #expect(anonymous?.fields["authorization"] == nil)
    #expect(anonymous?.fields["mcp-session-id"] == nil)
  }

  @Test func revisionsThatHaveNoFieldForItAreNotTold() async {
    let bench = DoorBench(
      GatewayStandIn { request in
        guard request.message == "initialize" else {
          return try await GatewayStandIn.plain(request)
        }
        return .init(
          session: "s", text: #"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2024-11-05"}}"#
        )
      })
    let stream = await bench.begin()
    await bench.post(DoorBench.call("1"), stream)
    _ = await stream.message(with: "\"id\":1")
    #expect(bench.gateway.requests("tools/call")[0].fields["mcp-protocol-version"] == nil)
    #expect(bench.gateway.requests("tools/call")[0].fields["mcp-session-id"] == "s")
  }

  @Test func nothingMakesSenseBeforeTheHandshakeIsAnswered() async {
    let gate = Gate()
    let bench = DoorBench(
      GatewayStandIn { request in
        if request.message == "initialize" { try await gate.wait() }
        return try await GatewayStandIn.plain(request)
      })
    let stream = await bench.open()
    #expect(await bench.post(DoorBench.initialize, stream) == 202)
    #expect(await bench.post(DoorBench.call("1"), stream) == 202)
    await until { bench.gateway.seen.count == 1 }
    gate.open()
    _ = await stream.message(with: "\"id\":1")
    #expect(bench.gateway.requests("tools/call")[0].fields["mcp-session-id"] == "inner")
  }

  // MARK: Bounds

  @Test func streamsAreBounded() async {
    let bench = DoorBench { $0.streamsMax = 2 }
    let streams = [await bench.open(), await bench.open()]
    let refused = await bench.ask(.get).output.now
    #expect(refused.status == 503 && refused.body.contains("no room") && refused.isWhole)
    streams[0].reply.disconnected()
    await until { bench.door.status.streams["orders"] == 1 }
    #expect(await bench.open().output.now.status == 200)
    let status = bench.door.status
    #expect(status.opened == 3 && status.refused == 1 && status.streamsMax == 2)
  }

  @Test func aServerWithoutADoorHasNoStreams() async {
    let bench = DoorBench()
    #expect(await bench.ask(.get, "nobody").output.now.status == 503)
    bench.door.update(paths: ["crm": "/crm/mcp"])
    #expect(await bench.ask(.get).output.now.status == 503)
    #expect(bench.door.status.streams == ["crm": 0])
  }

  @Test func messagesOfAStreamAreBounded() async {
    let gate = Gate()
    let bench = DoorBench(
      GatewayStandIn { request in
        try await gate.wait()
        return try await GatewayStandIn.plain(request)
      }
    ) { $0.messagesMax = 3 }
    let (stream, other) = (await bench.open(), await bench.open())
    for id in ["1", "2", "3"] { #expect(await bench.post(DoorBench.call(id), stream) == 202) }
    #expect(await bench.post(DoorBench.call("4"), stream) == 429)
    // What is no message is none the less passed on: it counts as well.
    #expect(await bench.post("nonsense", stream) == 429)
    // Each stream has its own.
    #expect(await bench.post(DoorBench.call("5"), other) == 202)
    #expect(bench.door.status.messages == 4 && bench.door.status.messagesRefused == 2)
    gate.open()
    _ = await stream.message(with: "\"id\":3")
    await until { bench.door.status.messages == 0 }
    #expect(await bench.post(DoorBench.call("6"), stream) == 202)
    #expect(!bench.gateway.requests("tools/call").contains { $0.id == "4" })
  }

  @Test func whatIsNoMessageCountsAmongThem() async {
    let gate = Gate()
    let bench = DoorBench(
      GatewayStandIn { _ in
        try await gate.wait()
        return .init(status: 400, text: "no message")
      }
    ) { $0.messagesMax = 2 }
    let stream = await bench.open()
    async let first = bench.ask(.post, "orders", "nonsense", stream: stream.id)
    async let second = bench.ask(.post, "orders", "{}", stream: stream.id)
    await until { bench.gateway.seen.count == 2 }
    #expect(bench.door.status.messages == 2)
    #expect(await bench.post("more", stream) == 429)
    #expect(await bench.post(DoorBench.call("1"), stream) == 429)
    gate.open()
    for (output, _) in [await first, await second] {
      let seen = await output.whole()
      #expect(seen.status == 400 && seen.body == "no message")
    }
    #expect(bench.door.status.messages == 0)
    #expect(await bench.post("nonsense", stream) == 400)
    #expect(stream.messages.isEmpty)
  }

  @Test func theirBytesAreBounded() async {
    let gate = Gate()
    let bench = DoorBench(
      GatewayStandIn { request in
        try await gate.wait()
        return try await GatewayStandIn.plain(request)
      }
    ) { $0.messageBytesMax = 150 }
    let stream = await bench.open()
    // One that is over the limit for itself alone may come alone.
    let large = DoorBench.call("1") + String(repeating: " ", count: 200)
    #expect(await bench.post(large, stream) == 202)
    #expect(await bench.post(DoorBench.call("2"), stream) == 429)
    gate.open()
    await until { bench.door.status.messages == 0 }
    #expect(await bench.post(DoorBench.call("3"), stream) == 202)
  }

  @Test func anAgentThatDoesNotReadLosesItsStream() async {
    let bench = DoorBench { $0.waitingBytesMax = 100 }
    let output = CapturedOutput(sends: false)
    let reply = BridgeReply(output)
    await bench.door.handle(
      BridgeRequest(
        method: .get, server: EventStreamDoor.prefix + "orders", body: [],
        agentAuthorization: nil), reply)
    let stream = DoorBench.Stream(output: output, reply: reply)
    for id in 1...3 { await bench.post(DoorBench.call("\(id)"), stream) }
    await until { output.now.isCut }
    #expect(!output.now.isWhole && output.now.body.utf8.count <= 100)
    // The connection goes, as its other end sees.
    reply.disconnected()
    await until { bench.door.status.streams["orders"] == 0 }
    #expect(bench.door.status.cut == 1)
    #expect(await bench.post(DoorBench.call("9"), stream) == 404)
    #expect(!output.now.isWhole)
  }

  // MARK: Ends

  /// A gateway that answers a call once the gate is open.
  private static func holdingCalls(until gate: Gate = Gate()) -> DoorBench {
    DoorBench(
      GatewayStandIn { request in
        if request.message == "tools/call" { try await gate.wait() }
        return try await GatewayStandIn.plain(request)
      })
  }

  /// Posts a call; it has arrived at the gateway then.
  private static func beginCall(_ bench: DoorBench, _ stream: DoorBench.Stream) async {
    await bench.post(DoorBench.call("1"), stream)
    await until { !bench.gateway.requests("tools/call").isEmpty }
  }

  @Test func anAgentThatGoesAwayEndsItsSession() async {
    let bench = DoorBench()
    let stream = await bench.begin(as: "Bearer ada")
    stream.reply.disconnected()
    await until { bench.gateway.seen.contains { $0.method == .delete } }
    let goodbye = bench.gateway.seen.last { $0.method == .delete }
    #expect(goodbye?.target == "/orders/mcp" && goodbye?.fields["mcp-session-id"] == "inner")
    #expect(goodbye?.fields["authorization"] == "Bearer ada")
    // The session's own stream is let go of too.
    await until { bench.gateway.openCount == 0 }
    #expect(bench.door.status.streams["orders"] == 0 && bench.door.status.messages == 0)
    #expect(await bench.post(DoorBench.call("1"), stream) == 404)
  }

  @Test func withoutASessionThereIsNoneToEnd() async {
    let bench = DoorBench()
    let stream = await bench.open()
    await bench.post(DoorBench.call("1"), stream)
    _ = await stream.message(with: "\"id\":1")
    stream.reply.disconnected()
    await until { bench.door.status.streams["orders"] == 0 }
    await bench.door.stop()
    #expect(!bench.gateway.seen.contains { $0.method == .delete })
  }

  @Test func aCallThatIsUnderWayIsGivenUpAndItsSessionStays() async {
    let bench = Self.holdingCalls()
    let stream = await bench.begin()
    await Self.beginCall(bench, stream)
    stream.reply.disconnected()
    // The gateway sees nobody waiting any more, and does with it as with any agent's.
    await until { bench.gateway.openCount == 0 }
    #expect(bench.door.status.messages == 0)
    #expect(!bench.gateway.seen.contains { $0.method == .delete })
  }

  @Test func aSessionThatIsGoneEndsTheStream() async {
    let bench = DoorBench(
      GatewayStandIn { request in
        request.message == "tools/call"
          ? .init(status: 404, text: "") : try await GatewayStandIn.plain(request)
      })
    let stream = await bench.begin()
    await bench.post(DoorBench.call("1"), stream)
    let seen = await stream.output.whole()
    #expect(seen.isWhole && !seen.isCut)
    #expect(stream.messages.last?.contains("\"error\"") == true)
    await until { bench.door.status.streams["orders"] == 0 }
  }

  @Test(arguments: [403, 404]) func aStreamThatMayNotBeListenedToEnds(status: Int) async {
    let bench = DoorBench(
      GatewayStandIn { request in
        request.method == .get ? .init(status: status) : try await GatewayStandIn.plain(request)
      })
    let stream = await bench.begin()
    #expect(await stream.output.whole().isWhole)
  }

  @Test func aGatewayThatStopsWaitsForCalls() async {
    let gate = Gate()
    let bench = Self.holdingCalls(until: gate)
    let (idle, busy) = (await bench.begin(), await bench.begin())
    await Self.beginCall(bench, busy)
    await bench.door.drain()
    #expect(await idle.output.whole().isWhole && !busy.output.now.isWhole)
    #expect(await bench.ask(.get).output.now.status == 503)
    gate.open()
    let seen = await busy.output.whole()
    #expect(seen.isWhole && busy.messages.last?.contains("\"id\":1,\"result\"") == true)
    await bench.door.stop()
    #expect(bench.door.status.streams["orders"] == 0)
  }

  @Test func aGatewayThatIsStoppedWaitsForNothing() async {
    let bench = Self.holdingCalls()
    let stream = await bench.begin()
    await Self.beginCall(bench, stream)
    await bench.door.stop()
    #expect(stream.output.now.isWhole)
    await until { bench.gateway.openCount == 0 }
  }
}
