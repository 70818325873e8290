import Dispatch
import Glibc

/// SIGINT (Ctrl-C) and SIGTERM as something to wait for.
struct StopSignal {
  private let signals: AsyncStream<Int32>
  private let sources: [any DispatchSourceSignal]

  /// From here on both signals no longer end the process by themselves; a second one does, for whoever has no patience.
  init() {
    let (signals, feed) = AsyncStream<Int32>.makeStream()
    self.signals = signals
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        feed.yield(number)
        signal(number, SIG_DFL)
      }
      source.resume()
      return source
    }
  }

  /// Returns the name of the first signal, at once if it came already.
  func wait() async -> String {
    for await number in signals { return number == SIGINT ? "SIGINT" : "SIGTERM" }
    return "SIGTERM"
  }
}
