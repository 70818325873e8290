public import EventLoop
import Synchronization

/// One load run, from the first connection to the figures.
public final class LoadRun: Sendable {
  /// How far a run is.
  public struct Progress: Sendable {
    public var isMeasuring: Bool
    /// Since the start of the measured interval, or of the run before that.
    public var seconds: Double
    public var answers: Int
    public var errors: Int
    public var medianNanoseconds: UInt64
    public var percentile99Nanoseconds: UInt64
  }

  private let settings: LoadSettings
  private let state: LoadState

  public init(_ settings: LoadSettings) {
    var settings = settings
    settings.threads = min(max(1, settings.threads), 8, max(1, settings.connections))
    self.settings = settings
    state = LoadState(threads: settings.threads)
  }

  /// Ends the measured interval early; from any thread.
  public func stop() { state.stops.store(true, ordering: .relaxed) }

  /// Runs to the end; `progress` is called on this thread four times a second.
  /// - Throws: `IOError` when an event loop cannot be set up.
  public func run(progress: (Progress) -> Void = { _ in }) throws(IOError) -> LoadReport {
    let book = RequestBook(settings)
    var threads: [WorkerThread] = []
    let start = Clock.now
    for index in 0..<settings.threads {
      let settings = self.settings
      let state = self.state
      threads.append(
        try WorkerThread(name: "load-\(index)") {
          LoadRun.work(index, settings, book, state)
        })
    }
    var pauses = 0
    while state.running.load(ordering: .acquiring) > 0 {
      Clock.sleep(milliseconds: 10)
      pauses += 1
      if pauses % 25 == 0 { progress(currentProgress(start)) }
    }
    for thread in threads { thread.join() }
    if let failure = state.failure.withLock({ $0 }) { throw failure }
    var tally = LoadTally()
    for part in state.tallies.withLock({ $0 }) { tally.add(part) }
    return LoadReport(
      settings: settings, tally: tally, samples: state.samples.withLock { $0 },
      backend: state.backend.withLock { $0 })
  }

  private func currentProgress(_ start: UInt64) -> Progress {
    let from = state.measureFrom.load(ordering: .relaxed)
    let isMeasuring = from != .max
    return Progress(
      isMeasuring: isMeasuring,
      seconds: Double(Clock.now - min(Clock.now, isMeasuring ? from : start)) / 1e9,
      answers: state.answers.load(ordering: .relaxed),
      errors: state.errors.load(ordering: .relaxed),
      medianNanoseconds: state.median.load(ordering: .relaxed),
      percentile99Nanoseconds: state.percentile99.load(ordering: .relaxed))
  }

  private static func work(
    _ index: Int, _ settings: LoadSettings, _ book: RequestBook, _ state: LoadState
  ) {
    do throws(IOError) {
      var worker = try LoadWorker(index: index, settings, book: book, state: state)
      if index == 0 { state.backend.withLock { $0 = "\(worker.loop.backendName)" } }
      worker.run()
    } catch {
      state.failure.withLock { $0 = error }
      // The leader is the one that starts the measured interval: without it the others would wait for ever.
      state.measureFrom.store(0, ordering: .releasing)
      state.stops.store(true, ordering: .relaxed)
    }
    state.running.subtract(1, ordering: .releasing)
  }
}
