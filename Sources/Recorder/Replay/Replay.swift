internal import Audit
internal import Outbound

/// Sends a recorded session's requests, in their order, to a test server, and compares the answers.
///
/// Only what reached the server then is sent now: not what was refused, and not the session's own streams. A legacy session is
/// opened anew; the protocol's headers are written from the messages. What a tool does cannot be told from its name, so calls of
/// tools are only sent when that is asked for.
public struct Replay: Sendable {
  public var url: String
  /// Fields for every request, such as the test server's credential.
  public var fields: [(name: String, value: String)] = []
  /// Send calls of tools, too.
  public var sendsToolCalls = false
  /// Send nothing; say what would be sent.
  public var isDry = false

  public init(url: String) { self.url = url }

  /// What became of one recorded call.
  public enum Result: Sendable, Equatable {
    /// What could be compared is the same; what could not is counted.
    case same(Uncompared)
    case different(lines: [String], count: Int)
    /// Not sent, for a reason.
    case skipped(String)
    case wouldBeSent
    case failed(String)
  }

  /// What the record does not hold, because the agent did not get it.
  public struct Uncompared: Sendable, Equatable {
    /// Values that a mask replaced.
    public var masked = 0
    /// Entries that policy took out of a list.
    public var hidden = 0

    public init() {}

    static func += (left: inout Uncompared, right: Uncompared) {
      left.masked += right.masked
      left.hidden += right.hidden
    }
  }

  public struct Summary: Sendable, Equatable {
    public var same = 0
    public var different = 0
    public var skipped = 0
    public var failed = 0
    public var wouldBeSent = 0
    public var uncompared = Uncompared()

    public init() {}

    /// Whether everything that was sent was answered as it is recorded.
    public var isSame: Bool { different == 0 && failed == 0 }
  }

  /// Replays the session that `reference` names; `each` is told of every call as it is done.
  public func run(
    _ reference: String, in catalog: SessionCatalog, each: (RecordedCall, Result) -> Void
  ) throws -> Summary {
    var summary = Summary()
    var session = ReplaySession(self)
    try catalog.timeline(reference) { call in
      let result = judge(call) ?? session.send(call)
      switch result {
      case .same(let uncompared):
        summary.same += 1
        summary.uncompared += uncompared
      case .different: summary.different += 1
      case .skipped: summary.skipped += 1
      case .wouldBeSent: summary.wouldBeSent += 1
      case .failed: summary.failed += 1
      }
      each(call, result)
      return true
    }
    return summary
  }

  /// What is clear without sending; nil when the call is to be sent.
  private func judge(_ call: RecordedCall) -> Result? {
    if call.heldEnd != nil { return .skipped("held for an approval, and has not run") }
    if call.decision != .allow { return .skipped("refused by the gateway") }
    if call.method.hasPrefix("GET ") || call.method.hasPrefix("DELETE ") {
      return .skipped("a session's own stream or end")
    }
    if call.request.isEmpty { return .skipped("the record has no request (contents: facts)") }
    if !call.isWhole { return .skipped("parts of it are missing in the record") }
    if call.method == "tools/call", !sendsToolCalls {
      return .skipped("calls a tool, which may change something: --yes sends it")
    }
    return isDry ? .wouldBeSent : nil
  }
}

/// The state of a session at the test server.
struct ReplaySession {
  private let replay: Replay
  private var sessionID: String?
  private var version: String?
  private var isOpen = false
  private var carried = CarriedValues()

  init(_ replay: Replay) { self.replay = replay }

  mutating func send(_ call: RecordedCall) -> Replay.Result {
    guard let message = ReplayJSON(call.request) else { return .failed("the request is not JSON") }
    let isHello = call.method == "initialize"
    if call.era == .legacy, !isHello, !isOpen, let failure = open() { return failure }
    let answer: OutboundAnswer
    do throws(OutboundError) {
      let (body, message) = carried.renew(call.request, message)
      answer = try post(body, message, era: call.era)
    } catch {
      return .failed("\(error)")
    }
    if isHello { opened(answer) }
    guard let id = message["id"] else {
      return (200..<300).contains(answer.status)
        ? .same(Replay.Uncompared()) : .failed("status \(answer.status)")
    }
    return compare(call, answer, id)
  }

