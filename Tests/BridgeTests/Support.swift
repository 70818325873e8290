import Foundation
import Logging
import Synchronization

@testable import Bridge

/// What an agent would see of an answer.
final class CapturedOutput: BridgeOutput {
  struct Seen {
    var status = 0
    var fields: [String: String] = [:]
    var body = ""
    var isWhole = false
    var isCut = false
  }

  private let seen = Mutex(Seen())
  private let sends: Bool

  /// - Parameter sends: whether what is written leaves; otherwise it waits for somebody who does not read.
  init(sends: Bool = true) { self.sends = sends }

  var now: Seen { seen.withLock { $0 } }

  func head(_ status: Int, _ fields: [(name: String, value: String)], length: Int?) {
    seen.withLock {
      $0.status = status
      for (name, value) in fields { $0.fields[name] = value }
    }
  }

  func body(_ bytes: [UInt8], sent: @escaping @Sendable () -> Void) {
    seen.withLock { $0.body += String(decoding: bytes, as: UTF8.self) }
    if sends { sent() }
  }

  func end() { seen.withLock { $0.isWhole = true } }
  func cut() { seen.withLock { $0.isCut = true } }

  /// The answer, once it is complete.
  func whole() async -> Seen {
    await until { self.now.isWhole || self.now.isCut }
    return now
  }
}

/// Waits for something that is bound to happen; the test's own time limit ends it when it does not.
func until(_ condition: @Sendable () async -> Bool) async {
  while await !condition(), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(5)) }
}

/// A process that does what a test says.
final class ScriptedProcess: ServerProcess {
  private struct State {
    var lines: [String] = []
    var isEnding = false
  }

  private let state = Mutex(State())
  private let events: @Sendable (ProcessEvent) async -> Void
  private let answer: @Sendable (String) -> String?
  private let feed: AsyncStream<ProcessEvent>.Continuation
  private let task: Task<Void, Never>

  init(
    events: @escaping @Sendable (ProcessEvent) async -> Void,
    answer: @escaping @Sendable (String) -> String?
  ) {
    self.events = events
    self.answer = answer
    let (stream, feed) = AsyncStream<ProcessEvent>.makeStream()
    self.feed = feed
    task = Task { for await event in stream { await events(event) } }
  }

  func send(_ line: [UInt8]) -> Bool {
    let text = String(decoding: line, as: UTF8.self)
    state.withLock { $0.lines.append(text) }
    if let answer = answer(text) { say(answer) }
    return true
  }

  func end() {
    let isFirst = state.withLock { state in
      defer { state.isEnding = true }
      return !state.isEnding
    }
    if isFirst { die("it was told to") }
  }

  func waitUntilEnded() async { await task.value }

  /// What it was sent, line by line.
  var lines: [String] { state.withLock { $0.lines } }
  var isEnding: Bool { state.withLock { $0.isEnding } }

  func say(_ line: String) { feed.yield(.line(Array(line.utf8))) }
  func sayTooMuch() { feed.yield(.lineTooLong) }

  func die(_ why: String = "status 1") {
    feed.yield(.ended(why))
    feed.finish()
  }
}

/// A server whose processes are scripted, and what agents ask of it.
final class Bench: Sendable {
  let bridge: ServerBridge
  private let box: Box

  private final class Box: Sendable {
    let processes = Mutex<[ScriptedProcess]>([])
  }

  /// A server of the modern era, whose agents of the legacy one the bridge serves.
  init(_ sender: any RemoteSender) {
    let access = RemoteAccess(host: "127.0.0.1", port: 1, authority: "orders")
    let remote = RemoteServer(
      speech: .modern, origin: "http://orders", target: "/mcp", access: access)
    var log = Logger(label: "test")
    log.logLevel = .critical
    var server = BridgedServer(name: "orders", remote: remote)
    // Out of reach of clocks that jump and of machines that are slow.
    server.limits.startTime = .seconds(3600)
    bridge = ServerBridge(server, log: log) {
      [log] server, events in
      ModernProcess(server, remote, client: sender, log: log, events: events)
    }
    box = Box()
  }

  /// - Parameter answer: what a process says to a line at once; nil for nothing.
  init(
    _ change: (inout BridgedServer) -> Void = { _ in },
    answer: @escaping @Sendable (String) -> String? = Bench.legacy
  ) {
    var server = BridgedServer(name: "orders", command: ["orders"])
    change(&server)
    var log = Logger(label: "test")
    log.logLevel = .critical
    let box = Box()
    bridge = ServerBridge(server, log: log) { _, events in
      let process = ScriptedProcess(events: events, answer: answer)
      box.processes.withLock { $0.append(process) }
      return process
    }
    self.box = box
  }

  var processes: [ScriptedProcess] { box.processes.withLock { $0 } }

  /// A server of the legacy era: answers initialize, knows no discover.
  static let legacy: @Sendable (String) -> String? = { line in
    if line.contains("\"initialize\"") {
      return
        "{\"jsonrpc\":\"2.0\",\"id\":\(id(line)),\"result\":{\"protocolVersion\":\"2025-11-25\"}}"
    }
    if line.contains("server/discover") {
      return
        "{\"jsonrpc\":\"2.0\",\"id\":\(id(line)),\"error\":{\"code\":-32601,\"message\":\"?\"}}"
    }
    return nil
  }

  /// A server of the modern era.
  static let modern: @Sendable (String) -> String? = { line in
    guard line.contains("server/discover") else { return nil }
    return
      "{\"jsonrpc\":\"2.0\",\"id\":\(id(line)),\"result\":{\"supportedVersions\":[\"2026-07-28\"]}}"
  }

  /// The id of a line, as it stands there.
  static func id(_ line: String) -> String {
    let rest = line[line.firstRange(of: "\"id\":")!.upperBound...]
    return String(rest.prefix { $0 != "," && $0 != "}" })
  }

  func post(_ body: String, session: String? = nil) async -> CapturedOutput {
    await ask(.post, body, session: session).output
  }

  func ask(
    _ method: BridgeRequest.Method, _ body: String = "", session: String? = nil,
    after event: String? = nil
  ) async -> (output: CapturedOutput, reply: BridgeReply) {
    let output = CapturedOutput()
    let reply = BridgeReply(output, waitingBytesMax: 1 << 16)
    await bridge.handle(
      BridgeRequest(
        method: method, server: "orders", session: session, lastEventID: event,
        body: Array(body.utf8)),
      reply)
    return (output, reply)
  }

  /// Opens a session and returns its id.
  func open() async -> String {
    let seen = await post(Bench.initialize).whole()
    return seen.fields["mcp-session-id"] ?? ""
  }

  static let initialize =
    #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#

  static func call(_ id: String, token: String? = nil, modern: Bool = false, say: String = "")
    -> String
  {
    var meta: [String] = []
    if let token { meta.append("\"progressToken\":\(token)") }
    if modern { meta.append("\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"") }
    return
      "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"method\":\"tools/call\",\"params\":{\"name\":\"t\",\"arguments\":{\"say\":\"\(say)\"},\"_meta\":{\(meta.joined(separator: ","))}}}"
  }
}
