import Wire

/// What a request head came to, in values that compare and print well.
enum RequestReading: Equatable {
  case incomplete
  case refused(HTTPRefusalReason, UInt16)
  case complete(RequestSummary)
}

struct RequestSummary: Equatable {
  var method: HTTPMethod
  var target: String
  var query: String
  var minorVersion: UInt8
  var headBytes: UInt32
  var framing: RequestFraming
  var keepAlive: Bool
  var expectsContinue: Bool
  var accepts: AcceptedTypes
  var fields: [String]
}

/// A head with `|` written for CRLF.
func httpBytes(_ text: String) -> [UInt8] {
  Array(text.replacing("|", with: "\r\n").utf8)
}

func httpText(_ bytes: [UInt8], _ range: ByteRange) -> String {
  String(decoding: bytes[range.range], as: UTF8.self)
}

/// Parses `bytes` after having shown the parser only its first `splits` bytes, one length after the other.
func readRequest(
  _ bytes: [UInt8], splits: [Int] = [], limits: HTTPLimits = HTTPLimits()
) -> RequestReading {
  var head = RequestHead()
  return readRequest(bytes, splits: splits, limits: limits, head: &head)
}

func readRequest(
  _ bytes: [UInt8], splits: [Int] = [], limits: HTTPLimits = HTTPLimits(), head: inout RequestHead
) -> RequestReading {
  var fields = FieldTable(limits: limits)
  var scanned: UInt32 = 0
  var result = HeadResult.incomplete
  for length in splits + [bytes.count] {
    result = RequestHeadParser.parse(
      bytes.rawBytes.extracting(0..<length), scannedUpTo: &scanned, limits: limits, into: &head,
      fields: &fields)
    if result != .incomplete { break }
  }
  switch result {
  case .incomplete: return .incomplete
  case .refused(let refusal): return .refused(refusal.reason, refusal.status)
  case .complete:
    var lines: [String] = []
    for index in 0..<fields.count {
      let field = fields[index]
      lines.append("\(field.known) \(httpText(bytes, field.name))=\(httpText(bytes, field.value))")
    }
    return .complete(
      RequestSummary(
        method: head.method, target: httpText(bytes, head.target),
        query: httpText(bytes, head.query),
        minorVersion: head.minorVersion, headBytes: head.headBytes, framing: head.framing,
        keepAlive: head.keepAlive, expectsContinue: head.expectsContinue, accepts: head.accepts,
        fields: lines))
  }
}

/// What an answer's head came to.
func readResponse(
  _ bytes: [UInt8], splits: [Int] = [], limits: HTTPLimits = HTTPLimits(), head: inout ResponseHead
) -> HeadResult {
  var fields = FieldTable(limits: limits)
  var scanned: UInt32 = 0
  var result = HeadResult.incomplete
  for length in splits + [bytes.count] {
    result = ResponseHeadParser.parse(
      bytes.rawBytes.extracting(0..<length), scannedUpTo: &scanned, limits: limits, into: &head,
      fields: &fields)
    if result != .incomplete { break }
  }
  return result
}

/// Runs `body` with a writer over fresh memory and returns what it wrote; nil when it did not fit.
func httpWritten(capacity: Int = 1 << 16, _ body: (inout ByteWriter) -> Void) -> [UInt8]? {
  let memory = UnsafeMutableRawPointer.allocate(byteCount: max(capacity, 1), alignment: 16)
  defer { unsafe memory.deallocate() }
  var writer = unsafe ByteWriter(unsafeInto: memory, capacity: capacity)
  body(&writer)
  guard !writer.overflowed else { return nil }
  let count = writer.count
  return unsafe Array(UnsafeRawBufferPointer(start: memory, count: count))
}

/// A small generator with a seed, so that a failure can be repeated.
struct HTTPSeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    // SplitMix64 (Steele, Lea, Flood 2014).
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed &>> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed &>> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed &>> 31)
  }
}

extension [UInt8] {
  var rawBytes: RawSpan {
    @_lifetime(borrow self)
    get { unsafe span.bytes }
  }
}
