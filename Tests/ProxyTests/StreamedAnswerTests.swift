import EventLoop
import Foundation
import Testing
import Wire

@testable import Proxy

/// Answers that are longer than what is held: masked and passed on as they arrive, whole or visibly cut.
struct StreamedAnswerTests {
  static var limits: GatewayLimits {
    var limits = GatewayLimits()
    limits.messageBytesMax = 16 << 10
    limits.streamedBytesMax = 1 << 20
    limits.streamAheadBytesMax = 16 << 10
    return limits
  }

  /// What a client got: its body without chunks, and whether the last chunk came.
  struct Received {
    var head = ""
    var body = ""
    var isComplete = false

    init(_ text: String) {
      let bytes = Array(text.utf8)
      guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
      head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
      var rest = bytes[end.upperBound...]
      guard head.contains("Transfer-Encoding: chunked") else {
        body = String(decoding: rest, as: UTF8.self)
        isComplete = true
        return
      }
      var content: [UInt8] = []
      while let line = rest.firstRange(of: Array("\r\n".utf8)) {
        let size = Int(String(decoding: rest[..<line.lowerBound], as: UTF8.self), radix: 16) ?? 0
        if size == 0 {
          isComplete = true
          break
        }
        let data = rest[line.upperBound...]
        content += data.prefix(size)
        guard data.count >= size + 2 else { break }
        rest = data.dropFirst(size + 2)
      }
      body = String(decoding: content, as: UTF8.self)
    }
  }

  static func rows(_ count: Int, secret: String = "SECRET") -> String {
    (0..<count).map { #"{"n":\#($0),"ssn":"\#(secret)","t":"{\"email\":\"\#(secret)\"}"}"# }
      .joined(separator: ",\n")
  }

  static func message(_ rows: String, id: String = "1") -> String {
    #"{"jsonrpc":"2.0","id":\#(id),"result":{"content":[],"structuredContent":{"rows":[\#(rows)]}}}"#
  }

  static let masked = message(rows(6000, secret: "[redacted]"))

  /// A body in chunks of this many bytes.
  static func chunked(_ body: String, type: String = "application/json", size: Int = 5000) -> String
  {
    var text = "HTTP/1.1 200 OK\r\nContent-Type: \(type)\r\nTransfer-Encoding: chunked\r\n\r\n"
    var rest = Array(body.utf8)[...]
    while !rest.isEmpty {
      let part = rest.prefix(size)
      text += String(part.count, radix: 16) + "\r\n" + String(decoding: part, as: UTF8.self)
      text += "\r\n"
      rest = rest.dropFirst(size)
    }
    return text + "0\r\n\r\n"
  }

  /// What ada gets to her call.
  private func call(
    _ gateway: SimulatedGateway, turns: Int = 3000,
    request: String = SimulatedGateway.post(SimulatedGateway.call("query")),
    answer: @escaping (SimulatedGateway.ServerRequest) -> [SimulatedGateway.ServerStep]
  ) -> Received {
    gateway.server = answer
    let client = gateway.network.connect(toPort: SimulatedGateway.audience)
    gateway.network.send(request, from: client)
    var received: [UInt8] = []
    for _ in 0..<turns {
      gateway.turn()
      received += gateway.network.takeReceived(by: client)
    }
    return Received(String(decoding: received, as: UTF8.self))
  }

  private func expectNothingLeft(_ gateway: SimulatedGateway) {
    let left = gateway.worker.exchanges.count
    let streamed = gateway.worker.streamed.count
    #expect(left == 0 && streamed == 0)
  }

  @Test(arguments: 1...6)
  func aLongAnswerComesMaskedInChunks(seed: UInt64) throws {
    let gateway = try SimulatedGateway(seed: seed, limits: Self.limits)
    let body = Self.message(Self.rows(6000))
    for form in 0..<3 {
      let received = call(gateway) { _ in
        switch form {
        case 0: [.send(SimulatedGateway.json(body))]
        case 1: [.send(Self.chunked(body, size: 3000 + Int(seed)))]
        default: [.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + body), .end]
        }
      }
      #expect(received.head.hasPrefix("HTTP/1.1 200 OK"))
      #expect(received.head.contains("Content-Type: application/json"))
      #expect(received.isComplete && received.body == Self.masked)
    }
    // The connection to a server that told its length is used again.
    let short = call(gateway, turns: 100) { SimulatedGateway.echo($0) }
    #expect(short.body.contains("Ulm"))
    expectNothingLeft(gateway)
  }

