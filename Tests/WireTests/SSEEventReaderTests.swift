import Testing
import Wire

/// Events that are read as they come, against the parser that waits for their end.
struct SSEEventReaderTests {
  /// The event's data, cut at every offset given; nil when the event is another's.
  private func read(_ text: String, cuts: [Int]) -> (data: String?, ended: Bool) {
    let bytes = Array(text.utf8)
    var reader = SSEEventReader()
    var data: [UInt8] = []
    var start = 0
    for end in cuts + [bytes.count] {
      var at = 0
      let piece = unsafe bytes.span.bytes.extracting(start..<end)
      reading: while true {
        switch reader.next(piece, at: &at) {
        case .needMore: break reading
        case .data(let range):
          data += bytes[(start + range.lowerBound)..<(start + range.upperBound)]
        case .lineBreak: data.append(0x0A)
        case .otherEvent: return (nil, false)
        case .end: return (String(decoding: data, as: UTF8.self), true)
        }
      }
      start = end
    }
    return (String(decoding: data, as: UTF8.self), false)
  }

  @Test(arguments: [
    ("data: x\n\n", "x"), ("data:x\ndata: y\n\n", "x\ny"), ("data\ndata:\n\n", "\n"),
    ("event: message\r\nid: 7\r\ndata:  x\r\n\r\n", " x"), ("data: a\rdata: b\r\r", "a\nb"),
    (": comment\ndata: {\ndatax: no\nretry: 3\ndata: }\n\n", "{\n}"),
    ("event:\ndata: x\n\n", "x"), ("event\ndata: x\n\n", "x"), ("dat: no\ndata: über\n\n", "über"),
  ])
  func dataIsWhatTheEventHolds(text: String, data: String) {
    let count = text.utf8.count
    for cut in 0...count {
      let result = read(text, cuts: [cut])
      #expect(result.data == data && result.ended, "cut at \(cut)")
    }
    #expect(read(text, cuts: Array(1..<count)).data == data)
    // Until its blank line has come the event has not ended.
    let open = text.hasSuffix("\r\n\r\n") ? 2 : 1
    #expect(!read(String(text.unicodeScalars.dropLast(open)), cuts: []).ended)
  }

  @Test(arguments: ["endpoint", "Message", "messages", "a very long name that nobody has"])
  func otherEventsAreTold(name: String) {
    #expect(read("event: \(name)\ndata: x\n\n", cuts: [3]).data == nil)
  }
}
