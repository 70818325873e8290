internal import Foundation
internal import Synchronization

/// All sinks of a gateway, and the retention of the record that they read.
///
///     let sinks = Sinks(directory: "recordings", retention: RecordRetention()) { level, message, sink in … }
///     sinks.apply(settings)      // at the start, and again whenever the configuration changes
///     sinks.statuses             // at any time
///     sinks.stop()               // after the record is complete: sends what is left, for a moment
public final class Sinks: Sendable {
  private let directory: String
  private let gateway: String
  private let pace: SinkPace
  private let report: SinkReporter
  private let running = Mutex<[SinkRunner]>([])
  private let retention: RetentionRunner

  /// - Parameters:
  ///   - directory: the `audit.directory` of the configuration.
  ///   - gateway: names this gateway in events; the machine's name when nil.
  ///   - report: gets what an operator must know.
  public convenience init(
    directory: String, retention: RecordRetention = RecordRetention(), gateway: String? = nil,
    report: @escaping SinkReporter
  ) {
    self.init(
      directory: directory, retention: retention, gateway: gateway, pace: SinkPace(), report: report
    )
  }

  init(
    directory: String, retention: RecordRetention, gateway: String?, pace: SinkPace,
    report: @escaping SinkReporter
  ) {
    self.directory = directory
    self.gateway = gateway ?? ProcessInfo.processInfo.hostName
    self.pace = pace
    self.report = report
    self.retention = RetentionRunner(directory: directory, retention: retention, report: report)
  }

  /// Where sinks that are new, and begin with what is recorded from now on, will begin.
  ///
  /// To be asked before the gateway takes calls, and given to `apply` afterwards: otherwise calls in between would be missed.
  public func beginnings(of settings: [SinkSettings]) -> SinkBeginnings {
    var beginnings = SinkBeginnings()
    for sink in settings {
      let known = (try? CursorFile(directory: directory, sink: sink.name).read()) ?? nil
      if known == nil, let cursor = try? SinkCursor.start(sink.start, in: directory) {
        beginnings.cursors[sink.name] = cursor
      }
    }
    return beginnings
  }

  /// Puts these sinks to work: those that are new or changed begin, those that are gone end, the others go on.
  public func apply(_ settings: [SinkSettings], beginnings: SinkBeginnings = SinkBeginnings()) {
    let (ending, staying) = running.withLock { running in
      let ending = running.filter { runner in !settings.contains(runner.settings) }
      running.removeAll { runner in !settings.contains(runner.settings) }
      return (ending, running)
    }
    for runner in ending { runner.stop() }
    for runner in ending { runner.waitUntilStopped() }
    let new = settings.filter { sink in !staying.contains { $0.settings == sink } }.map { sink in
      SinkRunner(
        sink, directory: directory, gateway: gateway, pace: pace,
        beginning: beginnings.cursors[sink.name], report: report)
    }
    running.withLock { $0 += new }
    retention.apply(sinks: settings.map(\.name))
    for runner in new { runner.start() }
    retention.start()
  }

  /// How they are doing, in the order of their names.
  public var statuses: [SinkStatus] {
    running.withLock { $0 }.map(\.status).sorted { $0.name < $1.name }
  }

  /// Sends what is left, for a few seconds at most, and ends all threads.
  public func stop() {
    retention.stop()
    let runners = running.withLock { running in
      defer { running = [] }
      return running
    }
    for runner in runners { runner.stop() }
    for runner in runners { runner.waitUntilStopped() }
  }

  /// What can be said of sinks from outside the gateway's process: by the cursors in its directory.
  public static func statuses(of settings: [SinkSettings], in directory: String) -> [SinkStatus] {
    settings.map { sink in
      var status = SinkStatus(sink)
      do throws(SinkError) {
        guard let cursor = try CursorFile(directory: directory, sink: sink.name).read() else {
          return status
        }
        status.state = .delivering
        status.lastSequence = cursor.lastSequence
        status.lagBytes = SinkLag.bytes(behind: cursor, in: directory)
      } catch {
        status.state = .failing
        status.lastError = error.description
      }
      return status
    }
  }
}

/// Where new sinks begin, found before the gateway took calls.
public struct SinkBeginnings: Sendable {
  var cursors: [String: SinkCursor] = [:]

  public init() {}
}
