import EventLoop
import Testing

@testable import PerfKit

/// The tools' small readers, on bytes cut anywhere.
struct PerfWireTests {
  private func withSpan<Result>(_ text: String, _ body: (RawSpan) -> Result) -> Result {
    let bytes = Array(text.utf8)
    let span = bytes.span
    return body(unsafe span.bytes)
  }

  private func scan(_ text: String) -> (id: String, method: String, kind: String)? {
    withSpan(text) { bytes in
      guard let found = EnvelopeScan(bytes, from: 0, to: bytes.byteCount) else { return nil }
      func part(_ range: Range<Int>) -> String {
        String(decoding: range.map { bytes.byte($0) }, as: UTF8.self)
      }
      return (
        part(found.id), part(found.method),
        found.result >= 0 ? "result" : found.error >= 0 ? "error" : ""
      )
    }
  }

  @Test func findsIDsOfAnyForm() throws {
    for id in ["7", "-12", #""a\"b""#, #""""#, "1.5e3", "null", #""}{""#] {
      let first = try #require(scan(#"{"id":\#(id),"jsonrpc":"2.0","method":"ping"}"#))
      #expect(first.id == id && first.method == "ping")
      let last = try #require(
        scan(
          #" { "method" : "tools/call" , "params":{"id":3,"a":[{"method":"x"}]}, "id" : \#(id) } "#)
      )
      #expect(last.id == id && last.method == "tools/call")
    }
  }

  @Test func tellsAnswersApart() throws {
    #expect(try #require(scan(#"{"id":1,"result":{"x":"#)).kind == "result")
    #expect(try #require(scan(#"{"error":{"code":-1},"id":1}"#)).kind == "error")
    #expect(try #require(scan("{}")).id == "")
    for text in [
      "", "[]", "{", #"{"id""#, #"{"id":}"#, #"{"id":1"#, #"{"method":"x","id":"un"#, #"{id:1}"#,
    ] {
      #expect(scan(text) == nil, "\(text)")
    }
  }

  @Test func answersHaveTheLengthThatWasAsked() {
    for era in WireEra.allCases {
      for shape in AnswerShape.allCases {
        for bytes in [512, 1000, 4096, 65536] {
          let text = CallResult(bytes: bytes, shape: shape, era: era).text
          let length = CallResult.beforeID.utf8.count + 1 + text.utf8.count
          #expect(
            length == bytes || (shape == .both && length == bytes - 1), "\(era) \(shape) \(bytes)")
        }
      }
    }
  }

  /// An answer, cut in two at every place, reads as the same status and body.
  @Test(arguments: [
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nMcp-Session-Id: s1\r\n\r\n2;a=b\r\nhe\r\n03\r\nllo\r\n0\r\nX: y\r\n\r\n",
  ])
  func answersReadTheSameWhereverTheyAreCut(answer: String) throws {
    let bytes = Array(answer.utf8)
    var pool = BlockPool(lentBytesMax: 1 << 20)
    for cut in 1..<bytes.count {
      guard let block = pool.take(atLeast: 4096) else { throw IOError(operation: "lend", code: 12) }
      defer { pool.give(block) }
      var reader = AnswerReader()
      block.write(Array(bytes[..<cut]), at: 0)
      #expect(reader.advance(block, count: cut, bytesMax: 1000) == .more)
      block.write(Array(bytes[cut...]), at: cut)
      #expect(reader.advance(block, count: bytes.count, bytesMax: 1000) == .complete)
      #expect(reader.status == 200)
      let body = block.bytes(from: reader.bodyStart, count: reader.bodyBytes)
      let isWhole = ByteSearch.equals("hello", in: body, from: 0, to: body.byteCount)
      #expect(isWhole)
    }
  }

  @Test func needlesAreFoundWhereverTheyAre() {
    let needle = Needle("isError")
    for length in 0..<40 {
      let text = String(repeating: "E", count: length) + "isError" + "isErr"
      #expect(withSpan(text) { needle.first(in: $0) } == length)
    }
    #expect(withSpan("isErro") { needle.first(in: $0) } == nil)
    #expect(withSpan("") { needle.first(in: $0) } == nil)
  }

  @Test func delayedSlotsComeInOrderAcrossGrowth() {
    var queue = DelayQueue(capacity: 2)
    for slot in 0..<3 { queue.append(UInt32(slot), at: UInt64(slot)) }
    #expect(queue.pop(now: 0)?.slot == 0)
    for slot in 3..<20 { queue.append(UInt32(slot), generation: 7, at: UInt64(slot)) }
    var order: [UInt32] = []
    while let due = queue.pop(now: 18) { order.append(due.slot) }
    #expect(order == Array(1...18))
    #expect(queue.nextDeadline == 19)
    #expect(queue.pop(now: 19)?.generation == 7)
    #expect(queue.nextDeadline == .max)
  }

  @Test func weightsAreSpreadEvenly() {
    #expect(RequestBook.spread([2, 1]) == [0, 1, 0])
    #expect(RequestBook.spread([1]) == [0])
    let order = RequestBook.spread([5, 3, 2])
    #expect((0..<3).map { call in order.count { $0 == call } } == [5, 3, 2])
  }

  @Test func addressesAreReadFromURLs() throws {
    let plain = try TargetURL("http://localhost:8080/orders/mcp?a=b")
    #expect(plain.address.description == "127.0.0.1:8080")
    #expect(plain.path == "/orders/mcp?a=b" && plain.host == "localhost:8080")
    #expect(try TargetURL("http://[::1]:99").address.description == "[::1]:99")
    #expect(try TargetURL("http://127.0.0.1").address.port == 80)
    for text in [
      "https://127.0.0.1/", "http://example.com/", "http://127.0.0.1:99999/", "127.0.0.1",
    ] {
      #expect(throws: IOError.self) { try TargetURL(text) }
    }
  }
}
