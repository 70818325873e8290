import Testing
import Wire

@Suite struct HTTPBodyTests {
  enum Decoded: Equatable {
    case ended(String, rest: Int)
    case more(String)
    case malformed(ChunkViolation)
  }

  static func decode(_ pieces: [[UInt8]], limits: HTTPLimits = HTTPLimits()) -> Decoded {
    var decoder = ChunkedDecoder(limits: limits)
    var body: [UInt8] = []
    for (number, piece) in pieces.enumerated() {
      var at = 0
      var isDone = false
      while !isDone {
        switch decoder.next(piece.rawBytes, at: &at) {
        case .data(let range): body += piece[range.range]
        case .needMore: isDone = true
        case .end:
          let rest = piece.count - at + pieces[(number + 1)...].reduce(0) { $0 + $1.count }
          return .ended(String(decoding: body, as: UTF8.self), rest: rest)
        case .malformed(let violation): return .malformed(violation)
        }
      }
    }
    return .more(String(decoding: body, as: UTF8.self))
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var text: String
    var result: Decoded
    var testDescription: String { text.debugDescription }
    init(_ text: String, _ result: Decoded) { (self.text, self.result) = (text, result) }
  }

  static let rows: [Row] = [
    Row("0||", .ended("", rest: 0)),
    Row("5|hello|0||", .ended("hello", rest: 0)),
    Row("5|hello|6| world|0||GET ", .ended("hello world", rest: 4)),
    Row("00000005|hello|0||", .ended("hello", rest: 0)),
    Row("A|0123456789|0||", .ended("0123456789", rest: 0)),
    Row("a|0123456789|000||", .ended("0123456789", rest: 0)),
    Row("2|\r\n|0||", .ended("\r\n", rest: 0)),
    Row("5;a=b;c;d=\"e f\"|hello|0;x||", .ended("hello", rest: 0)),
    Row("1|x|0|A: b|C:|D: \u{e9}||", .ended("x", rest: 0)),
    Row("5|hel", .more("hel")),
    Row("5|hello|", .more("hello")),
    Row("5|hello|0|", .more("hello")),
    Row("", .more("")),
    Row("|", .malformed(.size)),
    Row("g|", .malformed(.size)),
    Row("-1|", .malformed(.size)),
    Row(" 5|hello|0||", .malformed(.size)),
    Row("5 |hello|0||", .malformed(.size)),
    Row("0x5|hello|0||", .malformed(.size)),
    Row("5\n", .malformed(.size)),
    Row("5\rx", .malformed(.size)),
    Row(";a|", .malformed(.size)),
    Row("000000005|", .malformed(.sizeTooLarge)),
    Row("100000000|", .malformed(.sizeTooLarge)),
    Row("5; a|", .malformed(.extensionMalformed)),
    Row("5;|", .malformed(.extensionMalformed)),
    Row("5;a=|", .malformed(.extensionMalformed)),
    Row("5;a\n", .malformed(.extensionMalformed)),
    Row("5;a=\"b\\\"\"|", .malformed(.extensionMalformed)),
    Row("5;a=\"b\n", .malformed(.extensionMalformed)),
    Row("5;\(String(repeating: "a", count: 300))|", .malformed(.extensionTooLong)),
    Row("5|hellox", .malformed(.dataEnd)),
    Row("5|hello\n", .malformed(.dataEnd)),
    Row("5|hello\rx", .malformed(.dataEnd)),
    Row("0\n", .malformed(.size)),
    Row("0|\n", .malformed(.trailer)),
    Row("0| A: b||", .malformed(.trailer)),
    Row("0|A : b||", .malformed(.trailer)),
    Row("0|A||", .malformed(.trailer)),
    Row("0|:b||", .malformed(.trailer)),
    Row("0|A: b| c||", .malformed(.trailer)),
    Row("0|A: \0||", .malformed(.trailer)),
    Row("0|A: b\n|", .malformed(.trailer)),
    Row("0|Content-Length: 5||", .malformed(.trailerForbidden)),
    Row("0|transfer-ENCODING: chunked||", .malformed(.trailerForbidden)),
    Row("0|A: \(String(repeating: "b", count: 8192))||", .malformed(.trailerTooLong)),
  ]

  @Test(arguments: rows)
  func chunksInOnePieceAndInEverySplit(row: Row) {
    let bytes = httpBytes(row.text)
    #expect(Self.decode([bytes]) == row.result)
    #expect(Self.decode(bytes.map { [$0] }) == row.result)
    guard bytes.count < 400 else { return }
    for cut in 0...bytes.count {
      #expect(
        Self.decode([Array(bytes[..<cut]), Array(bytes[cut...])]) == row.result, "cut at \(cut)")
    }
  }

  @Test func decoderStaysWhereItEnded() {
    var decoder = ChunkedDecoder(limits: HTTPLimits())
    let bytes = httpBytes("0||next")
    var at = 0
    #expect(decoder.next(bytes.rawBytes, at: &at) == .end)
    #expect(at == 5 && decoder.hasEnded)
    #expect(decoder.next(bytes.rawBytes, at: &at) == .end)
    #expect(at == 5)
  }

  @Test func writtenChunksReadBack() {
    var random = HTTPSeededGenerator(seed: 3)
    for _ in 0..<50 {
      let sizes = (0..<5).map { _ in Int.random(in: 1...5000, using: &random) }
      let body = sizes.map { [UInt8](repeating: 0x61, count: $0) }
      let stream = httpWritten { out in
        for piece in body {
          HTTPWriter.chunkStart(piece.count, into: &out)
          out.append(piece.rawBytes)
          HTTPWriter.chunkEnd(into: &out)
        }
        HTTPWriter.lastChunk(into: &out)
      }
      let text = String(repeating: "a", count: sizes.reduce(0, +))
      #expect(Self.decode([stream ?? []]) == .ended(text, rest: 0))
    }
  }

  @Test(arguments: [
    (1, "1"), (15, "f"), (16, "10"), (255, "ff"), (256, "100"), (65536, "10000"),
    (4_294_967_295, "ffffffff"),
  ])
  func chunkSizes(size: Int, digits: String) {
    let line = httpWritten(capacity: HTTPWriter.chunkStartBytesMax) {
      HTTPWriter.chunkStart(size, into: &$0)
    }
    #expect(line == Array("\(digits)\r\n".utf8))
  }
}