  private mutating func compare(
    _ call: RecordedCall, _ answer: OutboundAnswer, _ id: ReplayJSON
  ) -> Replay.Result {
    guard let recorded = ReplayJSON.answer(in: call.answer, to: id) else {
      return .skipped("the record has no answer to compare with")
    }
    guard let now = ReplayJSON.answer(in: answer.body, to: id) else {
      return .failed("status \(answer.status) without an answer")
    }
    carried.note(recorded: recorded, now: now)
    let differences = ReplayDifferences(
      recorded: recorded, now: now, mayBeMasked: call.outcome?.maskedValues ?? 0 > 0,
      list: ReplayList(call.method, hidden: Int(call.outcome?.hiddenEntries ?? 0)))
    return differences.count == 0
      ? .same(differences.uncompared)
      : .different(lines: differences.lines, count: differences.count)
  }

  /// A session whose beginning is not recorded (or was not sent) is opened all the same.
  private mutating func open() -> Replay.Result? {
    let hello =
      #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"#
      + #""clientInfo":{"name":"sluice-replay","version":"1"}}}"#
    let initialized = #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
    do throws(OutboundError) {
      let bytes = Array(hello.utf8)
      let answer = try post(bytes, ReplayJSON(bytes) ?? .null, era: .legacy)
      guard answer.status == 200 else { return .failed("initialize: status \(answer.status)") }
      opened(answer)
      let notice = Array(initialized.utf8)
      _ = try post(notice, ReplayJSON(notice) ?? .null, era: .legacy)
      return nil
    } catch {
      return .failed("\(error)")
    }
  }

  private mutating func opened(_ answer: OutboundAnswer) {
    isOpen = true
    sessionID = answer.field("mcp-session-id")
    version = ReplayJSON.answer(in: answer.body, to: nil)?["result"]?["protocolVersion"]?.text
  }

  private func post(
    _ body: [UInt8], _ message: ReplayJSON, era: RecordedEra
  ) throws(OutboundError) -> OutboundAnswer {
    var request = OutboundRequest("POST", url: replay.url)
    request.body = body
    request.answerBytesMax = 16 << 20
    request.totalMilliseconds = 60_000
    request.fields = [
      ("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream"),
    ]
    request.fields += era == .modern ? Self.modernFields(message) : legacyFields(message)
    request.fields += replay.fields
    return try request.blockingExchange()
  }

  private func legacyFields(_ message: ReplayJSON) -> [(name: String, value: String)] {
    guard message["method"]?.text != "initialize" else { return [] }
    var fields: [(name: String, value: String)] = []
    if let version { fields.append(("MCP-Protocol-Version", version)) }
    if let sessionID { fields.append(("Mcp-Session-Id", sessionID)) }
    return fields
  }

  /// The headers that repeat what the message says (revision 2026-07-28).
  static func modernFields(_ message: ReplayJSON) -> [(name: String, value: String)] {
    var fields: [(name: String, value: String)] = []
    let params = message["params"]
    let version = params?["_meta"]?["io.modelcontextprotocol/protocolVersion"]?.text
    if let version { fields.append(("MCP-Protocol-Version", version)) }
    guard let method = message["method"]?.text else { return fields }
    fields.append(("Mcp-Method", method))
    let name: ReplayJSON? =
      switch method {
      case "tools/call", "prompts/get": params?["name"]
      case "resources/read": params?["uri"]
      case "tasks/get", "tasks/update", "tasks/cancel": params?["taskId"]
      default: nil
      }
    if let name = name?.text { fields.append(("Mcp-Name", headerText(name))) }
    return fields
  }

  /// Plain where a header can carry it, else in the form `=?base64?…?=`.
  private static func headerText(_ text: String) -> String {
    let isPlain =
      text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } && text.first != " " && text.last != " "
      && !text.hasPrefix("=?base64?") && !text.isEmpty
    return isPlain ? text : "=?base64?\(Base64Text.encode(Array(text.utf8)))?="
  }
}
