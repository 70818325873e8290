import CScan
import Testing
import Wire

@Suite struct HTTPSplitTests {
  static let heads: [String] = [
    HTTPRequestHeadTests.typical,
    "GET / HTTP/1.1|Host: a||",
    "POST /mcp?x=%41 HTTP/1.1|Host: a|Transfer-Encoding: chunked|X: \(String(repeating: "y", count: 200))||",
    "POST / HTTP/1.1|Host: a|Content-Length: 5|Content-Length: 6||",
  ]

  @Test(arguments: heads)
  func everySplitReadsTheSame(text: String) {
    let bytes = httpBytes(text + "body: |x|")
    let whole = readRequest(bytes)
    #expect(whole != .incomplete)
    for cut in 0...bytes.count {
      #expect(readRequest(bytes, splits: [cut]) == whole, "cut at \(cut)")
    }
    #expect(readRequest(bytes, splits: Array(0...bytes.count)) == whole)
    for stride in [2, 7, 63, 64, 65] {
      let lengths = Array(Swift.stride(from: 0, to: bytes.count, by: stride))
      #expect(readRequest(bytes, splits: lengths) == whole, "every \(stride)")
    }
  }

  @Test(arguments: heads)
  func everyShorterPrefixIsIncomplete(text: String) {
    let bytes = httpBytes(text)
    for count in 0..<bytes.count {
      #expect(readRequest(Array(bytes[..<count])) == .incomplete, "\(count) bytes")
    }
  }

  /// Damaged heads read the same in one piece and in two, and never read beyond what is there.
  @Test func mutationsReadTheSameHoweverTheyAreSplit() {
    var random = HTTPSeededGenerator(seed: 20_260_728)
    let pieces: [[UInt8]] = [
      "\r\n", "\n", "\r", ":", " ", "\t", "\0", "%2e", "/", "..", "chunked", "é", "_",
    ].map {
      Array($0.utf8)
    }
    var accepted = 0
    for _ in 0..<4000 {
      var bytes = httpBytes(Self.heads.randomElement(using: &random)!)
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(contentsOf: pieces.randomElement(using: &random)!, at: place)
        default: bytes[place] ^= 0x20
        }
      }
      let whole = readRequest(bytes)
      let cut = Int.random(in: 0...bytes.count, using: &random)
      #expect(readRequest(bytes, splits: [cut]) == whole, "\(bytes) cut at \(cut)")
      if case .complete(let summary) = whole {
        accepted += 1
        let segments = summary.target.split(separator: "/").map { $0.prefix { $0 != ";" } }
        #expect(summary.target.hasPrefix("/"))
        #expect(!segments.contains("..") && !segments.contains("."), "\(summary.target)")
      }
    }
    // The test says something only if both outcomes occur.
    #expect(accepted > 100 && accepted < 3900)
  }

  @Test func kernelsAgree() {
    var random = HTTPSeededGenerator(seed: 7)
    let alphabet: [UInt8] = Array("\r\n:\t a\u{7f}\0é".utf8) + [0xff, 0x1f, 0x80, 0x3b]
    for _ in 0..<2000 {
      let count = Int.random(in: 1...300, using: &random)
      var bytes = (0..<count).map { _ in UInt8.random(in: 0x20...0x7e, using: &random) }
      for _ in 0..<Int.random(in: 0...12, using: &random) {
        bytes[Int.random(in: 0..<count, using: &random)] = alphabet.randomElement(using: &random)!
      }
      if Bool.random(using: &random) { bytes += Array("\r\n\r\n".utf8) }
      let from = Int.random(in: 0...bytes.count, using: &random) & ~63
      let readings = (0..<3).map { Self.marks(kernel: $0, bytes, from) }
      #expect(readings[0] == readings[1] && readings[0] == readings[2], "\(bytes)")
    }
  }

  private static func marks(kernel: Int32, _ bytes: [UInt8], _ from: Int) -> [UInt64] {
    var marks = [cscan_http_marks](
      repeating: cscan_http_marks(line_feeds: 0, colons: 0, high: 0), count: bytes.count / 64 + 1)
    let scan = unsafe cscan_http_mark_with(kernel, bytes, from, bytes.count, &marks)
    return [UInt64(bitPattern: Int64(scan.head_bytes)), UInt64(bitPattern: Int64(scan.bad_offset))]
      + marks.flatMap { [$0.line_feeds, $0.colons, $0.high] }
  }

  // MARK: Limits

  @Test func headsUpToTheLimitAreRead() {
    var limits = HTTPLimits()
    for limit in [128, 1000, 1024] {
      limits.headBytesMax = limit
      let frame = httpBytes("GET / HTTP/1.1|Host: a|X: ||").count
      for (extra, isRead) in [(-1, true), (0, true), (1, false)] {
        let filling = String(repeating: "y", count: limit - frame + extra)
        let reading = readRequest(
          httpBytes("GET / HTTP/1.1|Host: a|X: \(filling)||"), limits: limits)
        if isRead {
          guard case .complete = reading else {
            Issue.record("not read: \(limit) \(extra) \(reading)")
            continue
          }
        } else {
          #expect(reading == .refused(.headTooLarge, 431))
        }
      }
    }
    // A head without end is refused as soon as the limit is reached.
    #expect(
      readRequest(Array(repeating: 0x41, count: 1024), limits: limits)
        == .refused(.headTooLarge, 431))
    #expect(readRequest(Array(repeating: 0x41, count: 1023), limits: limits) == .incomplete)
  }

  @Test func fieldsUpToTheLimitAreRead() {
    var limits = HTTPLimits()
    limits.fieldCountMax = 5
    func reading(_ count: Int) -> RequestReading {
      readRequest(
        httpBytes("GET / HTTP/1.1|Host: a|\(String(repeating: "X: y|", count: count - 1))|"),
        limits: limits)
    }
    if case .complete(let summary) = reading(5) {
      #expect(summary.fields.count == 5)
    } else {
      Issue.record("five fields are not read")
    }
    #expect(reading(6) == .refused(.tooManyFields, 431))
  }

  @Test func targetsUpToTheLimitAreRead() {
    var limits = HTTPLimits()
    limits.targetBytesMax = 20
    func reading(_ count: Int) -> RequestReading {
      readRequest(
        httpBytes("GET /\(String(repeating: "a", count: count - 1)) HTTP/1.1|Host: a||"),
        limits: limits)
    }
    if case .complete(let summary) = reading(20) {
      #expect(summary.target.utf8.count == 20)
    } else {
      Issue.record("twenty bytes are not read")
    }
    #expect(reading(21) == .refused(.targetTooLong, 414))
  }
}
