/// When the requests of an open loop are meant to be sent: evenly, whatever the answers do.
///
/// Latency counts from that time. A server that stalls for a second is thus charged for all the requests that were due
/// in that second, and not only for those that a waiting client got round to sending: no coordinated omission.
///
/// Example: 1000 per second over two threads: thread 0 sends at 0, 2, 4 ms …, thread 1 at 1, 3, 5 ms ….
struct LoadSchedule: BitwiseCopyable {
  private let start: UInt64
  private let interval: Double
  private let offset: Double
  private var number: UInt64 = 0

  init(rate: Double?, thread: Int, threads: Int, start: UInt64) {
    let total = 1e9 / (rate ?? 1)
    interval = total * Double(threads)
    offset = total * Double(thread)
    self.start = start
  }

  var nextIntended: UInt64 {
    start + UInt64(Double(number) * interval + offset)
  }

  mutating func advance() { number += 1 }
}
