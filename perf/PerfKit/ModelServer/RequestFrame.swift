/// One request at the front of the bytes that have arrived.
struct RequestFrame {
  enum Outcome {
    case incomplete
    /// The head is there, says `Expect: 100-continue`, and the body is not there.
    case awaitsContinue
    case complete(RequestFrame)
    /// Answer with this status and close.
    case refused(UInt16)
  }

  var isPost = false
  var era = WireEra.legacy
  var keepAlive = true
  var body: Range<Int> = 0..<0

  /// Reads one request of at most `bytesMax` bytes.
  static func read(_ bytes: RawSpan, bytesMax: Int) -> Outcome {
    var frame = RequestFrame()
    var line = 0..<0
    var length = 0
    var isChunked = false
    var isMalformed = false
    var expects = false
    let bodyStart = HeadScan.read(bytes, firstLine: &line) { field in
      // Told apart by their lengths first: most fields are none of these.
      switch field.name.count {
      case 14 where bytes.name(field.name, is: "content-length"):
        let value = ByteSearch.decimal(
          in: bytes, from: field.value.lowerBound, to: field.value.upperBound)
        if let value { length = value } else { isMalformed = true }
      case 10 where bytes.name(field.name, is: "mcp-method"): frame.era = .modern
      case 10 where bytes.name(field.name, is: "connection"):
        if bytes.name(field.value, is: "close") { frame.keepAlive = false }
      case 17 where bytes.name(field.name, is: "transfer-encoding"): isChunked = true
      case 6 where bytes.name(field.name, is: "expect"): expects = true
      default: break
      }
    }
    guard let bodyStart else {
      return bytes.byteCount > 65536 ? .refused(400) : .incomplete
    }
    if isMalformed || line.count < 14 { return .refused(400) }
    if isChunked { return .refused(411) }
    if length > bytesMax { return .refused(413) }
    frame.isPost = ByteSearch.equals(
      "POST ", in: bytes, from: line.lowerBound, to: line.lowerBound + 5)
    if bytes.byteCount - bodyStart < length { return expects ? .awaitsContinue : .incomplete }
    frame.body = bodyStart..<(bodyStart + length)
    return .complete(frame)
  }
}
