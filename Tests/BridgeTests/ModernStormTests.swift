import Foundation
import Synchronization
import Testing

@testable import Bridge

/// Agents of the legacy era with a server of the modern one, by seed: they call, answer questions, cancel, break off and take up
/// again, while the server answers in pieces, asks back, breaks off or says nothing, and clocks jump. Whatever happens,
/// everybody gets only what is theirs, each request at most one answer, and nothing is left behind.
///
/// Here the bridge runs as it does in the gateway, on threads: a seed decides what happens, not in which order. The workers' side
/// is tested on the simulated network, with a stand-in for the bridge (`ProxyTests`, `EraRoute`).
@Suite(.timeLimit(.minutes(10)))
struct ModernStormTests {
  @Test(arguments: Array(1...8) as [UInt64])
  func everybodyGetsOnlyWhatIsTheirs(seed: UInt64) async {
    let server = StormServer(seed: seed)
    let bench = Bench(server)
    // The clock jumps: signs of life are due, and what was cancelled and is not answered is given up.
    let jumping = Task {
      var dice = Dice(seed)
      while !Task.isCancelled {
        await bench.bridge.sweepPending(.now + .seconds(dice.roll(50)))
        try? await Task.sleep(for: .milliseconds(5))
      }
    }
    await withTaskGroup(of: Int.self) { group in
      for number in 1...6 {
        group.addTask { await StormAgent(number, seed, bench).run() }
      }
      var answered = 0
      for await count in group { answered += count }
      #expect(answered > 0, "seed \(seed): nothing was ever answered")
    }
    jumping.cancel()
    await bench.bridge.stop()
    await until { server.openCount == 0 }
    #expect(server.wrongs.isEmpty, "seed \(seed): \(server.wrongs.first ?? "")")
    #expect(await bench.bridge.children.isEmpty, "seed \(seed)")
    #expect(await bench.bridge.sessions.isEmpty, "seed \(seed)")
    #expect(await bench.bridge.pending.isEmpty, "seed \(seed)")
    #expect(await bench.bridge.keptBytes == 0, "seed \(seed)")
  }
}

/// SplitMix64.
private struct Dice: Sendable {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

  mutating func roll(_ sides: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
    return Int((word ^ word >> 31) >> 33) % sides
  }
}

/// One agent with one session at a time.
private final class StormAgent {
  private let number: Int
  private let bench: Bench
  private var dice: Dice
  private var lastID = 0
  private var answered = 0

  init(_ number: Int, _ seed: UInt64, _ bench: Bench) {
    self.number = number
    self.bench = bench
    dice = Dice(seed &* 100 &+ UInt64(number))
  }

  /// Returns how many calls were answered with a result.
  func run() async -> Int {
    for _ in 0..<3 {
      guard let session = await begin() else { continue }
      for _ in 0..<6 { await call(session) }
      let end = await bench.ask(.delete, session: session).output.whole()
      #expect(end.status == 200)
      let late = await bench.post(Bench.call("1"), session: session).whole()
      #expect(late.status == 404, "a session goes on after its end")
    }
    return answered
  }

  private func begin() async -> String? {
    let seen = await bench.post(
      #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"elicitation":{}},"clientInfo":{"name":"agent-\#(number)","version":"1"}}}"#
    ).whole()
    guard let session = seen.fields["mcp-session-id"] else { return nil }
    _ = await bench.post(
      #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, session: session
    ).whole()
    return session
  }

  private func call(_ session: String) async {
    lastID += 1
    let id = number * 1000 + lastID
    let body =
      #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"t","arguments":{"who":\#(number),"call":\#(id)},"_meta":{"progressToken":\#(id)}}}"#
    var (output, reply) = await bench.ask(.post, body, session: session)
    // What was seen on connections that broke off.
    var before = ""
    var given: Set<String> = []
    var isCancelled = false
    // Every third call is waited for, however slow everything is: not for ever, as the server may say nothing.
    var patience = lastID % 3 == 0 ? 2000 : 0
    while true {
      let seen = output.now
      for match in seen.body.matches(of: /"id":"(ask-\d+)","method"/)
      where given.insert(String(match.1)).inserted {
        await answer(String(match.1), session)
      }
      if seen.isWhole || seen.isCut { break }
      patience -= 1
      switch patience < 0 ? dice.roll(400) : 4 {
      case 0 where !isCancelled, 1 where !isCancelled:
        isCancelled = true
        _ = await bench.post(
          #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":\#(id)}}"#,
          session: session)
      case 2, 3:
        reply.disconnected()
        before += output.now.body
        guard let last = before.matches(of: /id: (\S+)\n/).last?.1 else { return }
        (output, reply) = await bench.ask(.get, session: session, after: String(last))
      default: try? await Task.sleep(for: .milliseconds(1))
      }
    }
    judge(before + output.now.body, id)
  }

  private func answer(_ question: String, _ session: String) async {
    _ = await bench.post(
      #"{"jsonrpc":"2.0","id":"\#(question)","result":{"action":"accept","content":{"who":\#(number)}}}"#,
      session: session
    ).whole()
  }

