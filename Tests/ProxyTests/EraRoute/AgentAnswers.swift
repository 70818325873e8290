import Foundation

/// One HTTP answer as an agent reads it.
struct AgentAnswer {
  var status = 0
  var head = ""
  /// Without chunk framing.
  var body = ""
  /// It ended where its framing says that it ends.
  var isWhole = false

  /// The value of a field of the head.
  func field(_ name: String) -> String? {
    head.split(separator: "\r\n").first { $0.hasPrefix("\(name): ") }
      .map { String($0.dropFirst(name.count + 2)) }
  }

  /// The JSON-RPC messages in it, alone or as events. Those that were cut off are none.
  var messages: [[String: Any]] {
    let texts =
      head.contains("text/event-stream")
      ? body.components(separatedBy: "\n\n").dropLast().flatMap { event in
        event.split(separator: "\n").filter { $0.hasPrefix("data: ") }.map { $0.dropFirst(6) }
      } : [Substring(body)]
    return texts.compactMap { text in
      (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any]
    }
  }

  /// How many messages answer the request `id`.
  func answers(to id: Int) -> Int {
    messages.count { $0["method"] == nil && ($0["id"] as? Int) == id }
  }

  /// The ids of its events.
  var eventIDs: [String] { body.matches(of: /(?:^|\n)id: (\S+)\n/).map { String($0.1) } }

  /// Takes answers off the front of what has come on one connection, in the order of its requests. Those that are not whole
  /// stay there; the one that has begun is returned beside.
  static func take(_ bytes: inout [UInt8]) -> (whole: [AgentAnswer], begun: AgentAnswer?) {
    var answers: [AgentAnswer] = []
    var rest = bytes[...]
    defer { bytes.removeFirst(bytes.count - rest.count) }
    while let end = rest.firstRange(of: Array("\r\n\r\n".utf8)) {
      var answer = AgentAnswer()
      answer.head = String(decoding: rest[..<end.upperBound], as: UTF8.self)
      answer.status = Int(answer.head.dropFirst(9).prefix(3)) ?? 0
      var body = rest[end.upperBound...]
      if answer.head.contains("\r\nTransfer-Encoding: chunked\r\n") {
        body = answer.takeChunks(body)
      } else {
        let length = answer.field("Content-Length").flatMap { Int($0) } ?? 0
        answer.body = String(decoding: body.prefix(length), as: UTF8.self)
        answer.isWhole = body.count >= length
        body = body.dropFirst(length)
      }
      guard answer.isWhole else { return (answers, answer) }
      rest = body
      answers.append(answer)
    }
    return (answers, nil)
  }

  private mutating func takeChunks(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var rest = bytes
    while let line = rest.firstRange(of: Array("\r\n".utf8)) {
      let size = Int(String(decoding: rest[..<line.lowerBound], as: UTF8.self), radix: 16) ?? 0
      let chunk = rest[line.upperBound...]
      guard chunk.count >= size + 2 else { break }
      body += String(decoding: chunk.prefix(size), as: UTF8.self)
      rest = chunk.dropFirst(size + 2)
      if size == 0 {
        isWhole = true
        break
      }
    }
    return rest
  }
}
