import Glibc

/// Times small pieces of work: the best of many rounds, by the clock of this thread's processor time, so that other
/// processes on the machine disturb little.
struct Harness {
  /// Only benchmarks whose name contains this are run.
  var filter: String
  /// Rounds per benchmark.
  var rounds: Int
  /// Not nil: nothing is timed, and the work is done so many times, for an instruction counter to watch.
  var count: Int?
  /// Only the names are printed.
  var listsOnly = false

  static func now() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// Runs `body` (which does its work `repeats` times) in rounds and prints the best time per repeat, and bytes per
  /// second when `bytes` says how many one repeat reads.
  func measure(_ name: String, bytes: Int = 0, repeats: Int = 16, _ body: () -> Void) {
    guard count == nil ? name.contains(filter) : name == filter else { return }
    if listsOnly { return print(name) }
    if let count {
      for _ in 0..<count { body() }
      return
    }
    body()
    var best = UInt64.max
    for _ in 0..<rounds {
      let start = Self.now()
      for _ in 0..<repeats { body() }
      best = min(best, max(1, Self.now() - start))
    }
    let nanoseconds = Double(best) / Double(repeats)
    var line = name.padded(to: 44) + decimal(nanoseconds / 1000, places: 3).padded(left: 12) + " µs"
    if bytes > 0 {
      line += decimal(Double(bytes) / nanoseconds, places: 2).padded(left: 8) + " GB/s"
    }
    print(line)
  }

  private func decimal(_ value: Double, places: Int) -> String {
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let scaled = Int((value * scale).rounded())
    let fraction = String(scaled % Int(scale))
    return "\(scaled / Int(scale))." + String(repeating: "0", count: places - fraction.count)
      + fraction
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }

  fileprivate func padded(left width: Int) -> String {
    String(repeating: " ", count: max(0, width - count)) + self
  }
}
