import EventLoop
import Synchronization

/// What the threads of a load run share, and what the thread that shows progress reads.
final class LoadState: Sendable {
  /// When the measured interval begins and ends, in nanoseconds of the loops' clock; known once the warm-up is over.
  let measureFrom = Atomic<UInt64>(.max)
  let measureUntil = Atomic<UInt64>(.max)
  let stops = Atomic<Bool>(false)
  /// Threads that have not ended.
  let running: Atomic<Int>
  // For the progress line, of the whole run so far.
  let answers = Atomic<Int>(0)
  let errors = Atomic<Int>(0)
  let median = Atomic<UInt64>(0)
  let percentile99 = Atomic<UInt64>(0)
  let openConnections = Atomic<Int>(0)
  let tallies = Mutex<[LoadTally]>([])
  let samples = Mutex<LoadSamples>(LoadSamples())
  let failure = Mutex<IOError?>(nil)
  let backend = Mutex<String>("")

  init(threads: Int) { running = Atomic(threads) }
}

/// What was read of the processes under test, and when.
public struct LoadSamples: Sendable {
  public var processorAtStart: UInt64?
  public var processorAtEnd: UInt64?
  public var residentBeforeIdle: Int?
  public var residentAfterIdle: Int?
  public var residentAtEnd: Int?
  /// Nanoseconds of the measured interval as it really was.
  public var interval: UInt64 = 0

  public init() {}
}
