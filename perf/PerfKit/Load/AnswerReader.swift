import EventLoop

/// One answer as it arrives: what its head said and how much of it is there.
///
/// An answer that arrives in one piece and with a length is checked where it lies. Any other is gathered in a block,
/// and a chunked one is decoded in place, so that the checks always see one plain body.
struct AnswerReader {
  enum Framing: UInt8 { case none, length, chunked, untilClose }
  enum Progress { case more, complete, malformed, tooLarge }

  private(set) var status = 0
  private(set) var framing = Framing.none
  private(set) var isEventStream = false
  private(set) var keepAlive = true
  /// Where the body begins; 0 while the head is not complete.
  private(set) var bodyStart = 0
  private(set) var bodyBytes = 0
  /// Value of `Mcp-Session-Id`, within the head.
  private(set) var session: Range<Int> = 0..<0
  private var chunks = ChunkedBody(bodyStart: 0)

  /// The body's place, once complete.
  var body: Range<Int> { bodyStart..<(bodyStart + bodyBytes) }

  /// Looks whether `bytes` are one whole answer with a length.
  mutating func readWhole(_ bytes: RawSpan) -> Progress {
    guard readHead(bytes) else { return .more }
    if status < 100 { return .malformed }
    guard framing == .length else { return .more }
    let missing = bodyStart + bodyBytes - bytes.byteCount
    return missing == 0 ? .complete : missing > 0 ? .more : .malformed
  }

  /// Goes on with the first `count` bytes gathered in `block`.
  mutating func advance(_ block: Block, count: Int, bytesMax: Int) -> Progress {
    if bodyStart == 0 {
      guard readHead(block.bytes(count)) else { return count > 65536 ? .malformed : .more }
      if status < 100 { return .malformed }
    }
    switch framing {
    case .length, .none:
      if bodyBytes > bytesMax { return .tooLarge }
      let missing = bodyStart + bodyBytes - count
      return missing == 0 ? .complete : missing > 0 ? .more : .malformed
    case .chunked:
      if count - bodyStart > bytesMax { return .tooLarge }
      let progress = chunks.advance(block, count: count)
      if progress == .malformed { return .malformed }
      guard progress == .complete else { return .more }
      bodyBytes = chunks.written - bodyStart
      return chunks.read == count ? .complete : .malformed
    case .untilClose:
      return count - bodyStart > bytesMax ? .tooLarge : .more
    }
  }

  /// The peer has closed: complete only when that is what ends this answer.
  mutating func finish(count: Int) -> Bool {
    guard bodyStart > 0, framing == .untilClose else { return false }
    bodyBytes = count - bodyStart
    return true
  }

  /// How many bytes the block must hold at least, as far as that is known.
  func bytesExpected(atLeast count: Int) -> Int {
    framing == .length ? max(count, bodyStart + bodyBytes) : count
  }

  private mutating func readHead(_ bytes: RawSpan) -> Bool {
    var line = 0..<0
    var reader = AnswerReader()
    reader.framing = .untilClose
    var isMalformed = false
    let start = HeadScan.read(bytes, firstLine: &line) { field in
      switch field.name.count {
      case 14 where bytes.name(field.name, is: "content-length"):
        let value = ByteSearch.decimal(
          in: bytes, from: field.value.lowerBound, to: field.value.upperBound)
        if let value, reader.framing != .chunked {
          reader.bodyBytes = value
          reader.framing = .length
        } else {
          isMalformed = true
        }
      case 17 where bytes.name(field.name, is: "transfer-encoding"):
        if bytes.name(field.value, is: "chunked") && reader.framing != .length {
          reader.framing = .chunked
        } else {
          isMalformed = true
        }
      case 12 where bytes.name(field.name, is: "content-type"):
        let end = min(field.value.upperBound, field.value.lowerBound + 17)
        reader.isEventStream = bytes.name(field.value.lowerBound..<end, is: "text/event-stream")
      case 10 where bytes.name(field.name, is: "connection"):
        reader.keepAlive = !bytes.name(field.value, is: "close")
      case 14 where bytes.name(field.name, is: "mcp-session-id"): reader.session = field.value
      default: break
      }
    }
    guard let start else { return false }
    if ByteSearch.equals("HTTP/1.1 ", in: bytes, from: line.lowerBound, to: line.lowerBound + 9) {
      reader.status = ByteSearch.decimal(in: bytes, from: 9, to: min(12, line.upperBound)) ?? 0
    }
    if isMalformed { reader.status = 0 }
    if reader.status == 204 || reader.status == 304 {
      reader.framing = .none
      reader.bodyBytes = 0
    }
    reader.bodyStart = start
    reader.chunks = ChunkedBody(bodyStart: start)
    self = reader
    return true
  }
}
