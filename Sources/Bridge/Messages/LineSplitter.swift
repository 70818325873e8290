/// Cuts what a process writes into lines, in bounded memory: of a line over the limit nothing is kept.
///
///     push("ab")   -> nothing
///     push("c\nd") -> line "abc"
///     finish()     -> line "d"
struct LineSplitter {
  enum Piece: Equatable {
    case line([UInt8])
    /// A line was over the limit and is left out.
    case tooLong
  }

  private let bytesMax: Int
  private var kept: [UInt8] = []
  private var isSkipping = false

  init(bytesMax: Int) {
    self.bytesMax = bytesMax
  }

  /// Takes more bytes and returns what they complete. Line ends are LF or CRLF; empty lines are nothing.
  mutating func push(_ bytes: some Collection<UInt8>) -> [Piece] {
    var pieces: [Piece] = []
    var rest = bytes[...]
    while let end = rest.firstIndex(of: 0x0A) {
      keep(rest[..<end])
      complete(&pieces)
      rest = rest[rest.index(after: end)...]
    }
    keep(rest)
    return pieces
  }

  /// What is left when there is nothing more to come.
  mutating func finish() -> [Piece] {
    var pieces: [Piece] = []
    complete(&pieces)
    return pieces
  }

  private mutating func keep(_ bytes: some Collection<UInt8>) {
    guard !isSkipping else { return }
    guard kept.count + bytes.count <= bytesMax else {
      isSkipping = true
      kept = []
      return
    }
    kept += bytes
  }

  private mutating func complete(_ pieces: inout [Piece]) {
    defer {
      kept = []
      isSkipping = false
    }
    if isSkipping { return pieces.append(.tooLong) }
    if kept.last == 0x0D { kept.removeLast() }
    if !kept.isEmpty { pieces.append(.line(kept)) }
  }
}
