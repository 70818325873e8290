extension TourClient {
  /// Reads a whole answer: `HTTP/1.1 200 OK`, fields, a blank line, and the body as its framing says.
  static func reply(from bytes: [UInt8]) throws -> Reply {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else {
      throw Failure(description: "No HTTP answer came back, only: \(text.prefix(80))")
    }
    let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
    let statusLine = head.first?.split(separator: " ") ?? []
    guard statusLine.count >= 2, statusLine[0].hasPrefix("HTTP/1."), let status = Int(statusLine[1])
    else {
      throw Failure(description: "Not an HTTP answer: \(text.prefix(80))")
    }
    var fields: [String: String] = [:]
    for line in head.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      fields[parts[0].lowercased()] =
        parts.count == 2 ? parts[1].drop { $0 == " " }.lowercased() : ""
    }
    var body = bytes[end.upperBound...]
    if fields["transfer-encoding"] == "chunked" {
      body = try joinedChunks(body)[...]
    } else if let length = fields["content-length"].flatMap({ Int($0) }) {
      guard body.count == length else {
        throw Failure(description: "The answer broke off: \(body.count) of \(length) bytes.")
      }
    }
    return Reply(status: status, body: String(decoding: body, as: UTF8.self))
  }

  /// `5\r\nhello\r\n0\r\n\r\n` -> `hello`
  private static func joinedChunks(_ bytes: ArraySlice<UInt8>) throws -> [UInt8] {
    var rest = bytes
    var joined: [UInt8] = []
    while let lineEnd = rest.firstRange(of: Array("\r\n".utf8)) {
      let line = String(decoding: rest[..<lineEnd.lowerBound], as: UTF8.self)
      guard let size = Int(line.prefix { $0 != ";" }, radix: 16), size >= 0 else { break }
      rest = rest[lineEnd.upperBound...]
      if size == 0 { return joined }
      guard rest.count >= size + 2 else { break }
      joined += rest.prefix(size)
      rest = rest.dropFirst(size + 2)
    }
    throw Failure(description: "The answer broke off inside its chunks.")
  }
}
