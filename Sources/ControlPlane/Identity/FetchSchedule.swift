/// When a provider's keys are to be fetched: on a schedule, sooner after a failure, and at once when a token names a key that is
/// not there, but never more often than a provider could mind. Times are seconds of any clock that only goes forward.
struct FetchSchedule: Equatable {
  /// Shortest time between two fetches that tokens ask for. What is asked for meanwhile is fetched when it has passed.
  static let demandInterval: Double = 5
  /// First and longest wait after a failure; each is twice the one before.
  static let firstRetry: Double = 1
  static let longestRetry: Double = 60

  /// Seconds between two fetches when nothing is asked for and nothing fails.
  let refresh: Double
  private(set) var lastBegan: Double?
  private(set) var nextDue: Double = 0
  private(set) var failures = 0
  private(set) var isWanted = false
  private(set) var isRunning = false

  init(refresh: Double) {
    self.refresh = refresh
  }

  /// A token named an unknown key.
  mutating func want() { isWanted = true }

  func isDue(now: Double) -> Bool {
    if isRunning { return false }
    if isWanted, now >= (lastBegan ?? -.infinity) + Self.demandInterval { return true }
    return now >= nextDue
  }

  mutating func begin(now: Double) {
    isRunning = true
    isWanted = false
    lastBegan = now
  }

  /// - Parameter spread: 0…1, which part of the last tenth of the interval to leave out, so that replicas do not all ask at the
  ///   same moment.
  mutating func succeeded(now: Double, spread: Double) {
    isRunning = false
    failures = 0
    nextDue = now + refresh * (1 - 0.1 * spread)
  }

  mutating func failed(now: Double) {
    isRunning = false
    nextDue = now + min(Self.longestRetry, Self.firstRetry * Double(1 << min(failures, 10)))
    failures += 1
  }
}
