import CLinux
import Dispatch
import Glibc

/// The signals this process answers: SIGINT (Ctrl-C) and SIGTERM stop it, SIGHUP has it read its configuration again.
///
/// Handlers write them into a pipe, and are in place when `init` returns. (A source of Dispatch puts its handler in place
/// some time later, on a thread of its own; on a busy machine a signal that comes before is lost for good.)
struct ProcessSignals {
  /// One element for each SIGHUP; several that come before the first is answered count as one.
  let reloads: AsyncStream<Void>
  private let stops: AsyncStream<Int32>
  private let source: any DispatchSourceRead

  /// From here on none of them ends the process by itself; a second SIGINT or SIGTERM does, at once, for whoever has no
  /// patience. Made once in a process.
  init() throws(CommandFailure) {
    let (stops, stopFeed) = AsyncStream<Int32>.makeStream()
    let (reloads, reloadFeed) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    self.stops = stops
    self.reloads = reloads
    let descriptor = linux_signals_open()
    guard descriptor >= 0 else {
      throw CommandFailure("Signals cannot be received: errno \(-descriptor).")
    }
    source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: .global())
    source.setEventHandler {
      while case let number = linux_signals_next(descriptor), number != 0 {
        if number == SIGHUP { reloadFeed.yield() } else { stopFeed.yield(number) }
      }
    }
    source.resume()
    for number in [SIGINT, SIGTERM, SIGHUP] {
      let code = linux_signals_watch(number, number == SIGHUP ? 0 : 1)
      guard code == 0 else {
        throw CommandFailure("Signal \(number) cannot be received: errno \(-code).")
      }
    }
  }

  /// Returns the name of the first signal to stop, at once if it came already.
  func stop() async -> String {
    for await number in stops { return number == SIGINT ? "SIGINT" : "SIGTERM" }
    return "SIGTERM"
  }
}
