import EventLoop
import Testing

@testable import Proxy

/// A server that speaks only the modern era, with its door for the legacy one, on a stormy network: agents of two principals who
/// may use it, and of one who may not, send by seed what a test wants to see sent. What must hold whatever they do is checked
/// here; each test adds what it is about.
///
/// The bridge itself runs on threads of its own and has tests of its own (`BridgeTests`); here stands what workers see of
/// it (`DoorStandIn`).
final class EraRoute {
  /// Revisions of the legacy era.
  static let versions = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]

  /// What agents do.
  enum Act: CaseIterable {
    case begin, call, blocked, cancel, answer, listen, resume, end, modern, confused, batch
  }

  /// A request on its way.
  struct Sent {
    var act: Act
    /// Its JSON-RPC id, and that of the blocked call beside it; the number that makes it unlike any other.
    var id: Int
    /// It names a session, an event or a question that is not its sender's: it must go nowhere.
    var isForeign = false
  }

  /// One connection of an agent.
  struct Line {
    var key: String
    var peer: SimulatedNetwork.Peer
    var sent: [Sent] = []
    /// Those that are whole, and the one that has begun.
    var answers: [AgentAnswer] = []
    var received: [UInt8] = []
    /// How many of the answers were whole.
    var wholeCount = 0
    var hasLeft = false

    mutating func read() {
      let (whole, begun) = AgentAnswer.take(&received)
      answers.removeLast(answers.count - wholeCount)
      answers += whole
      wholeCount = answers.count
      if let begun { answers.append(begun) }
    }
  }

  /// Something sealed that an agent got, and whose it is. Everybody hears of everything: what is sealed is no secret.
  struct Known {
    var owner: String
    var text: String
    /// The session that it is of.
    var session: String
    var version: String
  }

  let gateway: SimulatedGateway
  let network: SimulatedNetwork
  let door: DoorStandIn
  let seed: UInt64
  private(set) var lines: [Line] = []
  /// Ids of requests that reached the server in the modern era, or its door.
  private(set) var arrived: [Int: Int] = [:]
  /// Calls of the modern era that their server never answers.
  private(set) var unanswered: [(id: Int, peer: SimulatedNetwork.Peer)] = []
  private var known: [Act: [Known]] = [:]
  private var knownTexts: Set<String> = []
  /// Lines that may still get something.
  private var active: [Int] = []
  private var lastID = 0
  private var wrongs: [String] = []

  init(seed: UInt64) throws {
    self.seed = seed
    gateway = try SimulatedGateway(seed: seed, weather: .stormy(), hasDoor: true)
    network = gateway.network
    door = DoorStandIn(network)
    let door = door
    gateway.server = { [unowned self] request in
      for match in request.body.matches(of: /"id":(\d+)/) {
        arrived[Int(match.1)!, default: 0] += 1
      }
      return request.port == 9002 ? door.answer(request) : serve(request)
    }
  }

  // MARK: The storm

  /// Lets agents act for `turns`, each act as often as it stands in `acts`, while connections break and the clock jumps.
  func storm(_ acts: [Act], turns: Int = 2400) {
    for turn in 0..<turns {
      if turn % 60 == 0, lines.count(where: { !$0.hasLeft }) < 16 { connect() }
      if network.random(below: 4) == 0 { act(acts[network.random(below: acts.count)]) }
      step()
      if network.random(below: 150) == 0 { leave(active[network.random(below: active.count)]) }
      if network.random(below: 500) == 0 {
        network.advance(nanoseconds: UInt64(1 + network.random(below: 40)) * 1_000_000_000)
      }
    }
    for _ in 0..<400 { step() }
  }

  func step() {
    gateway.turn()
    for line in active {
      let bytes = network.takeReceived(by: lines[line].peer)
      if !bytes.isEmpty {
        lines[line].received += bytes
        hear(line)
      }
    }
    active.removeAll { lines[$0].hasLeft && network.isClosed(lines[$0].peer) }
  }

  @discardableResult
  func connect(_ key: String? = nil) -> Int {
    let keys = ["key-ada", "key-ada", "key-eve", "key-eve", "key-bob"]
    lines.append(
      Line(
        key: key ?? keys[network.random(below: keys.count)],
        peer: network.connect(toPort: SimulatedGateway.audience)))
    active.append(lines.count - 1)
    return lines.count - 1
  }

  func leave(_ line: Int) {
    lines[line].hasLeft = true
    gateway.leave(lines[line].peer)
  }

  /// Reads what has come for an agent, and takes note of what it gets to know.
  private func hear(_ at: Int) {
    let before = lines[at].wholeCount
    lines[at].read()
    let line = lines[at]
    for (sent, answer) in zip(line.sent, line.answers).dropFirst(before) {
      if let session = answer.field("Mcp-Session-Id") {
        let version = answer.body.firstMatch(of: /"protocolVersion":"([\d-]+)"/)?.1 ?? ""
        note(.begin, line.key, session, session, String(version))
      }
      guard let subject = sessions[sent.id] else { continue }
      for id in answer.eventIDs { note(.resume, line.key, id, subject.session, subject.version) }
      for match in answer.body.matches(of: /"id":"([\w-]{30,})","method"/) {
        note(.answer, line.key, String(match.1), subject.session, subject.version)
      }
    }
  }

  /// By a request's id: the session that it was sent in.
  private var sessions: [Int: Known] = [:]

  private func note(
    _ act: Act, _ owner: String, _ text: String, _ session: String, _ version: String
  ) {
    guard knownTexts.insert(text).inserted else { return }
    known[act, default: []].append(
      Known(owner: owner, text: text, session: session, version: version))
  }

  // MARK: What agents send

  /// One of the agents does something.
  func act(_ act: Act, key: String? = nil) {
    // Streams of sessions last: they get connections of their own, as in every client.
    let open = active.filter { !lines[$0].hasLeft && (key == nil || lines[$0].key == key) }
    let isLasting = act == .listen || act == .resume
    guard let at = isLasting ? connect(key) : open.randomElement(using: &random) else { return }
    let key = lines[at].key
    lastID += 2
    var sent = Sent(act: act, id: lastID)
    let subject = pick(act == .resume || act == .answer ? act : .begin)
    var more = ""
    if let subject, act != .begin, act != .modern {
      let isDamaged = network.random(below: 12) == 0
      more = "Mcp-Session-Id: \(isDamaged ? Self.damaged(subject.session) : subject.session)\r\n"
      if subject.version > "2025-03-26" { more += "MCP-Protocol-Version: \(subject.version)\r\n" }
      sent.isForeign = isDamaged || subject.owner != key
      sessions[lastID] = subject
    }
    if let text = Self.text(sent, key, more, subject, network) {
      lines[at].sent.append(sent)
      network.send(text, from: lines[at].peer)
    }
  }

  private var random: NetworkRandom {
    get { NetworkRandom(network: network) }
    set {}
  }

  private func pick(_ act: Act) -> Known? { known[act]?.randomElement(using: &random) }

  private static func damaged(_ text: String) -> String {
    String(text.dropLast(3)) + (text.hasSuffix("AAA") ? "BBB" : "AAA")
  }

  /// The bytes of an act; nil when there is nothing yet to do it with.
  private static func text(
    _ sent: Sent, _ key: String, _ more: String, _ subject: Known?, _ network: SimulatedNetwork
  ) -> String? {
    let id = "\(sent.id)"
    let query = SimulatedGateway.call("query", #"{"who":"\#(key)"}"#, id: id)
    let drop = SimulatedGateway.call("query", #"{"sql":"DROP x"}"#, id: "\(sent.id + 1)")
    let post = { (body: String, more: String) in SimulatedGateway.post(body, key: key, more: more) }
    switch sent.act {
    case .begin:
      let version = versions[network.random(below: versions.count)]
      return post(
        "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"method\":\"initialize\",\"params\":{"
          + "\"protocolVersion\":\"\(version)\",\"capabilities\":{},\"who\":\"\(key)\"}}", "")
    case .call: return post(query, more)
    case .blocked: return post(drop.replacing("\"id\":\(sent.id + 1)", with: "\"id\":\(id)"), more)
    case .batch: return post("[\(query),\(drop)]", more)
    case .cancel:
      return post(
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{"
          + "\"requestId\":\(network.random(below: sent.id)),\"who\":\"\(key)\"}}", more)
    case .answer:
      return subject.map {
        post("{\"jsonrpc\":\"2.0\",\"id\":\"\($0.text)\",\"result\":{\"who\":\"\(key)\"}}", more)
      }
    case .listen: return subject.map { _ in SimulatedGateway.bare(more, key: key) }
    case .resume:
      return subject.map {
        SimulatedGateway.bare(more + "Last-Event-ID: \($0.text)\r\n", key: key)
      }
    case .end: return subject.map { _ in SimulatedGateway.bare(more, method: "DELETE", key: key) }
    case .modern:
      return post(
        SimulatedGateway.modernCall("query", id: id), SimulatedGateway.modernFields("query"))
    case .confused:
      return network.random(below: 2) == 0
        ? post(SimulatedGateway.modernCall("query", id: id), more)
        : post(query, more + SimulatedGateway.modernFields("query"))
    }
  }

  // MARK: The server itself

  private func serve(_ request: SimulatedGateway.ServerRequest) -> [SimulatedGateway.ServerStep] {
    let isRight =
      request.field("MCP-Protocol-Version") == "2026-07-28"
      && request.field("Mcp-Method") == "tools/call" && request.field("Mcp-Session-Id") == nil
      && request.field("Last-Event-ID") == nil && request.head.hasPrefix("POST ")
      && request.body.contains("\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"")
    if !isRight { wrongs.append("at the server itself: \(request.head)\(request.body)") }
    if network.random(below: 3) == 0 {
      unanswered.append((Int(request.id) ?? 0, request.peer))
      return []
    }
    return [
      .wait(network.random(below: 60)),
      .send(
        SimulatedGateway.json(
          #"{"jsonrpc":"2.0","id":\#(request.id),"result":{"resultType":"complete","content":[],"structuredContent":{"ssn":"\#(DoorStandIn.secret)"}}}"#
        )),
    ]
  }

  // MARK: What must hold

  /// Checks everything that agents got and servers saw, then lets everybody leave and all deadlines pass.
  func judge() {
    let wrong = wrongs + door.wrongs
    #expect(wrong.isEmpty, "seed \(seed): \(wrong.first ?? "")")
    for (id, times) in arrived { #expect(times == 1, "seed \(seed): request \(id) went up twice") }
    for (question, times) in door.questions {
      // A stream that is taken up before it asked asks again.
      #expect(
        times <= door.asked[question, default: 0],
        "seed \(seed): \(question) was answered \(times) times")
    }
    for line in lines {
      let answers = line.answers
      #expect(answers.count <= line.sent.count, "seed \(seed): an answer to nothing")
      for (sent, answer) in zip(line.sent, answers) { judge(sent, answer, line.key) }
    }
    gateway.expectNothingLeft(of: lines.filter { !$0.hasLeft }.map(\.peer), "seed \(seed)")
  }

  private func judge(_ sent: Sent, _ answer: AgentAnswer, _ key: String) {
    let text = answer.head + answer.body
    #expect(!text.contains(DoorStandIn.secret), "seed \(seed): a masked value came through")
    #expect(
      text.firstMatch(of: /\b(ask-\d|s\d+\/\d)/) == nil, "seed \(seed): an id of the bridge's own")
    for match in text.matches(of: /"owner":"([\w-]+)"/) {
      #expect(match.1 == key, "seed \(seed): \(key) got what is \(match.1)'s")
    }
    let ids = answer.messages.filter { $0["method"] == nil }.compactMap { $0["id"] as? Int }
    #expect(Set(ids).count == ids.count, "seed \(seed): two answers to one request: \(text)")
    if sent.act != .resume, sent.act != .listen {
      #expect(
        ids.allSatisfy { $0 == sent.id || ($0 == sent.id + 1 && sent.act == .batch) },
        "seed \(seed): an answer to another request: \(text)")
    }
    guard sent.isForeign else { return }
    #expect(
      arrived[sent.id] == nil && !answer.body.contains("\"owner\""),
      "seed \(seed): a request in somebody else's session was served")
    if answer.isWhole {
      #expect((400..<500).contains(answer.status), "seed \(seed): \(sent) got \(text)")
    }
  }
}

/// Draws from the network's sequence, so that a seed gives one run.
struct NetworkRandom: RandomNumberGenerator {
  let network: SimulatedNetwork
  mutating func next() -> UInt64 { network.random() }
}
