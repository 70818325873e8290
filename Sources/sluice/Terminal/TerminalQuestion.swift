import Glibc

/// Waits for a line on standard input without stopping everything else.
struct TerminalQuestion {
  private var typed: [UInt8] = []
  private var isEnded = false

  static var isPossible: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 }

  /// The next line, if it is there within the time; nil otherwise, and for ever once the input has ended.
  mutating func answer(milliseconds: Int32) -> String? {
    var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    guard !isEnded else {
      usleep(useconds_t(milliseconds) * 1000)
      return nil
    }
    guard unsafe poll(&entry, 1, milliseconds) > 0 else { return nil }
    var piece = [UInt8](repeating: 0, count: 256)
    let count = unsafe read(STDIN_FILENO, &piece, piece.count)
    guard count > 0 else {
      isEnded = true
      return nil
    }
    typed += piece[..<count]
    guard let end = typed.firstIndex(of: 0x0A) else { return nil }
    defer { typed.removeSubrange(...end) }
    let line = String(decoding: typed[..<end], as: UTF8.self)
    return line.filter { !$0.isWhitespace }
  }
}