  private func judge(_ text: String, _ id: Int) {
    let answers = text.matches(of: /"id":(\d+),"(?:result|error)"/).map { Int($0.1) }
    #expect(answers.count <= 1 && answers.allSatisfy { $0 == id }, "\(text)")
    for match in text.matches(of: /"owner":(\d+)/) {
      #expect(Int(match.1) == number, "somebody else's: \(text)")
    }
    let ids = text.matches(of: /id: (\S+)\n/).map { String($0.1) }
    #expect(Set(ids).count == ids.count, "an event came twice: \(text)")
    if text.contains("\"owner\"") && text.contains("\"id\":\(id),\"result\"") { answered += 1 }
  }
}

/// A server of the modern era that does what the seed says.
private final class StormServer: RemoteSender {
  private struct State {
    var dice: Dice
    var wrongs: [String] = []
    var openCount = 0
  }

  private let state: Mutex<State>

  init(seed: UInt64) { state = Mutex(State(dice: Dice(seed))) }

  var wrongs: [String] { state.withLock { $0.wrongs } }
  /// Answers that are neither complete nor let go of.
  var openCount: Int { state.withLock { $0.openCount } }

  private func roll(_ sides: Int) -> Int { state.withLock { $0.dice.roll(sides) } }
  private func wrong(_ text: String) { state.withLock { $0.wrongs.append(text) } }

  func send(_ request: RemoteRequest) async throws -> RemoteAnswer {
    let body = String(decoding: request.body, as: UTF8.self)
    let field = { (name: String) in request.fields.first { $0.name == name }?.value }
    let method = body.firstMatch(of: /"method":"([^"]+)"/).map { String($0.1) } ?? ""
    if field("Mcp-Method") != method || field("MCP-Protocol-Version") != "2026-07-28"
      || !body.contains(#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#)
      || !body.contains(#""io.modelcontextprotocol/clientCapabilities""#)
    {
      wrong("no request of the modern era: \(body)")
    }
    let id = body.firstMatch(of: /"id":("[^"]*"|\d+)/).map { String($0.1) } ?? "?"
    switch method {
    case "server/discover":
      return try await json(
        id,
        #"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true}}}"#
      )
    case "subscriptions/listen":
      return try await stream(
        [#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#], .hangs)
    default: return try await call(body, id)
    }
  }

  private func call(_ body: String, _ id: String) async throws -> RemoteAnswer {
    let who = body.firstMatch(of: /"who":(\d+),"call"/)?.1 ?? "?"
    if !body.contains(#"/clientInfo":{"name":"agent-\#(who)""#) { wrong("mixed up: \(body)") }
    let key = body.firstMatch(of: /"call":(\d+)/)?.1 ?? "?"
    let asksAgain = body.contains("requestState")
    if asksAgain,
      !body.contains("\"requestState\":\"state-\(key)\"")
        || !body.contains(#""inputResponses":{"q":{"action":"accept","content":{"who":\#(who)}}}"#)
    {
      wrong("somebody else's state or answers: \(body)")
    }
    let result = #"{"resultType":"complete","content":[],"structuredContent":{"owner":\#(who)}}"#
    let answer = "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"result\":\(result)}"
    let note =
      #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":\#(id),"progress":1,"message":"x","owner":\#(who)}}"#
    switch roll(asksAgain ? 6 : 9) {
    case 0: throw RemoteFailure.unreachable
    case 1: return try await json(id, result)
    case 2: return try await stream([note, note], .breaksOff)
    case 3: return try await stream([note], .hangs)
    case 4, 5: return try await stream([note, note, answer], .ends)
    default:
      return try await stream(
        [
          note,
          "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"result\":{\"resultType\":\"input_required\",\"requestState\":\"state-\(key)\",\"inputRequests\":{\"q\":{\"method\":\"elicitation/create\",\"params\":{\"message\":\"?\",\"owner\":\(who)}}}}}",
        ], .ends)
    }
  }

  private enum End { case ends, breaksOff, hangs }

  private func json(_ id: String, _ result: String) async throws -> RemoteAnswer {
    try await answer(.json, "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"result\":\(result)}", .ends)
  }

  private func stream(_ messages: [String], _ end: End) async throws -> RemoteAnswer {
    try await answer(.eventStream, messages.map { "data: \($0)\n\n" }.joined(), end)
  }

  /// In pieces of all sizes.
  private func answer(
    _ content: RemoteHead.Content, _ text: String, _ end: End
  ) async throws -> RemoteAnswer {
    let (parts, feed) = AsyncThrowingStream<RemotePart, any Error>.makeStream()
    state.withLock { $0.openCount += 1 }
    feed.onTermination = { _ in self.state.withLock { $0.openCount -= 1 } }
    feed.yield(.head(RemoteHead(status: 200, content: content, keepsAlive: true)))
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let piece = rest.prefix(1 + roll(40))
      feed.yield(.piece(Array(piece)))
      rest = rest.dropFirst(piece.count)
    }
    switch end {
    case .ends: feed.finish()
    case .breaksOff: feed.finish(throwing: RemoteFailure.broken)
    case .hangs: break
    }
    return try await RemoteAnswer.begin(parts)
  }
}
