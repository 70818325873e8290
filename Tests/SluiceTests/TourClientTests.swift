import ExampleServer
import PlainJSON
import Testing

@testable import sluice

@Suite struct TourClientTests {
  private func reply(_ text: String) throws -> TourClient.Reply {
    try TourClient.reply(from: Array(text.utf8))
  }

  @Test func plainChunkedAndStreamedAnswersAreRead() throws {
    let plain = try reply("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"id\": 11}")
    #expect(plain.status == 200)
    #expect(plain.message?["id"] == 11)
    let chunked = try reply(
      "HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\n{\"id\"\r\n5\r\n: 12}\r\n0\r\n\r\n"
    )
    #expect(chunked.status == 400)
    #expect(chunked.message?["id"] == 12)
    let streamed = try reply(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: message\r\ndata: {\"id\":13}\r\n\r\n"
    )
    #expect(streamed.message?["id"] == 13)
  }

  @Test(arguments: [
    "", "nonsense", "HTTP/1.1 200 OK\r\n", "SSH-2.0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
  ])
  func brokenAnswersAreErrors(text: String) {
    #expect(throws: TourClient.Failure.self) { try reply(text) }
  }

  @Test func aTableAlignsItsColumns() {
    let table = TextTable(
      columns: ["a", "name"],
      rows: [["a": 1, "name": "Ann"], ["a": 12_345, "name": .null]])
    #expect(table.lines { $0 } == ["a      name", "1      Ann", "12345  null"])
  }
}
