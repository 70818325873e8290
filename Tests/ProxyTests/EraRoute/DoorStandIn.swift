import EventLoop

@testable import Proxy

/// Stands for the bridge between the eras, as a worker finds it at its door: sessions, answers as JSON or on streams whose
/// events have ids, questions to agents, streams that break off and are taken up again. By seed it answers late, resets, or
/// says nothing.
final class DoorStandIn {
  /// Of sessions, by the bridge's own id.
  struct Session {
    /// The key of the agent that began it.
    var owner: String
    var isOver = false
  }

  static let secret = "secret-ssn-value"

  private let network: SimulatedNetwork
  private(set) var sessions: [String: Session] = [:]
  /// Every event of every stream, by "session/stream".
  private var streams: [String: [String]] = [:]
  /// Calls that wait for ever, with the connection they came on.
  private(set) var unanswered: [(id: Int, peer: SimulatedNetwork.Peer)] = []
  /// Ids of requests that were answered with 404, because their session was over.
  private(set) var refused: Set<Int> = []
  /// How often a question was put and answered, and how often a stream was taken up.
  private(set) var asked: [String: Int] = [:]
  private(set) var questions: [String: Int] = [:]
  private(set) var resumed = 0
  /// What reached it that must not.
  private(set) var wrongs: [String] = []
  private var count = 0

  init(_ network: SimulatedNetwork) { self.network = network }

  func answer(_ request: SimulatedGateway.ServerRequest) -> [SimulatedGateway.ServerStep] {
    let who = request.body.firstMatch(of: /"who":"([\w-]+)"/).map { String($0.1) }
    check(request, who)
    guard let id = request.field("Mcp-Session-Id") else {
      return request.body.contains("\"initialize\"") ? begin(request, who) : [.send(Self.missing)]
    }
    guard let session = sessions[id] else {
      wrongs.append("a session that never was: \(id)")
      return [.reset]
    }
    if let who, who != session.owner { wrongs.append("\(who) in a session of \(session.owner)") }
    if session.isOver {
      if let number = Int(request.id) { refused.insert(number) }
      return [.send(SimulatedGateway.json("{}", status: "404 Not Found"))]
    }
    if request.head.hasPrefix("DELETE") {
      sessions[id]?.isOver = true
      return [.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
    }
    if request.head.hasPrefix("GET") { return listen(request, id) }
    if request.body.contains("\"method\":\"tools/call\"") { return call(request, id) }
    if request.body.contains("\"result\"") { questions[request.id, default: 0] += 1 }
    return [.send("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")]
  }

  private static let missing = SimulatedGateway.json("{}", status: "400 Bad Request")

  /// What nothing that comes here may be.
  private func check(_ request: SimulatedGateway.ServerRequest, _ who: String?) {
    let isRight =
      !request.body.hasPrefix("[") && !request.body.contains("DROP")
      && !request.body.contains("io.modelcontextprotocol/protocolVersion")
      && request.field("MCP-Protocol-Version") != "2026-07-28"
      && request.field("Mcp-Method") == nil && request.field("Authorization") == "Bearer door"
      && who != "key-bob"
    if !isRight { wrongs.append("\(request.head)\(request.body)") }
  }

  private func begin(_ request: SimulatedGateway.ServerRequest, _ who: String?)
    -> [SimulatedGateway.ServerStep]
  {
    count += 1
    sessions["s\(count)"] = Session(owner: who ?? "?")
    let version =
      EraRoute.versions.first { request.body.contains("\"protocolVersion\":\"\($0)\"") } ?? "?"
    return [
      .wait(network.random(below: 30)),
      .send(
        SimulatedGateway.json(
          #"{"jsonrpc":"2.0","id":\#(request.id),"result":{"protocolVersion":"\#(version)"}}"#,
          more: "Mcp-Session-Id: s\(count)\r\n")),
    ]
  }

  // MARK: Calls

  private func call(
    _ request: SimulatedGateway.ServerRequest, _ session: String
  ) -> [SimulatedGateway.ServerStep] {
    let owner = sessions[session]!.owner
    let answer =
      #"{"jsonrpc":"2.0","id":\#(request.id),"result":{"content":[],"structuredContent":{"ssn":"\#(Self.secret)","owner":"\#(owner)"}}}"#
    switch network.random(below: 10) {
    case 0: return [.reset]
    case 1:
      unanswered.append((Int(request.id) ?? 0, request.peer))
      return []
    case 2, 3, 4: return [.wait(network.random(below: 60)), .send(SimulatedGateway.json(answer))]
    default: break
    }
    count += 1
    let stream = "\(session)/\(count)"
    var events = (0...network.random(below: 3)).map { _ in notification(owner) }
    if network.random(below: 2) == 0 { events.append(question(owner)) }
    events.append(answer)
    streams[stream] = events
    var steps = [SimulatedGateway.ServerStep.send(ServerText.streamHead)]
    // It breaks off where it wants, or when all is said.
    let said =
      network.random(below: 2) == 0 ? events.count : 1 + network.random(below: events.count)
    for place in 0..<said {
      steps += [.send(event(stream, place)), .wait(network.random(below: 30))]
    }
    steps.append(network.random(below: 6) == 0 ? .reset : .send("0\r\n\r\n"))
    return steps
  }

  private func notification(_ owner: String) -> String {
    #"{"jsonrpc":"2.0","method":"notifications/message","params":{"data":{"ssn":"\#(Self.secret)","owner":"\#(owner)"}}}"#
  }

  private func question(_ owner: String) -> String {
    count += 1
    return
      #"{"jsonrpc":"2.0","id":"ask-\#(count)","method":"elicitation/create","params":{"message":"?","ssn":"\#(Self.secret)","owner":"\#(owner)"}}"#
  }

  private func event(_ stream: String, _ place: Int) -> String {
    let message = streams[stream]![place]
    if let id = message.firstMatch(of: /"id":("ask-\d+")/)?.1 { asked[String(id), default: 0] += 1 }
    return ServerText.chunk("id: \(stream)-\(place)\ndata: \(message)\n\n")
  }

  // MARK: Streams of sessions

  private func listen(
    _ request: SimulatedGateway.ServerRequest, _ session: String
  ) -> [SimulatedGateway.ServerStep] {
    var steps = [SimulatedGateway.ServerStep.send(ServerText.streamHead)]
    if let last = request.field("Last-Event-ID") {
      let parts = last.split(separator: "-")
      guard parts.count == 2, parts[0].hasPrefix("\(session)/"), let seen = Int(parts[1]),
        let events = streams[String(parts[0])]
      else {
        wrongs.append("an event of another session: \(last) in \(session)")
        return [.reset]
      }
      resumed += 1
      for place in seen + 1..<max(seen + 1, events.count) {
        steps += [.send(event(String(parts[0]), place)), .wait(network.random(below: 20))]
      }
    } else {
      count += 1
      let stream = "\(session)/\(count)"
      streams[stream] = [notification(sessions[session]!.owner)]
      steps += [.send(event(stream, 0)), .wait(network.random(below: 200))]
    }
    return steps + [.send("0\r\n\r\n")]
  }
}
