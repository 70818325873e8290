import EventLoop

/// One kind of HTTP request, complete but for its id and its session.
///
/// The id is a number of always twelve digits, so the length of the request is known beforehand:
/// `{"jsonrpc":"2.0","id":100000000042,"method":"tools/call",…}`.
struct RequestTemplate: Sendable {
  /// What an id is at least; the number of the request is added.
  static let idBase: UInt64 = 100_000_000_000
  static let idDigits = 12

  /// Up to the place of a session's field line.
  let head: [UInt8]
  /// From there to the end.
  let rest: [UInt8]
  /// Where in `rest` the id's first digit is; -1 for a notification.
  let idOffset: Int

  init(
    _ settings: LoadSettings, era: WireEra, method: String, name: String?, params: String?,
    isNotification: Bool = false
  ) {
    let id = isNotification ? "" : #","id":\#(RequestTemplate.idBase)"#
    let parameters = params.map { #","params":\#($0)"# } ?? ""
    let body = #"{"jsonrpc":"2.0"\#(id),"method":"\#(method)"\#(parameters)}"#
    var head = "POST \(settings.path) HTTP/1.1\r\nHost: \(settings.host)\r\n"
    head += "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
    for header in settings.headers { head += header + "\r\n" }
    if method != "initialize" { head += "MCP-Protocol-Version: \(era.version)\r\n" }
    if era == .modern {
      head += "Mcp-Method: \(method)\r\n"
      if let name { head += "Mcp-Name: \(name)\r\n" }
    }
    let rest = "Content-Length: \(body.utf8.count)\r\n\r\n" + body
    self.head = Array(head.utf8)
    self.rest = Array(rest.utf8)
    let bodyStart = self.rest.count - body.utf8.count
    idOffset = isNotification ? -1 : bodyStart + #"{"jsonrpc":"2.0","id":"#.utf8.count
  }

  /// The bytes needed for this request with a session line of `sessionBytes`.
  func length(sessionBytes: Int) -> Int { head.count + sessionBytes + rest.count }

  /// Writes the request and gives its length.
  func write(into block: Block, id: UInt64, session: Block, sessionBytes: Int) -> Int {
    block.write(head, at: 0)
    var place = head.count
    if sessionBytes > 0 {
      block.write(session.bytes(sessionBytes), at: place)
      place += sessionBytes
    }
    block.write(rest, at: place)
    if idOffset >= 0 {
      var number = id
      for digit in stride(
        from: place + idOffset + RequestTemplate.idDigits - 1, through: place + idOffset, by: -1)
      {
        block.storeByte(UInt8(truncatingIfNeeded: 0x30 + number % 10), at: digit)
        number /= 10
      }
    }
    return place + rest.count
  }
}
