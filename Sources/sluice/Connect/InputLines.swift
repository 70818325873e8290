import Dispatch
import Glibc

/// Standard input, line by line, read on a thread of its own.
enum InputLines {
  static func read() -> AsyncStream<String> {
    let (lines, feed) = AsyncStream<String>.makeStream()
    DispatchQueue(label: "standard-input").async {
      while let line = readLine() {
        if line.contains(where: { !$0.isWhitespace }) { feed.yield(line) }
      }
      feed.finish()
    }
    return lines
  }
}
