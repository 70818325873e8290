internal import Audit
internal import EventLoop

extension Worker {
  /// A connection to a server of some generation was opened, closed or could not be made.
  func tally(_ place: Int, _ generation: UInt8, _ route: Int32) {
    generations[generation].counters[route].add(place)
  }

  /// Counts a call that is over, if it had been passed on to its server.
  func countCall(_ slot: UInt32) {
    guard exchanges[slot].isForwarded else { return }
    let outcome = exchanges[slot].outcome
    let block = generations[exchanges[slot].generation].counters[exchanges[slot].route]
    block.add(ServerCounters.Place.results + Int(outcome.result.rawValue))
    block.add(ServerCounters.Place.serverBytes, outcome.serverBytes)
    block.add(ServerCounters.Place.maskedValues, UInt64(outcome.maskedValues))
    if outcome.result == .transportError, outcome.failedSide == .server {
      block.store(ServerCounters.Place.lastFailureCode, UInt64(max(0, outcome.systemCode)))
      block.store(ServerCounters.Place.lastFailure, exchanges[slot].record.value)
    }
    guard !exchanges[slot].isSessionStream else { return }
    let microseconds = (loop.now &- exchanges[slot].received) / 1000
    block.add(ServerCounters.Place.microseconds, microseconds)
    block.add(ServerCounters.Place.buckets + ServerCounts.bucket(of: microseconds))
  }
}
