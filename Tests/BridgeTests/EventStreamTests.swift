import Identity
import Testing

@testable import Bridge

/// The transport HTTP+SSE: events in pieces, and the address that a stream may name.
@Suite struct EventStreamTests {
  static let remote = RemoteServer(
    speech: .eventStream, origin: "https://orders.example:8443", target: "/v1/sse",
    access: RemoteAccess(host: "127.0.0.1", port: 8443, authority: "orders.example:8443"))

  @Test(arguments: [
    ("/messages/?session_id=5", "/messages/?session_id=5"),
    ("messages?session=5", "/v1/messages?session=5"),
    ("https://orders.example:8443/m?x=1", "/m?x=1"),
    ("HTTPS://Orders.Example:8443/m", "/m"),
    ("https://orders.example:8443.evil.example/m", nil),
    ("https://orders.example:8443@evil/m", nil),
    ("https://orders.example/m", nil), ("http://orders.example:8443/m", nil),
    ("https://evil.example/m", nil), ("//evil.example/m", nil), ("/\\evil.example", nil),
    ("../m", nil), ("", nil), ("?x=1", nil), ("/m#x", nil), ("/m\r\nX: y", nil), ("/ü", nil),
    ("https://orders.example:8443", nil),
  ])
  func theAddressLiesWhereTheStreamDoes(text: String, target: String?) {
    #expect(EventStreamDialogue.target(text, Self.remote) == target)
  }

  @Test func anySplitGivesTheSameEvents() throws {
    let stream = Array(
      "event: endpoint\r\ndata: /m\r\n\r\n: alive\n\ndata: {\"a\":\ndata: 1}\n\ndata:\n\nid: 7\n\nevent: message\ndata: 2\n\ndata: cut"
        .utf8)
    var whole = EventReader(eventBytesMax: 100)
    let expected = try whole.push(stream)
    #expect(
      expected.map { String(decoding: $0.data, as: UTF8.self) } == ["/m", "{\"a\":\n1}", "2"])
    for size in 1...stream.count {
      var reader = EventReader(eventBytesMax: 100)
      var events: [EventReader.Event] = []
      for start in stride(from: 0, to: stream.count, by: size) {
        events += try reader.push(Array(stream[start..<min(start + size, stream.count)]))
      }
      #expect(events == expected, "in pieces of \(size)")
    }
    var small = EventReader(eventBytesMax: 20)
    #expect(throws: RemoteFailure.tooLarge) {
      try small.push(Array("data: 0123456789012345678901\n\n".utf8))
    }
  }
}
