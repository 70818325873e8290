import EventLoop

/// An HTTP answer that is complete but for the request's id.
///
/// Three pieces, and two things between them that depend on the id: the length and the id itself.
///
///     head  = HTTP/1.1 200 OK … Content-Length:␠      (or, chunked: the head and the chunks before the last one)
///     length of `counted` bytes plus the id            (decimal, or hexadecimal when chunked)
///     front = CRLF CRLF {"jsonrpc":"2.0","id":
///     id
///     back  = ,"result":{…}}                           (or, chunked: with the chunk's end and the last chunk)
///
/// `back` is by far the longest and never changes, so a connection writes it once into its block at a fixed place and then
/// only what stands before it: an answer of 64 KiB costs no copy of 64 KiB.
struct AnswerTemplate: Sendable {
  let head: [UInt8]
  let front: [UInt8]
  let back: [UInt8]
  let counted: Int
  let isChunked: Bool
  /// The most bytes an id may have.
  static let idBytesMax = 256

  /// Bytes before `back`, at the most.
  var frontMax: Int { head.count + 20 + front.count + AnswerTemplate.idBytesMax }
  var blockBytes: Int { frontMax + back.count }

  /// An answer of one JSON document; `text` stands after the id.
  static func json(status: String = "200 OK", fields: String = "", text: String, chunked: Bool)
    -> AnswerTemplate
  {
    let head = "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\n\(fields)"
    let before = CallResult.beforeID
    if chunked {
      return AnswerTemplate(
        head: head + "Transfer-Encoding: chunked\r\n\r\n", front: "\r\n" + before,
        back: text + "\r\n0\r\n\r\n", counted: before.utf8.count + text.utf8.count, isChunked: true)
    }
    return AnswerTemplate(
      head: head + "Content-Length: ", front: "\r\n\r\n" + before, back: text,
      counted: before.utf8.count + text.utf8.count, isChunked: false)
  }

  /// An event stream: notifications, each in a chunk of its own, then the answer and the end.
  static func events(notifications: [String], text: String) -> AnswerTemplate {
    var head =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
      + "Transfer-Encoding: chunked\r\n\r\n"
    for notification in notifications {
      let event = "event: message\r\ndata: \(notification)\r\n\r\n"
      head += String(event.utf8.count, radix: 16) + "\r\n" + event + "\r\n"
    }
    let before = "event: message\r\ndata: " + CallResult.beforeID
    let after = text + "\r\n\r\n"
    return AnswerTemplate(
      head: head, front: "\r\n" + before, back: after + "\r\n0\r\n\r\n",
      counted: before.utf8.count + after.utf8.count, isChunked: true)
  }

  private init(head: String, front: String, back: String, counted: Int, isChunked: Bool) {
    self.head = Array(head.utf8)
    self.front = Array(front.utf8)
    self.back = Array(back.utf8)
    self.counted = counted
    self.isChunked = isChunked
  }

  /// Writes the unchanging end of the answer into a block that will serve many requests.
  func writeBack(into block: Block) { block.write(back, at: frontMax) }

  /// Writes what stands before it, for this id.
  /// - Returns: the answer's place in the block.
  func writeFront(id: RawSpan, into block: Block) -> Range<Int> {
    let lengthDigits = digitCount(counted + id.byteCount)
    let start = frontMax - id.byteCount - front.count - lengthDigits - head.count
    var place = start
    block.write(head, at: place)
    place += head.count
    writeDigits(counted + id.byteCount, count: lengthDigits, into: block, at: place)
    place += lengthDigits
    block.write(front, at: place)
    block.write(id, at: place + front.count)
    return start..<blockBytes
  }

  private var radix: Int { isChunked ? 16 : 10 }

  private func digitCount(_ number: Int) -> Int {
    var count = 1
    var rest = number / radix
    while rest > 0 {
      count += 1
      rest /= radix
    }
    return count
  }

  private func writeDigits(_ number: Int, count: Int, into block: Block, at offset: Int) {
    var rest = number
    for place in stride(from: offset + count - 1, through: offset, by: -1) {
      let digit = UInt8(truncatingIfNeeded: rest % radix)
      block.storeByte(digit < 10 ? 0x30 + digit : 0x57 + digit, at: place)
      rest /= radix
    }
  }
}
