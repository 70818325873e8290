import Testing
import Wire

/// One event with its data joined, in values that compare and print well.
struct SSEReading: Equatable {
  var name: SSEEventName = .message
  var data: String?
  var id: String?
  var retry: UInt32?
}

/// Feeds the pieces through a buffer that is cut at its front after every step, as a connection does.
func readEvents(_ pieces: [[UInt8]], eventBytesMax: Int = 1 << 20) -> [SSEReading]? {
  var parser = SSEParser(eventBytesMax: eventBytesMax)
  var buffer: [UInt8] = []
  var events: [SSEReading] = []
  for piece in pieces {
    buffer += piece
    var isDone = false
    while !isDone {
      switch parser.next(buffer.rawBytes) {
      case .event(let event):
        let joined = httpWritten { SSEParser.joinData(of: event, in: buffer.rawBytes, into: &$0) }
        events.append(
          SSEReading(
            name: event.name,
            data: event.dataLines > 0 ? joined.map { String(decoding: $0, as: UTF8.self) } : nil,
            id: event.hasID ? httpText(buffer, event.id) : nil,
            retry: event.hasRetry ? event.retryMilliseconds : nil))
      case .needMore: isDone = true
      case .tooLarge: return nil
      }
    }
    let consumed = parser.consumed
    buffer.removeFirst(consumed)
    parser.dropped(consumed)
  }
  return events
}

