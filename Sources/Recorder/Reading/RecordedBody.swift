internal import Audit

/// Which of a call's two bodies.
enum BodyPart: Sendable, Equatable { case request, answer }

extension RecordedEntry {
  /// Where the entry's share of a body stands in its bytes; nil when an entry of this kind has none.
  func body(_ part: BodyPart) -> Range<Int>? {
    switch (kind, part) {
    case (.opening, .request):
      let hasMore = number(UInt8.self, at: 5) & EntryFormat.moreTextsFlag != 0
      var start = EntryFormat.openingBytes + (hasMore ? EntryFormat.moreTextsBytes : 0)
      for text in 0..<EntryFormat.openingTexts {
        start += Int(number(UInt16.self, at: 50 + 2 * text))
      }
      if hasMore { start += Int(number(UInt16.self, at: 64)) + Int(number(UInt16.self, at: 66)) }
      return range(from: start, count: number(UInt32.self, at: 40))
    case (.requestPiece, .request), (.answerPiece, .answer):
      return range(from: EntryFormat.pieceBytes, count: number(UInt32.self, at: 24))
    case (.closing, .answer):
      let hasSession = number(UInt8.self, at: 5) & EntryFormat.sessionFlag != 0
      let start = EntryFormat.closingBytes + (hasSession ? Int(number(UInt16.self, at: 94)) : 0)
      return range(from: start, count: number(UInt32.self, at: 84))
    default: return nil
    }
  }

  /// Where in its body the entry's share belongs; nil where that goes without saying.
  var bodyOffset: Int? {
    switch kind {
    case .requestPiece, .answerPiece: Int(clamping: number(UInt64.self, at: 16))
    default: nil
    }
  }

  /// Less than `count` bytes when the entry claims more than it has.
  private func range(from start: Int, count: UInt32) -> Range<Int> {
    let start = min(start, bytes.byteCount)
    return start..<min(start + Int(count), bytes.byteCount)
  }
}

/// One body as it comes by: how long it is, whether anything is missing in between, and whether it is text.
struct BodyMeter {
  private(set) var count = 0
  private(set) var isContinuous = true
  /// Whether all of it is text in UTF-8.
  var isText: Bool { isTextSoFar && text.isComplete }
  private var isTextSoFar = true
  private var text = TextPieces()

  /// - Parameter offset: where the piece belongs, if it says so.
  mutating func take(_ piece: [UInt8], at offset: Int?) {
    if let offset, offset != count { isContinuous = false }
    count += piece.count
    if isTextSoFar, text.push(piece) == nil { isTextSoFar = false }
  }
}

/// Text in UTF-8 that comes in pieces, which may end in the middle of a character.
struct TextPieces {
  private var kept: [UInt8] = []

  /// Whether what has come ends with a whole character.
  var isComplete: Bool { kept.isEmpty }

  /// The characters that are whole now; nil when the bytes are no text.
  mutating func push(_ piece: [UInt8]) -> String? {
    let bytes = kept + piece
    let end = bytes.count - Self.unfinishedBytes(of: bytes)
    kept = Array(bytes[end...])
    return String(validating: bytes[..<end], as: UTF8.self)
  }

  /// How many bytes at the end begin a character and do not end it: at most three.
  private static func unfinishedBytes(of bytes: [UInt8]) -> Int {
    for back in 1...3 where back <= bytes.count {
      let byte = bytes[bytes.count - back]
      if byte & 0xC0 == 0x80 { continue }
      let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
      return length > back ? back : 0
    }
    return 0
  }
}
