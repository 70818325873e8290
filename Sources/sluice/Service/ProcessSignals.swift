import Dispatch
import Glibc

/// The signals this process answers: SIGINT (Ctrl-C) and SIGTERM stop it, SIGHUP has it read its configuration again.
struct ProcessSignals {
  /// One element for each SIGHUP; several that come before the first is answered count as one.
  let reloads: AsyncStream<Void>
  private let stops: AsyncStream<Int32>
  private let sources: [any DispatchSourceSignal]

  /// From here on none of them ends the process by itself; a second SIGINT or SIGTERM does, at once, for whoever has no
  /// patience.
  init() {
    let (stops, stopFeed) = AsyncStream<Int32>.makeStream()
    let (reloads, reloadFeed) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    self.stops = stops
    self.reloads = reloads
    sources =
      [SIGINT, SIGTERM].map { number in
        Self.source(number) {
          // First: whoever sees that the gateway stops may send the second one at once.
          signal(number, SIG_DFL)
          stopFeed.yield(number)
        }
      } + [Self.source(SIGHUP) { reloadFeed.yield() }]
  }

  private static func source(
    _ number: Int32, _ handler: @escaping @Sendable () -> Void
  ) -> any DispatchSourceSignal {
    signal(number, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
    source.setEventHandler(handler: handler)
    source.resume()
    return source
  }

  /// Returns the name of the first signal to stop, at once if it came already.
  func stop() async -> String {
    for await number in stops { return number == SIGINT ? "SIGINT" : "SIGTERM" }
    return "SIGTERM"
  }
}