@Suite struct SSEParserTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var stream: String
    var events: [SSEReading]
    var testDescription: String { stream.debugDescription }
  }

  static let rows: [Row] = [
    Row(stream: "", events: []),
    Row(stream: "\n\n\r\n\r", events: []),
    Row(stream: "data: {\"a\":1}\n\n", events: [SSEReading(data: "{\"a\":1}")]),
    Row(stream: "event: message\r\ndata: x\r\n\r\n", events: [SSEReading(data: "x")]),
    Row(stream: "event: message\rdata: x\r\r", events: [SSEReading(data: "x")]),
    Row(
      stream: "data: x\r\n\ndata: y\n\r\n", events: [SSEReading(data: "x"), SSEReading(data: "y")]),
    Row(stream: "data: x\r\rdata: y\r\r", events: [SSEReading(data: "x"), SSEReading(data: "y")]),
    Row(stream: "\u{feff}data: x\n\n", events: [SSEReading(data: "x")]),
    Row(stream: "\u{feff}\u{feff}data: x\n\n", events: []),
    Row(stream: "data\n\n", events: [SSEReading(data: "")]),
    Row(stream: "data:\n\n", events: [SSEReading(data: "")]),
    Row(stream: "data:  x \n\n", events: [SSEReading(data: " x ")]),
    Row(stream: "data:x\ndata\ndata: y\n\n", events: [SSEReading(data: "x\n\ny")]),
    Row(stream: "data:x\r\nid: 4\r\ndata: y\r\n\r\n", events: [SSEReading(data: "x\ny", id: "4")]),
    Row(stream: "data:\ndata:\n\n", events: [SSEReading(data: "\n")]),
    Row(
      stream: "id: 1\r\ndata: \r\nretry: 100\r\n\r\nid: 2\ndata: {}\n\n",
      events: [SSEReading(data: "", id: "1", retry: 100), SSEReading(data: "{}", id: "2")]),
    Row(stream: "id\n\n", events: [SSEReading(id: "")]),
    Row(stream: "id: a\0b\n\n", events: []),
    Row(stream: "retry: 12x\n\n", events: []),
    Row(stream: "retry: 4294967296\n\n", events: []),
    Row(stream: "retry: 4294967295\n\n", events: [SSEReading(retry: 4_294_967_295)]),
    Row(stream: ": comment\n\n:\n\ndata: x\n: in between\n\n", events: [SSEReading(data: "x")]),
    Row(stream: "event: endpoint\ndata: /m\n\n", events: [SSEReading(name: .endpoint, data: "/m")]),
    Row(stream: "event: other\ndata: x\n\n", events: [SSEReading(name: .other, data: "x")]),
    Row(stream: "event: Message\ndata: x\n\n", events: [SSEReading(name: .other, data: "x")]),
    Row(stream: "event: other\nevent:\ndata: x\n\n", events: [SSEReading(data: "x")]),
    Row(
      stream: "event: other\n\ndata: x\n\n",
      events: [SSEReading(name: .other), SSEReading(data: "x")]),
    Row(stream: "Data: x\ndatax: y\ndat: z\n data: w\nunknown\n\n", events: []),
    Row(stream: "data: x\n\ndata: cut", events: [SSEReading(data: "x")]),
    Row(stream: "data: x\n\ndata: cut\n", events: [SSEReading(data: "x")]),
    Row(stream: "data: a:b: c\n\n", events: [SSEReading(data: "a:b: c")]),
  ]

  @Test(arguments: rows)
  func wholeAndInEveryTwoPieces(row: Row) {
    let bytes = Array(row.stream.utf8)
    #expect(readEvents([bytes]) == row.events)
    #expect(readEvents(bytes.map { [$0] }) == row.events)
    for cut in 0...bytes.count {
      #expect(
        readEvents([Array(bytes[..<cut]), Array(bytes[cut...])]) == row.events, "cut at \(cut)")
    }
  }

  @Test func eventsUpToTheLimitAreRead() {
    let event = Array("data: \(String(repeating: "x", count: 92))\n\n".utf8)
    #expect(event.count == 100)
    #expect(readEvents([event], eventBytesMax: 100)?.count == 1)
    #expect(readEvents([event], eventBytesMax: 98) == nil)
    // Comments and other events before it do not count, however many there are.
    let comments = Array(String(repeating: ": keep-alive\n", count: 100).utf8)
    #expect(readEvents([comments + event + comments + event], eventBytesMax: 100)?.count == 2)
    // A line that never ends is refused before its end.
    #expect(readEvents([Array(repeating: 0x61, count: 101)], eventBytesMax: 100) == nil)
    #expect(readEvents([Array(repeating: 0x61, count: 100)], eventBytesMax: 100) == [])
    // Nor does an event of many small lines pass.
    let lines = Array(String(repeating: "data: x\n", count: 13).utf8)
    #expect(readEvents(lines.map { [$0] }, eventBytesMax: 100) == nil)
  }

  @Test func endsBetweenAndWithinEvents() {
    for (stream, isBetween) in [
      ("", true), ("data: x\n\n", true), ("data: x\n", false), ("dat", false), (": x\n", true),
      ("id: 1\n", false),
    ] {
      var parser = SSEParser()
      let bytes = Array(stream.utf8)
      while case .event = parser.next(bytes.rawBytes) {}
      #expect(parser.isBetweenEvents == isBetween, "\(stream)")
    }
  }

  @Test func randomStreamsReadTheSameHoweverTheyAreSplit() {
    var random = HTTPSeededGenerator(seed: 11)
    let pieces = [
      "data", ": ", ":", "x", "\n", "\r", "\r\n", "\n\n", "event", "id", "retry", "7", " ",
      "\u{feff}", "message",
    ]
    var events = 0
    for _ in 0..<3000 {
      let stream = (0..<Int.random(in: 0...30, using: &random)).map { _ in
        pieces.randomElement(using: &random)!
      }.joined()
      let bytes = Array(stream.utf8)
      let whole = readEvents([bytes])
      events += whole?.count ?? 0
      #expect(readEvents(bytes.map { [$0] }) == whole, "\(stream.debugDescription)")
      let cut = Int.random(in: 0...bytes.count, using: &random)
      #expect(readEvents([Array(bytes[..<cut]), Array(bytes[cut...])]) == whole, "cut at \(cut)")
    }
    #expect(events > 300)
  }
}