  @Test(arguments: ["\n", "\r\n", "\r"])
  func aLongEventIsJSONWhenItIsTheOnlyOneAndElseAnEvent(lineEnd: String) throws {
    let gateway = try SimulatedGateway(seed: 3, limits: Self.limits)
    let lines = Self.message(Self.rows(6000)).split(separator: "\n")
    let event =
      "event: message\(lineEnd)"
      + lines.map { "data: \($0)" }.joined(separator: lineEnd) + lineEnd + lineEnd
    let only = call(gateway) { _ in [.send(Self.chunked(event, type: "text/event-stream"))] }
    #expect(only.head.contains("Content-Type: application/json"))
    #expect(only.isComplete && only.body == Self.masked)
    let note =
      "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\","
      + "\"params\":{\"level\":\"info\",\"data\":{\"ssn\":\"SECRET\"}}}\n\n"
    let second = call(gateway) { _ in
      [.send(Self.chunked(note + event, type: "text/event-stream"))]
    }
    #expect(second.head.contains("Content-Type: text/event-stream"))
    let events = second.body.components(separatedBy: "\n\n")
    #expect(second.isComplete && events.count == 3 && events[2].isEmpty)
    #expect(
      events[1] == "event: message\ndata: "
        + Self.masked.replacingOccurrences(of: "\n", with: " "))
    expectNothingLeft(gateway)
  }

  @Test(arguments: [
    // A key twice, no JSON, a string that is not UTF-8's, an end that is missing, too much behind it.
    #"{"a":1,"a":2}"#, "nonsense", #""\ud800""#, "[", "1]}}} [[{",
  ])
  func aLateViolationCutsTheAnswer(broken: String) throws {
    let gateway = try SimulatedGateway(seed: 5, limits: Self.limits)
    let received = call(gateway) { _ in
      [.send(Self.chunked(Self.message(Self.rows(3000) + "," + broken)))]
    }
    #expect(received.head.contains("Transfer-Encoding: chunked"))
    #expect(!received.isComplete && !received.body.contains("SECRET"))
    #expect(received.body.count > 50_000)
    #expect((try? JSONSerialization.jsonObject(with: Data(received.body.utf8))) == nil)
    expectNothingLeft(gateway)
  }

  @Test func anAnswerThatEndsEarlyIsCutAndSoIsOneOfAnotherRequest() throws {
    let gateway = try SimulatedGateway(seed: 6, limits: Self.limits)
    let body = Self.message(Self.rows(3000))
    let ended = call(gateway) { _ in
      [.send(String(SimulatedGateway.json(body).dropLast(20))), .end]
    }
    #expect(!ended.isComplete && ended.body.count > 50_000)
    // The id may come last, and is looked at before the last brace leaves.
    let result =
      #"{"result":{"structuredContent":{"rows":[\#(Self.rows(3000))]}},"jsonrpc":"2.0","id":"#
    let right = call(gateway) { _ in [.send(Self.chunked(result + "1}"))] }
    #expect(right.isComplete && right.body.hasSuffix(#""id":1}"#))
    let wrong = call(gateway) { _ in [.send(Self.chunked(result + "2}"))] }
    #expect(!wrong.isComplete && !wrong.body.hasSuffix("}"))
    expectNothingLeft(gateway)
  }

  @Test func whatIsWrongWithTheFirstPartIsAnError() throws {
    let gateway = try SimulatedGateway(seed: 7, limits: Self.limits)
    for body in [
      Self.message(Self.rows(3000), id: "2"),
      Self.message(#"{"a":1,"a":2},"# + Self.rows(3000)),
      #"{"jsonrpc":"2.0","id":1,"result":{"tools":[\#(Self.rows(3000))]}}"#,
      #"{"jsonrpc":"2.0","id":1,"method":"x","params":[\#(Self.rows(3000))]}"#,
    ] {
      let received = call(gateway) { _ in [.send(Self.chunked(body))] }
      #expect(
        received.isComplete && received.body.contains("-32603"), "\(received.body.prefix(90))")
    }
    expectNothingLeft(gateway)
  }

  @Test func beyondTheMaximumAnAnswerIsRefusedOrCut() throws {
    var limits = Self.limits
    limits.streamedBytesMax = 200_000
    let gateway = try SimulatedGateway(seed: 8, limits: limits)
    let body = Self.message(Self.rows(6000))
    let refused = call(gateway) { _ in [.send(SimulatedGateway.json(body))] }
    #expect(refused.isComplete && refused.body.contains("larger than the gateway's limit"))
    let cut = call(gateway) { _ in [.send(Self.chunked(body))] }
    #expect(!cut.isComplete && cut.body.count < 250_000 && !cut.body.contains("SECRET"))
    expectNothingLeft(gateway)
  }

  @Test func onlyAnswersToCallsAreStreamedAndOnlyToClientsThatCanTellACut() throws {
    let gateway = try SimulatedGateway(seed: 9, limits: Self.limits)
    let list = SimulatedGateway.post(#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#)
    let body = Self.message(Self.rows(3000))
    let tools = call(gateway, request: list) { _ in [.send(Self.chunked(body))] }
    #expect(tools.isComplete && tools.body.contains("larger than the gateway's limit"))
    let old = SimulatedGateway.post(SimulatedGateway.call("query"))
      .replacingOccurrences(of: "HTTP/1.1", with: "HTTP/1.0")
    let received = call(gateway, request: old) { _ in [.send(SimulatedGateway.json(body))] }
    #expect(received.body.contains("larger than the gateway's limit"))
    expectNothingLeft(gateway)
  }

  @Test func aSlowClientStopsTheServerAndThenGetsEverything() throws {
    let gateway = try SimulatedGateway(seed: 10, limits: Self.limits)
    gateway.server = { _ in [.send(Self.chunked(Self.message(Self.rows(6000))))] }
    let client = gateway.network.connect(toPort: SimulatedGateway.audience)
    gateway.network.send(
      SimulatedGateway.post(SimulatedGateway.call("query")), from: client)
    var received: [UInt8] = []
    var most = 0
    for turn in 0..<12_000 {
      gateway.turn()
      most = max(most, gateway.worker.blocks.lentBytes)
      if turn % 40 == 0 { received += gateway.network.takeReceived(by: client) }
    }
    received += gateway.network.takeReceived(by: client)
    let whole = Received(String(decoding: received, as: UTF8.self))
    #expect(whole.isComplete && whole.body == Self.masked)
    #expect(most < 400_000)
    expectNothingLeft(gateway)
  }

  @Test func aClientThatGoesAwayLeavesNothingBehind() throws {
    let gateway = try SimulatedGateway(seed: 11, limits: Self.limits)
    gateway.server = { _ in [.send(Self.chunked(Self.message(Self.rows(6000))))] }
    for turns in [8, 20, 60] {
      let client = gateway.network.connect(toPort: SimulatedGateway.audience)
      gateway.network.send(
        SimulatedGateway.post(SimulatedGateway.call("query")), from: client)
      gateway.run(turns: turns)
      gateway.network.reset(client)
      gateway.run(turns: 500)
      expectNothingLeft(gateway)
    }
  }

  @Test func thereAreOnlySoManyAtATime() throws {
    var limits = Self.limits
    limits.streamedAnswersMax = 0
    let gateway = try SimulatedGateway(seed: 12, limits: limits)
    let received = call(gateway) { _ in [.send(Self.chunked(Self.message(Self.rows(3000))))] }
    #expect(received.isComplete && received.body.contains("as many long answers as it can"))
    expectNothingLeft(gateway)
  }
}
