import Glibc
import Testing

@testable import sluice

/// One test: the handlers are the process's, and a second SIGTERM would end it.
@Suite struct ProcessSignalsTests {
  /// Signals may come as soon as the handlers are said to be in place; a supervisor that stops what it has just started does
  /// that.
  @Test func signalsThatComeAtOnceAreNotLost() async throws {
    let signals = try ProcessSignals()
    kill(getpid(), SIGHUP)
    kill(getpid(), SIGTERM)
    for await _ in signals.reloads { break }
    #expect(await signals.stop() == "SIGTERM")
  }
}
