/// The texts of a policy, each stored once, in one stretch of bytes.
struct TextPool {
  private(set) var bytes: [UInt8] = []
  private var known: [[UInt8]: TextRange] = [:]

  mutating func insert(_ text: String) -> TextRange {
    insert(Array(text.utf8))
  }

  mutating func insert(_ text: [UInt8]) -> TextRange {
    if let range = known[text] { return range }
    let range = TextRange(offset: UInt32(bytes.count), count: UInt32(text.count))
    bytes += text
    known[text] = range
    return range
  }
}
