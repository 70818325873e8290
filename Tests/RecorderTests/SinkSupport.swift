import Audit
import Foundation
import Synchronization

@testable import Recorder

/// A small seeded generator (SplitMix64), so that a failure can be repeated.
struct Seeded: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// What a receiver got, over all its connections.
final class Inbox: Sendable {
  private let events = Mutex<[AuditEvent]>([])
  /// How many more times delivering fails.
  let failures = Mutex(0)

  var all: [AuditEvent] { events.withLock { $0 } }
  /// Without what came twice.
  var distinct: [AuditEvent] {
    var seen: Set<String> = []
    return all.filter { seen.insert($0.id).inserted }
  }
  func add(_ new: some Sequence<AuditEvent>) { events.withLock { $0 += new } }
}

/// Takes events into an inbox, with accidents: it fails before, in the middle of, or after taking a batch.
final class ClumsyReceiver: SinkReceiver {
  private let inbox: Inbox
  private var generator: Seeded
  private(set) var handedOver: UInt64 = 0

  init(_ inbox: Inbox, seed: UInt64) {
    self.inbox = inbox
    generator = Seeded(seed)
  }

  func connect() throws(SinkError) {}
  func taken() -> UInt64 { handedOver }

  func deliver(_ events: [AuditEvent]) throws(SinkError) {
    let fails = inbox.failures.withLock { failures in
      guard failures > 0 else { return false }
      failures -= 1
      return true
    }
    guard fails else {
      inbox.add(events)
      handedOver += UInt64(events.count)
      return
    }
    inbox.add(events.prefix(Int.random(in: 0...events.count, using: &generator)))
    throw SinkError("an accident")
  }
}

extension SinkPace {
  /// Quick enough for tests.
  static var brisk: SinkPace {
    var pace = SinkPace()
    pace.idleMilliseconds = 2
    pace.cursorMilliseconds = 0
    pace.retryMilliseconds = 2
    pace.retryMillisecondsMax = 4
    // A disk that hangs for seconds, beside a build for example, makes no test give up what it has begun.
    pace.stopMilliseconds = 600_000
    return pace
  }
}

/// Waits for something that another thread does; false after a generous time.
func eventually(_ condition: () -> Bool) -> Bool {
  for _ in 0..<100_000 {
    if condition() { return true }
    usleep(1000)
  }
  return false
}

extension SinkReader {
  /// Everything there is, in batches of `count`.
  mutating func readAll(_ count: Int = 1000) throws -> (events: [AuditEvent], cursor: SinkCursor) {
    var events: [AuditEvent] = []
    while true {
      let batch = try next(count)
      events += batch.events
      if batch.isLevel, batch.events.isEmpty { return (events, batch.cursor) }
    }
  }
}
