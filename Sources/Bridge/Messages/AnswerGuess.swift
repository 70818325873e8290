/// Whom an answer may have been for that strict reading refuses: good enough to end somebody's waiting, and nothing else.
enum AnswerGuess {
  /// The number at the key `id` of the outermost object; nil when there is none, or when this is no answer.
  ///
  ///     {"id":7,"result":{"id":8,"x":NaN}}     7
  ///     {"id":7,"method":"ping",}              nil
  static func id(_ line: [UInt8]) -> Int? {
    guard line.first == UInt8(ascii: "{") else { return nil }
    var depth = 0
    var found: Int?
    var index = 0
    while index < line.count {
      switch line[index] {
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
      case UInt8(ascii: "\""):
        let end = stringEnd(line, index)
        if depth == 1, let value = valueStart(line, end) {
          let key = line[(index + 1)..<max(index + 1, end - 1)]
          if key.elementsEqual("method".utf8) { return nil }
          if key.elementsEqual("id".utf8), found == nil { found = number(line[value...]) }
        }
        index = end
        continue
      default: break
      }
      index += 1
    }
    return found
  }

  /// One past the closing quote of the string that begins at `start`.
  private static func stringEnd(_ line: [UInt8], _ start: Int) -> Int {
    var index = start + 1
    while index < line.count, line[index] != UInt8(ascii: "\"") {
      index += line[index] == UInt8(ascii: "\\") ? 2 : 1
    }
    return min(index + 1, line.count)
  }

  /// Where the value begins, when a colon follows.
  private static func valueStart(_ line: [UInt8], _ end: Int) -> Int? {
    func skip(_ from: Int) -> Int {
      var index = from
      while index < line.count, line[index] == 0x20 || line[index] == 0x09 { index += 1 }
      return index
    }
    let colon = skip(end)
    guard colon < line.count, line[colon] == UInt8(ascii: ":") else { return nil }
    let value = skip(colon + 1)
    return value < line.count ? value : nil
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> Int? {
    let bytes = bytes.first == UInt8(ascii: "\"") ? bytes.dropFirst() : bytes
    return Int(String(decoding: bytes.prefix { (0x30...0x39).contains($0) }, as: UTF8.self))
  }
}
