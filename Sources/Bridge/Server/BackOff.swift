/// How long to wait before a program is started again that keeps failing: not at all after the first failure, then 0.5 s,
/// twice as long each time, up to 30 s.
struct BackOff {
  private(set) var failures = 0
  private var next: ContinuousClock.Instant?

  mutating func failed(now: ContinuousClock.Instant = .now) {
    failures = min(failures + 1, 16)
    let seconds = failures < 2 ? 0 : min(30, 0.25 * Double(1 << (failures - 1)))
    next = now + .seconds(seconds)
  }

  mutating func succeeded() {
    failures = 0
    next = nil
  }

  /// Nil when it may be started now.
  func wait(now: ContinuousClock.Instant = .now) -> Duration? {
    guard let next, now < next else { return nil }
    return next - now
  }
}
