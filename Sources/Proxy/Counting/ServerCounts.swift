public import Audit

/// The numbers of `ServerCounters` at one moment.
public struct ServerCounts: Sendable, Equatable {
  /// Upper bounds of the buckets in microseconds; one more bucket holds what took longer.
  public static let bucketBounds: [UInt64] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000, 30_000_000, 60_000_000,
  ]
  public static let bucketCount = 16
  static let resultCount = 7

  /// Calls that were passed on to the server, by how they ended: `RecordedResult.rawValue` is the index.
  public internal(set) var results = [UInt64](repeating: 0, count: resultCount)
  /// Calls per bucket of the time from the request's arrival to the end of its answer, not cumulative. Without the streams
  /// that sessions keep open.
  public internal(set) var buckets = [UInt64](repeating: 0, count: bucketCount)
  /// The sum of these times.
  public internal(set) var microseconds: UInt64 = 0
  /// Connections to the server open now.
  public internal(set) var connections: UInt64 = 0
  public internal(set) var connectionsOpened: UInt64 = 0
  /// Attempts to connect that failed.
  public internal(set) var connectFailures: UInt64 = 0
  /// Bytes of answers before masking.
  public internal(set) var serverBytes: UInt64 = 0
  public internal(set) var maskedValues: UInt64 = 0
  /// The record of the last call that failed at the server, and its positive errno (0 when it had none).
  public internal(set) var lastFailure: RecordID?
  public internal(set) var lastFailureCode: Int32 = 0

  public init() {}

  public func calls(_ result: RecordedResult) -> UInt64 { results[Int(result.rawValue)] }

  /// The bucket of a time, found by halves.
  @inline(__always)
  static func bucket(of microseconds: UInt64) -> Int {
    if microseconds <= 250_000 {
      if microseconds <= 10_000 {
        return microseconds <= 2_500
          ? (microseconds <= 1_000 ? 0 : 1) : (microseconds <= 5_000 ? 2 : 3)
      }
      return microseconds <= 50_000
        ? (microseconds <= 25_000 ? 4 : 5) : (microseconds <= 100_000 ? 6 : 7)
    }
    if microseconds <= 5_000_000 {
      return microseconds <= 1_000_000
        ? (microseconds <= 500_000 ? 8 : 9) : (microseconds <= 2_500_000 ? 10 : 11)
    }
    return microseconds <= 30_000_000
      ? (microseconds <= 10_000_000 ? 12 : 13) : (microseconds <= 60_000_000 ? 14 : 15)
  }
}
